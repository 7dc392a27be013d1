"""A client of the running system's console: faults, tasks, weights, alarms."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Self

import httpx

from tools.breaking.faults import SOCKETS, Fault, Targets

POOL, FUNCTIONS = "small", "lambda"
TASKS = 2
POLL = 0.5  # seconds between two checks
STARTS = 60.0  # seconds until a task that was just asked for has a process, and is listed
LACKING = {
    SOCKETS: ': API Gateway holds them, without `make dev ARGS="-c websocket.plane=containers"`'
}
NO_TASKS = "is to have no tasks: `make mend` ends what an earlier fault left"


def obstacle(fault: Fault, pools: Sequence[Mapping[str, Any]]) -> str | None:
    """Why this fault of tasks can't be caused. `pools` are those of the console's state. Tasks that
    are not listed yet are none: they are still starting, and `System.obstacle` waits for one."""
    if fault.targets is Targets.STAY:
        return None
    for pool in pools:
        if pool["name"] == fault.pool:
            return f"the pool {fault.pool} {NO_TASKS}" if pool["desired"] == 0 else None
    return f"there is no pool {fault.pool}{LACKING.get(fault.pool, '')}"


class System:
    """`console` is its base URL."""

    def __init__(self, console: str) -> None:
        self._http = httpx.AsyncClient(base_url=f"{console}/_local", timeout=30)
        self._weights: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
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
            elif fault.targets is Targets.ONE_PAUSED:
                await self._act((await self._tasks(fault.pool))[0], "pause")
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
        for task in (task for pool in pools.values() for task in pool["tasks"]):
            if task["paused"]:
                await self._act(task["id"], "resume")

    async def obstacle(self, fault: Fault, within: float = STARTS) -> str | None:
        """As the function of this name. Of a pool of which one task is to be paused it waits for
        one, at most so many seconds."""
        if found := obstacle(fault, (await self._state())["pools"]):
            return found
        if fault.targets is Targets.ONE_PAUSED:
            try:
                async with asyncio.timeout(within):
                    while not await self._tasks(fault.pool):  # noqa: ASYNC110 - the console has no events
                        await asyncio.sleep(POLL)
            except TimeoutError:
                return f"no task of the pool {fault.pool} has started in {within:.0f} s"
        return None

    async def _tasks(self, pool: str) -> list[str]:
        pools = (await self._state())["pools"]
        return [task["id"] for each in pools if each["name"] == pool for task in each["tasks"]]

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
