"""A TCP proxy between the clients and the system, whose connections can be cut and blackholed."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from random import Random

HOST = "127.0.0.1"
CHUNK = 64 * 1024


@dataclass(eq=False)
class Link:
    """One connection through the proxy. Nothing passes while `open` is not set."""

    streams: list[asyncio.StreamWriter]
    open: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False

    def cut(self) -> None:
        """As a reset, without the bytes that are under way."""
        self.over = True
        self.open.set()
        for stream in self.streams:
            stream.transport.abort()


class Proxy:
    """Passes bytes to `target`, a port that may change. In what comes back, `words` are replaced
    by others of the same length: an address of the system by one of a proxy."""

    def __init__(self, target: int, words: dict[bytes, bytes] | None = None) -> None:
        self.target = target
        self.words = words or {}
        self.port = 0
        self._links: set[Link] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            link.cut()

    def cut(self, count: int, random: Random) -> int:
        """How many of the open connections were cut."""
        chosen = self._some(count, random)
        for link in chosen:
            link.cut()
        return len(chosen)

    async def blackhole(self, count: int, seconds: float, random: Random) -> int:
        """Some connections stay open and carry nothing, and end after a while."""
        chosen = self._some(count, random)
        for link in chosen:
            link.open.clear()
        await asyncio.sleep(seconds)
        for link in chosen:
            link.cut()
        return len(chosen)

    def _some(self, count: int, random: Random) -> list[Link]:
        links = [link for link in self._links if not link.over]
        return random.sample(links, min(count, len(links)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(HOST, self.target)
        except OSError:
            writer.transport.abort()
            return
        link = Link([writer, back])
        link.open.set()
        self._links.add(link)
        try:
            await asyncio.gather(
                self._pass(link, reader, back, {}), self._pass(link, there, writer, self.words)
            )
        finally:
            self._links.discard(link)
            link.cut()

    async def _pass(
        self,
        link: Link,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        words: dict[bytes, bytes],
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                await link.open.wait()
                if link.over:
                    return
                for old, new in words.items():
                    data = data.replace(old, new)
                sink.write(data)
                await sink.drain()
        # an end in one direction ends both: no client or server here sends after it
        with contextlib.suppress(OSError):
            sink.close()
