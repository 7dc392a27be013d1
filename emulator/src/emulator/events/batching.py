"""Decisions about a batch of records, without I/O.

Source: Lambda developer guide, "Using AWS Lambda with Amazon DynamoDB" (batching, partial batch
responses, bisecting, retries, discarded batches) and "Handling errors for an SQS event source".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.events.model import EventSourceMapping
from emulator.events.parameters import FOREVER
from emulator.providers import InvokeResult

MAX_EVENT = 6 * 1024 * 1024  # bytes
_WRAPPER = len('{"Records": []}')
# A response that reports nothing; the empty list is what LocalStack has recorded of Lambda.
_EMPTY: tuple[Any, ...] = (None, "", [], {})

Record = Mapping[str, Any]


def is_due(count: int, size: int, waited: float, mapping: EventSourceMapping) -> bool:
    """Whether `count` records of `size` bytes, the first of which has waited this many template
    seconds, go to the function now."""
    return count > 0 and (
        count >= mapping.batch_size or size >= MAX_EVENT or waited >= mapping.window
    )


def size_of(record: Record) -> int:
    """Bytes of an event that the record takes."""
    return len(json.dumps(record)) + len(", ")


def first_that_fit(records: Sequence[Record], most: int) -> Sequence[Record]:
    """The first records that fit into one event: `most` of them at most, and at least one."""
    size = _WRAPPER
    for count, record in enumerate(records[:most]):
        size += size_of(record)
        if count and size > MAX_EVENT:
            return records[:count]
    return records[:most]


class Unreported(Exception):
    """The function failed, or its response does not say which items did."""


def failed_items(result: InvokeResult, known: Sequence[str], partial: bool) -> list[str]:
    """The identifiers that the function reports as failed, in the order of `known`.

    Raises Unreported where the batch counts as failed as a whole: a function error, a response
    that is no partial batch response, or an identifier the batch does not have.
    """
    if result.error:
        raise Unreported
    if not partial:
        return []
    try:
        response = json.loads(result.payload)
        failures = {} if response in _EMPTY else response
        listed = failures.get("batchItemFailures")
        if not isinstance(listed, list | None):
            raise Unreported
        reported = {failure["itemIdentifier"] for failure in listed or []}
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        raise Unreported from None
    if not reported <= set(known):
        raise Unreported
    return [identifier for identifier in known if identifier in reported]


@dataclass(frozen=True)
class Work:
    """Records of a shard that go to the function together; `attempts` counts how often they did,
    `invocations` how often any batch they were part of did."""

    records: tuple[Record, ...]
    attempts: int = 0
    invocations: int = 0


@dataclass(frozen=True)
class Discarded:
    """Records that are given up; `condition` is AWS's word for why."""

    records: tuple[Record, ...]
    condition: str
    invocations: int


def sequence_number(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def after_invocation(
    work: Work, result: InvokeResult, mapping: EventSourceMapping
) -> list[Work | Discarded]:
    """The work that follows for these records, in order; empty when all are done."""
    numbers = [sequence_number(record) for record in work.records]
    invocations = work.invocations + 1
    try:
        failed = failed_items(result, numbers, mapping.partial_failures)
    except Unreported:
        failed = numbers[:1]
    if not failed:
        return []
    first = numbers.index(failed[0])
    rest = work.records[first:]
    if first > 0:  # what comes before it is done, so this is another batch
        return [Work(rest, 0, invocations)]
    if mapping.bisect and len(rest) > 1:  # splitting does not count as an attempt
        half = (len(rest) + 1) // 2
        return [
            Work(rest[:half], work.attempts, invocations),
            Work(rest[half:], work.attempts, invocations),
        ]
    if mapping.retries != FOREVER and work.attempts >= mapping.retries:
        return [Discarded(rest, "RetryAttemptsExhausted", invocations)]
    return [Work(rest, work.attempts + 1, invocations)]


def without_old(work: Work, now: float, mapping: EventSourceMapping) -> list[Work | Discarded]:
    """The work without records that are older than the mapping allows; `now` in epoch seconds."""
    if mapping.max_age == FOREVER:
        return [work]
    limit = now - mapping.max_age
    young = [record for record in work.records if _created(record) >= limit]
    if len(young) == len(work.records):
        return [work]
    old = tuple(record for record in work.records if _created(record) < limit)
    discarded = Discarded(old, "RecordAgeExceeded", work.invocations)
    rest: list[Work | Discarded] = [discarded]
    if young:
        rest.append(Work(tuple(young), work.attempts, work.invocations))
    return rest


def _created(record: Record) -> float:
    return float(record["dynamodb"]["ApproximateCreationDateTime"])


def backoff(attempts: int) -> float:
    """Template seconds before a batch is tried again."""
    return float(min(2 ** max(0, attempts - 1), 60))
