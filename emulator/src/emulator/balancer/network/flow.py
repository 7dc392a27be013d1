"""One client's connection and the one to its target: bytes both ways until both have ended."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

CHUNK = 64 * 1024
_LINGER_NOT = struct.pack("ii", 1, 0)


class Stream:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, host: str, port: int, source_ip: str | None) -> Stream:
        """Opens a connection, from `source_ip` if one is given. Raises OSError."""
        source = None if source_ip is None else (source_ip, 0)
        return cls(*await asyncio.open_connection(host, port, local_addr=source))

    @property
    def peer(self) -> tuple[str, int]:
        ip, port = self._writer.get_extra_info("peername")[:2]
        return ip, port

    async def read(self) -> bytes:
        """Reads at least one byte, or none at the end."""
        return await self._reader.read(CHUNK)

    async def write(self, data: bytes) -> None:
        """Returns when the peer has taken most of what was written, so that a slow reader slows the
        sender down."""
        self._writer.write(data)
        await self._writer.drain()

    def end(self) -> None:
        """Sends nothing more; what the peer still sends arrives."""
        self._writer.write_eof()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    def reset(self) -> None:
        """RST: the peer sees that it was not an orderly end. Fine on a closed one."""
        raw = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._writer.transport.abort()


class Flow:
    """`reset_instead` is asked for each piece that the client sends."""

    def __init__(
        self,
        client: Stream,
        target: Stream,
        idle_seconds: float,
        reset_instead: Callable[[], bool],
    ) -> None:
        self._client = client
        self._target = target
        self._idle_seconds = idle_seconds
        self._reset_instead = reset_instead
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()  # when a byte went either way
        self._was_reset = False

    async def run(self) -> bool:
        """Whether both sides ended in order. Otherwise (a reset by either side or by this one, too
        long without a byte) both have been reset."""
        pumps = [
            asyncio.ensure_future(self._pump(self._client, self._target, self._reset_instead)),
            asyncio.ensure_future(self._pump(self._target, self._client, lambda: False)),
        ]
        self._idle_after(self._idle_seconds)
        try:
            await asyncio.gather(*pumps)
            await asyncio.gather(self._client.close(), self._target.close())
            return not self._was_reset
        except OSError:
            return False
        finally:
            self._timer.cancel()
            for pump in pumps:
                pump.cancel()
            self.reset()

    def reset(self) -> None:
        self._was_reset = True
        self._client.reset()
        self._target.reset()

    async def _pump(self, source: Stream, sink: Stream, resets: Callable[[], bool]) -> None:
        while data := await source.read():
            if resets():
                raise ConnectionResetError
            self._last = self._loop.time()
            await sink.write(data)
        sink.end()

    def _idle_after(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._reset_if_idle)

    def _reset_if_idle(self) -> None:
        left = self._last + self._idle_seconds - self._loop.time()
        if left > 0:
            self._idle_after(left)
        else:
            self.reset()
