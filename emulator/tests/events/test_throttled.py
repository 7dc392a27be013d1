"""A function that is throttled for long: what waits for it is given up as AWS does.

Source: Lambda developer guide, "Handling errors for an SQS event source" (throttled batches become
visible again, and are received once more), "Using AWS Lambda with Amazon DynamoDB"
(MaximumRecordAgeInSeconds).
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.events import poller, streams
from emulator.events.batching import Work
from emulator.events.model import read_mapping
from emulator.events.queues import QueuePoller
from emulator.events.streams import StreamPoller
from emulator.providers import InvokeResult, NoFreeWorker, Throttled

MESSAGE = {"MessageId": "m", "ReceiptHandle": "r", "Body": "b", "MD5OfBody": ""}
QUEUE = "arn:aws:sqs:us-east-1:1:q"
STREAM = "arn:aws:dynamodb:us-east-1:1:table/T/stream/s"
OLD = {"dynamodb": {"SequenceNumber": "1", "ApproximateCreationDateTime": 1.0, "Keys": {}}}


class Clock:
    """A clock that is ten seconds later at each reading."""

    def __init__(self) -> None:
        self.looks = 0

    def now(self) -> float:
        self.looks += 1
        return 10.0 * self.looks

    def real(self, seconds: float) -> float:
        return seconds


class Function:
    def __init__(self, throttled: int, error: Throttled | None = None) -> None:
        self.calls, self.throttled = 0, throttled
        self.error = error or Throttled("f")

    async def invoke(self, _function: str, _event: bytes) -> InvokeResult:
        self.calls += 1
        if self.calls <= self.throttled:
            raise self.error
        return InvokeResult(b"null", False)


class Aws:
    def __init__(self) -> None:
        self.made: list[tuple[str, Any]] = []

    async def __call__(self, _service: str, operation: str, **given: Any) -> dict[str, Any]:
        self.made.append((operation, given.get("Entries")))
        return {"QueueUrl": "u"}


def stream(function: Function, age: int) -> StreamPoller:
    properties = {
        "EventSourceArn": STREAM,
        "FunctionName": "f",
        "StartingPosition": "LATEST",
        "MaximumRecordAgeInSeconds": age,
    }
    given: Any = (read_mapping("m", properties), Aws(), function.invoke, Clock(), lambda _: None)
    return StreamPoller(*given)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "_AGAIN", 0)


@pytest.mark.parametrize(("throttled", "operation"), [(2, "Delete"), (99, "ChangeVisibility")])
def test_a_queues_messages_are_visible_again_when_their_timeout_is_over(
    throttled: int, operation: str
) -> None:
    aws, function = Aws(), Function(throttled)
    mapping = read_mapping("m", {"EventSourceArn": QUEUE, "FunctionName": "f"})
    given: Any = (mapping, aws, function.invoke, Clock(), lambda _: None)
    reading = QueuePoller(*given)
    asyncio.run(reading._handle([MESSAGE]))
    ((made, entries),) = aws.made
    assert made.startswith(operation.removesuffix("Visibility"))
    if throttled > 2:
        assert entries[0]["VisibilityTimeout"] == 0
        assert function.calls == 3  # in 30 seconds


def test_a_queues_messages_stay_hidden_while_this_machine_has_no_free_worker() -> None:
    aws, function = Aws(), Function(99, NoFreeWorker("f", 5))
    mapping = read_mapping("m", {"EventSourceArn": QUEUE, "FunctionName": "f"})
    given: Any = (mapping, aws, function.invoke, Clock(), lambda _: None)
    reading = QueuePoller(*given)
    asyncio.run(reading._handle([MESSAGE]))
    *hidden, (last, _) = aws.made
    assert [name for name, _ in hidden] == ["ChangeMessageVisibilityBatch"] * 99
    assert {entries[0]["VisibilityTimeout"] for _, entries in hidden} == {30}
    assert last == "DeleteMessageBatch"


def test_a_streams_records_do_not_age_while_this_machine_has_no_free_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    function = Function(99, NoFreeWorker("f", 10))
    # each call takes the ten seconds that it waits
    monkeypatch.setattr(streams, "time", SimpleNamespace(time=lambda: 10.0 * function.calls))
    reading = stream(function, age=60)
    asyncio.run(reading._deliver(Work((OLD,))))
    assert (reading.state()["discarded"], reading.delivered) == (0, 1)
    assert reading._delayed == 0.0  # nothing else waits


@pytest.mark.parametrize(("age", "throttled", "discarded"), [(-1, 20, 0), (60, 999, 1)])
def test_a_streams_records_are_given_up_when_they_are_too_old(
    monkeypatch: pytest.MonkeyPatch, age: int, throttled: int, discarded: int
) -> None:
    clock, function = Clock(), Function(throttled)
    monkeypatch.setattr(streams, "time", SimpleNamespace(time=clock.now))
    reading = stream(function, age)
    asyncio.run(reading._deliver(Work((OLD,))))
    assert reading.state()["discarded"] == discarded
    assert function.calls == (6 if discarded else 21)  # a reading before the first one
