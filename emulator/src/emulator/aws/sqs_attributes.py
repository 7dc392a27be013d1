"""Attributes of queues that depend on each other, on the queue's kind or on another queue.

moto turns a standard queue into a FIFO queue, takes a dead-letter queue of the other kind, forgets
the policy of a queue when another attribute is set, and counts characters of a body alone where
MaximumMessageSize says bytes. Source: SQS API reference, CreateQueue and SetQueueAttributes; codes
and messages are those that LocalStack has recorded of SQS (github.com/localstack/localstack,
tests/aws/services/sqs).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.core.utils import camelcase_to_underscores
from moto.sqs.exceptions import InvalidParameterValue, QueueAlreadyExists, SQSException
from moto.sqs.models import Queue, SQSBackend
from moto.sqs.responses import SQSResponse

from emulator.aws.checks import sqs as checks
from emulator.aws.checks.sqs_queues import same
from emulator.aws.hooks import replace
from emulator.template.place import partition_of

_FIFO_ONLY = ("ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")
_LONG = ("DeduplicationScope", "FifoThroughputLimit")  # with another message than the others
_NAME = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
_DENIED = "The dead-letter queue's RedriveAllowPolicy does not let this queue use it."


def install() -> None:
    """Change moto's SQS as this module's docstring describes."""
    _check_new_queues()
    _check_changed_queues()
    _count_bytes()
    replace(SQSBackend, "list_queues", _list_queues)


def _list_queues(self: Any, prefix: str | None) -> list[Any]:
    """moto takes the prefix for a regular expression."""
    return [queue for name, queue in self.queues.items() if name.startswith(prefix or "")]


def _check_new_queues() -> None:
    original = SQSBackend.create_queue

    def create_queue(self: Any, name: str, tags: Any = None, **given: Any) -> Any:
        fifo = str(given.get("FifoQueue", "")).lower() == "true"
        if name.endswith(".fifo") and not fifo:
            raise InvalidParameterValue(_NAME)
        _check_kind(given, fifo)
        known = self.queues.get(name)
        if known is not None:
            _check_equal(known, given)
        partition = partition_of(self.region_name)
        arn = f"arn:{partition}:sqs:{self.region_name}:{self.account_id}:{name}"
        _check_dead_letters(self, arn, fifo, given)
        return original(self, name, tags, **given)

    replace(SQSBackend, "create_queue", create_queue)


def _check_changed_queues() -> None:
    original = Queue._set_attributes

    def set_attributes(self: Any, attributes: dict[str, Any], now: float | None = None) -> None:
        policy = getattr(self, "policy", None)
        original(self, attributes, now)
        if "Policy" not in attributes:
            self.policy = policy

    def set_queue_attributes(self: Any, queue_name: str, attributes: dict[str, Any]) -> Any:
        queue = self.get_queue(queue_name)
        if queue.fifo_queue and str(attributes.get("FifoQueue", "true")).lower() != "true":
            raise SQSException(
                "InvalidAttributeValue",
                "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not "
                "supported.",
            )
        if not queue.fifo_queue and "FifoQueue" in attributes:
            raise SQSException("InvalidAttributeName", "Unknown Attribute FifoQueue.")
        _check_kind(attributes, queue.fifo_queue, queue)
        _check_dead_letters(self, queue.queue_arn, queue.fifo_queue, attributes)
        queue._set_attributes(attributes)
        return queue

    replace(Queue, "_set_attributes", set_attributes)
    replace(SQSBackend, "set_queue_attributes", set_queue_attributes)


def _check_kind(given: Mapping[str, Any], fifo: bool, queue: Any = None) -> None:
    """Raises SQS's error for an attribute that a queue of this kind has not."""
    if not fifo:
        for name in ("FifoQueue", *_FIFO_ONLY):
            if name in given:
                text = f"Unknown Attribute {name}."
                if name in _LONG:
                    text = f"You can specify the {name} only when FifoQueue is set to true."
                raise SQSException("InvalidAttributeName", text)
    limit, scope = (
        given.get(name, getattr(queue, attribute, None))
        for name, attribute in (
            ("FifoThroughputLimit", "fifo_throughput_limit"),
            ("DeduplicationScope", "deduplication_scope"),
        )
    )
    if limit == "perMessageGroupId" and scope != "messageGroup":
        raise SQSException(
            "InvalidAttributeValue",
            "Invalid value for the parameter FifoThroughputLimit. Reason: The perMessageGroupId "
            "value is allowed only when the value for DeduplicationScope is messageGroup.",
        )


def _check_equal(queue: Any, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        there = queue.attributes.get(name, getattr(queue, camelcase_to_underscores(name), None))
        if not same(there, value):
            raise QueueAlreadyExists(
                "A queue already exists with the same name and a different value for attribute "
                f"{name}"
            )


def _check_dead_letters(backend: Any, arn: str, fifo: bool, given: Mapping[str, Any]) -> None:
    """Raises SQS's error for a dead-letter queue that is not there, of another kind, or another
    queue's alone."""
    policy = given.get("RedrivePolicy")
    document = json.loads(policy) if policy and isinstance(policy, str) else policy
    if not document:  # one without entries takes the policy away, as an empty text does
        return
    target = document.get("deadLetterTargetArn")
    begin = f"Value {policy} for parameter RedrivePolicy is invalid. Reason: "
    found = [queue for queue in backend.queues.values() if queue.queue_arn == target]
    if not found:
        raise InvalidParameterValue(f"{begin}Dead letter target does not exist.")
    if bool(found[0].fifo_queue) != fifo:
        raise InvalidParameterValue(
            f"{begin}Dead-letter queue must be same type of queue as the source."
        )
    if not _allows(found[0], arn):
        raise InvalidParameterValue(f"{begin}{_DENIED}")


def _allows(queue: Any, source: str) -> bool:
    """RedriveAllowPolicy: allowAll where it is not set, denyAll, or byQueue."""
    text = getattr(queue, "redrive_allow_policy", None)
    policy = json.loads(text) if text else {}
    permission = policy.get("redrivePermission", "allowAll")
    return permission == "allowAll" or (
        permission == "byQueue" and source in policy.get("sourceQueueArns", ())
    )


def check_size(queue: Any, message: Mapping[str, Any], begin: str = "are invalid") -> None:
    """Raises SQS's error for a message that its queue does not take."""
    if checks.size(message) > queue.maximum_message_size:
        raise InvalidParameterValue(
            f"One or more parameters {begin}. Reason: Message must be shorter than "
            f"{queue.maximum_message_size} bytes."
        )


def _count_bytes() -> None:
    original = SQSResponse.send_message

    def send_message(self: Any) -> Any:
        queue = self.sqs_backend.get_queue(self._get_queue_name())
        attributes = self._get_param("MessageAttributes")
        body = self._get_param("MessageBody")
        check_size(queue, {"MessageBody": body, "MessageAttributes": attributes})
        return original(self)

    replace(SQSResponse, "send_message", send_message)
