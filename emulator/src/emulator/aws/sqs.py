"""Queues: waiting without blocking, and deduplication that outlives deletion.

moto waits for messages inside the call, which would stop the only thread there is. And it looks
for duplicates among the messages that are still in the queue, while a FIFO queue remembers a
deduplication id for five minutes whether or not the message was deleted since.
Source: SQS developer guide, "Short and long polling" and "Exactly-once processing".
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from moto.sqs.models import DEDUPLICATION_TIME_IN_SECONDS, Queue, SQSBackend

from emulator.aws.hooks import replace

_RECHECK = 0.25  # seconds: delays and visibility timeouts end without anybody telling


class LongPolls:
    """Requests that wait for messages; whatever arrives in any queue wakes them all."""

    def __init__(self) -> None:
        self._arrivals = asyncio.Event()
        self._wanted = 0.0

    def begin(self) -> None:
        """A call starts; until it says otherwise it does not want to wait."""
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
    receive_message = SQSBackend.receive_message
    add_message = Queue.add_message
    delete_message = Queue.delete_message
    attribute = "emulator_sent"  # (group, deduplication id) -> when it was accepted (ms)

    def receive_without_waiting(
        self: SQSBackend,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Any]:
        received: list[Any] = receive_message(
            self, queue_name, count, 0, visibility_timeout, message_attribute_names
        )
        if not received:
            polls.nothing_received(float(wait_seconds_timeout or 0))
        return received

    def add_once(self: Any, message: Any) -> None:
        identifier = message.deduplication_id if self.fifo_queue else None
        if identifier and not _is_new(self.__dict__.setdefault(attribute, {}), self, message):
            return
        message.deduplication_id = None  # so that moto does not judge it again, its own way
        add_message(self, message)
        message.deduplication_id = identifier
        polls.arrived()

    replace(SQSBackend, "receive_message", receive_without_waiting)

    def delete_and_notify(self: Any, receipt_handle: str) -> None:
        delete_message(self, receipt_handle)
        polls.arrived()  # the next message of its group can be received now

    replace(Queue, "add_message", add_once)
    replace(Queue, "delete_message", delete_and_notify)


def _is_new(sent: dict[tuple[str | None, str], float], queue: Any, message: Any) -> bool:
    """Whether no message with its deduplication id was accepted lately; remembers it."""
    per_group = queue.attributes.get("DeduplicationScope") == "messageGroup"
    key = (message.group_id if per_group else None, message.deduplication_id)
    oldest = message.sent_timestamp - DEDUPLICATION_TIME_IN_SECONDS * 1000
    for known in [known for known, at in sent.items() if at <= oldest]:
        del sent[known]
    if key in sent:
        return False
    sent[key] = message.sent_timestamp
    return True
