"""A check of the scale model on the laptop: the CPU of one text has to predict that of a load.

The model multiplies acts with what each takes. Here the act is a direct text between people who are
connected, with its receipt; what it takes is measured at a third of the laptop's capacity. Then CPU
used at other rates below 80 % of it, of all processes of the emulator, must be as predicted. CPU is
compared, since it depends least on other work of the machine, unlike rates and times.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any

from bench.local_system import cpu_seconds, fresh_directory, running
from bench.raw_client import RawClient, connected, register
from bench.table import Row

PAIRS = 4
SECONDS = 15.0
SHARES = (0.33, 0.5, 0.75)  # of the capacity; the first one measures
TOLERANCE = 0.15
PAYLOAD = "x" * 600
Pair = tuple[RawClient, str]


def rows() -> list[Row]:
    with fresh_directory() as directory, running(directory) as system:
        return asyncio.run(_measured(system.endpoints))


async def _measured(endpoints: dict[str, Any]) -> list[Row]:
    api, root = endpoints["api"], endpoints["pid"]
    async with AsyncExitStack() as stack:
        pairs = []
        for number in range(PAIRS):
            accounts, chat = await register(api, [f"scale{number}a", f"scale{number}b"])
            await stack.enter_async_context(connected(api, accounts[1], receipts=0.2))
            pairs.append((await stack.enter_async_context(connected(api, accounts[0])), chat))
        await _capacity(pairs, SECONDS / 3)  # every function involved has its processes
        await asyncio.sleep(SECONDS)  # and what these texts left behind is done
        idle = await _idle(root)
        capacity = await _capacity(pairs, SECONDS)
        rates = [share * capacity for share in SHARES]
        used = [await _cpu(pairs, rate, root, idle) for rate in rates]
    each = used[0]
    result = [
        Row(f"{PAIRS} pairs, one text after another", f"{capacity:.0f} texts a second"),
        Row(f"CPU of a text at {rates[0]:.0f} a second", f"{each * 1000:.1f} ms"),
    ]
    for rate, found in zip(rates[1:], used[1:], strict=True):
        share = found / each
        result.append(
            Row(
                f"CPU at {rate:.0f} texts a second, of what is predicted",
                f"{share:.2f} x",
                f"within {TOLERANCE:.0%}",
                abs(share - 1) <= TOLERANCE,
            )
        )
    return result


async def _capacity(pairs: list[Pair], seconds: float) -> float:
    until = time.perf_counter() + seconds

    async def talk(client: RawClient, chat: str) -> int:
        sent = 0
        while time.perf_counter() < until:
            await client.send(chat, PAYLOAD)
            sent += 1
        return sent

    return sum(await asyncio.gather(*(talk(*pair) for pair in pairs))) / seconds


async def _idle(root: int) -> float:
    """CPU seconds a second without a text."""
    before = cpu_seconds(root)
    await asyncio.sleep(SECONDS / 3)
    return (cpu_seconds(root) - before) / (SECONDS / 3)


async def _cpu(pairs: list[Pair], rate: float, root: int, idle: float) -> float:
    """CPU seconds of a text while they come at this rate, without what an idle emulator takes."""
    before, began = cpu_seconds(root), time.perf_counter()
    tasks = []
    for number in range(int(rate * SECONDS)):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        client, chat = pairs[number % len(pairs)]
        tasks.append(asyncio.create_task(client.send(chat, PAYLOAD)))
    await asyncio.gather(*tasks)
    took = time.perf_counter() - began
    return (cpu_seconds(root) - before - idle * took) / len(tasks)
