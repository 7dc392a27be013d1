"""Pollers against the AWS server, with a hand-written function."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import boto3
import pytest
from tests.functions.hosts import until

from emulator.addresses import Addresses
from emulator.aws.calls import Calls
from emulator.clock import Clock
from emulator.events.provider import EventSourceProvider
from emulator.providers import EmulatorError, InvokeResult, Resource, Throttled

PREFIX = '{"dynamodb": {"Keys": {"item": {"S": [{"prefix": "message#"}]}}}}'


class FakeFunction:
    """Keeps the records of each call; `fails` says what a call does with its records."""

    def __init__(self) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self.fails: Callable[[list[dict[str, Any]]], list[str] | None] = lambda records: []
        self.throttles = 0
        self.running = 0
        self.most_running = 0
        self.pause = 0.0

    async def __call__(self, function: str, event: bytes) -> InvokeResult:
        if self.throttles:
            self.throttles -= 1
            raise Throttled(function)
        records = json.loads(event)["Records"]
        self.calls.append(records)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(self.pause)
        self.running -= 1
        failed = self.fails(records)
        if failed is None:
            return InvokeResult(b'{"errorType": "ValueError", "errorMessage": "no"}', True)
        failures = [{"itemIdentifier": each} for each in failed]
        return InvokeResult(json.dumps({"batchItemFailures": failures}).encode(), False)


@contextlib.asynccontextmanager
async def polling(
    aws: str, function: FakeFunction, properties: dict[str, Any]
) -> AsyncIterator[EventSourceProvider]:
    addresses = Addresses("us-east-1", aws, "api", "ws://127.0.0.1:1", "http://127.0.0.1:2")
    reported: list[str] = []
    provider = EventSourceProvider(
        Calls(addresses), function, Clock(100), reported.append, timeout=lambda _function: 1
    )
    given = {"FunctionName": "watch", "FunctionResponseTypes": ["ReportBatchItemFailures"]}
    if ":dynamodb:" in properties["EventSourceArn"]:
        given["StartingPosition"] = "TRIM_HORIZON"
    resource = Resource("s", "Mapping", "AWS::Lambda::EventSourceMapping")
    await provider.create(resource, {**given, **properties})
    await provider.start()
    try:
        yield provider
    finally:
        await provider.stop()
        assert [line for line in reported if "given up" not in line] == []


def client(service: Any, aws: str) -> Any:
    return boto3.client(service, endpoint_url=aws)


class Table:
    def __init__(self, aws: str) -> None:
        self.client = client("dynamodb", aws)
        self.name = f"t-{uuid.uuid4()}"
        made = self.client.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "item", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "item", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.stream = made["TableDescription"]["LatestStreamArn"]

    def put(self, *items: str) -> None:
        for item in items:
            self.client.put_item(TableName=self.name, Item={"item": {"S": item}})


class Queue:
    def __init__(self, aws: str, **attributes: str) -> None:
        self.client = client("sqs", aws)
        name = f"q-{uuid.uuid4()}" + (".fifo" if "FifoQueue" in attributes else "")
        self.url = self.client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.arn = self._attributes("QueueArn")["QueueArn"]

    def send(self, body: str, group: str | None = None) -> None:
        fifo = {"MessageGroupId": group, "MessageDeduplicationId": str(uuid.uuid4())}
        more = fifo if group else {}
        self.client.send_message(QueueUrl=self.url, MessageBody=body, **more)

    def bodies(self) -> list[str]:
        received = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
        return [message["Body"] for message in received.get("Messages", [])]

    def empty(self) -> bool:
        counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return all(count == "0" for count in self._attributes(*counts).values())

    def _attributes(self, *names: str) -> dict[str, str]:
        found = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=list(names))
        attributes: dict[str, str] = found["Attributes"]
        return attributes


def items(records: list[dict[str, Any]]) -> list[str]:
    return [record["dynamodb"]["Keys"]["item"]["S"] for record in records]


def all_items(function: FakeFunction) -> list[str]:
    return [item for call in function.calls for item in items(call)]


def test_wanted_records_reach_the_function_once_and_in_order(aws: str) -> None:
    async def scenario() -> None:
        table, function = Table(aws), FakeFunction()
        function.throttles = 2
        table.put("message#0")  # before the mapping exists
        properties = {
            "EventSourceArn": table.stream,
            "BatchSize": 4,
            "MaximumBatchingWindowInSeconds": 5,
            "FilterCriteria": {"Filters": [{"Pattern": PREFIX}]},
        }
        async with polling(aws, function, properties):
            for number in range(1, 10):
                await asyncio.to_thread(table.put, f"message#{number}", f"member#{number}")
            await until(lambda: len(all_items(function)) >= 10)
        assert all_items(function) == [f"message#{number}" for number in range(10)]
        assert max(len(call) for call in function.calls) <= 4
        record = function.calls[0][0]
        assert record["eventSourceARN"] == table.stream
        assert record["eventSource"] == "aws:dynamodb"
        assert record["dynamodb"]["NewImage"] == {"item": {"S": "message#0"}}
        assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], int | float)

    asyncio.run(scenario())


def test_a_record_that_always_fails_goes_to_the_failure_queue_and_blocks_nobody(aws: str) -> None:
    async def scenario() -> None:
        table, function, dead = Table(aws), FakeFunction(), Queue(aws)
        function.fails = lambda records: None if "poison" in items(records) else []
        properties = {
            "EventSourceArn": table.stream,
            "BisectBatchOnFunctionError": True,
            "MaximumRetryAttempts": 1,
            "MaximumRecordAgeInSeconds": 3600,
            "DestinationConfig": {"OnFailure": {"Destination": dead.arn}},
        }
        table.put("a", "b", "poison", "c", "d")
        async with polling(aws, function, properties) as provider:
            bodies: list[str] = []

            def good() -> list[str]:
                calls = [items(call) for call in function.calls]
                return sorted(item for call in calls if "poison" not in call for item in call)

            def arrived() -> bool:
                bodies.extend(dead.bodies())
                return bool(bodies)

            await until(arrived)
            await until(lambda: good() == ["a", "b", "c", "d"] and not function.running)
            assert provider.state()["event_sources"][0]["discarded"] == 1
        (notice,) = [json.loads(body) for body in bodies]
        context = notice["requestContext"]
        assert context["functionArn"].endswith(":function:watch")
        assert context["condition"] == "RetryAttemptsExhausted"
        assert notice["responseContext"]["functionError"] == "Unhandled"
        batch = notice["DDBStreamBatchInfo"]
        assert (batch["batchSize"], batch["streamArn"]) == (1, table.stream)
        assert batch["startSequenceNumber"] == batch["endSequenceNumber"]
        assert good() == ["a", "b", "c", "d"]

    asyncio.run(scenario())


def test_records_before_the_lowest_reported_one_are_not_repeated(aws: str) -> None:
    async def scenario() -> None:
        table, function = Table(aws), FakeFunction()
        first = True

        def fail_the_second(records: list[dict[str, Any]]) -> list[str]:
            nonlocal first
            failed = [records[1]["dynamodb"]["SequenceNumber"]] if first else []
            first = False
            return failed

        function.fails = fail_the_second
        table.put("a", "b", "c")
        async with polling(aws, function, {"EventSourceArn": table.stream}):
            await until(lambda: len(function.calls) == 2)
        assert [items(call) for call in function.calls] == [["a", "b", "c"], ["b", "c"]]

    asyncio.run(scenario())


def test_handled_messages_are_deleted_and_filtered_ones_too(aws: str) -> None:
    async def scenario() -> None:
        queue, function = Queue(aws), FakeFunction()
        properties = {
            "EventSourceArn": queue.arn,
            "FilterCriteria": {"Filters": [{"Pattern": '{"body": {"kind": ["push"]}}'}]},
        }
        async with polling(aws, function, properties):
            for kind in ("push", "other", "push"):
                await asyncio.to_thread(queue.send, json.dumps({"kind": kind}))
            await until(queue.empty)
        records = [record for call in function.calls for record in call]
        assert len(records) == 2
        assert records[0]["eventSource"] == "aws:sqs"
        assert records[0]["eventSourceARN"] == queue.arn
        assert records[0]["attributes"]["ApproximateReceiveCount"] == "1"
        assert set(records[0]) >= {"messageId", "receiptHandle", "body", "md5OfBody", "awsRegion"}

    asyncio.run(scenario())


def test_a_message_that_keeps_failing_goes_to_the_dead_letter_queue_and_the_rest_is_done(
    aws: str,
) -> None:
    async def scenario() -> None:
        dead = Queue(aws, FifoQueue="true")
        redrive = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 3})
        queue = Queue(aws, FifoQueue="true", VisibilityTimeout="60", RedrivePolicy=redrive)
        function = FakeFunction()
        function.fails = lambda records: [
            record["messageId"] for record in records if record["body"] == "bad"
        ]
        async with polling(aws, function, {"EventSourceArn": queue.arn}):
            await asyncio.to_thread(queue.send, "bad", "ravi")
            await asyncio.to_thread(queue.send, "good", "raju")
            await until(lambda: not dead.empty())
            await until(queue.empty)
            assert dead.bodies() == ["bad"]
        bodies = [record["body"] for call in function.calls for record in call]
        assert bodies.count("bad") == 3
        assert bodies.count("good") == 1

    asyncio.run(scenario())


def test_messages_of_one_group_are_never_handled_side_by_side(aws: str) -> None:
    async def scenario() -> None:
        queue, function = Queue(aws, FifoQueue="true"), FakeFunction()
        function.pause = 0.05
        async with polling(aws, function, {"EventSourceArn": queue.arn, "BatchSize": 1}):
            for number in range(4):
                await asyncio.to_thread(queue.send, str(number), "ravi")
            await until(queue.empty)
        assert [call[0]["body"] for call in function.calls] == ["0", "1", "2", "3"]
        assert function.most_running == 1

    asyncio.run(scenario())


# As LocalStack has recorded CreateEventSourceMapping: "Stream not found: <ARN>", and for a queue the
# error of ReceiveMessage. A source of another region or account, or the stream that a table had
# before, is none that there is.
@pytest.mark.parametrize(
    ("kind", "part", "other"),
    [
        (Table, ":us-east-1:", ":eu-west-1:"),
        (Table, ":123456789012:", ":999999999999:"),
        (Table, "/stream/20", "/stream/19"),
        (Table, "table/t-", "table/u-"),
        (Queue, ":us-east-1:", ":eu-west-1:"),
        (Queue, ":123456789012:", ":999999999999:"),
        (Queue, ":q-", ":u-"),
    ],
)
def test_a_source_that_there_is_not_stops_the_start(
    aws: str, kind: Any, part: str, other: str
) -> None:
    made = kind(aws)
    source = (made.stream if kind is Table else made.arn).replace(part, other)
    sentence = "Stream not found" if kind is Table else "The specified queue does not exist"

    async def scenario() -> None:
        async with polling(aws, FakeFunction(), {"EventSourceArn": source}):
            pass

    with pytest.raises(EmulatorError, match=sentence):
        asyncio.run(scenario())


@pytest.mark.parametrize("service", ["sqs", "dynamodb"])
def test_a_source_that_can_t_be_read_stops_the_start_and_names_its_mapping(service: str) -> None:
    """The server can't be connected to."""
    path = "q" if service == "sqs" else "table/t/stream/now"
    source = f"arn:aws:{service}:us-east-1:123456789012:{path}"

    async def scenario() -> None:
        async with polling("http://127.0.0.1:1", FakeFunction(), {"EventSourceArn": source}):
            pass

    with pytest.raises(EmulatorError, match=rf": the source {source} can't be read: "):
        asyncio.run(scenario())
