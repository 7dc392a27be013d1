"""Idle connections to targets, for the next request."""

from __future__ import annotations

import asyncio
import time

from emulator.balancer.targets.target_group import Target
from emulator.balancer.wire.target import TargetConnection

CONNECT_SECONDS = 10  # "504: failed to establish a connection before the timeout (10 seconds)"
MOST_IDLE = 128  # for one target


class Pool:
    """`idle_seconds`: how long an unused connection stays open, the idle timeout. A target that
    closes earlier is a source of 502 on AWS too: its keep-alive has to be the longer one."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, idle_seconds: float, buffer: memoryview
    ) -> None:
        self._loop = loop
        self._buffer = buffer
        self._idle_seconds = idle_seconds
        self._idle: dict[Target, list[TargetConnection]] = {}
        self._open: dict[TargetConnection, Target] = {}
        self._timer: asyncio.TimerHandle | None = None

    def take(self, target: Target) -> TargetConnection | None:
        """The one that was used last: the others may then be closed for having been idle."""
        connections = self._idle.get(target)
        while connections:
            connection = connections.pop()
            if connection.usable:
                return connection
            connection.abort()
        return None

    def give(self, connection: TargetConnection) -> None:
        target = self._open.get(connection)
        if target is None:  # it was removed meanwhile
            connection.abort()
            return
        connections = self._idle.setdefault(target, [])
        if len(connections) >= MOST_IDLE:
            connection.abort()
            return
        connection.idle_since = time.monotonic()
        connections.append(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(self._idle_seconds, self._sweep)

    async def connect(self, target: Target) -> TargetConnection:
        """Raises TimeoutError after 10 seconds, OSError where the target refuses."""
        async with asyncio.timeout(CONNECT_SECONDS):
            _, connection = await self._loop.create_connection(
                lambda: TargetConnection(self._lost, self._buffer), target.host, target.port
            )
        self._open[connection] = target
        return connection

    def forget(self, target: Target) -> None:
        """Closes the connections to a target that was taken out and gets no more requests."""
        for connection in self._idle.pop(target, ()):
            connection.abort()
        for connection in [each for each, its in self._open.items() if its is target]:
            del self._open[connection]

    def close(self) -> None:
        for connection in list(self._open):
            connection.abort()
        self._open.clear()
        self._idle.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _lost(self, connection: TargetConnection) -> None:
        target = self._open.pop(connection, None)
        connections = self._idle.get(target) if target is not None else None
        if connections is not None and connection in connections:
            connections.remove(connection)

    def _sweep(self) -> None:
        self._timer = None
        oldest = time.monotonic() - self._idle_seconds
        left = False
        for target, connections in list(self._idle.items()):
            fresh = [each for each in connections if each.idle_since > oldest]
            for connection in connections[: len(connections) - len(fresh)]:
                connection.abort()
            self._idle[target] = fresh
            left = left or bool(fresh)
        if left:
            self._timer = self._loop.call_later(self._idle_seconds / 4, self._sweep)
