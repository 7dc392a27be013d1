"""Batches of SQS: what rejects a whole batch, and what only one of its entries.

moto rejects a batch for a body, an attribute or a delay of one entry, and knows no source of a
message in a dead-letter queue. Sources: SQS API reference, SendMessageBatch ("The result of sending
each message is reported individually"), "Errors" of the three batch operations, ReceiveMessage
(`DeadLetterQueueSourceArn`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from moto.core.responses import ActionResult
from moto.sqs.exceptions import (
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    InvalidParameterValue,
    SQSException,
    TooManyEntriesInBatchRequest,
)
from moto.sqs.models import SQSBackend
from moto.sqs.responses import SQSResponse

from emulator.aws import sqs_attributes, sqs_receipts
from emulator.aws.checks import sqs as checks
from emulator.aws.checks.rejection import Rejection
from emulator.aws.hooks import replace

SOURCE = "DeadLetterQueueSourceArn"
_AT_ONCE = 10
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
Entries = Sequence[Mapping[str, Any]]
Failed = dict[str, Any]


def install() -> None:
    """Change moto's SQS as this module's docstring describes."""
    replace(SQSBackend, "send_message_batch", _send_message_batch)
    for operation, action in (
        ("delete_message_batch", "Delete"),
        ("change_message_visibility_batch", "ChangeVisibility"),
    ):
        replace(SQSResponse, operation, _each_by_its_own(operation, action))
    replace(SQSBackend, "delete_message_batch", _delete_message_batch)
    replace(SQSBackend, "change_message_visibility_batch", _change_message_visibility_batch)
    replace(SQSBackend, "send_message", _for_its_kind(SQSBackend.send_message))
    replace(SQSResponse, "receive_message", _with_sources(SQSResponse.receive_message))


def _send_message_batch(
    self: Any, queue_name: str, entries: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Any], list[Failed]]:
    given = list(entries.values())
    _require(given, "Send")
    size = sum(checks.size(entry) for entry in given)
    if size > checks.MOST_BYTES:
        raise BatchRequestTooLong(size)
    queue = self.get_queue(queue_name)
    if queue.fifo_queue:  # an entry without group or id rejects them all
        for entry in given:
            ids = entry.get("MessageDeduplicationId"), entry.get("MessageGroupId")
            self._validate_message(queue, "", 0, *ids)
    sent: list[Any] = []
    failed: list[Failed] = []
    for entry in given:
        try:
            checks.check_message(entry)
            sqs_attributes.check_size(queue, entry, "cannot be validated")
            sent.append(_send(self, queue_name, entry))
        except (Rejection, SQSException) as error:
            failed.append(_error(entry["Id"], str(error.code), str(error.message)))
    return sent, failed


def _send(backend: Any, queue_name: str, entry: Mapping[str, Any]) -> Any:
    message = backend.send_message(
        queue_name,
        entry["MessageBody"],
        message_attributes=entry["MessageAttributes"],
        delay_seconds=entry["DelaySeconds"],
        group_id=entry.get("MessageGroupId"),
        deduplication_id=entry.get("MessageDeduplicationId"),
    )
    message.user_id = entry["Id"]
    return message


def _change_message_visibility_batch(
    self: Any, queue_name: str, entries: Entries
) -> tuple[list[str], list[Failed]]:
    def change(entry: Mapping[str, Any]) -> None:
        checks.check_visibility(entry)
        if entry.get("VisibilityTimeout") is None:
            text = "The request must contain the parameter VisibilityTimeout."
            raise Rejection(text, "MissingParameter")
        self.change_message_visibility(
            queue_name=queue_name,
            receipt_handle=entry["ReceiptHandle"],
            visibility_timeout=int(entry["VisibilityTimeout"]),
        )

    return _one_by_one(entries, change)


def _delete_message_batch(
    self: Any, queue_name: str, receipts: Entries
) -> tuple[list[str], list[Failed]]:
    return _one_by_one(
        receipts, lambda entry: self.delete_message(queue_name, entry["ReceiptHandle"])
    )


def _one_by_one(
    entries: Entries, act: Callable[[Mapping[str, Any]], None]
) -> tuple[list[str], list[Failed]]:
    done: list[str] = []
    failed: list[Failed] = []
    for entry in entries:
        try:
            act(entry)
            done.append(entry["Id"])
        except Rejection as error:
            failed.append(_error(entry["Id"], error.code, error.message))
        except SQSException as error:
            failed.append(_error(entry["Id"], *sqs_receipts.of_entry(error)))
    return done, failed


def _for_its_kind(original: Callable[..., Any]) -> Callable[..., Any]:
    """Rejects deduplication ids for a queue that is not FIFO."""

    def send_message(self: Any, queue_name: str, message_body: str, **given: Any) -> Any:
        id_ = given.get("deduplication_id")
        if id_ is not None and not self.get_queue(queue_name).fifo_queue:
            raise InvalidParameterValue(
                f"Value {id_} for parameter MessageDeduplicationId is invalid. Reason: The request "
                "includes a parameter that is not valid for this queue type."
            )
        return original(self, queue_name, message_body, **given)

    return send_message


def _each_by_its_own(operation: str, action: str) -> Callable[[Any], ActionResult]:
    """moto takes a receipt handle twice for an id twice, and looks at the ids of no entry."""

    def respond(self: Any) -> ActionResult:
        entries = self._get_param("Entries", [])
        _require(entries, action)
        done, failed = getattr(self.sqs_backend, operation)(self._get_queue_name(), entries)
        return ActionResult({"Successful": [{"Id": each} for each in done], "Failed": failed})

    return respond


def _require(entries: Entries, action: str) -> None:
    """Raises what rejects the whole batch."""
    if not entries:
        raise EmptyBatchRequest(action)
    if len(entries) > _AT_ONCE:
        raise TooManyEntriesInBatchRequest(len(entries))
    seen: set[str] = set()
    for entry in entries:
        if not _ID.fullmatch(entry["Id"]):
            raise InvalidBatchEntryId()
        if entry["Id"] in seen:
            raise BatchEntryIdsNotDistinct(entry["Id"])
        seen.add(entry["Id"])


def _error(id_: str, code: str, message: str) -> Failed:
    return {"Id": id_, "SenderFault": True, "Code": code, "Message": message}


def _with_sources(original: Callable[[Any], ActionResult]) -> Callable[[Any], ActionResult]:
    def receive_message(self: Any) -> ActionResult:
        response = original(self)
        asked: Iterable[str] = (
            *self._get_param("AttributeNames", []),
            *self._get_param("MessageSystemAttributeNames", []),
        )
        result: Any = response.result
        if {"All", SOURCE} & {*asked} and isinstance(result, dict):
            backlog = self.sqs_backend.get_queue(self._get_queue_name())._messages
            for each in result.get("Messages") or []:
                source = getattr(backlog.with_handle(each["ReceiptHandle"]), "emulator_source", "")
                if source:
                    each.setdefault("Attributes", {})[SOURCE] = source
        return response

    return receive_message
