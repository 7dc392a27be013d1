"""SQS queues, FIFO or not, with their redrive policies; and SNS topics."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

from emulator.providers import Created, Resource
from emulator.resource import as_strings, attributes_of
from emulator.resources.clients import Clients, accepted, physical_name

_ATTRIBUTES = (
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
)
_OF_TOPICS = ("ContentBasedDeduplication", "DisplayName", "FifoTopic", "KmsMasterKeyId")
# docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
_LONGEST_NAME = 80
_COUNTS = {
    "visible": "ApproximateNumberOfMessages",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
    "delayed": "ApproximateNumberOfMessagesDelayed",
}


class QueueProvider:
    types = ("AWS::SQS::Queue",)

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self.urls: dict[str, str] = {}
        self._dead_letters: set[str] = set()  # ARNs
        self._arns: dict[str, str] = {}

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        return await asyncio.to_thread(self._create, resource, properties)

    def _create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        client = self._clients("sqs")
        fifo = str(properties.get("FifoQueue", "false")).lower() == "true"
        suffix = ".fifo" if fifo else ""
        longest = _LONGEST_NAME - len(suffix)
        name = properties.get("QueueName") or physical_name(resource, longest) + suffix
        attributes = {key: _text(properties[key]) for key in _ATTRIBUTES if key in properties}
        if not fifo:
            attributes.pop("FifoQueue", None)  # absent where it is false
        tags = attributes_of(properties, "Tags")
        url = client.create_queue(QueueName=name, Attributes=attributes, tags=tags)["QueueUrl"]
        described = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self.urls[name] = url
        arn = self._arns[name] = described["Attributes"]["QueueArn"]
        if policy := json.loads(attributes.get("RedrivePolicy") or "{}"):
            self._dead_letters.add(policy["deadLetterTargetArn"])
        return Created(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})

    def state(self) -> dict[str, Any]:
        """`{"queues": [{name, dead_letters, visible, in_flight, delayed}]}`; blocks. `dead_letters`
        says whether it is another queue's dead-letter queue."""
        client = self._clients("sqs")
        queues = []
        for name, url in self.urls.items():
            counts = client.get_queue_attributes(
                QueueUrl=url, AttributeNames=list(_COUNTS.values())
            )["Attributes"]
            queues.append(
                {
                    "name": name,
                    "dead_letters": self._arns[name] in self._dead_letters,
                    **{key: int(counts[value]) for key, value in _COUNTS.items()},
                }
            )
        return {"queues": queues}


class TopicProvider:
    """SNS topics, which nobody subscribes to locally."""

    types = ("AWS::SNS::Topic",)

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        attributes = {name: _text(properties[name]) for name in _OF_TOPICS if name in properties}
        suffix = ".fifo" if attributes.get("FifoTopic") == "true" else ""
        name = properties.get("TopicName") or physical_name(resource) + suffix
        client = self._clients("sns")
        tags = accepted(client, "CreateTopic", {"Tags": properties.get("Tags", [])})
        make = partial(client.create_topic, Name=name, Attributes=attributes, **tags)
        made = await asyncio.to_thread(make)
        return Created(made["TopicArn"], {"TopicArn": made["TopicArn"], "TopicName": name})


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict) else str(as_strings(value))
