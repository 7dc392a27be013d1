"""Queues without moto's server and without walks over all messages do what moto's do."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from tests.aws.compared import Server


@pytest.mark.parametrize("fifo", [True, False])
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(1, 3))]
)
def test_a_queue_does_what_moto_s_does(
    servers: tuple[Server, Server], seed: int, fifo: bool
) -> None:
    random_ = random.Random(seed)
    queues = [Queue(server, f"q{seed}", fifo) for server in servers]
    for number in range(120):
        step = random_.choice(["send", "send", "batch", "receive", "receive", "delete", "hide"])
        argument = random_.random()
        ours, motos = (queue.do(step, number, argument) for queue in queues)
        assert ours == motos, (step, argument)
        if number % 10 == 9:  # moto looks at every message for each of them
            assert queues[0].counts() == queues[1].counts()


class Queue:
    """One queue of one server, with a dead-letter queue; handles are known by their message."""

    def __init__(self, server: Server, name: str, fifo: bool) -> None:
        self._server, self._fifo = server, fifo
        self._handles: list[str] = []
        dead = self._create(f"{name}-dead", {})
        arn = f"arn:aws:sqs:us-east-1:123456789012:{dead.rpartition('/')[2]}"
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
        self._url = self._create(name, {"RedrivePolicy": policy, "VisibilityTimeout": "600"})
        self._dead = dead

    def _create(self, name: str, attributes: dict[str, str]) -> str:
        if self._fifo:
            name, attributes = f"{name}.fifo", {**attributes, "FifoQueue": "true"}
        body = {"QueueName": name, "Attributes": attributes}
        response = self._server.call("sqs", "CreateQueue", body)
        return str(response.body["QueueUrl"])

    def do(self, step: str, number: int, argument: float) -> Any:
        if step == "send":
            return self._summary("SendMessage", self._message(number, argument))
        if step == "batch":
            entries = [
                {"Id": str(n), **self._message(1000 * number + n, (argument * (n + 1)) % 1)}
                for n in range(1 + int(argument * 3))
            ]
            return self._summary("SendMessageBatch", {"Entries": entries})
        if step == "receive":
            return self._receive(1 + int(argument * 5))
        if not self._handles:
            return None
        number = int(argument * len(self._handles))
        if step == "delete":
            return self._summary("DeleteMessage", {"ReceiptHandle": self._handles.pop(number)})
        visible = argument < 0.7  # at once; its handle has expired by that, which moto ignores
        handle = self._handles.pop(number) if visible else self._handles[number]
        hidden = {"ReceiptHandle": handle, "VisibilityTimeout": 0 if visible else 900}
        return self._summary("ChangeMessageVisibility", hidden)

    def counts(self) -> Any:
        return [
            self._server.call(
                "sqs", "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": names}
            ).body["Attributes"]
            for url in (self._url, self._dead)
            for names in [
                [
                    "ApproximateNumberOfMessages",
                    "ApproximateNumberOfMessagesNotVisible",
                    "VisibilityTimeout",
                    "RedrivePolicy",
                ]
            ]
        ]

    def _message(self, number: int, argument: float) -> dict[str, Any]:
        message: dict[str, Any] = {"MessageBody": f"body {number}"}
        if argument < 0.3:
            message["MessageAttributes"] = {"a": {"DataType": "String", "StringValue": "é"}}
        if self._fifo:
            message |= {
                "MessageGroupId": "abc"[int(argument * 3)],
                "MessageDeduplicationId": str(number),
            }
        return message

    def _receive(self, count: int) -> Any:
        names = {"MessageAttributeNames": ["All"], "AttributeNames": ["ApproximateReceiveCount"]}
        body = {"QueueUrl": self._url, "MaxNumberOfMessages": count, **names}
        response = self._server.call("sqs", "ReceiveMessage", body)
        messages = response.body.get("Messages", [])
        self._handles += [message.pop("ReceiptHandle") for message in messages]
        for message in messages:
            del message["MessageId"]
        return response

    def _summary(self, operation: str, body: dict[str, Any]) -> Any:
        response = self._server.call("sqs", operation, {"QueueUrl": self._url, **body})
        for each in [response.body or {}, *(response.body or {}).get("Successful", [])]:
            for random_name in ("MessageId", "SequenceNumber"):
                each.pop(random_name, None)
        if response.status != 200:  # the message names the handle
            return response.status, response.error
        return response
