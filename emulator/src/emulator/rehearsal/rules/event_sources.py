"""Event source mappings that Lambda does not create, or does not change so.

"Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds": it looks when the
mapping is created, not when the queue or the function changes afterwards.
https://github.com/winglang/wing/issues/1507, https://github.com/mongodb/docs-worker-pool/pull/878
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.events.filters import compile_filters
from emulator.events.parameters import check_values
from emulator.providers import EmulatorError
from emulator.rehearsal.account import Live
from emulator.rehearsal.changes import Act, Deployment, StackUpdate
from emulator.rehearsal.findings import Finding, Kind

MAPPING, QUEUE, FUNCTION = (
    "AWS::Lambda::EventSourceMapping",
    "AWS::SQS::Queue",
    "AWS::Lambda::Function",
)
HIDDEN, TIMEOUT = 30, 3  # seconds, the defaults of the two


def findings(deployment: Deployment) -> Iterator[Finding]:
    for update in deployment.updates:
        mappings = [
            change
            for change in update.of(Act.CREATED, Act.REPLACED, Act.CHANGED)
            if change.resource.type == MAPPING
        ]
        known = _by_ref(update) if mappings else {}
        for change in mappings:
            yield from _values(update, change.resource, known)
            if change.act is not Act.CHANGED:
                yield from _timeouts(update, change.resource, known)


def _by_ref(update: StackUpdate) -> dict[str, Live]:
    stacks = (*update.account.values(), update.after)
    return {live.ref: live for stack in stacks for live in stack.resources.values()}


def _found(known: Mapping[str, Live], value: Any) -> Live | None:
    """The resource that a value refers to; of an alias or a version the function."""
    live = known.get(str(value).partition("#")[0])
    if live is not None and live.type in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
        return _found(known, live.properties.get("FunctionName"))
    return live


def _values(update: StackUpdate, live: Live, known: Mapping[str, Live]) -> Iterator[Finding]:
    given = {
        name: value
        for name, value in live.properties.items()
        if value is not None and not str(value).startswith("<")  # known when it is deployed
    }
    source = str(given.get("EventSourceArn"))
    stream, queue = ":dynamodb:" in source, _found(known, source)
    if not stream and ":sqs:" not in source:
        return
    fifo = str(queue.properties.get("FifoQueue")).lower() == "true" if queue else False
    try:
        check_values(live.name, given, stream=stream, fifo=fifo or source.endswith(".fifo"))
        compile_filters(given.get("FilterCriteria"), source)
    except EmulatorError as error:
        sentence = str(error).removeprefix(f"{live.name}: ")
        yield Finding(Kind.REJECTED, update.name, live.name, sentence)


def _timeouts(update: StackUpdate, live: Live, known: Mapping[str, Live]) -> Iterator[Finding]:
    queue = _found(known, live.properties.get("EventSourceArn"))
    function = _found(known, live.properties.get("FunctionName"))
    if not (queue and queue.type == QUEUE and function and function.type == FUNCTION):
        return
    try:
        hidden = int(queue.properties.get("VisibilityTimeout", HIDDEN))
        timeout = int(function.properties.get("Timeout", TIMEOUT))
    except (TypeError, ValueError):  # known when it is deployed
        return
    if hidden < timeout:
        yield Finding(
            Kind.REJECTED,
            update.name,
            live.name,
            f"the queue {queue.name} hides a message for {hidden} s, less than the timeout of the "
            f"function {function.name}, {timeout} s",
            "Give the queue a longer VisibilityTimeout; AWS recommends six times the timeout",
        )
