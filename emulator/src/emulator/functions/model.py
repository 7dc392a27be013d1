"""A function as its template describes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emulator.template.place import Place

LATEST = "$LATEST"  # the qualifier of the code that was deployed last
_ARN = re.compile(
    r"arn:[^:]+:lambda:[^:]*:\d+:function:([A-Za-z0-9_-]+)(?::([A-Za-z0-9_-]+|\$LATEST))?"
)
# "Function name", "Function ARN" and "Partial ARN" of Invoke, API reference
_PARTIAL = re.compile(r"(?:(?:[a-z]{2}(?:-[a-z]+)+-\d:)?\d{12}:)?(?:function:)?(?=[^:])")
_CDK_SUFFIX = re.compile(r"(Function)?[0-9A-F]{8}$")


@dataclass(frozen=True)
class Function:
    """`code` is the directory it runs from; `timeout` is in seconds; `reserved` is its reserved
    concurrency; `log` the file its output goes to, `log_group` what stands for it on AWS;
    `dead_letters` the ARN of the queue that gets asynchronous events that were given up."""

    name: str
    arn: str
    label: str
    handler: str
    code: Path
    log: Path
    runtime: str = "python3.13"
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 3.0
    memory: int = 128
    reserved: int | None = None
    log_group: str = ""
    dead_letters: str = ""


def name_in(reference: str) -> str:
    """The function's name in an ARN, in an API Gateway invocation URI, or as it is."""
    return qualified(reference)[0]


def qualified(reference: str) -> tuple[str, str | None]:
    """Name and qualifier, a version or an alias, in an ARN, in a partial one, in an invocation URI,
    or as they are (`name:alias`); without a qualifier None."""
    found = _ARN.search(reference)
    if found:
        return found[1], found[2]
    name, _, qualifier = _PARTIAL.sub("", reference, count=1).partition(":")
    return name, qualifier or None


def arn_of(reference: str, place: Place) -> str:
    """The ARN in this place of what `qualified` finds in the reference."""
    name, qualifier = qualified(reference)
    arn = f"arn:{place.partition}:lambda:{place.region}:{place.account}:function:{name}"
    return f"{arn}:{qualifier}" if qualifier else arn


def label_of(logical_id: str) -> str:
    """A logical id without what the CDK puts behind it: `SendFunction3F2A1B00` is `Send`."""
    return _CDK_SUFFIX.sub("", logical_id) or logical_id
