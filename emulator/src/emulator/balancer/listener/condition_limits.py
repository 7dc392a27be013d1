"""Limits of a listener rule's conditions, beyond which AWS rejects the rule.

Source: "Condition types for listener rules" and "Quotas", user guide of Application Load
Balancers; RuleCondition and what it refers to in the API reference.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from emulator.providers import EmulatorError

# Of one rule. The guide also says three values a condition; AWS takes five.
MOST_VALUES = 5
MOST_WILDCARDS = 6
LONGEST_VALUE = 128
LONGEST_NAME = 40  # of a header, and of a method
_ONCE = ("host-header", "http-request-method", "path-pattern", "source-ip")


def check_counts(
    where: str, conditions: Sequence[tuple[str, Sequence[Any], Sequence[str]]]
) -> None:
    """For each condition its field, its values, and the strings in them."""
    if not conditions:
        raise EmulatorError(f"{where}: a rule without conditions: only the default rule has none")
    for field, count in Counter(field for field, _, _ in conditions).items():
        if field in _ONCE and count > 1:
            raise EmulatorError(
                f"{where}: {count} conditions for {field}: a rule has at most one, so give that "
                "one several values, or make several rules"
            )
    values = sum(len(its) for _, its, _ in conditions)
    texts = [text for _, _, its in conditions for text in its]
    wildcards = sum(len(re.findall(r"(?<!\\)[*?]", text)) for text in texts)
    for count, what, most in (
        (values, "values", MOST_VALUES),
        (wildcards, "wildcards", MOST_WILDCARDS),
    ):
        if count > most:
            raise EmulatorError(
                f"{where}: {count} {what} in its conditions: a rule has at most {most}, so make "
                "several rules"
            )


def check_lengths(where: str, field: str, texts: Iterable[str]) -> None:
    for text in texts:
        if not 1 <= len(text) <= LONGEST_VALUE:
            raise EmulatorError(
                f"{where}: the condition {field} has the value {text!r}: a value has 1 to "
                f"{LONGEST_VALUE} characters"
            )


def hosts(where: str, values: Sequence[str]) -> Sequence[str]:
    for value in values:
        if not re.fullmatch(r"[A-Za-z0-9*?.-]*\.[A-Za-z*?]+", value):
            raise EmulatorError(
                f"{where}: the host {value!r}: a host has letters, digits, - . * ? and a dot with "
                "letters only after it"
            )
    return values


def paths(where: str, values: Sequence[str]) -> Sequence[str]:
    for value in values:
        if not re.fullmatch(r"[A-Za-z0-9_\-.$/~\"'@:+&*?\\]*", value):
            raise EmulatorError(
                f"{where}: the path {value!r}: a path pattern has letters, digits and "
                "_ - . $ / ~ \" ' @ : + & * ? only"
            )
    return values


def methods(where: str, values: Sequence[str]) -> Sequence[str]:
    for value in values:
        if not re.fullmatch(rf"[A-Z_-]{{1,{LONGEST_NAME}}}", value):
            raise EmulatorError(
                f"{where}: the method {value!r}: a method has 1 to {LONGEST_NAME} characters, "
                "capitals, - and _ only"
            )
    return values


def header_name(where: str, name: str) -> str:
    """A header's name in lower case; its characters are those of RFC 9110 section 5.1."""
    if name.lower() == "host":
        raise EmulatorError(f"{where}: a condition on the header Host: make it one on host-header")
    if not re.fullmatch(rf"[!#$%&'*+.^_`|~0-9A-Za-z-]{{1,{LONGEST_NAME}}}", name):
        raise EmulatorError(
            f"{where}: HttpHeaderName {name!r} is not the name of a header, of 1 to {LONGEST_NAME} "
            "characters"
        )
    return name.lower()
