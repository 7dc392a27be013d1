"""The emulator under a burst: texts to an absent user, catching up with them, a busy group.

Seconds depend on what else the machine does; CPU per message, of the emulator and all its
processes, hardly does.
"""

import asyncio
import statistics
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from bench import catch_up
from bench.local_system import cpu_seconds, fresh_directory, running
from bench.raw_client import RawClient, Rejected, connected, register
from bench.table import Row, within
from lambdas.delivery.watermarks import receipt_interval

IN_FLIGHT = 8
PAYLOAD = "x" * 600
MEMBERS, SENDERS = 20, 8
NAMES = [f"member{n:02}" for n in range(MEMBERS)]


@dataclass(frozen=True)
class Size:
    """How much of it: texts of a burst, chats of a user, seconds of a group and of its slices."""

    texts: int = 1_000
    absent: tuple[int, ...] = (1_000, 10_000)
    chats: int = 5_000
    seconds: int = 60
    slice_: int = 10


SHORT = Size(200, (1_000,), 500, 20, 5)  # for a look while others work, not for figures


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
    unaccepted: int = 0
    errors: int = 0
    cpu: float = 0.0


def rows(short: bool = False) -> list[Row]:
    size = SHORT if short else Size()
    with fresh_directory() as directory, running(directory) as system:
        result = _burst_rows(asyncio.run(_absent(system.endpoints, size)), size)
    with fresh_directory() as directory, running(directory) as system:
        result += _catch_up_rows(system.endpoints, size)
    with fresh_directory() as directory, running(directory) as system:
        return [*result, *_group_rows(asyncio.run(_group(system.endpoints, size)), size)]


def _burst_rows(bursts: list[Burst], size: Size) -> list[Row]:
    first, second = bursts
    limit = 7 * size.texts / 1_000
    return [
        within(f"{size.texts:,} texts to an absent user", first.accepted[-1], limit, "s", ".1f"),
        Row("CPU of each, all processes", f"{first.cpu / size.texts * 1000:.1f} ms"),
        _at_least("the last hundred's speed beside the first's", first.pace, 0.77, "x", ".2f"),
        within(f"the next {size.texts:,}", second.accepted[-1], limit, "s", ".1f"),
        Row("CPU of each, all processes", f"{second.cpu / size.texts * 1000:.1f} ms"),
    ]


def _catch_up_rows(endpoints: dict[str, Any], size: Size) -> list[Row]:
    result = []
    for number in size.absent:
        seconds, posts = asyncio.run(catch_up.measure(endpoints, number))
        name = f"catching up with {number:,} texts"
        if number in catch_up.SECONDS:
            result.append(within(f"{name}, seconds", seconds, catch_up.SECONDS[number], "s"))
            result.append(within(f"{name}, posts", posts, catch_up.POSTS[number], ""))
        else:
            result.append(Row(name, f"{seconds:.2f} s, {posts} posts"))
    pages = asyncio.run(catch_up.measure_pages(endpoints, size.chats))
    name = f"sync of {size.chats:,} chats in {len(pages)} pages, {sum(pages):.1f} s in all"
    result.append(Row(f"{name}: a page, the median", f"{statistics.median(pages):.2f} s"))
    result.append(within("the slowest page (a function has 6 s)", max(pages), 3, "s"))
    return result


def _group_rows(group: Group, size: Size) -> list[Row]:
    paces = ", ".join(f"{pace:.0f}" for pace in group.slices)
    sent = sum(group.slices) * size.slice_
    return [
        _at_least(
            f"group of {MEMBERS}, {SENDERS} send, all acknowledge: messages a second in "
            f"{size.slice_} s each ({paces}), the least",
            min(group.slices),
            40,
            "",
            ".0f",
        ),
        Row("CPU of each, all processes", f"{group.cpu / sent * 1000:.0f} ms"),
        within(
            "sends without a response, and error frames", group.unaccepted + group.errors, 0, ""
        ),
    ]


def _at_least(what: str, value: float, limit: float, unit: str, form: str) -> Row:
    return Row(what, f"{value:{form}} {unit}", f"≥ {limit:g} {unit}", value >= limit)


async def _absent(endpoints: dict[str, Any], size: Size) -> list[Burst]:
    api, root = endpoints["api"], endpoints["pid"]
    (sender, _), chat = await register(api, ["sender", "absent"])
    async with connected(api, sender) as client:
        for _ in range(20):  # every function involved has its processes
            await client.send(chat, PAYLOAD)
        return [await _burst(client, chat, root, size.texts) for _ in range(2)]


async def _burst(client: RawClient, chat: str, root: int, texts: int) -> Burst:
    left = iter(range(texts))
    burst = Burst()
    before, started = cpu_seconds(root), time.perf_counter()

    async def lane() -> None:
        for _ in left:
            burst.accepted.append(await client.send(chat, PAYLOAD) - started)

    await asyncio.gather(*(lane() for _ in range(IN_FLIGHT)))
    burst.cpu = cpu_seconds(root) - before
    return burst


async def _group(endpoints: dict[str, Any], size: Size) -> Group:
    api, root = endpoints["api"], endpoints["pid"]
    accounts, chat = await register(api, NAMES)
    arrived: Counter[int] = Counter()
    started = [float("inf")]

    def received(at: float) -> None:
        arrived[int((at - started[0]) // size.slice_) if at >= started[0] else -1] += 1

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
        until = started[0] + size.seconds
        unaccepted = sum(
            await asyncio.gather(*(_talk(client, chat, until) for client in clients[:SENDERS]))
        )
        cpu = cpu_seconds(root) - before
    slices = [
        arrived[number] / (MEMBERS - 1) / size.slice_
        for number in range(size.seconds // size.slice_)
    ]
    return Group(slices, unaccepted, sum(client.errors for client in clients), cpu)


async def _talk(client: RawClient, chat: str, until: float) -> int:
    """One text after another; 1 if one of them had no response."""
    try:
        while time.perf_counter() < until:
            await client.send(chat, PAYLOAD)
    except (TimeoutError, Rejected):
        return 1
    return 0
