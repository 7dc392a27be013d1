"""Requests that the tour sends, and the targets that responded to them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence

from emulator import load
from emulator.load import Load, Reply, Tally
from tools.balancing_demo.system import POLL, Pool, Running
from tools.screen import Row, Screen

FLOW_CLIENTS, FLOW_PAUSE = 5, 0.05  # a steady hundred requests a second while something happens


class Traffic:
    def __init__(self, running: Running, screen: Screen) -> None:
        self._running = running
        self._screen = screen

    async def burst(self, requests: int, clients: int, pools: Sequence[str]) -> Tally:
        """As fast as `clients` can, with a table of the pool's targets, or of several pools."""
        shown = await self._running.pools()
        replies: list[Reply] = []

        def rows() -> list[Row]:
            if len(pools) == 1:
                return self.served(shown[pools[0]], replies) + losses(replies)
            counts = by_pool(replies)
            weights = [(name, f"weight {shown[name].weight}") for name in pools]
            return [Row(name, weight, counts[name]) for name, weight in weights] + losses(replies)

        async with self._drawing(rows):
            tally = await load.send(
                self._running.endpoints.api,
                Load(requests, clients, self._running.path),
                watch=replies.append,
            )
        shown = await self._running.pools()
        self._screen.show(rows())
        figures = tally.as_json()
        self._screen.line(
            f"   {requests} requests in {tally.seconds:.1f} s, "
            f"p50 {figures['p50_ms']} ms, p99 {figures['p99_ms']} ms"
        )
        return tally

    @contextlib.asynccontextmanager
    async def flow(self) -> AsyncIterator[list[Reply]]:
        """Requests all the time until the block ends; the replies as they come."""
        replies: list[Reply] = []
        enough = asyncio.Event()

        async def send() -> None:
            while not enough.is_set():
                await load.send(
                    self._running.endpoints.api,
                    Load(load.MOST_REQUESTS, FLOW_CLIENTS, self._running.path),
                    watch=replies.append,
                    until=enough,
                    pause=FLOW_PAUSE,
                )

        sending = asyncio.create_task(send())
        try:
            yield replies
        finally:
            enough.set()
            await sending

    def counts(self, replies: Sequence[Reply]) -> Counter[str]:
        """By target id; where nobody could ask a target for it, by the name it gave itself."""
        ids = {name: target for target, name in self._running.names.items()}
        names = (reply.served_by for reply in replies if reply.served_by is not None)
        return Counter(ids.get(name, name) for name in names)

    def served(self, pool: Pool, replies: Sequence[Reply]) -> list[Row]:
        """A row for each target of a container pool that is there or has responded."""
        counts = self.counts(replies)
        own = [name for name in counts if name.startswith((f"{pool.name}-", f"{pool.name}/"))]
        return [
            Row(name, str(pool.sample(name).state or "gone"), counts[name])
            for name in dict.fromkeys([*own, *pool.targets])
        ]

    @contextlib.asynccontextmanager
    async def _drawing(self, rows: Callable[[], list[Row]]) -> AsyncIterator[None]:
        async def draw() -> None:
            while True:
                self._screen.draw(rows())
                await asyncio.sleep(POLL)

        drawing = asyncio.create_task(draw())
        try:
            yield
        finally:
            drawing.cancel()
            await asyncio.gather(drawing, return_exceptions=True)


def losses(replies: Sequence[Reply]) -> list[Row]:
    """A row for each way in which requests were lost."""
    codes = Counter(str(reply.status or "no response") for reply in replies if lost(reply))
    return [Row("(lost)", code, count) for code, count in sorted(codes.items())]


def lost(reply: Reply) -> bool:
    return reply.status is None or reply.status >= 500


def by_pool(replies: Sequence[Reply]) -> Counter[str]:
    return Counter(r.served_by.partition("/")[0] for r in replies if r.served_by is not None)
