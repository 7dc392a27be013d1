"""Redrives of dead letters. Source: SQS API reference, StartMessageMoveTask and
ListMessageMoveTasks; the errors are those that LocalStack has recorded of SQS."""

from __future__ import annotations

import json
import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError


class Queues:
    """A queue, its dead-letter queue, and another one."""

    def __init__(self, aws: str, *, fifo: bool) -> None:
        self.sqs: Any = boto3.client("sqs", endpoint_url=aws)
        self.fifo = fifo
        self.dead, self.other = self._made(), self._made()
        policy = {"deadLetterTargetArn": self.arn(self.dead), "maxReceiveCount": 1}
        self.source = self._made(RedrivePolicy=json.dumps(policy), VisibilityTimeout="0")

    def _made(self, **attributes: str) -> str:
        kind = {"FifoQueue": "true"} if self.fifo else {}
        name = f"{uuid.uuid4()}{'.fifo' if self.fifo else ''}"
        made = self.sqs.create_queue(QueueName=name, Attributes={**attributes, **kind})
        return str(made["QueueUrl"])

    def arn(self, url: str) -> str:
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(found["Attributes"]["QueueArn"])

    def send(self, url: str, body: str) -> None:
        ids = {"MessageGroupId": "g", "MessageDeduplicationId": body} if self.fifo else {}
        self.sqs.send_message(QueueUrl=url, MessageBody=body, **ids)

    def receive(self, url: str) -> list[dict[str, Any]]:
        found = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], VisibilityTimeout=0
        )
        return list(found.get("Messages", []))

    def die(self, *bodies: str) -> None:
        for body in bodies:
            self.send(self.source, body)
            self.receive(self.source)
        self.receive(self.source)

    def move(self, **given: Any) -> None:
        self.sqs.start_message_move_task(SourceArn=self.arn(self.dead), **given)

    def tasks(self, **given: Any) -> list[dict[str, Any]]:
        arn = self.arn(self.dead)
        return list(self.sqs.list_message_move_tasks(SourceArn=arn, **given)["Results"])


@pytest.mark.parametrize("fifo", [False, True])
def test_dead_letters_go_back_to_the_queue_that_they_came_from(aws: str, fifo: bool) -> None:
    queues = Queues(aws, fifo=fifo)
    queues.die("a", "b")
    queues.move()
    assert queues.receive(queues.dead) == []
    found = queues.receive(queues.source)
    assert [each["Body"] for each in found] == ["a", "b"]
    assert {each["Attributes"]["ApproximateReceiveCount"] for each in found} == {"1"}
    assert not any("DeadLetterQueueSourceArn" in each["Attributes"] for each in found)
    (task,) = queues.tasks()
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 2)


def test_dead_letters_go_to_the_queue_that_is_named(aws: str) -> None:
    queues = Queues(aws, fifo=False)
    queues.die("a")
    queues.move(DestinationArn=queues.arn(queues.other), MaxNumberOfMessagesPerSecond=500)
    assert [each["Body"] for each in queues.receive(queues.other)] == ["a"]
    queues.move()
    assert len(queues.tasks(MaxResults=10)) == 2
    assert len(queues.tasks()) == 1


def test_a_message_that_was_sent_to_the_dead_letter_queue_has_no_source(aws: str) -> None:
    queues = Queues(aws, fifo=False)
    queues.send(queues.dead, "a")
    queues.move()
    (task,) = queues.tasks()
    failed = (task["Status"], task["FailureReason"])
    assert failed == ("FAILED", "CouldNotDetermineMessageSource")
    assert [each["Body"] for each in queues.receive(queues.dead)] == ["a"]


def test_a_move_that_sqs_rejects(aws: str) -> None:
    queues = Queues(aws, fifo=False)
    sqs, dead, source = queues.sqs, queues.arn(queues.dead), queues.arn(queues.source)
    missing = f"{dead}-none"
    for call, given, code in (
        (sqs.start_message_move_task, {"SourceArn": source}, "InvalidParameterValue"),
        (sqs.start_message_move_task, {"SourceArn": missing}, "ResourceNotFoundException"),
        (
            sqs.start_message_move_task,
            {"SourceArn": dead, "DestinationArn": missing},
            "ResourceNotFoundException",
        ),
        (
            sqs.start_message_move_task,
            {"SourceArn": dead, "MaxNumberOfMessagesPerSecond": 501},
            "InvalidParameterValue",
        ),
        (
            sqs.list_message_move_tasks,
            {"SourceArn": dead, "MaxResults": 11},
            "InvalidParameterValue",
        ),
        (sqs.cancel_message_move_task, {"TaskHandle": "none"}, "ResourceNotFoundException"),
    ):
        with pytest.raises(ClientError) as found:
            call(**given)
        assert found.value.response["Error"]["Code"] == code, given
