"""A stream's poller whose calls to AWS fail: each record is handled or given up, none is left out."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from tests.functions.hosts import until

from emulator.aws.calls import AwsError
from emulator.clock import Clock
from emulator.events import streams
from emulator.events.model import read_mapping
from emulator.events.streams import StreamPoller
from emulator.providers import InvokeResult

RECORDS = 8
POISON = "1"  # the function always fails with this record
STEPS = ("GetQueueUrl", "SendMessage", "GetRecords", "DescribeStream", "Invoke")


class FakeAws:
    """A stream of RECORDS records, a failure queue and a function. `failing` has for each
    operation how many of its next calls fail."""

    def __init__(self, first: int, **failing: int) -> None:
        self.first, self.failing = first, failing
        self.iterators: list[int] = []  # what each has read up to
        self.handled: list[str] = []
        self.notices: list[int] = []  # how many records each is of

    def _may_fail(self, operation: str) -> None:
        if self.failing.get(operation):
            self.failing[operation] -= 1
            raise AwsError(operation, "ServiceUnavailable", "busy")

    async def call(self, service: str, operation: str, **given: Any) -> dict[str, Any]:
        if self.iterators:  # the poller has started
            self._may_fail(operation)
        return getattr(self, f"_{operation}", lambda _: {"QueueUrl": "u"})(given)

    def _DescribeStream(self, _: Any) -> dict[str, Any]:
        return {"StreamDescription": {"Shards": [{"ShardId": "s"}]}}

    def _GetShardIterator(self, given: Any) -> dict[str, Any]:
        begun = bool(self.iterators)  # an iterator of type LATEST would miss what there is by then
        kind = given["ShardIteratorType"]
        after = {"LATEST": self.first + RECORDS if begun else 0, "TRIM_HORIZON": 0}
        self.iterators.append(int(given.get("SequenceNumber") or after[kind]))
        return {"ShardIterator": str(len(self.iterators) - 1)}

    def _GetRecords(self, given: Any) -> dict[str, Any]:
        at = self.iterators[int(given["ShardIterator"])]
        numbers = [n for n in range(self.first, self.first + RECORDS) if n > at]
        self.iterators.append(max([at, *numbers]))
        now = time.time()
        found = [
            {"dynamodb": {"SequenceNumber": str(n), "ApproximateCreationDateTime": now, "Keys": {}}}
            for n in numbers
        ]
        return {"NextShardIterator": str(len(self.iterators) - 1), "Records": found}

    def _SendMessage(self, given: Any) -> dict[str, Any]:
        self.notices.append(json.loads(given["MessageBody"])["DDBStreamBatchInfo"]["batchSize"])
        return {}

    async def invoke(self, function: str, event: bytes) -> InvokeResult:
        self._may_fail("Invoke")
        numbers = [r["dynamodb"]["SequenceNumber"] for r in json.loads(event)["Records"]]
        if POISON in numbers:
            return InvokeResult(b"{}", True)
        self.handled += numbers
        return InvokeResult(b"null", False)


@pytest.mark.parametrize("start", ["TRIM_HORIZON", "LATEST"])
@pytest.mark.parametrize("steps", [*((step,) for step in STEPS), ("SendMessage", *STEPS[2:])])
def test_a_failed_call_leaves_out_no_record(
    monkeypatch: pytest.MonkeyPatch, steps: tuple[str, ...], start: str
) -> None:
    monkeypatch.setattr(streams, "AGAIN", 0.001)
    monkeypatch.setattr("emulator.events.poller._RESTART", 0.001)
    queue = {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:1:dead"}}
    mapping = read_mapping(
        "m",
        {
            "EventSourceArn": "arn:aws:dynamodb:us-east-1:1:table/T/stream/s",
            "FunctionName": "f",
            "StartingPosition": start,
            "BatchSize": 4,
            "MaximumRetryAttempts": 0,
            "BisectBatchOnFunctionError": True,
            "DestinationConfig": queue,
        },
    )

    async def scenario() -> None:
        aws = FakeAws(int(POISON), **dict.fromkeys(steps, 1))
        reading = StreamPoller(mapping, aws.call, aws.invoke, Clock(1000), lambda _: None)  # type: ignore[arg-type]
        task = asyncio.create_task(reading.run_again_and_again())
        wanted = [str(number) for number in range(2, RECORDS + 1)]
        try:
            await until(lambda: set(aws.handled) >= set(wanted))
        finally:
            task.cancel()
        assert list(dict.fromkeys(aws.handled)) == wanted  # each first time in order
        assert aws.notices == [1] and reading.state()["discarded"] == 1
        await asyncio.gather(task, return_exceptions=True)
        assert reading.position() == RECORDS

    asyncio.run(scenario())
