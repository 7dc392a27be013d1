"""Polls a table's stream for a function: in order, in batches, again after failures."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from emulator.aws.calls import AwsError, Calls
from emulator.clock import Clock
from emulator.events import batching, shapes
from emulator.events.batching import Discarded, Work
from emulator.events.model import EventSourceMapping
from emulator.providers import Invoke, InvokeResult, Throttled

POLL = 0.15  # real seconds between looks at a stream that had nothing new
_READ = 100  # records of one GetRecords call; moto needs 0.2 ms for each and does nothing else


class StreamPoller:
    """One shard, as moto's streams have: records reach the function in their order, and later
    ones wait until earlier ones are done or given up."""

    def __init__(
        self,
        mapping: EventSourceMapping,
        calls: Calls,
        invoke: Invoke,
        clock: Clock,
        report: Callable[[str], None],
    ) -> None:
        self._mapping = mapping
        self._calls = calls
        self._invoke = invoke
        self._clock = clock
        self._report = report
        self._shard = ""
        self._iterator = ""
        self._waiting: list[Mapping[str, Any]] = []
        self._waiting_size = 0
        self._waiting_since = 0.0
        self._delivered = 0
        self._discarded = 0

    def state(self) -> dict[str, Any]:
        return {
            "source": self._mapping.source,
            "function": self._mapping.function,
            "waiting": len(self._waiting),
            "delivered": self._delivered,
            "discarded": self._discarded,
        }

    async def run(self) -> None:
        """Until it is cancelled."""
        await self._open()
        while True:
            try:
                found = await self._read()
                if self._is_due():
                    await self._deliver(self._take_batch())
                elif not found:
                    await asyncio.sleep(POLL)
            except (aiohttp.ClientError, AwsError, TimeoutError) as error:
                self._report(f"stream {self._mapping.source}: {error}")
                await asyncio.sleep(1)

    async def _open(self) -> None:
        arn = self._mapping.source
        stream = await self._calls("dynamodbstreams", "DescribeStream", StreamArn=arn)
        self._shard = stream["StreamDescription"]["Shards"][0]["ShardId"]
        opened = await self._calls(
            "dynamodbstreams",
            "GetShardIterator",
            StreamArn=arn,
            ShardId=self._shard,
            ShardIteratorType="TRIM_HORIZON" if self._mapping.from_start else "LATEST",
        )
        self._iterator = opened["ShardIterator"]

    async def _read(self) -> bool:
        """Take what is new and wanted into the buffer; whether anything was new."""
        response = await self._calls(
            "dynamodbstreams", "GetRecords", ShardIterator=self._iterator, Limit=_READ
        )
        self._iterator = response["NextShardIterator"]
        for record in response["Records"]:
            if self._mapping.wanted(record):
                if not self._waiting:
                    self._waiting_since = self._clock.now()
                self._waiting.append(record)
                self._waiting_size += len(json.dumps(record))
        return bool(response["Records"])

    def _is_due(self) -> bool:
        waited = self._clock.now() - self._waiting_since
        return batching.is_due(len(self._waiting), self._waiting_size, waited, self._mapping)

    def _take_batch(self) -> Work:
        taken: list[Mapping[str, Any]] = []
        size = 0
        for record in self._waiting[: self._mapping.batch_size]:
            size += len(json.dumps(record))
            if taken and size > batching.MAX_EVENT:
                break
            taken.append(record)
        del self._waiting[: len(taken)]
        self._waiting_size = sum(len(json.dumps(record)) for record in self._waiting)
        return Work(tuple(taken))

    async def _deliver(self, batch: Work) -> None:
        pending: deque[Work | Discarded] = deque([batch])
        result = InvokeResult(b"", False)
        while pending:
            step = pending.popleft()
            if isinstance(step, Discarded):
                await self._discard(step, result)
                continue
            if step.attempts:
                await self._clock.sleep(batching.backoff(step.attempts))
            fresh = batching.without_old(step, time.time(), self._mapping)
            if fresh != [step]:
                pending.extendleft(reversed(fresh))
                continue
            result = await self._call(step)
            following = batching.after_invocation(step, result, self._mapping)
            undone = sum(len(each.records) for each in following)
            self._delivered += len(step.records) - undone
            pending.extendleft(reversed(following))

    async def _call(self, work: Work) -> InvokeResult:
        event = {
            "Records": [
                shapes.stream_record(record, self._mapping.source) for record in work.records
            ]
        }
        while True:
            try:
                return await self._invoke(self._mapping.function, json.dumps(event).encode())
            except Throttled:
                await asyncio.sleep(POLL)

    async def _discard(self, discarded: Discarded, result: InvokeResult) -> None:
        self._discarded += len(discarded.records)
        self._report(
            f"{len(discarded.records)} records of {self._mapping.source} given up: "
            f"{discarded.condition}"
        )
        if self._mapping.on_failure is None:
            return
        notice = shapes.failure_notice(
            discarded,
            request_id=str(uuid.uuid4()),
            function_arn=self._mapping.function,
            stream_arn=self._mapping.source,
            shard_id=self._shard,
            function_error=result.error,
            now=time.time(),
        )
        name = self._mapping.on_failure.rpartition(":")[2]
        queue = await self._calls("sqs", "GetQueueUrl", QueueName=name)
        await self._calls(
            "sqs", "SendMessage", QueueUrl=queue["QueueUrl"], MessageBody=json.dumps(notice)
        )
