"""The overload benchmark: three times as many texts as the emulator can take, and what it does.

Texts come at their times, whether or not those before were accepted, as from people who do not know
of each other; each is repeated after a while until it is accepted, as a client does it.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from bench.local_system import fresh_directory, running
from bench.raw_client import RawClient, Rejected, connected, register
from bench.table import Row, within

SENDERS = 8
TIMES = 3
SECONDS = 20.0
PAYLOAD = "x" * 600
SOON = 1.0  # seconds in which a text is accepted by a system that is not busy
RECOVERS_WITHIN = 60.0


@dataclass
class Figures:
    """Accepted texts a second, at its best and under overload; seconds until it was as before."""

    best: float
    overloaded: float
    recovery: float


def rows() -> list[Row]:
    with fresh_directory() as directory, running(directory) as system:
        found = asyncio.run(_measure(system.endpoints))
    kept = found.overloaded / found.best
    limit = 0.5
    return [
        Row(f"{SENDERS} senders, one text after another: accepted a second", f"{found.best:.0f}"),
        Row(
            f"{TIMES} times as many: accepted, of the best ({found.overloaded:.0f} a second)",
            f"{kept:.2f} x",
            f"≥ {limit:g} x",
            kept >= limit,
        ),
        within("until a text is accepted within a second again", found.recovery, 30, "s", ".1f"),
    ]


async def _measure(endpoints: dict[str, Any]) -> Figures:
    api = endpoints["api"]
    accounts, chat = await register(api, [f"sender{n}" for n in range(SENDERS)])
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(api, each)) for each in accounts]
        await _closed(clients, chat, SECONDS / 2)  # every function involved has its processes
        best = await _closed(clients, chat, SECONDS) / SECONDS
        overloaded = await _open(clients, chat, TIMES * best) / SECONDS
        return Figures(best, overloaded, await _recovery(clients[0], chat))


async def _closed(clients: Sequence[RawClient], chat: str, seconds: float) -> int:
    """How many were accepted; each client sends once the text before was."""
    until = time.perf_counter() + seconds

    async def talk(client: RawClient) -> int:
        accepted = 0
        while time.perf_counter() < until:
            accepted += await _sent(client, chat)
        return accepted

    return sum(await asyncio.gather(*map(talk, clients)))


async def _open(clients: Sequence[RawClient], chat: str, rate: float) -> int:
    """How many were accepted in SECONDS, of `rate` a second."""
    began = time.perf_counter()
    under_way: set[asyncio.Task[int]] = set()
    while (passed := time.perf_counter() - began) < SECONDS:
        due = int(rate * passed)
        while len(under_way) < due:
            client = clients[len(under_way) % len(clients)]
            under_way.add(asyncio.create_task(_sent(client, chat)))
        await asyncio.sleep(0.01)
    accepted = sum(task.result() for task in under_way if task.done())
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)
    return accepted


async def _recovery(client: RawClient, chat: str) -> float:
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < RECOVERS_WITHIN:
        try:
            async with asyncio.timeout(SOON):
                if await _sent(client, chat):
                    return passed
        except TimeoutError:
            continue
    return passed


async def _sent(client: RawClient, chat: str) -> int:
    """1 if it was accepted; 0 after an error, with the pause that a client makes."""
    try:
        await client.send(chat, PAYLOAD)
    except Rejected:
        await asyncio.sleep(SOON)
        return 0
    return 1


if __name__ == "__main__":
    print(rows())
