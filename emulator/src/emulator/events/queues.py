"""The poller of a queue for a function.

A FIFO queue gives out no message of a group while an earlier one is in flight, so batches may run
side by side without two of a group at the same time.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from emulator.aws.calls import AwsError, Calls
from emulator.events import batching, shapes
from emulator.events.poller import FAILED_CALL, Poller
from emulator.providers import NoFreeWorker, Throttled

_LONG_POLL = 20  # seconds, the longest SQS allows
_AT_ONCE = 10  # messages of one ReceiveMessage or DeleteMessageBatch call, their maximum


async def url_and_visibility(calls: Calls, source: str) -> tuple[str, float]:
    """The URL of the queue with this ARN, and its visibility timeout in seconds. Raises AwsError
    where the queue of that name has another ARN, one of this account and region."""
    name = source.rpartition(":")[2]
    url = (await calls("sqs", "GetQueueUrl", QueueName=name))["QueueUrl"]
    names = ["VisibilityTimeout", "QueueArn"]
    response = await calls("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=names)
    attributes = response["Attributes"]
    if attributes["QueueArn"] != source:
        code = "AWS.SimpleQueueService.NonExistentQueue"
        raise AwsError("ReceiveMessage", code, "The specified queue does not exist.")
    return url, float(attributes["VisibilityTimeout"])


@dataclass
class _Hidden:
    """Records that are not settled yet and nobody else receives, `since` then, by the clock."""

    records: Sequence[Mapping[str, Any]]
    since: float


@dataclass(eq=False)
class QueuePoller(Poller):
    """Messages that were not reported as failed are deleted; the others become visible again when
    the queue's visibility timeout is over, and go to the dead-letter queue as the queue's redrive
    policy says."""

    kind = "queue"

    _url: str = field(init=False, default="")
    _visibility: float = field(init=False, default=30.0)
    _running: set[asyncio.Task[None]] = field(init=False, default_factory=set)
    _failed: int = field(init=False, default=0)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "running": len(self._running), "failed": self._failed}

    async def run(self) -> None:
        """Polls until it is cancelled."""
        await self._open()
        slots = asyncio.Semaphore(self.mapping.concurrency)
        try:
            while True:
                await slots.acquire()
                messages = await self._receive_batch()
                task = asyncio.create_task(self._handle(messages))
                self._running.add(task)
                task.add_done_callback(self._done)
                task.add_done_callback(lambda _: slots.release())
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._report_failure(error)  # its messages become visible again

    async def _open(self) -> None:
        self._url, self._visibility = await url_and_visibility(self.calls, self.mapping.source)

    async def _receive_batch(self) -> list[Mapping[str, Any]]:
        """Receives at least one message, more for as long as the window is open and the batch not
        full."""
        messages: list[Mapping[str, Any]] = []
        size, started = 0, 0.0
        while not messages or not batching.is_due(
            len(messages), size, self.clock.now() - started, self.mapping
        ):
            left = started + self.mapping.window - self.clock.now()
            wait = _wait(self.clock.real(left)) if messages else _LONG_POLL
            received = await self._receive(self.mapping.batch_size - len(messages), wait)
            if received and not messages:
                started = self.clock.now()
            messages += received
            size = sum(len(message["Body"]) for message in messages)
        return messages

    async def _receive(self, count: int, wait: int) -> list[Mapping[str, Any]]:
        try:
            response = await self.calls(
                "sqs",
                "ReceiveMessage",
                QueueUrl=self._url,
                MaxNumberOfMessages=min(count, _AT_ONCE),
                WaitTimeSeconds=wait,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        except FAILED_CALL as error:
            self._report_failure(error)
            await asyncio.sleep(1)
            return []
        return list(response.get("Messages", []))

    async def _handle(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Handles a batch. What is over 6 MB goes to the function in parts, each of which is a
        batch of its own."""
        wanted: list[dict[str, Any]] = []
        unwanted: list[dict[str, Any]] = []
        for message in messages:
            record = shapes.queue_record(message, self.mapping.source)
            passed = self.mapping.wanted(record)
            (wanted if passed else unwanted).append(record)
        hidden = _Hidden(wanted, self.clock.now())
        await self._settle(unwanted, frozenset(), hidden)
        while wanted:
            part = batching.first_that_fit(wanted, len(wanted))
            failed = await self._failed_of(part, hidden)
            if failed and self.mapping.source.endswith(".fifo"):
                # nothing overtakes an earlier message of its group, which is received again
                failed |= {record["messageId"] for record in wanted[len(part) :]}
                part = list(wanted)
            del wanted[: len(part)]
            await self._settle(part, failed, hidden)
            if wanted:
                await self._hide_anew(hidden)

    async def _failed_of(self, part: Sequence[Mapping[str, Any]], hidden: _Hidden) -> set[str]:
        known = [record["messageId"] for record in part]
        try:
            result = await self._call(part, partial(self._is_patient, hidden))
            return set(batching.failed_items(result, known, self.mapping.partial_failures))
        except (batching.Unreported, Throttled):
            return set(known)

    async def _settle(
        self, records: Sequence[Mapping[str, Any]], failed: Set[str], hidden: _Hidden
    ) -> None:
        """Deletes the records but the failed ones, which become visible when it is time."""
        self.delivered += len(records) - len(failed)
        self._failed += len(failed)
        try:
            await self._delete([each for each in records if each["messageId"] not in failed])
            if failed:
                left = max(0.0, self._visibility - (self.clock.now() - hidden.since))
                await self._hide(
                    [each for each in records if each["messageId"] in failed],
                    math.ceil(self.clock.real(left)),
                )
        except FAILED_CALL as error:
            self._report_failure(error)

    async def _is_patient(self, hidden: _Hidden, throttled: Throttled) -> bool:
        """Whether to wait for the function: while the messages are hidden. Where the function is
        throttled for longer, they have been received once more, and may go to the dead-letter queue
        without having reached it: "Backoff strategy for failed invocations" of SQS event sources.
        Where only this machine has no free worker they are hidden anew: on AWS they would have
        reached it."""
        if isinstance(throttled, NoFreeWorker):
            await self._hide_anew(hidden)
            return True
        return self.clock.now() - hidden.since < self._visibility

    async def _hide_anew(self, hidden: _Hidden) -> None:
        """Hides the messages for the whole visibility timeout, as if they had been received just
        now."""
        hidden.since = self.clock.now()
        await self._hide(hidden.records, math.ceil(self._visibility))

    async def _delete(self, records: Sequence[Mapping[str, Any]]) -> None:
        await self._in_tens("DeleteMessageBatch", records, {})

    async def _hide(self, records: Sequence[Mapping[str, Any]], seconds: int) -> None:
        """The rest of the visibility timeout passes at the clock's speed."""
        await self._in_tens("ChangeMessageVisibilityBatch", records, {"VisibilityTimeout": seconds})

    async def _in_tens(
        self, operation: str, records: Sequence[Mapping[str, Any]], more: Mapping[str, Any]
    ) -> None:
        for start in range(0, len(records), _AT_ONCE):
            entries = [
                {"Id": str(index), "ReceiptHandle": record["receiptHandle"], **more}
                for index, record in enumerate(records[start : start + _AT_ONCE])
            ]
            await self.calls("sqs", operation, QueueUrl=self._url, Entries=entries)


def _wait(seconds: float) -> int:
    """The rest of a batching window, as WaitTimeSeconds takes it: whole seconds, 20 at most."""
    return max(0, min(math.ceil(seconds), _LONG_POLL))
