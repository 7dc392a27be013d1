"""The poller of a table's stream for a function: in order, in batches, again after failures."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from emulator.events import batching, shapes
from emulator.events.batching import Discarded, Work
from emulator.events.poller import FAILED_CALL, Poller
from emulator.providers import InvokeResult, NoFreeWorker, Throttled

POLL = 0.15  # real seconds between looks at a stream that had nothing new
AGAIN = 1.0  # real seconds until a call that failed is made again
_READ = 100  # records of one GetRecords call; moto needs 0.2 ms for each and does nothing else


@dataclass(eq=False)
class StreamPoller(Poller):
    """One shard, as moto's streams have: records reach the function in their order, and later
    ones wait until earlier ones are done or given up."""

    kind = "stream"

    _shard: str = field(init=False, default="")
    _iterator: str = field(init=False, default="")
    _waiting: list[Mapping[str, Any]] = field(init=False, default_factory=list)
    _waiting_size: int = field(init=False, default=0)
    _waiting_since: float = field(init=False, default=0.0)
    _discarded: int = field(init=False, default=0)
    _delayed: float = field(init=False, default=0.0)  # seconds that this machine made records wait
    _read_up_to: int = field(init=False, default=0)  # a sequence number; 0 is before the first
    _undone: int | None = field(init=False, default=None)  # the first one of what is under way
    _current: Mapping[str, Any] | None = field(init=False, default=None)
    resume: int | None = field(init=False, default=None)  # where an earlier run was

    @property
    def table(self) -> str:
        return self.mapping.source.split("/")[1]

    def age(self) -> float:
        """The age of the record that the function has or gets next, in seconds; 0 for none."""
        record = self._current or next(iter(self._waiting), None)
        created = record["dynamodb"].get("ApproximateCreationDateTime") if record else None
        return max(0.0, time.time() - float(created)) if created else 0.0

    def position(self) -> int:
        """The sequence number up to which all is done; what follows has to be read again after a
        restart. 0 is before the first."""
        if self._undone is not None:
            return self._undone - 1
        if self._waiting:
            return int(batching.sequence_number(self._waiting[0])) - 1
        return self._read_up_to or self.resume or 0

    def rewind(self) -> None:
        if self._read_up_to:
            self.resume = self.position()
        self._undone, self._current, self._read_up_to = None, None, 0
        self._waiting, self._waiting_size = [], 0

    def state(self) -> dict[str, Any]:
        return {**super().state(), "waiting": len(self._waiting), "discarded": self._discarded}

    async def run(self) -> None:
        """Polls until it is cancelled."""
        await self._open()
        while True:
            try:
                found = await self._read()
                if self._is_due():
                    await self._deliver(self._take_batch())
                elif not found:
                    await asyncio.sleep(POLL)
            except FAILED_CALL as error:
                self._report_failure(error)
                await asyncio.sleep(AGAIN)
                if self._undone is not None:  # the rest of its batch is in no buffer any more
                    self.rewind()
                    await self._open()

    async def _open(self) -> None:
        arn = self.mapping.source
        stream = await self.calls("dynamodbstreams", "DescribeStream", StreamArn=arn)
        self._shard = stream["StreamDescription"]["Shards"][0]["ShardId"]
        opened = await self.calls(
            "dynamodbstreams",
            "GetShardIterator",
            StreamArn=arn,
            ShardId=self._shard,
            **self._place(),
        )
        self._iterator = opened["ShardIterator"]

    def _place(self) -> dict[str, str]:
        if self.resume:
            return {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "SequenceNumber": str(self.resume),
            }
        from_start = self.mapping.from_start or self.resume is not None
        return {"ShardIteratorType": "TRIM_HORIZON" if from_start else "LATEST"}

    async def _read(self) -> bool:
        """Take what is new and wanted into the buffer; whether anything was new."""
        response = await self.calls(
            "dynamodbstreams", "GetRecords", ShardIterator=self._iterator, Limit=_READ
        )
        self._iterator = response["NextShardIterator"]
        for each in response["Records"]:
            record = shapes.stream_record(each, self.mapping.source)
            self._read_up_to = int(batching.sequence_number(record))
            if self.mapping.wanted(record):
                if not self._waiting:
                    self._waiting_since = self.clock.now()
                self._waiting.append(record)
                self._waiting_size += batching.size_of(record)
        return bool(response["Records"])

    def _is_due(self) -> bool:
        waited = self.clock.now() - self._waiting_since
        return batching.is_due(len(self._waiting), self._waiting_size, waited, self.mapping)

    def _take_batch(self) -> Work:
        taken = batching.first_that_fit(self._waiting, self.mapping.batch_size)
        del self._waiting[: len(taken)]
        self._waiting_size = sum(map(batching.size_of, self._waiting))
        return Work(tuple(taken))

    async def _deliver(self, batch: Work) -> None:
        pending: deque[Work | Discarded] = deque([batch])
        result = InvokeResult(b"", False)
        while pending:
            step = pending.popleft()
            self._undone = int(batching.sequence_number(step.records[0]))
            self._current = step.records[0]
            if isinstance(step, Discarded):
                await self._discard(step, result)
                continue
            if step.attempts:
                await self.clock.sleep(batching.backoff(step.attempts))
            if not self._keeps(step):
                fresh = batching.without_old(step, self._now(), self.mapping)
                pending.extendleft(reversed(fresh))
                continue
            try:
                result = await self._call(step.records, partial(self._is_patient, step))
            except Throttled:  # until they are too old
                pending.appendleft(step)
                continue
            following = batching.after_invocation(step, result, self.mapping)
            undone = sum(len(each.records) for each in following)
            self.delivered += len(step.records) - undone
            pending.extendleft(reversed(following))
        self._undone = self._current = None
        if not self._waiting:
            self._delayed = 0.0

    async def _is_patient(self, step: Work, throttled: Throttled) -> bool:
        """Whether to wait for the function: until the records are too old. They do not age while
        this machine has no free worker."""
        if isinstance(throttled, NoFreeWorker):
            self._delayed += throttled.waited
            return True
        return self._keeps(step)

    def _keeps(self, step: Work) -> bool:
        """Whether none of the records is too old."""
        return batching.without_old(step, self._now(), self.mapping) == [step]

    def _now(self) -> float:
        return time.time() - self._delayed

    async def _discard(self, discarded: Discarded, result: InvokeResult) -> None:
        if self.mapping.on_failure is not None:
            await self._notify(self.mapping.on_failure, discarded, result)
        self._discarded += len(discarded.records)
        self.report(
            f"{len(discarded.records)} records of {self.mapping.source} given up: "
            f"{discarded.condition}"
        )

    async def _notify(self, destination: str, discarded: Discarded, result: InvokeResult) -> None:
        """Sends a failure notice. Where this fails, the records are not given up: the function gets
        them again."""
        notice = shapes.failure_notice(
            discarded,
            request_id=str(uuid.uuid4()),
            function=self.mapping.function,
            stream_arn=self.mapping.source,
            shard_id=self._shard,
            function_error=result.error,
            now=time.time(),
        )
        name = destination.rpartition(":")[2]
        queue = await self.calls("sqs", "GetQueueUrl", QueueName=name)
        await self.calls(
            "sqs", "SendMessage", QueueUrl=queue["QueueUrl"], MessageBody=json.dumps(notice)
        )
