"""A socket that this task holds: its queue of frames to send, and its end. No I/O of its own.

Everything here runs in the event loop.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lambdas.connections import Outcome
from lambdas.sockets.events import Connected

Send = Callable[[dict[str, Any]], Awaitable[None]]

# What one client may leave unread, beside what the kernel and the transport hold: two frames of
# the greatest size. Without a bound a client that does not read takes the memory of all others.
QUEUED_BYTES = 256 * 1024
# A client that accepts no bytes for so long has stopped reading, and its socket is closed. One that
# still reads is only slow, and keeps its socket.
STALLED_SECONDS = 10.0
CLOSE_SECONDS = 5.0  # for the client to take its close frame

NORMAL = 1000
OLD = 1001, "Going away"  # as API Gateway's after two hours
UNSUPPORTED_DATA = 1003
RESTARTS = 1012, "the server restarts"  # "Service Restart", of RFC 6455's registry
TRY_AGAIN_LATER = 1013


@dataclass
class Held:
    """`send` is ASGI's and waits while the client does not read; `abort` cuts the TCP connection.

    `post` never waits. `closing`: posts find it gone.
    """

    connected: Connected
    send: Send
    abort: Callable[[], None]
    closing: bool = False
    ended: tuple[int, str] | None = None  # by us
    _waiting: deque[dict[str, Any]] = field(default_factory=deque)
    _bytes: int = 0
    _progress: float = 0.0  # when something was sent last, or began to wait
    _pump: asyncio.Task[None] | None = None

    def post(self, text: str) -> Outcome:
        """GONE for a connection that is closed, or is now, for its client does not read; FAILED
        while too much waits for a client that is slow."""
        if self.closing:
            return Outcome.GONE
        size = len(text.encode())
        if self._bytes + size > QUEUED_BYTES:
            if asyncio.get_running_loop().time() - self._progress < STALLED_SECONDS:
                return Outcome.FAILED
            self._waiting.clear()
            self.close(TRY_AGAIN_LATER, "the client does not read")
            return Outcome.GONE
        self._bytes += size
        self._put({"type": "websocket.send", "text": text})
        return Outcome.DELIVERED

    async def respond(self, text: str) -> None:
        """Posts the response to a frame, waiting until there is room: nobody would repeat a lost
        response.
        """
        while self.post(text) is Outcome.FAILED and self._pump is not None:
            await asyncio.wait([self._pump])

    def close(self, code: int, reason: str = "") -> None:
        """Sends the close frame after everything that was posted before. A client that does not
        read it is cut off.
        """
        if self.closing:
            return
        self.closing = True
        self.ended = (code, reason)
        self._put({"type": "websocket.close", "code": code, "reason": reason})
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._cut_off)

    def _cut_off(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
        self.abort()

    def _put(self, message: dict[str, Any]) -> None:
        self._waiting.append(message)
        if self._pump is None:  # a task only while there is something: it takes memory
            self._progress = asyncio.get_running_loop().time()
            self._pump = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                message = self._waiting.popleft()
                await self.send(message)
                self._progress = asyncio.get_running_loop().time()
                self._bytes -= len(message.get("text", "").encode())
        except (OSError, RuntimeError):  # closed meanwhile; its reader ends too
            self.closing = True
            self._waiting.clear()
        finally:
            self._pump = None


class Registry:
    """The sockets of this task that can be posted to: from the end of $connect until they close."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}

    def add(self, held: Held) -> None:
        self._held[held.connected.id] = held

    def remove(self, held: Held) -> None:
        self._held.pop(held.connected.id, None)

    def find(self, connection_id: str) -> Held | None:
        held = self._held.get(connection_id)
        return None if held is None or held.closing else held

    def __iter__(self) -> Iterator[Held]:
        return iter(tuple(self._held.values()))

    def __len__(self) -> int:
        return len(self._held)
