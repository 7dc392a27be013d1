"""The parameters of event source mappings: what Lambda takes of each, and what it rejects."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.rows import rows

from emulator.aws.calls import AwsError
from emulator.clock import Clock
from emulator.events.model import EventSourceMapping, read_mapping
from emulator.events.parameters import FOREVER
from emulator.events.provider import EventSourceProvider
from emulator.events.queues import QueuePoller
from emulator.events.streams import StreamPoller
from emulator.providers import EmulatorError, InvokeResult, Resource

STREAM = "arn:aws:dynamodb:us-east-1:1:table/chats/stream/now"
QUEUE = "arn:aws:sqs:us-east-1:1:jobs"
FIFO = QUEUE + ".fifo"


def mapping(source: str, **properties: Any) -> EventSourceMapping:
    begin = {"StartingPosition": "LATEST"} if source == STREAM else {}
    given = {"EventSourceArn": source, "FunctionName": "f", **begin, **properties}
    return read_mapping("S/Mapping", given)


# (source, parameter, the least, the most): "Lambda parameters for Amazon SQS (and Amazon DynamoDB)
# event source mappings", and CreateEventSourceMapping's reference.
BOUNDS = [
    (STREAM, "BatchSize", 1, 10_000),
    (STREAM, "MaximumBatchingWindowInSeconds", 0, 300),
    (STREAM, "MaximumRecordAgeInSeconds", 60, 604_800),
    (STREAM, "MaximumRetryAttempts", -1, 10_000),
    (QUEUE, "MaximumBatchingWindowInSeconds", 0, 300),
    (FIFO, "BatchSize", 1, 10),
]


@pytest.mark.parametrize(("source", "name", "least", "most"), BOUNDS)
def test_a_number_is_within_its_bounds(source: str, name: str, least: int, most: int) -> None:
    for good in (least, most, str(most)):
        mapping(source, **{name: good})
    for number in (least - 2, most + 1, "many", 1.5, True, ""):
        with pytest.raises(EmulatorError, match=name):
            mapping(source, **{name: number})


@rows(
    ("source", "properties", "sentence"),
    [
        (QUEUE, {"BatchSize": 11}, "takes a MaximumBatchingWindowInSeconds"),
        (QUEUE, {"BatchSize": 10_001, "MaximumBatchingWindowInSeconds": 1}, "10001 is not from"),
        (FIFO, {"MaximumBatchingWindowInSeconds": 1}, "not supported for FIFO"),
        (QUEUE, {"ScalingConfig": {"MaximumConcurrency": 1}}, "not from 2 to 1000"),
        (QUEUE, {"ScalingConfig": {"MaximumConcurrency": 1001}}, "not from 2 to 1000"),
        (QUEUE, {"BisectBatchOnFunctionError": True}, "BisectBatchOnFunctionError"),
        (QUEUE, {"StartingPosition": "LATEST"}, "StartingPosition"),
        (QUEUE, {"MaximumRetryAttempts": 1}, "MaximumRetryAttempts"),
        (QUEUE, {"DestinationConfig": {}}, "DestinationConfig"),
        (QUEUE, {"ProvisionedPollerConfig": {"MinimumPollers": 2}}, "ProvisionedPollerConfig"),
        (STREAM, {"ScalingConfig": {"MaximumConcurrency": 2}}, "ScalingConfig"),
        (STREAM, {"StartingPosition": "AT_TIMESTAMP"}, "StartingPosition"),
        (STREAM, {"StartingPosition": None}, "StartingPosition"),
        (STREAM, {"ParallelizationFactor": 2}, "ParallelizationFactor"),
        (STREAM, {"TumblingWindowInSeconds": 60}, "TumblingWindowInSeconds"),
        (STREAM, {"FunctionResponseTypes": ["All"]}, "FunctionResponseTypes"),
        (STREAM, {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sns:x"}}}, "a queue"),
        (STREAM, {"DestinationConfig": {"OnFailure": {"Destination": FIFO}}}, "no FIFO queue"),
        (STREAM, {"BisectBatchOnFunctionError": "yes"}, "neither true nor false"),
        (QUEUE, {"Enabled": "maybe"}, "neither true nor false"),
        (STREAM, {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}, "S/Mapping: Invalid filter"),
    ],
)
def test_what_lambda_rejects_or_is_not_supported_stops_the_start(
    source: str, properties: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(EmulatorError, match=sentence):
        mapping(source, **properties)


def test_what_is_null_is_absent() -> None:
    read = mapping(STREAM, BatchSize=None, MaximumRecordAgeInSeconds=-1, FilterCriteria=None)
    assert (read.batch_size, read.max_age, read.retries) == (100, FOREVER, FOREVER)
    empty: list[dict[str, Any]] = [{"OnFailure": None}, {"OnFailure": {}}]
    for nothing in [*empty, {"OnFailure": {"Destination": ""}}]:
        assert mapping(STREAM, DestinationConfig=nothing).on_failure is None
    assert mapping(QUEUE, BatchSize=10_000, MaximumBatchingWindowInSeconds=1).batch_size == 10_000


# github.com/winglang/wing/issues/1507, github.com/mongodb/docs-worker-pool/pull/878; one that is as
# long is taken: github.com/github-aws-runners/terraform-aws-github-runner/pull/467.
@pytest.mark.parametrize(("timeout", "taken"), [(30, True), (31, False)])
@pytest.mark.parametrize("enabled", [True, False])
def test_a_queue_hides_its_messages_as_long_as_the_function_may_take(
    timeout: float, taken: bool, enabled: bool
) -> None:
    async def scenario() -> None:
        calls: Any = FakeQueue()
        invoke: Any = None
        provider = EventSourceProvider(
            calls, invoke, Clock(1), lambda line: None, timeout={"f": timeout}.__getitem__
        )
        given = {"EventSourceArn": QUEUE, "FunctionName": "f", "Enabled": enabled}
        await provider.create(Resource("S", "M", "AWS::Lambda::EventSourceMapping"), given)
        if taken:
            await provider.start()
        else:
            sentence = (
                "jobs: Queue visibility timeout: 30 seconds is less than Function timeout: 31"
            )
            with pytest.raises(EmulatorError, match=sentence):
                await provider.start()
        await provider.stop()

    asyncio.run(scenario())


def test_a_queue_that_is_not_there_stops_the_start_by_name() -> None:
    class NoQueue:
        async def __call__(self, _service: str, operation: str, **given: Any) -> Any:
            raise AwsError(operation, "AWS.SimpleQueueService.NonExistentQueue", "None")

        async def close(self) -> None:
            pass

    async def scenario() -> None:
        calls: Any = NoQueue()
        invoke: Any = None
        provider = EventSourceProvider(
            calls, invoke, Clock(1), lambda line: None, timeout={"f": 3.0}.__getitem__
        )
        given = {"EventSourceArn": QUEUE, "FunctionName": "f"}
        await provider.create(Resource("S", "M", "AWS::Lambda::EventSourceMapping"), given)
        with pytest.raises(
            EmulatorError, match=f"M in stack S: the source {QUEUE} can.t be read: .*No"
        ):
            await provider.start()
        await provider.stop()

    asyncio.run(scenario())


class FakeQueue:
    """SQS with one message, which is given once; it takes WaitTimeSeconds as SQS does."""

    def __init__(self) -> None:
        self.waits: list[int] = []

    async def __call__(self, _service: str, operation: str, **given: Any) -> dict[str, Any]:
        if operation == "GetQueueUrl":
            return {"QueueUrl": "u"}
        if operation == "GetQueueAttributes":
            return {"Attributes": {"VisibilityTimeout": "30", "QueueArn": QUEUE}}
        self.waits.append(given["WaitTimeSeconds"])
        assert 0 <= given["WaitTimeSeconds"] <= 20
        if len(self.waits) > 3:
            await asyncio.Event().wait()
        message = {"MessageId": "m", "ReceiptHandle": "r", "Body": "b", "MD5OfBody": ""}
        return {"Messages": [message]} if len(self.waits) == 1 else {}

    async def close(self) -> None:
        pass


def test_a_window_over_20_seconds_is_waited_for_in_long_polls_of_20() -> None:
    async def scenario() -> None:
        async def invoke(_function: str, _event: bytes) -> InvokeResult:
            raise AssertionError

        queue = FakeQueue()
        read = mapping(QUEUE, MaximumBatchingWindowInSeconds=300)
        calls: Any = queue
        poller = QueuePoller(read, calls, invoke, Clock(1), lambda line: None)
        task = asyncio.create_task(poller.run())
        async with asyncio.timeout(10):
            while len(queue.waits) < 4:  # noqa: ASYNC110 - the poller has no event for it
                await asyncio.sleep(0)
        task.cancel()
        assert queue.waits == [20, 20, 20, 20]

    asyncio.run(scenario())


class FakeStream:
    """Records 1, 2, 3; the second read fails in a way that no call does."""

    def __init__(self) -> None:
        self.opened: list[dict[str, Any]] = []
        self.reads = 0

    async def __call__(self, _service: str, operation: str, **given: Any) -> dict[str, Any]:
        if operation == "DescribeStream":
            return {"StreamDescription": {"Shards": [{"ShardId": "s"}]}}
        if operation == "GetShardIterator":
            self.opened.append(given)
            return {"ShardIterator": given.get("SequenceNumber", "0")}
        self.reads += 1
        if self.reads == 2:
            return {}  # no Records: a KeyError
        first = int(given["ShardIterator"]) + 1
        record = {"eventName": "INSERT", "dynamodb": {"SequenceNumber": str(first), "Keys": {}}}
        if first > 3:
            return {"Records": [], "NextShardIterator": "3"}
        return {"Records": [record], "NextShardIterator": str(first)}


def test_a_poller_that_fails_says_so_and_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("emulator.events.poller._RESTART", 0)

    async def scenario() -> None:
        seen: list[bytes] = []
        lines: list[str] = []

        async def invoke(_function: str, event: bytes) -> InvokeResult:
            seen.append(event)
            return InvokeResult(b"null", False)

        stream = FakeStream()
        calls: Any = stream
        read = mapping(STREAM, StartingPosition="TRIM_HORIZON")
        poller = StreamPoller(read, calls, invoke, Clock(1), lines.append)
        task = asyncio.create_task(poller.run_again_and_again())
        async with asyncio.timeout(10):
            while len(seen) < 3:  # noqa: ASYNC110 - the poller has no event for it
                await asyncio.sleep(0)
        task.cancel()
        assert [b'"SequenceNumber": "%d"' % n in each for n, each in enumerate(seen, 1)] == [
            True
        ] * 3
        assert [place["ShardIteratorType"] for place in stream.opened] == [
            "TRIM_HORIZON",
            "AFTER_SEQUENCE_NUMBER",
        ]
        assert len(lines) == 1
        assert "starts again" in lines[0]

    asyncio.run(scenario())


def test_a_disabled_mapping_is_checked_as_well() -> None:
    async def scenario() -> None:
        calls: Any = None
        invoke: Any = None
        provider = EventSourceProvider(
            calls, invoke, Clock(1), lambda line: None, timeout=lambda _function: 3
        )
        properties = {
            "EventSourceArn": QUEUE,
            "FunctionName": "f",
            "Enabled": False,
            "BatchSize": 0,
        }
        with pytest.raises(EmulatorError, match="BatchSize"):
            await provider.create(Resource("S", "M", "AWS::Lambda::EventSourceMapping"), properties)

    asyncio.run(scenario())
