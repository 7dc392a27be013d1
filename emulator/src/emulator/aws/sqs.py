"""Queues: waiting without blocking, deduplication that outlives deletion, and calls that do not
walk the whole queue.

moto waits for messages inside the call, which would stop the only thread there is. It looks
for duplicates among the messages that are still in the queue, while a FIFO queue remembers a
deduplication id for five minutes whether or not the message was deleted since. And it walks the
whole queue at every call, several times.
Source: SQS developer guide, "Short and long polling" and "Exactly-once processing".
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.utils import camelcase_to_underscores, unix_time_millis
from moto.sqs.exceptions import QueueDoesNotExist, ReceiptHandleIsInvalid
from moto.sqs.models import (
    DEDUPLICATION_TIME_IN_SECONDS,
    Queue,
    SQSBackend,
    _filter_message_attributes,
)
from moto.sqs.responses import SQSResponse

from emulator.aws import sqs_receipts
from emulator.aws.hooks import replace
from emulator.aws.sqs_backlog import Backlog

_RECHECK = 0.25  # seconds: the ends of delays and visibility timeouts are not notified

_ACCOUNT = re.compile(r"https?://[^/]+/(\d{12})/")


class LongPolls:
    """Requests that wait for messages; whatever arrives in any queue wakes them all."""

    def __init__(self) -> None:
        self._arrivals = asyncio.Event()
        self._wanted = 0.0

    def begin(self) -> None:
        """A call starts; until `nothing_received` it does not wait."""
        self._wanted = 0.0

    def nothing_received(self, wait_seconds: float) -> None:
        """The call that runs received nothing and would wait this long for a message."""
        self._wanted = wait_seconds

    @property
    def wanted(self) -> float:
        return self._wanted

    def arrived(self) -> None:
        self._arrivals.set()
        self._arrivals = asyncio.Event()

    async def next_arrival(self, at_most: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._arrivals.wait(), min(at_most, _RECHECK))


def install(polls: LongPolls) -> None:
    """Change moto's SQS as this module's docstring describes."""
    _keep_backlogs()
    _know_accounts()
    _compute_attributes_on_demand()
    original_delete = Queue.delete_message

    def receive_message(
        self: Any,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Any]:
        queue = self.get_queue(queue_name)
        received = [
            _copy(message, message_attribute_names or [])
            for message in _receive(queue, count, visibility_timeout)
        ]
        if not received:
            polls.nothing_received(float(wait_seconds_timeout or 0))
        return received

    def add_message(self: Any, message: Any) -> None:
        if self.fifo_queue:
            message.sequence_number = next_number(self, message)
            if message.deduplication_id and not _is_new(self, message):
                _take_ids_of_first(self, message)
                return
        self._messages.append(message)
        polls.arrived()

    def delete_message(self: Any, receipt_handle: str) -> None:
        original_delete(self, receipt_handle)
        polls.arrived()  # the next message of its group can be received now

    replace(SQSBackend, "receive_message", receive_message)
    replace(Queue, "add_message", add_message)
    replace(Queue, "delete_message", delete_message)


def _know_accounts() -> None:
    """Queues are those of one account; moto looks at the name alone."""
    from_url, by_name = SQSResponse._get_queue_name, SQSResponse.get_queue_url
    resource = SQSResponse._determine_resource

    def require(account: str | None) -> None:
        if account not in (None, DEFAULT_ACCOUNT_ID):
            raise QueueDoesNotExist

    def get_queue_name(self: Any) -> str:
        found = _ACCOUNT.match(str(self._get_param("QueueUrl")))
        require(found and found[1])
        return str(from_url(self))

    def get_queue_url(self: Any) -> Any:
        require(self._get_param("QueueOwnerAWSAccountId"))
        return by_name(self)

    def determine_resource(self: Any) -> str:
        try:
            return str(resource(self))
        except QueueDoesNotExist:  # which moto expects of a name alone
            return "*"

    replace(SQSResponse, "_determine_resource", determine_resource)
    replace(SQSResponse, "_get_queue_name", get_queue_name)
    replace(SQSResponse, "get_queue_url", get_queue_url)


def _keep_backlogs() -> None:
    """`Queue._messages` is a Backlog, and is not walked."""
    original_init, original_purge = Queue.__init__, SQSBackend.purge_queue

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original_init(self, *args, **kwargs)
        self._messages = Backlog(self.fifo_queue)
        self.emulator_sent = OrderedDict()  # see _is_new

    def purge_queue(self: Any, queue_name: str) -> None:
        original_purge(self, queue_name)
        queue = self.get_queue(queue_name)
        queue._messages = Backlog(queue.fifo_queue)

    def delete_message(self: Any, receipt_handle: str) -> None:
        if receipt_handle in self.deleted_messages:
            return
        message = self._messages.with_handle(receipt_handle)
        if message is None:
            raise ReceiptHandleIsInvalid()
        if self.fifo_queue and sqs_receipts.has_expired(message, receipt_handle):
            raise sqs_receipts.expired(receipt_handle, fifo=True)
        self.pending_messages.discard(message)
        self.deleted_messages.update(message.all_receipt_handles)
        self._messages.remove(message)

    replace(Queue, "__init__", init)
    replace(Queue, "delete_message", delete_message)
    replace(SQSBackend, "purge_queue", purge_queue)
    _change_visibility_of_one()


def _change_visibility_of_one() -> None:
    """moto's method looks through the messages that it is shown, which is the one."""
    original = SQSBackend.change_message_visibility

    def change_message_visibility(
        self: Any, queue_name: str, receipt_handle: str, visibility_timeout: int
    ) -> None:
        queue = self.get_queue(queue_name)
        backlog = queue._messages
        message = backlog.with_handle(receipt_handle)
        if message is None and receipt_handle in queue.deleted_messages:
            raise sqs_receipts.Gone(receipt_handle)
        if message is not None and sqs_receipts.has_expired(message, receipt_handle):
            raise sqs_receipts.expired(receipt_handle, queue.fifo_queue)
        queue._messages = [] if message is None else [message]
        try:
            original(self, queue_name, receipt_handle, visibility_timeout)
        finally:
            queue._messages = backlog

    replace(SQSBackend, "change_message_visibility", change_message_visibility)


def _receive(queue: Any, count: int, visibility_timeout: int) -> list[Any]:
    """Receives at most `count` messages that are visible, in order; they are in flight then.

    No message of a FIFO queue's group is given out while an earlier one is in flight. Those that
    were received too often go to the dead-letter queue.
    """
    backlog, in_flight = queue._messages, queue.pending_messages
    blocked = {backlog.group(each) for each in in_flight if not each.visible and queue.fifo_queue}
    too_old = unix_time_millis() - queue.message_retention_period * 1000
    received: list[Any] = []
    expired, exhausted = [], []
    for message in backlog.outside(blocked):
        if len(received) >= count:
            break
        if message.sent_timestamp <= too_old:
            expired.append(message)
        elif message.visible and not message.delayed:
            if _is_exhausted(queue, message):
                exhausted.append(message)
                continue
            in_flight.add(message)
            message.mark_received(visibility_timeout=visibility_timeout)
            backlog.received(message)
            received.append(message)
    for message in (*expired, *exhausted):
        in_flight.discard(message)
        backlog.remove(message)
    for message in exhausted:
        message.emulator_source = queue.queue_arn  # see sqs_batches.py
        queue.dead_letter_queue.add_message(message)
    return received


def _is_exhausted(queue: Any, message: Any) -> bool:
    if queue.dead_letter_queue is None or not queue.redrive_policy:
        return False
    return bool(message.approximate_receive_count >= queue.redrive_policy["maxReceiveCount"])


def _copy(message: Any, attribute_names: list[str]) -> Any:
    """The message as its receiver gets it: with only the message attributes that were asked for."""
    copied = copy.copy(message)
    _filter_message_attributes(copied, attribute_names)
    return copied


def next_number(queue: Any, message: Any) -> str:
    """SequenceNumber, which grows in each group: here in the whole queue, as time does."""
    last = int(getattr(queue, "emulator_number", 0))
    queue.emulator_number = max(last + 1, int(message.sent_timestamp) * 1_000_000)
    return f"{queue.emulator_number:020d}"


def _take_ids_of_first(queue: Any, message: Any) -> None:
    """The response to a message that is not delivered has the ids of the one that was: "Amazon SQS
    continues to keep track of the message deduplication ID", SendMessage."""
    key = _deduplication_key(queue, message)
    first = queue.__dict__.get("emulator_first", {}).get(key)
    if first is not None:
        message.id, message.sequence_number = first


def _deduplication_key(queue: Any, message: Any) -> tuple[str | None, str]:
    per_group = queue.deduplication_scope == "messageGroup"
    return (message.group_id if per_group else None, message.deduplication_id)


def _is_new(queue: Any, message: Any) -> bool:
    """Whether no message with its deduplication id was accepted lately; remembers it.

    `emulator_sent` has the time in ms of each id, with its group where ids are per group; oldest
    first.
    """
    sent: OrderedDict[tuple[str | None, str], float] = queue.emulator_sent
    first = queue.__dict__.setdefault("emulator_first", {})
    key = _deduplication_key(queue, message)
    oldest = message.sent_timestamp - DEDUPLICATION_TIME_IN_SECONDS * 1000
    while sent and next(iter(sent.values())) <= oldest:
        first.pop(sent.popitem(last=False)[0], None)
    if key in sent:
        return False
    sent[key] = message.sent_timestamp
    first[key] = (message.id, message.sequence_number)
    return True


def _compute_attributes_on_demand() -> None:
    """moto counts all messages, three times, whenever a single attribute is read."""
    replace(Queue, "attributes", property(Attributes))


class Attributes(Mapping[str, Any]):
    """`Queue.attributes`, each with the value that moto gives it."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        value = getattr(self._queue, _python_name(name))
        if name == "RedrivePolicy" and value:
            return json.dumps(value)
        if name.endswith("Timestamp"):
            return int(value)  # "in seconds": GetQueueAttributes, API reference
        return str(value).lower() if isinstance(value, bool) else value

    def __contains__(self, name: object) -> bool:
        return any(name in names for names in self._names())

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._names())

    def __len__(self) -> int:
        return sum(len(names) for names in self._names())

    def _names(self) -> Iterator[list[str]]:
        yield Queue.BASE_ATTRIBUTES
        if self._queue.fifo_queue:
            yield Queue.FIFO_ATTRIBUTES
        if self._queue.kms_master_key_id:
            yield Queue.KMS_ATTRIBUTES


@lru_cache
def _python_name(attribute: str) -> str:
    return str(camelcase_to_underscores(attribute))
