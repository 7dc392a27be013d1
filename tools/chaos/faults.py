"""The faults of a chaos run: their schedule, drawn from a seed, and how each is caused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from random import Random
from typing import NamedTuple

import aiohttp

from tools.chaos.people import Person
from tools.chaos.system import System, freeze, is_stopped, kill


class Fault(NamedTuple):
    at: float  # seconds after the beginning
    kind: str


# How often each comes, beside the others.
WEIGHTS = {
    "kill a worker": 5,
    "freeze a worker": 3,
    "kill a container": 2,
    "freeze a container": 2,
    "cut connections": 4,
    "blackhole connections": 3,
    "stop a target": 1,
    "crash a client": 3,
}
MEAN_PAUSE_SECONDS = 4.0  # between two faults
RESTART = "restart the system"
RESTART_AT = 0.5  # of the whole time
QUIET = 0.15  # of the whole time, at its end, without a new fault
FROZEN = (1.0, 9.0)  # seconds; a function has 6
DARK = (2.0, 12.0)


def schedule(seconds: float, random: Random) -> list[Fault]:
    """In their order; the system is restarted once."""
    faults, at = [Fault(seconds * RESTART_AT, RESTART)], 0.0
    kinds, weights = list(WEIGHTS), list(WEIGHTS.values())
    while (at := at + random.expovariate(1 / MEAN_PAUSE_SECONDS)) < seconds * (1 - QUIET):
        faults.append(Fault(at, random.choices(kinds, weights)[0]))
    return sorted(faults)


class Scene(NamedTuple):
    """The objects that faults are applied to. `people` are those who are awake, `tokens` are push
    tokens of the others.
    """

    system: System
    people: list[Person]
    tokens: list[str]
    random: Random


Make = Callable[[Scene], Awaitable[int]]


async def make(kind: str, scene: Scene) -> str:
    """Does it, and returns when it is over; what was done to how many."""
    return f"{kind}: {await _MAKE[kind](scene)}"


async def _kill_worker(scene: Scene) -> int:
    return _kill(scene.system.workers(), scene.random)


async def _kill_container(scene: Scene) -> int:
    return _kill(scene.system.containers(), scene.random)


def _kill(found: list[int], random: Random) -> int:
    if found:
        kill(random.choice(found))
    return min(len(found), 1)


async def _freeze_worker(scene: Scene) -> int:
    """In the middle of an event, if there is such a worker."""
    found = scene.system.workers()
    return await _freeze([pid for pid in found if not is_stopped(pid)] or found, scene.random)


async def _freeze_container(scene: Scene) -> int:
    return await _freeze(scene.system.containers(), scene.random)


async def _freeze(found: list[int], random: Random) -> int:
    if found:
        await freeze(random.choice(found), random.uniform(*FROZEN))
    return min(len(found), 1)


async def _cut(scene: Scene) -> int:
    some, random = max(1, len(scene.people) // 4), scene.random
    return scene.system.websocket.cut(some, random) + scene.system.http.cut(some, random)


async def _blackhole(scene: Scene) -> int:
    some, random = max(1, len(scene.people) // 5), scene.random
    return await scene.system.websocket.blackhole(some, random.uniform(*DARK), random)


async def _stop_target(scene: Scene) -> int:
    # the console may be busy, or restarting
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        action = scene.random.choice(["kill", "drain"])
        return await scene.system.order_targets(action, scene.random)
    return 0


async def _crash(scene: Scene) -> int:
    awake = [each for each in scene.people if each.client is not None and not each.coming]
    if not awake:
        return 0
    person = scene.random.choice(awake)
    await person.crash()
    await asyncio.sleep(scene.random.uniform(0, 3))
    await person.come()
    return 1


async def _restart(scene: Scene) -> int:
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        await scene.system.rings(scene.tokens)  # the phones forget them
    await scene.system.stop()
    await scene.system.start()
    return 1


_MAKE: dict[str, Make] = {
    "kill a worker": _kill_worker,
    "freeze a worker": _freeze_worker,
    "kill a container": _kill_container,
    "freeze a container": _freeze_container,
    "cut connections": _cut,
    "blackhole connections": _blackhole,
    "stop a target": _stop_target,
    "crash a client": _crash,
    RESTART: _restart,
}
