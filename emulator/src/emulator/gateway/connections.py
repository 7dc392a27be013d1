"""Open connections: what is sent on them and who may still reach them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from emulator.gateway.events import ConnectionInfo
from emulator.gateway.limits import BUFFERED_BYTES, FRAME_BYTES

log = logging.getLogger("emulator.gateway")

FLUSH_SECONDS = 5.0  # how long a connection that is being closed may take what was sent before


class BufferFull(Exception):
    """The client doesn't read: what was posted and not taken has reached the limit."""


class Connection:
    """One client. Sending never waits for the client: `send` queues, `pump` writes.

    `now` gives epoch seconds, `clock` the seconds that limits are counted in.
    """

    def __init__(
        self,
        info: ConnectionInfo,
        socket: ServerConnection,
        host: str,
        now: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self.info = info
        self.socket = socket
        self.host = host
        self.received = 0
        self.sent = 0
        self.closing = False
        self._now = now
        self._clock = clock
        self._queue: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._queued_bytes = 0
        self.connected = clock()
        self.touch()

    def touch(self) -> None:
        """Data went over the connection, in either direction: it isn't idle."""
        self.last_active = self._clock()
        self.last_active_at = self._now()

    def send(self, data: str | bytes) -> None:
        """Raises BufferFull. Data is a text frame if `str`, else a binary one."""
        size = _size(data)
        if self._queued_bytes + size > BUFFERED_BYTES:
            raise BufferFull(self.info.connection_id)
        self._queued_bytes += size
        self._queue.put_nowait(data)

    async def pump(self) -> None:
        """Writes what `send` queued, in order, until cancelled or the connection is closed."""
        try:
            while True:
                data = await self._queue.get()
                await self.socket.send(_in_frames(data), text=isinstance(data, str))
                self._queued_bytes -= _size(data)
                self._queue.task_done()
                self.sent += 1
                self.touch()
        except ConnectionClosed:
            log.debug("%s closed with frames unsent", self.info.connection_id)

    async def close(self, code: int, reason: str) -> None:
        """Closes from our side, after what was sent before; from now on posts find it gone."""
        self.closing = True
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._queue.join()
        except TimeoutError:
            log.debug("%s doesn't read; closing it anyway", self.info.connection_id)
        await self.socket.close(code, reason)

    def closed_with(self) -> tuple[int, str]:
        """Status and reason of whoever closed first; 1006 if neither sent a close frame."""
        protocol = self.socket.protocol
        if protocol.close_sent is not None and not protocol.close_rcvd_then_sent:
            return protocol.close_sent.code, protocol.close_sent.reason
        if protocol.close_rcvd is None:
            return 1006, "Connection closed abnormally"
        if protocol.close_rcvd.code == 1005:
            return 1005, "Client-side close frame status not set"
        return protocol.close_rcvd.code, protocol.close_rcvd.reason


def _in_frames(data: str | bytes) -> bytes | list[bytes]:
    """ "a message larger than 32 KB must be split into multiple frames, each 32 KB or smaller. This
    applies to @connections commands": "Quotas for configuring and running a WebSocket API"."""
    whole = data.encode() if isinstance(data, str) else data
    if len(whole) <= FRAME_BYTES:
        return whole
    return [whole[at : at + FRAME_BYTES] for at in range(0, len(whole), FRAME_BYTES)]


def _size(data: str | bytes) -> int:
    return len(data.encode()) if isinstance(data, str) else len(data)


class Registry:
    """The connections that can be posted to: from the success of $connect until they close."""

    def __init__(self) -> None:
        self._open: dict[str, Connection] = {}

    def add(self, connection: Connection) -> None:
        self._open[connection.info.connection_id] = connection

    def remove(self, connection: Connection) -> None:
        self._open.pop(connection.info.connection_id, None)

    def find(self, connection_id: str) -> Connection | None:
        connection = self._open.get(connection_id)
        return None if connection is None or connection.closing else connection

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._open.values()))

    def __len__(self) -> int:
        return len(self._open)
