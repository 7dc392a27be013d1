"""The load balancer in the demonstration: requests that it shares out, and a server that ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from emulator.providers import EmulatorError
from tools.demo.backend import Backend

MOST_REQUESTS = 2000
AT_ONCE = 10
POLL = 0.2  # seconds between two checks
WITHIN = 60.0  # seconds until a server that ended is replaced


async def share_out(backend: Backend, requests: int) -> Mapping[str, Any]:
    """`{"sent", "statuses", "served_by", ...}`: how many requests each server served."""
    load = {"requests": min(max(requests, 1), MOST_REQUESTS), "concurrency": AT_ONCE}
    return await backend.order("load", load)


async def replace_one(backend: Backend) -> Mapping[str, Any]:
    """Kills a server, and waits until the pool has as many healthy ones as it should, without it.

    `{"killed", "healthy"}`. Raises EmulatorError where that does not happen.
    """
    pool = _pool(await backend.state())
    victim = pool["tasks"][0]["id"]
    await backend.order(f"targets/{victim}", {"action": "kill"})
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        state = await backend.state()
        healthy = _healthy(state, pool["name"])
        if victim not in healthy and len(healthy) >= _pool(state)["desired"]:
            return {"killed": victim, "healthy": len(healthy)}
        await asyncio.sleep(POLL)
    raise EmulatorError(f"{victim} was not replaced within {WITHIN:.0f} s")


def _pool(state: Mapping[str, Any]) -> Mapping[str, Any]:
    pools: list[Mapping[str, Any]] = [pool for pool in state["pools"] if pool["tasks"]]
    if not pools:
        raise EmulatorError("this environment has no server that can be killed")
    return pools[0]


def _healthy(state: Mapping[str, Any], pool: str) -> set[str]:
    return {
        target["id"]
        for group in state["target_groups"]
        if group["pool"] == pool and group["balancer"] == "application"
        for target in group["targets"]
        if target["state"] == "healthy"
    }
