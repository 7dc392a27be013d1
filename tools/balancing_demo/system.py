"""A client of the running system's console: pools, targets, weights."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from emulator.providers import EmulatorError
from emulator.runtime.endpoints import Endpoints
from tools.balancing_demo.expectations import Sample

POLL = 0.1  # seconds between two checks
_WITHIN = 90.0  # real seconds for what should happen soon; a check interval may be 300 / speed

State = Mapping[str, Any]


@dataclass(frozen=True)
class Pool:
    """A pool of the Application Load Balancer. `desired` and `autoscaling` None: no containers,
    no policy."""

    name: str
    algorithm: str | None
    weight: int
    desired: int | None
    autoscaling: bool | None
    tasks: tuple[str, ...]  # ids of all tasks; some may not be registered yet
    targets: Mapping[str, Mapping[str, Any]]  # by id, as in the console's state

    def healthy(self) -> list[str]:
        return [name for name, target in self.targets.items() if target["state"] == "healthy"]

    def __str__(self) -> str:
        states = Counter(target["state"] for target in self.targets.values())
        there = ", ".join(f"{count} {state}" for state, count in states.items()) or "no target"
        return f"{self.name} with weight {self.weight}, {self.desired} wanted, {there}"

    def sample(self, target_id: str) -> Sample:
        target = self.targets.get(target_id)
        return Sample(None, 0) if target is None else Sample(target["state"], target["requests"])


def read_pools(state: State) -> dict[str, Pool]:
    """The pools by name, those with containers first."""
    services = {pool["name"]: pool for pool in state.get("pools", ())}
    pools = []
    for group in state["target_groups"]:
        if group.get("balancer", "application") != "application" or group["weight"] is None:
            continue
        service = services.get(group["pool"], {})
        pools.append(
            Pool(
                group["pool"],
                group["algorithm"],
                group["weight"],
                service.get("desired"),
                service.get("autoscaling"),
                tuple(task["id"] for task in service.get("tasks", ())),
                {target["id"]: target for target in group["targets"]},
            )
        )
    return {pool.name: pool for pool in sorted(pools, key=lambda pool: pool.desired is None)}


class Running:
    """`names` gives what a target calls itself in x-served-by, by its id, once it was asked;
    `path` is what is requested."""

    def __init__(self, endpoints: Endpoints, path: str) -> None:
        self.endpoints = endpoints
        self.path = path
        self.names: dict[str, str] = {}
        timeout = aiohttp.ClientTimeout(total=10)
        self._http = aiohttp.ClientSession(timeout=timeout, trust_env=False)

    async def close(self) -> None:
        await self._http.close()

    async def pools(self) -> dict[str, Pool]:
        """Raises EmulatorError when the console does not respond."""
        try:
            async with self._http.get(f"{self.endpoints.console}/_local/state") as response:
                pools = read_pools(await response.json())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise EmulatorError(f"the console no longer responds: {error}") from error
        for pool in pools.values():
            for name, target in pool.targets.items():
                if pool.desired is not None and target["state"] == "healthy":
                    await self._ask_name(name, target["address"])
        return pools

    async def order(self, path: str, body: Mapping[str, Any]) -> None:
        """Raises EmulatorError in the console's words."""
        url = f"{self.endpoints.console}/_local/{path}"
        try:
            async with self._http.post(url, json=body) as response:
                returned = await response.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise EmulatorError(f"the console no longer responds: {error}") from error
        if response.status != 200:
            why = returned["error"]["message"]
            raise EmulatorError(f"the console rejected {dict(body)} for {path}: {why}")

    async def until(self, what: str, condition: Callable[[dict[str, Pool]], bool]) -> None:
        """Looks until `condition` holds. Raises EmulatorError where it never does."""
        deadline = time.monotonic() + _WITHIN
        while not condition(pools := await self.pools()):
            if time.monotonic() > deadline:
                now = "; ".join(str(pool) for pool in pools.values())
                raise EmulatorError(f"{what}: not within {_WITHIN:.0f} s, it is {now}")
            await asyncio.sleep(POLL)

    async def _ask_name(self, target_id: str, address: str) -> None:
        """At the target itself, past the load balancer."""
        if target_id in self.names:
            return
        try:
            async with self._http.get(f"http://{address}{self.path}") as response:
                self.names[target_id] = response.headers.get("x-served-by", target_id)
        except aiohttp.ClientError:
            return  # it has died since; its requests stay without a name
