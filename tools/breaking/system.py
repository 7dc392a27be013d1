"""The running system, by its console: faults, tasks, weights, alarms."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from tools.breaking.faults import Fault, Targets

POOL, FUNCTIONS = "small", "lambda"
TASKS = 2
POLL = 0.5  # seconds between two checks


class System:
    """`console` is its base URL."""

    def __init__(self, console: str) -> None:
        self._http = httpx.AsyncClient(base_url=f"{console}/_local", timeout=30)
        self._weights: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    @contextlib.asynccontextmanager
    async def broken(self, fault: Fault) -> AsyncIterator[None]:
        """The fault lasts for the block."""
        weights = {each["pool"]: each["weight"] for each in (await self._state())["target_groups"]}
        pausing: asyncio.Task[None] | None = None
        try:
            for each in fault.broken:
                await self._post("broken", each)
            if not fault.functions_serve:
                await self._post(f"pools/{FUNCTIONS}", {"weight": 0})
            if fault.targets is Targets.NONE:
                await self._post(f"pools/{POOL}", {"autoscaling": False})
                await self._post(f"pools/{POOL}", {"desired": 0})
            elif fault.targets is Targets.PAUSED:
                pausing = asyncio.create_task(self._pause())
            yield
        finally:
            if pausing is not None:
                pausing.cancel()
                await asyncio.gather(pausing, return_exceptions=True)
            await self.mend(weights)

    async def mend(self, weights: Mapping[str, int | None] | None = None) -> None:
        """All faults. Without the `weights` that there were the functions' is 1."""
        await self._post("broken", {"mend": True})
        before = {FUNCTIONS: 1} if weights is None else weights
        if (weight := before.get(FUNCTIONS)) is not None:
            await self._post(f"pools/{FUNCTIONS}", {"weight": weight})
        pools = {each["name"]: each for each in (await self._state())["pools"]}
        if pools.get(POOL, {}).get("desired") == 0:
            await self._post(f"pools/{POOL}", {"desired": TASKS})
            await self._post(f"pools/{POOL}", {"autoscaling": True})
        for task in pools.get(POOL, {}).get("tasks", ()):
            if task["paused"]:
                await self._act(task["id"], "resume")

    async def alarm(self, id: str, within: float) -> dict[str, Any] | None:
        """The alarm whose id begins so, once it is on; None if it is not within so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    for each in (await self._state())["alarms"]:
                        if each["id"].removeprefix("Alarms").startswith(id):
                            found: dict[str, Any] = each
                            if found["state"] == "ALARM":
                                return found
                    await asyncio.sleep(POLL)
        return None

    async def _pause(self) -> None:
        """Each task once; ECS replaces what fails its health checks, and the next is paused too."""
        while True:
            for pool in (await self._state())["pools"]:
                for task in pool["tasks"]:
                    if pool["name"] == POOL and not task["paused"]:
                        await self._act(task["id"], "pause")
            await asyncio.sleep(POLL)

    async def _act(self, target: str, action: str) -> None:
        with contextlib.suppress(httpx.HTTPStatusError):  # it has ended meanwhile
            await self._post(f"targets/{target}", {"action": action})

    async def _post(self, path: str, body: Mapping[str, Any]) -> None:
        (await self._http.post(f"/{path}", json=body)).raise_for_status()

    async def _state(self) -> dict[str, Any]:
        response = await self._http.get("/state")
        response.raise_for_status()
        found: dict[str, Any] = response.json()
        return found
