"""An upgraded connection: bytes both ways until either side closes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from emulator.balancer.targets.target_group import Target


class Tunnel:
    """`over` is called once, when both sides are closed or about to be."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        target: Target,
        idle_seconds: float,
        buffer: memoryview,
        over: Callable[[Tunnel], None],
    ) -> None:
        self._loop = loop
        self._idle_seconds = idle_seconds
        self._over: Callable[[Tunnel], None] | None = over
        self._ends: tuple[asyncio.Transport, ...] = ()
        self.target = target
        self.buffer = buffer
        self.touched = loop.time()

    def join(
        self,
        client: asyncio.Transport,
        from_client: bytes,
        target: asyncio.Transport,
        from_target: bytes,
    ) -> None:
        """With what each has sent already."""
        self._ends = (client, target)
        client.set_protocol(_End(self, target))
        target.set_protocol(_End(self, client))
        if from_target:
            client.write(from_target)
        if from_client:
            target.write(from_client)
        client.resume_reading()
        target.resume_reading()
        self._timer = self._loop.call_later(self._idle_seconds, self._tick)

    def close(self) -> None:
        """What is under way to either side is still sent."""
        over, self._over = self._over, None
        if over is not None:
            self._timer.cancel()
            for transport in self._ends:
                transport.close()
            over(self)

    def abort(self) -> None:
        for transport in self._ends:
            transport.abort()
        self.close()

    def _tick(self) -> None:
        left = self.touched + self._idle_seconds - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._tick)
        else:
            self.abort()

    def touch(self) -> None:
        self.touched = self._loop.time()


class _End(asyncio.BufferedProtocol):
    def __init__(self, tunnel: Tunnel, other: asyncio.Transport) -> None:
        self._tunnel = tunnel
        self._other = other

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._tunnel.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._tunnel.touch()
        self._other.write(bytes(self._tunnel.buffer[:nbytes]))

    def pause_writing(self) -> None:
        self._other.pause_reading()

    def resume_writing(self) -> None:
        self._tunnel.touch()
        self._other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._tunnel.close()
