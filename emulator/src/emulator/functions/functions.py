"""All functions of the stage, invoked by name or ARN."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any

from emulator.breaking import Broken
from emulator.functions.model import LATEST, Function, qualified
from emulator.functions.pool import FunctionPool
from emulator.functions.worker import Host
from emulator.providers import EmulatorError, InvokeResult
from emulator.traces.ring import Ring

_PREWARMED_AT_ONCE = 2
DEFAULT_LIMIT = 10  # workers of one function; a laptop is not a region


class Functions:
    """Functions can be added while others already run: custom resources need theirs while the
    template is still being created."""

    def __init__(
        self,
        host: Host,
        report: Callable[[str], None],
        limit: int = DEFAULT_LIMIT,
        ring: Ring | None = None,
        broken: Broken | None = None,
    ) -> None:
        self._broken = Broken() if broken is None else broken
        self._host = host
        self._report = report
        self._limit = limit
        self._ring = Ring(time.time) if ring is None else ring
        self._pools: dict[str, FunctionPool] = {}
        self._versions: dict[str, dict[str, str]] = {}  # function -> qualifier -> version
        self._prewarming: asyncio.Task[None] | None = None

    def add(self, function: Function) -> None:
        self._pools[function.name] = FunctionPool(
            function, self._host, self._limit, self._report, self._ring, self._broken
        )

    def add_version(self, reference: str, version: str) -> str:
        """The ARN of a version of the function, which runs its only code."""
        return self._qualify(reference, version, version)

    def add_alias(self, reference: str, alias: str, version: str) -> str:
        """The ARN of an alias. Raises EmulatorError for a version that there is not."""
        self.version(f"{self._pool(reference).function.name}:{version}")
        return self._qualify(reference, alias, version)

    def version(self, reference: str) -> str:
        """The version that the qualifier of a reference stands for, $LATEST without one. Raises
        EmulatorError for a function or a qualifier that does not exist."""
        name, qualifier = qualified(reference)
        known = {LATEST: LATEST, **self._versions.get(name, {})}
        if name not in self._pools or (qualifier or LATEST) not in known:
            functions = ", ".join(self._pools) or "none"
            raise EmulatorError(f"there is no function {reference!r} (there are: {functions})")
        return known[qualifier or LATEST]

    def _qualify(self, reference: str, qualifier: str, version: str) -> str:
        function = self._pool(reference).function
        self._versions.setdefault(function.name, {})[qualifier] = version
        return f"{function.arn}:{qualifier}"

    def functions(self) -> Collection[Function]:
        return [pool.function for pool in self._pools.values()]

    def label(self, reference: str) -> str:
        """The function's name in logs. Raises EmulatorError for a function that does not exist."""
        return self._pool(reference).function.label

    def timeout(self, reference: str) -> float:
        """The function's timeout in seconds. Raises EmulatorError for a function that does not
        exist."""
        return self._pool(reference).function.timeout

    def function(self, reference: str) -> Function:
        """Raises EmulatorError for a function that does not exist."""
        return self._pool(reference).function

    async def invoke(self, reference: str, event: bytes, request_id: str = "") -> InvokeResult:
        """See `emulator.providers.Invoke`; an event that is tried again keeps its `request_id`."""
        pool, (_, qualifier) = self._pool(reference), qualified(reference)
        arn = pool.function.arn
        return await pool.invoke(event, f"{arn}:{qualifier}" if qualifier else arn, request_id)

    async def start(self) -> None:
        """Have one worker per function soon, without waiting for it."""
        self._prewarming = asyncio.create_task(self._prewarm())

    async def warm(self) -> None:
        """Returns when `start` has had its effect."""
        if self._prewarming is not None:
            await self._prewarming

    async def stop(self) -> None:
        if self._prewarming is not None:
            self._prewarming.cancel()
        await asyncio.gather(*(pool.stop() for pool in self._pools.values()))

    def replace_workers(self) -> None:
        """The code changed: new processes for every function, those that are needed now first."""
        for pool in self._pools.values():
            pool.retire_workers()
        if self._prewarming is not None:
            self._prewarming.cancel()
            self._prewarming = asyncio.create_task(self._prewarm())

    def state(self) -> dict[str, Any]:
        return {"functions": [pool.state() for pool in self._pools.values()]}

    def _pool(self, reference: str) -> FunctionPool:
        self.version(reference)
        return self._pools[qualified(reference)[0]]

    async def _prewarm(self) -> None:
        slots = asyncio.Semaphore(_PREWARMED_AT_ONCE)

        async def one(pool: FunctionPool) -> None:
            async with slots:
                await pool.prewarm()

        await asyncio.gather(*(one(pool) for pool in self._pools.values()))
