"""What rejects a whole batch, and what only one of its entries. Source: SQS API reference."""

from __future__ import annotations

import json
import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def sqs(aws: str) -> Any:
    return boto3.client("sqs", endpoint_url=aws)


@pytest.fixture
def queue(sqs: Any) -> str:
    return str(sqs.create_queue(QueueName=str(uuid.uuid4()))["QueueUrl"])


@pytest.fixture
def fifo(sqs: Any) -> str:
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "false"}
    created = sqs.create_queue(QueueName=f"{uuid.uuid4()}.fifo", Attributes=attributes)
    return str(created["QueueUrl"])


def entry(id_: str, body: str = "x", **more: Any) -> dict[str, Any]:
    return {"Id": id_, "MessageBody": body, **more}


def bodies(sqs: Any, queue: str) -> list[str]:
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return sorted(each["Body"] for each in found)


def of(code: str) -> str:
    return f"AWS.SimpleQueueService.{code}"


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([entry(str(n)) for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([entry("a"), entry("a")], "BatchEntryIdsNotDistinct"),
        ([entry("a"), entry("a b")], "InvalidBatchEntryId"),
        ([entry("x" * 81)], "InvalidBatchEntryId"),
        ([entry("a", "ä" * 300_000), entry("b", "ä" * 300_000)], "BatchRequestTooLong"),
    ],
)
def test_a_batch_that_is_rejected_as_a_whole(
    sqs: Any, queue: str, entries: list[Any], code: str
) -> None:
    with pytest.raises(ClientError) as found:
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert found.value.response["Error"]["Code"] in (code, of(code))
    assert bodies(sqs, queue) == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (entry("b", "\x00"), "InvalidMessageContents"),
        (entry("b", DelaySeconds=901), "InvalidParameterValue"),
        (entry("b", DelaySeconds=-1), "InvalidParameterValue"),
        (entry("b", MessageGroupId="a b"), "InvalidParameterValue"),
        (entry("b", MessageDeduplicationId="d"), "InvalidParameterValue"),  # for a FIFO queue only
    ],
)
def test_an_entry_that_is_wrong_fails_alone(
    sqs: Any, queue: str, wrong: dict[str, Any], code: str
) -> None:
    entries = [entry("a", "first"), wrong, entry("c", "last")]
    response = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [each["Id"] for each in response["Successful"]] == ["a", "c"]
    (failed,) = response["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("b", code, True)
    assert bodies(sqs, queue) == ["first", "last"]


@pytest.mark.parametrize(
    ("lacks", "code"),
    [("MessageGroupId", "MissingParameter"), ("MessageDeduplicationId", "InvalidParameterValue")],
)
def test_in_a_fifo_queue_an_entry_without_group_or_id_rejects_all(
    sqs: Any, fifo: str, lacks: str, code: str
) -> None:
    ids = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    entries = [entry("a", **ids), entry("b", **{n: ids[n] for n in ids if n != lacks})]
    with pytest.raises(ClientError) as found:
        sqs.send_message_batch(QueueUrl=fifo, Entries=entries)
    assert found.value.response["Error"]["Code"] == code


@pytest.mark.parametrize("operation", ["delete_message_batch", "change_message_visibility_batch"])
def test_entries_that_delete_or_hide_are_distinguished_by_their_ids(
    sqs: Any, queue: str, operation: str
) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    more = {"VisibilityTimeout": 1} if operation.startswith("change") else {}

    def requested(*entries: tuple[str, str]) -> Any:
        given = [{"Id": id_, "ReceiptHandle": handle, **more} for id_, handle in entries]
        return getattr(sqs, operation)(QueueUrl=queue, Entries=given)

    handle = message["ReceiptHandle"]
    for wrong, code in (
        ([("a", handle), ("a", handle)], "BatchEntryIdsNotDistinct"),
        ([(str(n), handle) for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([("a b", handle)], "InvalidBatchEntryId"),
    ):
        with pytest.raises(ClientError) as found:
            requested(*wrong)
        assert found.value.response["Error"]["Code"] in (code, of(code))
    done = requested(("a", handle), ("b", "no handle"))
    assert [each["Id"] for each in done["Successful"]] == ["a"]
    assert [(each["Id"], each["Code"]) for each in done["Failed"]] == [
        ("b", "ReceiptHandleIsInvalid")
    ]


def test_a_visibility_timeout_out_of_its_bounds_fails_alone(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    entries = [
        {"Id": id_, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": seconds}
        for id_, seconds in (("a", -1), ("b", 43_201), ("c", 5))
    ]
    response = sqs.change_message_visibility_batch(QueueUrl=queue, Entries=entries)
    assert [each["Id"] for each in response["Successful"]] == ["c"]
    assert {each["Id"]: each["Code"] for each in response["Failed"]} == dict.fromkeys(
        "ab", "InvalidParameterValue"
    )


def test_a_dead_letter_names_the_queue_that_it_came_from(sqs: Any, queue: str) -> None:
    def arn(url: str) -> str:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(found["Attributes"]["QueueArn"])

    policy = json.dumps({"deadLetterTargetArn": arn(queue), "maxReceiveCount": 1})
    attributes = {"RedrivePolicy": policy, "VisibilityTimeout": "0"}
    source = sqs.create_queue(QueueName=str(uuid.uuid4()), Attributes=attributes)["QueueUrl"]
    sqs.send_message(QueueUrl=source, MessageBody="x")
    for _ in range(2):
        sqs.receive_message(QueueUrl=source)
    for requested in ("All", "DeadLetterQueueSourceArn"):
        (message,) = sqs.receive_message(
            QueueUrl=queue, MessageSystemAttributeNames=[requested], VisibilityTimeout=0
        )["Messages"]
        assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn(source)
