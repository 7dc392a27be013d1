"""A client's connection: its requests one after the other, and their responses in that order."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable

from emulator.balancer.messages.head import Head
from emulator.balancer.messages.headers import Peer
from emulator.balancer.messages.outgoing import CLOSE, KEEP_ALIVE, OwnResponse, own_response
from emulator.balancer.targets.target_group import Target
from emulator.balancer.wire.exchange import Exchange, bad_request
from emulator.balancer.wire.reader import Message, RequestReader
from emulator.balancer.wire.shared import Shared

LINGER_SECONDS = 2  # how long a client may go on sending after the last response

# Why reading from a client has stopped: requests wait, or the target doesn't take the body.
PIPELINED, TARGET = 1, 2


class ClientConnection(RequestReader):
    """`open` starts the exchange for a request. `connections` has this one while it is open."""

    def __init__(
        self,
        shared: Shared,
        open: Callable[[ClientConnection, Head], Exchange],
        connections: set[ClientConnection],
    ) -> None:
        super().__init__(shared.settings, shared.buffer, shared.now)
        self._shared = shared
        self._open = open
        self._connections = connections
        self._current: Message | None = None
        self._waiting: collections.deque[Message] = collections.deque()
        self._responded = False  # the current message
        self._beginning = False
        self._advancing = False
        self._born = self.touched
        self.paused = 0  # for which reasons reading has stopped
        self.full = False  # the client doesn't read what it gets

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  it is a TCP server's
        self.transport = transport
        address = transport.get_extra_info("peername")
        self.peer = Peer(address[0], address[1], "http", self._shared.port)
        self._connections.add(self)
        self._timer = self._shared.loop.call_later(self._settings.idle_seconds, self._tick)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._connections.discard(self)
        self._deaf = True
        self._waiting.clear()
        if self._current is not None and not self._responded and self._current.exchange:
            self._current.exchange.client_left()

    # Whose turn it is

    def _receive(self, message: Message) -> None:
        self._receiving = message
        if self._current is None and not self.full:
            self._begin(message)
        else:
            self._waiting.append(message)
            self.pause(PIPELINED)

    def _received(self, message: Message) -> None:
        if message.exchange is not None:
            message.exchange.end()
            if self._responded:
                self._settle()

    def _flush(self) -> None:
        current = self._current
        if current is not None and current.exchange is not None:
            current.exchange.flush()

    def _begin(self, message: Message) -> None:
        self._current = message
        self._responded = False
        if message.rejected is not None or message.head is None:
            status = message.rejected or 400
            self._shared.counted(None, None, 0, status)
            exchange: Exchange = bad_request(self, status)
        else:
            exchange = self._open(self, message.head)
        message.exchange = exchange
        self._beginning = True
        exchange.start()
        for chunk in message.chunks:
            exchange.body(chunk)
        message.chunks.clear()
        if message.whole:
            exchange.end()
        self._beginning = False
        if self._responded:
            self._settle()

    def _settle(self) -> None:
        """Goes on to the next request once the current one and its response are both whole."""
        current = self._current
        if current is None or not current.whole or self._beginning:
            return
        self._current = None
        if (self._waiting or self.paused) and not self._advancing:
            self._advance()

    def _advance(self) -> None:
        """Begins what waits. A loop, as many short requests may have come in one piece."""
        self._advancing = True
        while self._waiting and self._current is None and not self.full:
            message = self._waiting.popleft()
            self._begin(message)
            if message.exchange is not None and self._current is message:
                message.exchange.flush()
        self._advancing = False
        if not self._waiting:
            self.resume(PIPELINED)

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def keeps(self, head: Head | None) -> bool:
        """Whether the connection outlasts the response. "After the duration elapses, it accepts one
        more request and then returns a response that closes the connection"."""
        if head is None or head.closes or self._shared.stopping:
            return False
        return self._now() - self._born <= self._settings.client_keep_alive_seconds

    def respond(
        self,
        response: OwnResponse,
        head: Head | None,
        *,
        closes: bool = False,
        reason: str | None = None,
    ) -> None:
        """A response of the load balancer's own making, whole."""
        keeps = self.keeps(head) and not closes
        bodiless = head is not None and head.method == "HEAD"
        line = KEEP_ALIVE if keeps else CLOSE
        settings, date = self._settings, self._shared.date()
        self.write(own_response(response, settings, date, line, bodiless=bodiless, reason=reason))
        self.responded(closes=not keeps)

    def responded(self, *, closes: bool) -> None:
        """The response to the current request is written in full."""
        self._responded = True
        if closes:
            self._hang_up(gently=self._current is None or not self._current.whole)
        else:
            self._settle()

    def _hang_up(self, gently: bool) -> None:
        """`gently` where the client may be sending: closing then would reset the connection, and
        with it the response that the client hasn't read."""
        self._deaf, self._upgrading = True, False
        if gently and not self.transport.is_closing():
            try:
                self.transport.write_eof()
            except OSError:  # reset by the client, which is not noticed while reading is paused
                self.transport.abort()
                return
            self._timer.cancel()
            self._timer = self._shared.loop.call_later(LINGER_SECONDS, self.transport.abort)
            self.paused = 0
            self.transport.resume_reading()
        else:
            self.transport.close()

    def abort(self) -> None:
        """The client sees its response break off."""
        self._responded = True
        self.transport.abort()

    # Flow and time

    def pause(self, reason: int) -> None:
        if not self.paused:
            self.transport.pause_reading()
        self.paused |= reason

    def resume(self, reason: int) -> None:
        if self.paused:
            self.paused &= ~reason
            if not self.paused:
                self.transport.resume_reading()

    def pause_writing(self) -> None:
        self.full = True
        if self._current is not None and self._current.exchange is not None:
            self._current.exchange.client_full()

    def resume_writing(self) -> None:
        self.full = False
        self.touched = self._now()
        if self._current is not None and self._current.exchange is not None:
            self._current.exchange.client_ready()
        elif self._waiting and not self._advancing:
            self._advance()

    def removed(self, target: Target) -> None:
        if self._current is not None and self._current.exchange is not None and not self._responded:
            self._current.exchange.removed(target)

    def close_if_idle(self) -> None:
        if self._current is None and not self._waiting:
            self.transport.close()

    def leave(self) -> None:
        """Gives the transport up: another object uses it from now on."""
        self._timer.cancel()
        self._connections.discard(self)
        self._current = None

    def _tick(self) -> None:
        allowed = self._settings.idle_seconds
        left = self.touched + allowed - self._now()
        self._timer = self._shared.loop.call_later(left if left > 0 else allowed, self._tick)
        if left <= 0:
            self._idle()

    def _idle(self) -> None:
        if self.transport.is_closing():  # it has its response, and doesn't read it
            self.transport.abort()
        elif self._current is not None and self._current.exchange is not None:
            self._current.exchange.idle()
        elif self._unseen or self._receiving is None:
            self._reject_the_rest(408)
        else:  # between two requests
            self.transport.close()
