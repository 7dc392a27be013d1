"""The base of the pollers of queues and of streams: the mapping, the call of its function."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import aiohttp

from emulator.aws.calls import AwsError, Calls
from emulator.clock import Clock
from emulator.events.model import EventSourceMapping
from emulator.providers import Invoke, InvokeResult, Throttled

FAILED_CALL = (aiohttp.ClientError, AwsError, TimeoutError)
_RESTART = 1  # seconds until a poller that failed starts again
_AGAIN = 0.1  # seconds until the function is called again where its concurrency was exhausted

Patience = Callable[[Throttled], Awaitable[bool]]
"""Whether the poller goes on calling its function, which was throttled."""


@dataclass(eq=False)
class Poller:
    """Reads one event source and calls one function with what it finds. `report` gets failures."""

    kind: ClassVar[str]

    mapping: EventSourceMapping
    calls: Calls
    invoke: Invoke
    clock: Clock
    report: Callable[[str], None]
    delivered: int = field(init=False, default=0)

    async def run(self) -> None:
        """Polls until it is cancelled. Subclasses override it, each with the loop of its event
        source; the error shows one that does not."""
        raise NotImplementedError

    async def run_again_and_again(self) -> None:
        """`run`, and again after each failure, until it is cancelled."""
        while True:
            try:
                await self.run()
            except Exception as error:
                self.report(
                    f"{self.kind} {self.mapping.source}: {error!r}; its poller starts again"
                )
                self.rewind()
            await asyncio.sleep(_RESTART)

    def rewind(self) -> None:
        """Forgets the position of a run that has failed, so that the next one reads the same
        again."""

    def state(self) -> dict[str, Any]:
        return {
            "source": self.mapping.source,
            "function": self.mapping.function,
            "delivered": self.delivered,
        }

    async def _call(self, records: Sequence[Mapping[str, Any]], patient: Patience) -> InvokeResult:
        """Calls the function, again while it is throttled and the poller is `patient`; raises
        Throttled then."""
        event = json.dumps({"Records": records}).encode()
        while True:
            try:
                return await self.invoke(self.mapping.function, event)
            except Throttled as throttled:
                if not await patient(throttled):
                    raise
                await asyncio.sleep(_AGAIN)

    def _report_failure(self, error: Exception) -> None:
        self.report(f"{self.kind} {self.mapping.source}: {error}")
