from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import boto3
import pytest


@pytest.fixture
def sqs(aws: str) -> Any:
    return boto3.client("sqs", endpoint_url=aws)


@pytest.fixture
def fifo(sqs: Any) -> str:
    attributes = {"FifoQueue": "true"}
    created = sqs.create_queue(QueueName=f"{uuid.uuid4()}.fifo", Attributes=attributes)
    return str(created["QueueUrl"])


def send(sqs: Any, queue: str, body: str, deduplication: str) -> None:
    sqs.send_message(
        QueueUrl=queue,
        MessageBody=body,
        MessageGroupId="ravi",
        MessageDeduplicationId=deduplication,
    )


def receive(sqs: Any, queue: str, wait: int = 0) -> list[Any]:
    return list(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=wait).get("Messages", []))


def test_a_fifo_queue_knows_a_deduplication_id_after_its_message_was_deleted(
    sqs: Any, fifo: str
) -> None:
    send(sqs, fifo, "first", "id-1")
    (message,) = receive(sqs, fifo)
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=message["ReceiptHandle"])
    send(sqs, fifo, "again", "id-1")
    send(sqs, fifo, "other", "id-2")
    assert [each["Body"] for each in receive(sqs, fifo)] == ["other"]


def test_a_waiting_receive_gets_what_arrives_and_blocks_no_other_call(sqs: Any, fifo: str) -> None:
    received: list[Any] = []
    waiting = threading.Thread(target=lambda: received.extend(receive(sqs, fifo, wait=20)))
    started = time.monotonic()
    waiting.start()
    sqs.list_queues()
    send(sqs, fifo, "hello", "id-1")
    waiting.join()
    assert [each["Body"] for each in received] == ["hello"]
    assert time.monotonic() - started < 15


def test_a_waiting_receive_ends_empty_when_its_time_is_over(sqs: Any, fifo: str) -> None:
    assert receive(sqs, fifo, wait=1) == []
