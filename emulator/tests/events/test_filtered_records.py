"""The records of a source that reach its function: filters see a record as the function gets it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from emulator.clock import Clock
from emulator.events import shapes
from emulator.events.batching import MAX_EVENT, Discarded
from emulator.events.model import read_mapping
from emulator.events.provider import EventSourceProvider
from emulator.events.queues import QueuePoller
from emulator.events.streams import StreamPoller
from emulator.providers import EmulatorError, InvokeResult, Resource

STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/chats/stream/now"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:jobs"


class FakeSource:
    """A stream or a queue whose records or messages are read once."""

    def __init__(self, found: Sequence[Mapping[str, Any]]) -> None:
        self.found = list(found)
        self.deleted: list[str] = []
        self.hidden: list[str] = []

    async def __call__(self, _service: str, operation: str, **given: Any) -> dict[str, Any]:
        found, drained = self.found, not self.found
        match operation:
            case "DescribeStream":
                return {"StreamDescription": {"Shards": [{"ShardId": "s"}]}}
            case "GetShardIterator":
                return {"ShardIterator": "0"}
            case "GetQueueUrl":
                return {"QueueUrl": given["QueueName"]}
            case "GetQueueAttributes":
                arn = QUEUE.replace("jobs", given["QueueUrl"])
                return {"Attributes": {"VisibilityTimeout": "30", "QueueArn": arn}}
            case "DeleteMessageBatch":
                self.deleted += [each["ReceiptHandle"] for each in given["Entries"]]
            case "ChangeMessageVisibilityBatch":
                self.hidden += [each["ReceiptHandle"] for each in given["Entries"]]
            case "GetRecords" | "ReceiveMessage" if drained:
                await asyncio.Event().wait()
            case "GetRecords":
                self.found = []
                return {"Records": found, "NextShardIterator": "1"}
            case "ReceiveMessage":
                self.found = found[given["MaxNumberOfMessages"] :]
                return {"Messages": found[: given["MaxNumberOfMessages"]]}
        return {}


def events(found: Sequence[Mapping[str, Any]], done: int, **properties: Any) -> list[list[Any]]:
    """The records of each call, until `done` of the found ones were delivered or filtered."""
    calls: list[list[Any]] = []
    lines: list[str] = []

    async def invoke(_function: str, event: bytes) -> InvokeResult:
        assert len(event) <= MAX_EVENT
        calls.append(json.loads(event)["Records"])
        return InvokeResult(b"null", False)

    async def scenario() -> None:
        source: Any = FakeSource(found)
        kind = StreamPoller if properties["EventSourceArn"] == STREAM else QueuePoller
        given = {"FunctionName": "watch", **properties}
        poller = kind(read_mapping("M", given), source, invoke, Clock(1), lines.append)
        task = asyncio.create_task(poller.run())
        async with asyncio.timeout(10):
            while len(source.deleted) + sum(map(len, calls)) * (kind is StreamPoller) < done:  # noqa: ASYNC110
                await asyncio.sleep(0)
        task.cancel()

    asyncio.run(scenario())
    assert lines == []
    return calls


def record(number: int, **more: Any) -> dict[str, Any]:
    return {
        "eventName": "REMOVE",
        "dynamodb": {"SequenceNumber": str(number), "ApproximateCreationDateTime": 1.0},
        **more,
    }


def message(number: int, body: str) -> dict[str, Any]:
    return {"MessageId": str(number), "ReceiptHandle": str(number), "Body": body, "MD5OfBody": ""}


# "Using Lambda to process records from Amazon DynamoDB Streams", example of a TTL deletion: a function
# gets `principalId` where the stream's own API says `PrincipalId`.
@pytest.mark.parametrize(
    "pattern",
    [
        {"userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}},
        {"eventSourceARN": [STREAM], "userIdentity": {"principalId": [{"exists": True}]}},
    ],
)
def test_a_filter_sees_a_stream_s_record_as_the_function_gets_it(pattern: Any) -> None:
    expired = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    found = [record(1), record(2, userIdentity=expired), record(3)]
    criteria = {"Filters": [{"Pattern": json.dumps(pattern)}]}
    (records,) = events(
        found, 1, EventSourceArn=STREAM, StartingPosition="TRIM_HORIZON", FilterCriteria=criteria
    )
    assert [each["dynamodb"]["SequenceNumber"] for each in records] == ["2"]
    assert records[0]["userIdentity"] == {
        "type": "Service",
        "principalId": "dynamodb.amazonaws.com",
    }


def test_a_body_that_no_parser_reads_is_a_text_and_is_filtered() -> None:
    pattern = json.dumps({"body": {"kind": ["push"]}})
    found = [message(1, "[" * 100_000), message(2, '{"kind": "push"}'), message(3, "{")]
    criteria = {"Filters": [{"Pattern": pattern}]}
    (records,) = events(found, 3, EventSourceArn=QUEUE, FilterCriteria=criteria)
    assert [each["messageId"] for each in records] == ["2"]


def test_messages_over_six_megabytes_reach_the_function_in_several_events() -> None:
    """ "The payload size reaches 6 MB.": Lambda developer guide, "Batching behavior" of event source
    mappings, docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html."""
    calls = events(ten_of_a_megabyte(), 10, EventSourceArn=QUEUE)
    assert [len(records) for records in calls] == [6, 4]


def ten_of_a_megabyte() -> list[dict[str, Any]]:
    return [message(number, "x" * 1_000_000) for number in range(10)]


def handled_in_parts(
    source_arn: str, results: Sequence[InvokeResult | Exception]
) -> tuple[FakeSource, list[list[str]], list[list[str]]]:
    """Ten messages of which six fit into an event, when nothing is left to do: the queue, the
    messages of each call, and what was deleted when that call began. A call after `results` fails
    the test."""
    source: Any = FakeSource(ten_of_a_megabyte())
    calls: list[list[str]] = []
    deleted: list[list[str]] = []

    async def invoke(_function: str, event: bytes) -> InvokeResult:
        calls.append([each["messageId"] for each in json.loads(event)["Records"]])
        deleted.append(list(source.deleted))
        result = results[len(calls) - 1]
        if isinstance(result, Exception):
            raise result
        return result

    async def scenario() -> None:
        given = {"FunctionName": "watch", "EventSourceArn": source_arn}
        poller = QueuePoller(read_mapping("M", given), source, invoke, Clock(1), lambda _: None)
        task = asyncio.create_task(poller.run())
        async with asyncio.timeout(10):
            while not calls or poller.state()["running"]:  # noqa: ASYNC110
                await asyncio.sleep(0)
        task.cancel()

    asyncio.run(scenario())
    return source, calls, deleted


FIRST, REST = [list(map(str, part)) for part in (range(6), range(6, 10))]
GOOD, FAILED = InvokeResult(b"null", False), InvokeResult(b"{}", True)


def test_after_a_part_of_a_fifo_queue_s_batch_has_failed_the_others_are_not_tried() -> None:
    source, calls, _ = handled_in_parts(f"{QUEUE}.fifo", [FAILED])
    assert (calls, source.deleted, source.hidden) == ([FIRST], [], FIRST + REST)


def test_after_a_part_of_a_standard_queue_s_batch_has_failed_the_others_are_tried() -> None:
    source, calls, _ = handled_in_parts(QUEUE, [FAILED, GOOD])
    assert (calls, source.deleted) == ([FIRST, REST], REST)


@pytest.mark.parametrize("queue", [QUEUE, f"{QUEUE}.fifo"])
@pytest.mark.parametrize("second", [FAILED, RuntimeError("the worker is gone")], ids=str)
def test_a_part_is_deleted_before_the_next_one_which_is_hidden_anew(
    queue: str, second: InvokeResult | Exception
) -> None:
    source, calls, deleted = handled_in_parts(queue, [GOOD, second])
    assert (calls, deleted) == ([FIRST, REST], [[], FIRST])
    assert (source.deleted, source.hidden[: len(REST)]) == (FIRST, REST)


@pytest.mark.parametrize(
    ("error", "functions_error"), [(True, "Unhandled"), (False, None)], ids=["failed", "reported"]
)
def test_a_failure_notice_names_the_function_and_its_error(
    error: bool, functions_error: str | None
) -> None:
    """As LocalStack has recorded it: `functionError` is null where the function reported items."""
    notice = shapes.failure_notice(
        Discarded((record(1),), "RetryAttemptsExhausted", 4),
        request_id="id",
        function="watch:live",
        stream_arn=STREAM,
        shard_id="s",
        function_error=error,
        now=1.0,
    )
    assert notice["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": functions_error,
    }
    arn = "arn:aws:lambda:us-east-1:123456789012:function:watch:live"
    assert notice["requestContext"]["functionArn"] == arn


@pytest.mark.parametrize("source", [QUEUE, STREAM])
def test_a_mapping_of_a_function_that_there_is_not_stops_the_start(source: str) -> None:
    """As LocalStack has recorded it: "Function does not exist"."""

    def timeout(function: str) -> float:
        raise EmulatorError(f"there is no function {function!r}")

    async def scenario() -> None:
        calls: Any = None
        invoke: Any = None
        provider = EventSourceProvider(calls, invoke, Clock(1), print, timeout=timeout)
        resource = Resource("s", "Mapping", "AWS::Lambda::EventSourceMapping")
        begin = {"StartingPosition": "LATEST"} if source == STREAM else {}
        given = {"EventSourceArn": source, "FunctionName": "nobody", **begin}
        await provider.create(resource, given)
        await provider.start()

    with pytest.raises(EmulatorError, match="Mapping in stack s: Function does not exist"):
        asyncio.run(scenario())


@pytest.mark.parametrize("again", ["watch", "arn:aws:lambda:us-east-1:123456789012:function:watch"])
def test_a_function_has_a_source_once(again: str) -> None:
    """As LocalStack has recorded it of queues and of streams; two functions may share a source."""
    calls: Any = None
    invoke: Any = None
    provider = EventSourceProvider(calls, invoke, Clock(1), print, timeout=lambda _: 1)

    async def create(name: str, identifier: str = "") -> None:
        resource = Resource("s", identifier or name, "AWS::Lambda::EventSourceMapping")
        await provider.create(resource, {"EventSourceArn": QUEUE, "FunctionName": name})

    async def scenario() -> None:
        for name in ("watch", "other", "watch:live"):
            await create(name)
        with pytest.raises(EmulatorError, match="already exists"):
            await create(again, "Again")

    asyncio.run(scenario())
