from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from tests.rows import rows

from emulator.events import batching
from emulator.events.batching import Discarded, Unreported, Work, after_invocation, without_old
from emulator.events.model import EventSourceMapping, read_mapping
from emulator.providers import InvokeResult

FAILED = InvokeResult(b'{"errorType": "ValueError"}', True)


def mapping(**properties: Any) -> EventSourceMapping:
    return read_mapping(
        "S/Mapping",
        {
            "EventSourceArn": "arn:aws:dynamodb:us-east-1:1:table/chats/stream/now",
            "FunctionName": "watch",
            "StartingPosition": "TRIM_HORIZON",
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            **properties,
        },
    )


def records(numbers: Iterable[int]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"dynamodb": {"SequenceNumber": str(number), "ApproximateCreationDateTime": number}}
        for number in numbers
    )


def reporting(*failed: Any) -> InvokeResult:
    failures = [{"itemIdentifier": each} for each in failed]
    return InvokeResult(json.dumps({"batchItemFailures": failures}).encode(), False)


def numbers(step: Work | Discarded) -> list[int]:
    return [int(batching.sequence_number(record)) for record in step.records]


def test_a_batch_is_due_when_it_is_full_or_its_window_or_six_megabytes_are() -> None:
    five = mapping(MaximumBatchingWindowInSeconds=5, BatchSize=10)
    assert not batching.is_due(0, 0, 99, five)
    assert not batching.is_due(9, 0, 4.9, five)
    assert batching.is_due(1, 0, 5, five)
    assert batching.is_due(10, 0, 0, five)
    assert batching.is_due(1, 6 * 1024 * 1024, 0, five)
    assert batching.is_due(1, 0, 0, mapping())


# "Reporting batch item failures"; the empty list as LocalStack has recorded it of Lambda.
@pytest.mark.parametrize(
    "payload",
    [
        b"null",
        b"{}",
        b"[]",
        b'""',
        b'{"batchItemFailures": []}',
        b'{"batchItemFailures": null}',
        b'{"failures": [1]}',
    ],
)
def test_a_response_without_failures_is_a_success(payload: bytes) -> None:
    result = InvokeResult(payload, False)
    assert batching.failed_items(result, ["1"], True) == []


@rows(
    "payload",
    [
        b"not json",
        b"[1]",
        b'"text"',
        b'{"batchItemFailures": [{}]}',
        b'{"batchItemFailures": [{"itemIdentifier": ""}]}',
        b'{"batchItemFailures": [{"itemIdentifier": null}]}',
        b'{"batchItemFailures": [{"itemIdentifier": "9"}]}',
        b'{"batchItemFailures": ["1"]}',
        b'{"batchItemFailures": {}}',
        b'{"batchItemFailures": ""}',
        b'{"batchItemFailures": 0}',
        b'{"batchItemFailures": [{"foo": 123}]}',
        b'{"batchItemFailures": [{"itemIdentifier": ["1"]}]}',
        b"0",
        b"false",
        b"[" * 100_000,
    ],
    ids=lambda payload: payload[:40].decode(),
)
def test_a_response_that_names_no_item_of_the_batch_fails_all_of_it(payload: bytes) -> None:
    with pytest.raises(Unreported):
        batching.failed_items(InvokeResult(payload, False), ["1", "2"], True)


def test_records_of_six_megabytes_go_together_and_a_larger_one_goes_alone() -> None:
    megabyte = {"a": "x" * (1024 * 1024 - len('{"a": ""}') - len(", "))}
    assert len(batching.first_that_fit([megabyte] * 10, 10)) == 5  # with what is around them
    assert len(batching.first_that_fit([megabyte] * 10, 3)) == 3
    assert len(batching.first_that_fit([{"a": "x" * batching.MAX_EVENT}, megabyte], 2)) == 1
    assert batching.first_that_fit([], 5) == []


def test_without_partial_responses_only_a_function_error_is_a_failure() -> None:
    assert batching.failed_items(reporting("1"), ["1"], False) == []
    with pytest.raises(Unreported):
        batching.failed_items(FAILED, ["1"], False)


def test_the_lowest_failed_record_is_where_the_next_batch_begins() -> None:
    (rest,) = after_invocation(Work(records(range(1, 7)), 2, 2), reporting("5", "3"), mapping())
    assert isinstance(rest, Work)
    assert numbers(rest) == [3, 4, 5, 6]
    assert (rest.attempts, rest.invocations) == (0, 3)


def test_a_batch_that_succeeds_leaves_nothing() -> None:
    assert after_invocation(Work(records([1, 2])), reporting(), mapping()) == []


def test_a_failed_batch_is_bisected_without_counting_as_an_attempt() -> None:
    bisecting = mapping(BisectBatchOnFunctionError=True, MaximumRetryAttempts=1)
    for result in (FAILED, reporting("1")):
        halves = after_invocation(Work(records([1, 2, 3])), result, bisecting)
        assert [numbers(half) for half in halves] == [[1, 2], [3]]
        assert all(isinstance(half, Work) and half.attempts == 0 for half in halves)


def test_a_record_that_always_fails_is_given_up_alone() -> None:
    bisecting = mapping(BisectBatchOnFunctionError=True, MaximumRetryAttempts=2)
    pending: list[Work | Discarded] = [Work(records(range(8)))]
    done: list[int] = []
    given_up: list[Discarded] = []
    while pending:
        step = pending.pop(0)
        if isinstance(step, Discarded):
            given_up.append(step)
            continue
        poisoned = 5 in numbers(step)
        following = after_invocation(step, FAILED if poisoned else reporting(), bisecting)
        done += [] if poisoned else numbers(step)
        pending[:0] = following
    assert done == [0, 1, 2, 3, 4, 6, 7]
    assert [numbers(each) for each in given_up] == [[5]]
    assert given_up[0].condition == "RetryAttemptsExhausted"
    assert given_up[0].invocations == 6  # three splits and three attempts


def test_retries_are_counted_and_without_a_limit_never_end() -> None:
    (again,) = after_invocation(Work(records([1]), 4, 4), FAILED, mapping())
    assert again == Work(records([1]), 5, 5)
    (over,) = after_invocation(Work(records([1]), 5, 5), FAILED, mapping(MaximumRetryAttempts=5))
    assert over == Discarded(records([1]), "RetryAttemptsExhausted", 6)


def test_records_that_are_too_old_are_given_up_before_the_rest_goes_on() -> None:
    aging = mapping(MaximumRecordAgeInSeconds=60)
    work = Work(records([10, 50, 100]), 1, 1)
    assert without_old(work, 70, aging) == [work]
    old, rest = without_old(work, 115, aging)
    assert isinstance(old, Discarded)
    assert (numbers(old), old.condition) == ([10, 50], "RecordAgeExceeded")
    assert numbers(rest) == [100]
    assert without_old(work, 1e9, mapping()) == [work]
    assert len(without_old(work, 1e9, aging)) == 1


def test_attempts_are_further_and_further_apart_up_to_a_minute() -> None:
    assert [batching.backoff(attempts) for attempts in (1, 2, 3, 7, 50)] == [1, 2, 4, 60, 60]
