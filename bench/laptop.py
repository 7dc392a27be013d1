"""The emulator under a burst: texts to an absent user, catching up with them, a busy group.

Seconds depend on what else the machine does; CPU per message, of the emulator and all its
processes, hardly does.
"""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from bench.local_system import cpu_seconds, fresh_directory, running
from bench.raw_client import RawClient, connected, register
from bench.table import Row, within
from lambdas.delivery.watermarks import receipt_interval

TEXTS, IN_FLIGHT = 1000, 8
PAYLOAD = "x" * 600
MEMBERS, SENDERS = 20, 8
GROUP_SECONDS, SLICE_SECONDS = 60, 10
NAMES = [f"member{n:02}" for n in range(MEMBERS)]


@dataclass
class Burst:
    """When each text was accepted, in seconds after the first was sent, and CPU seconds."""

    accepted: list[float] = field(default_factory=list)
    cpu: float = 0.0

    @property
    def pace(self) -> float:
        """The last hundred's speed, the first hundred's being 1."""
        first = self.accepted[99]
        return first / (self.accepted[-1] - self.accepted[-101])


@dataclass
class Group:
    """Messages that all members have, by slice; the pace of the slowest; CPU per message."""

    slices: list[float] = field(default_factory=list)
    unanswered: int = 0
    errors: int = 0
    cpu: float = 0.0


def rows() -> list[Row]:
    with fresh_directory() as directory, running(directory) as system:
        bursts, seconds, frames = asyncio.run(_absent(system.endpoints))
    with fresh_directory() as directory, running(directory) as system:
        group = asyncio.run(_group(system.endpoints))
    return [*_burst_rows(bursts), *_catch_up_rows(seconds, frames), *_group_rows(group)]


def _burst_rows(bursts: list[Burst]) -> list[Row]:
    first, second = bursts
    return [
        within(f"{TEXTS:,} texts to an absent user", first.accepted[-1], 7, "s", ".1f"),
        Row("CPU of each, all processes", f"{first.cpu / TEXTS * 1000:.1f} ms"),
        _at_least("the last hundred's speed beside the first's", first.pace, 0.77, "x", ".2f"),
        within(f"the next {TEXTS:,}", second.accepted[-1], 7, "s", ".1f"),
        Row("CPU of each, all processes", f"{second.cpu / TEXTS * 1000:.1f} ms"),
    ]


def _catch_up_rows(seconds: float, frames: int) -> list[Row]:
    return [
        within(f"catching up with {2 * TEXTS:,} texts", seconds, 0.6, "s"),
        Row("the same, WebSocket messages", str(frames)),
    ]


def _group_rows(group: Group) -> list[Row]:
    paces = ", ".join(f"{pace:.0f}" for pace in group.slices)
    sent = sum(group.slices) * SLICE_SECONDS
    return [
        _at_least(
            f"group of {MEMBERS}, {SENDERS} send, all acknowledge: messages a second in "
            f"{SLICE_SECONDS} s each ({paces}), the least",
            min(group.slices),
            40,
            "",
            ".0f",
        ),
        Row("CPU of each, all processes", f"{group.cpu / sent * 1000:.0f} ms"),
        within("sends without an answer, and error frames", group.unanswered + group.errors, 0, ""),
    ]


def _at_least(what: str, value: float, limit: float, unit: str, form: str) -> Row:
    return Row(what, f"{value:{form}} {unit}", f"≥ {limit:g} {unit}", value >= limit)


async def _absent(endpoints: dict[str, Any]) -> tuple[list[Burst], float, int]:
    api, root = endpoints["api"], endpoints["pid"]
    (sender, absent), chat = await register(api, ["sender", "absent"])
    async with connected(api, sender) as client:
        for _ in range(20):  # every function involved has its processes
            await client.send(chat, PAYLOAD)
        bursts = [await _burst(client, chat, root) for _ in range(2)]
    async with connected(api, absent) as client:
        started = time.perf_counter()
        while (await client.sync(chat))["more"]:
            pass
        return bursts, time.perf_counter() - started, client.frames


async def _burst(client: RawClient, chat: str, root: int) -> Burst:
    left = iter(range(TEXTS))
    burst = Burst()
    before, started = cpu_seconds(root), time.perf_counter()

    async def lane() -> None:
        for _ in left:
            burst.accepted.append(await client.send(chat, PAYLOAD) - started)

    await asyncio.gather(*(lane() for _ in range(IN_FLIGHT)))
    burst.cpu = cpu_seconds(root) - before
    return burst


async def _group(endpoints: dict[str, Any]) -> Group:
    api, root = endpoints["api"], endpoints["pid"]
    accounts, chat = await register(api, NAMES)
    arrived: Counter[int] = Counter()
    started = [float("inf")]

    def received(at: float) -> None:
        arrived[int((at - started[0]) // SLICE_SECONDS) if at >= started[0] else -1] += 1

    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                connected(api, account, receipts=receipt_interval(MEMBERS), received=received)
            )
            for account in accounts
        ]
        for client in clients[:SENDERS]:  # every function involved has a process
            await client.send(chat, PAYLOAD)
        before, started[0] = cpu_seconds(root), time.perf_counter()
        until = started[0] + GROUP_SECONDS
        unanswered = sum(
            await asyncio.gather(*(_talk(client, chat, until) for client in clients[:SENDERS]))
        )
        cpu = cpu_seconds(root) - before
    slices = [
        arrived[number] / (MEMBERS - 1) / SLICE_SECONDS
        for number in range(GROUP_SECONDS // SLICE_SECONDS)
    ]
    return Group(slices, unanswered, sum(client.errors for client in clients), cpu)


async def _talk(client: RawClient, chat: str, until: float) -> int:
    """One text after another; 1 if one of them had no answer."""
    try:
        while time.perf_counter() < until:
            await client.send(chat, PAYLOAD)
    except TimeoutError:
        return 1
    return 0
