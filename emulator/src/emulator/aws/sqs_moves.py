"""Redrives: the messages of a dead-letter queue go back, or to another queue. moto has none.

Here all of them go at once, so that a task has ended when the call that started it has. Source: SQS
API reference, StartMessageMoveTask, ListMessageMoveTasks and CancelMessageMoveTask; what LocalStack
has recorded of SQS.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import unix_time_millis
from moto.sqs.exceptions import InvalidParameterValue, SQSException
from moto.sqs.models import Message
from moto.sqs.responses import SQSResponse

from emulator.aws.sqs import next_number
from emulator.iam.calls.messaging import move_handle

_PER_SECOND = (1, 500)
_LISTED = (1, 10)
_UNKNOWN_SOURCE = "CouldNotDetermineMessageSource"


def install(arrived: Callable[[], None]) -> None:
    """`arrived` is called when messages have come into a queue."""

    def start_message_move_task(self: Any) -> ActionResult:
        source = _queue(self, "SourceArn")
        if not self.sqs_backend.list_dead_letter_source_queues(source.name):
            message = "Source queue must be configured as a Dead Letter Queue."
            raise InvalidParameterValue(message)
        destination = _queue(self, "DestinationArn") if self._get_param("DestinationArn") else None
        if destination is not None and destination.fifo_queue != source.fifo_queue:
            raise InvalidParameterValue("Source and destination are queues of one kind.")
        speed = _bounded(self, "MaxNumberOfMessagesPerSecond", *_PER_SECOND)
        task = _move(self.sqs_backend, source, destination)
        if speed is not None:
            task["MaxNumberOfMessagesPerSecond"] = speed
        _tasks(source).insert(0, task)
        arrived()
        return ActionResult({"TaskHandle": move_handle(str(uuid.uuid4()), source.queue_arn)})

    for operation in (start_message_move_task, list_message_move_tasks, cancel_message_move_task):
        setattr(SQSResponse, operation.__name__, operation)


def list_message_move_tasks(self: Any) -> ActionResult:
    most = _bounded(self, "MaxResults", *_LISTED) or 1
    return ActionResult({"Results": _tasks(_queue(self, "SourceArn"))[:most]})


def cancel_message_move_task(self: Any) -> ActionResult:
    """Each has ended."""
    raise SQSException("ResourceNotFoundException", "Task does not exist.")


def _move(backend: Any, source: Any, destination: Any | None) -> dict[str, Any]:
    """The task. A message that was sent to the queue itself goes back nowhere."""
    by_arn = {queue.queue_arn: queue for queue in backend.queues.values()}
    waiting = [each for each in source._messages if each.visible and not each.delayed]
    moved, failure = 0, ""
    for message in waiting:
        target = destination or by_arn.get(getattr(message, "emulator_source", None))
        if target is None:
            failure = _UNKNOWN_SOURCE
            break
        source.pending_messages.discard(message)
        source._messages.remove(message)
        target._messages.append(_sent_again(message, target))
        moved += 1
    task: dict[str, Any] = {
        "Status": "FAILED" if failure else "COMPLETED",
        "SourceArn": source.queue_arn,
        "ApproximateNumberOfMessagesMoved": moved,
        "ApproximateNumberOfMessagesToMove": len(waiting),
        "StartedTimestamp": int(unix_time_millis()),
    }
    if failure:
        task["FailureReason"] = failure
    if destination is not None:
        task["DestinationArn"] = destination.queue_arn
    return task


def _sent_again(message: Any, queue: Any) -> Message:
    """The message with a new id and time: "redriven messages are considered new messages"."""
    made = Message(str(uuid.uuid4()), message.body, message.system_attributes)
    made.message_attributes = message.message_attributes
    made.sender_id = message.sender_id
    made.group_id, made.deduplication_id = message.group_id, message.deduplication_id
    made.mark_sent()
    if queue.fifo_queue:
        made.sequence_number = next_number(queue, made)
    return made


def _tasks(queue: Any) -> list[dict[str, Any]]:
    """The latest first."""
    found: list[dict[str, Any]] = queue.__dict__.setdefault("emulator_moves", [])
    return found


def _queue(self: Any, parameter: str) -> Any:
    arn = str(self._get_param(parameter) or "")
    for queue in self.sqs_backend.queues.values():
        if queue.queue_arn == arn:
            return queue
    message = f"The resource that you specified for the {parameter} parameter doesn't exist."
    raise SQSException("ResourceNotFoundException", message)


def _bounded(self: Any, name: str, least: int, most: int) -> int | None:
    value = self._get_param(name)
    if value is None or least <= int(value) <= most:
        return None if value is None else int(value)
    raise InvalidParameterValue(
        f"Value {value} for parameter {name} is invalid. Reason: You must enter a value that is "
        f"from {least} to {most}."
    )
