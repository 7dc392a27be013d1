"""A client's connection: its requests one after the other, and their answers in that order."""

from __future__ import annotations

import asyncio
import collections
import logging
import time
from typing import TYPE_CHECKING

import httptools

from local.balancer.headers import Field, Peer, spelled
from local.balancer.pages import OwnAnswer
from local.balancer.wire.exchange import Exchange, refusal
from local.balancer.wire.head import HEAD_BYTES, LINE_BYTES, Head, Refused, read_head, refuse_size
from local.balancer.wire.outgoing import CLOSE, KEEP_ALIVE, own_answer

if TYPE_CHECKING:
    from local.balancer.target_group import Target
    from local.balancer.wire.engine import Engine

log = logging.getLogger("local.balancer")

LINGER_SECONDS = 2  # how long a client may go on sending after the last answer

# Why reading from a client has stopped.
PIPELINED, TARGET, TUNNEL = 1, 2, 4


class Message:
    """A request on its way in. Until its turn comes the pieces of its body wait here; they are
    few, as no more is read meanwhile."""

    __slots__ = ("chunks", "exchange", "head", "refused", "whole")

    def __init__(self, head: Head | None, refused: int | None = None) -> None:
        self.head = head
        self.refused = refused
        self.exchange: Exchange | None = None
        self.chunks: list[bytes] = []
        self.whole = False


class ClientConnection(asyncio.BufferedProtocol):
    """`touched` is when something was last sent or received, on the loop's clock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._now = time.monotonic  # the loop's clock, without its detour
        self._parser = httptools.HttpRequestParser(self)
        self._url = ""
        self._fields: list[Field] = []
        self._in_head = False
        self._unseen = 0  # bytes since the parser last told of something
        self._receiving: Message | None = None
        self._current: Message | None = None
        self._waiting: collections.deque[Message] = collections.deque()
        self._answered = False  # the current message
        self._beginning = False
        self._advancing = False
        self._deaf = False  # what still comes is thrown away
        self._upgrading = False
        self._repriming = False
        self.paused = 0
        self.full = False
        self.touched = self._born = self._now()
        self.after_upgrade = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  it is a TCP server's
        self.transport = transport
        address = transport.get_extra_info("peername")
        self.peer = Peer(address[0], address[1], "http", self._engine.port)
        self._engine.connections.add(self)
        self._timer = self._engine.loop.call_later(self._engine.settings.idle_seconds, self._tick)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._engine.connections.discard(self)
        self._deaf = True
        self._waiting.clear()
        if self._current is not None and not self._answered and self._current.exchange:
            self._current.exchange.client_left()

    # What comes in

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._engine.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._deaf:
            return
        self.touched = self._now()
        data = self._engine.buffer[:nbytes]
        while data:  # more than once only where a client offers another protocol
            self._unseen += len(data)
            try:
                self._parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as upgrade:
                data = self._upgraded(data[upgrade.args[0] :])
            except httptools.HttpParserError as error:
                self._malformed(error)
                break
        if self._unseen > HEAD_BYTES and not self._deaf:
            self._refuse_the_rest(400)
        current = self._current
        if current is not None and current.exchange is not None:
            current.exchange.flush()

    def on_message_begin(self) -> None:
        self._url = ""
        self._fields = []
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        self._url += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come here too, and go no further: RFC 9110 section 6.5.1 allows that.
        if self._in_head:
            self._fields.append((*spelled(name), value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._repriming or self._deaf:
            return
        parser = self._parser
        self._upgrading = parser.should_upgrade()
        try:
            if self._unseen > LINE_BYTES:
                refuse_size(self._url, self._fields)
            head = read_head(
                spelled(parser.get_method())[1],
                self._url,
                parser.get_http_version(),
                self._fields,
                self._engine.settings,
                upgrade=self._upgrading,
                keep_alive=parser.should_keep_alive(),
            )
        except Refused as refused:
            log.info("refused a request with %d: %s", refused.status, refused)
            self._deaf = True
            self._receive(Message(None, refused.status))
            return
        head.size = self._unseen
        self._unseen = 0
        self._receive(Message(head))

    def on_chunk_header(self) -> None:
        self._unseen = 0

    def on_body(self, data: bytes) -> None:
        self._unseen = 0
        message = self._receiving
        if message is None or self._deaf:
            return
        if message.exchange is not None:
            message.exchange.body(data)
        else:
            message.chunks.append(data)

    def on_message_complete(self) -> None:
        self._unseen = 0
        if not self._upgrading and not self._deaf:
            self._whole()

    def _receive(self, message: Message) -> None:
        self._receiving = message
        if self._current is None and not self.full:
            self._begin(message)
        else:
            self._waiting.append(message)
            self.pause(PIPELINED)

    def _whole(self) -> None:
        message = self._receiving
        if message is None or message.whole:
            return
        message.whole = True
        if message.head is not None and message.head.closes:
            self._deaf = True  # RFC 9112 section 9.6: what follows isn't a request
        if message.exchange is not None:
            message.exchange.end()
            if self._answered:
                self._settle()

    def _upgraded(self, rest: memoryview) -> memoryview:
        """The parser stops after the head of a request that asks for another protocol. Returns
        what is to be parsed yet."""
        self._upgrading = False
        message = self._receiving
        if self._deaf or message is None or message.head is None:
            return rest[:0]
        if message.head.upgrade:
            message.head.closes = True  # whatever the answer is, it is the last one here
            self._upgrading = True
            self.after_upgrade = bytes(rest)
            self._whole()
            self.pause(TUNNEL)
            return rest[:0]
        # It isn't taken up: the rest is parsed as what the head has announced.
        length = message.head.length
        framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        self._parser = httptools.HttpRequestParser(self)
        self._repriming = True
        self._parser.feed_data(f"POST / HTTP/1.1\r\n{framing}\r\n\r\n".encode())
        self._repriming = False
        return rest

    def _malformed(self, error: httptools.HttpParserError) -> None:
        if self._deaf:
            return
        cause = error.__context__
        if isinstance(error, httptools.HttpParserCallbackError) and cause is not None:
            log.error("the load balancer failed", exc_info=cause)
            self._refuse_the_rest(500)
            return
        # "An HTTP/1 connection but received an HTTP/2 request": its preface looks like one.
        status = 505 if self._parser.get_http_version() == "2.0" else 400
        log.info("refused a request with %d: %s", status, error)
        self._refuse_the_rest(status)

    def _refuse_the_rest(self, status: int) -> None:
        """Where the request ends isn't known any more, so that it is the last one."""
        self._deaf = True
        message = self._receiving
        if message is None or message.whole:
            self._receive(Message(None, status))
        elif message.exchange is not None:
            message.exchange.spoilt(status)
        else:
            message.head, message.refused = None, status

    # What goes out

    def _begin(self, message: Message) -> None:
        self._current = message
        self._answered = False
        if message.refused is not None or message.head is None:
            exchange: Exchange = refusal(self, message.refused or 400)
        else:
            exchange = self._engine.open(self, message.head)
        message.exchange = exchange
        self._beginning = True
        exchange.start()
        for chunk in message.chunks:
            exchange.body(chunk)
        message.chunks.clear()
        if message.whole:
            exchange.end()
        self._beginning = False
        if self._answered:
            self._settle()

    def _settle(self) -> None:
        """Goes on to the next request once the current one and its answer are both whole."""
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
        """Whether the connection outlasts the answer. "After the duration elapses, it accepts one
        more request and then returns a response that closes the connection"."""
        if head is None or head.closes or self._engine.stopping:
            return False
        return self._now() - self._born <= self._engine.settings.client_keep_alive_seconds

    def answer(
        self,
        answer: OwnAnswer,
        head: Head | None,
        *,
        closes: bool = False,
        reason: str | None = None,
    ) -> None:
        """An answer of the load balancer's own making, whole."""
        keeps = self.keeps(head) and not closes
        bodiless = head is not None and head.method == "HEAD"
        line = KEEP_ALIVE if keeps else CLOSE
        settings, date = self._engine.settings, self._engine.date()
        self.write(own_answer(answer, settings, date, line, bodiless=bodiless, reason=reason))
        self.answered(closes=not keeps)

    def answered(self, *, closes: bool) -> None:
        """The answer to the current request is written in full."""
        self._answered = True
        if closes:
            self._hang_up(gently=self._current is None or not self._current.whole)
        else:
            self._settle()

    def _hang_up(self, gently: bool) -> None:
        """`gently` where the client may be sending: closing then would reset the connection, and
        with it the answer that the client hasn't read."""
        self._deaf = True
        if gently and not self.transport.is_closing():
            self.transport.write_eof()
            self._timer.cancel()
            self._timer = self._engine.loop.call_later(LINGER_SECONDS, self.transport.abort)
            self.paused = 0
            self.transport.resume_reading()
        else:
            self.transport.close()

    def abort(self) -> None:
        """The client sees its answer break off."""
        self._answered = True
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
        if self._current is not None and self._current.exchange is not None and not self._answered:
            self._current.exchange.removed(target)

    def close_if_idle(self) -> None:
        if self._current is None and not self._waiting:
            self.transport.close()

    def leave(self) -> None:
        """The transport is somebody else's from now on."""
        self._timer.cancel()
        self._engine.connections.discard(self)
        self._current = None

    def _tick(self) -> None:
        left = self.touched + self._engine.settings.idle_seconds - self._now()
        if left > 0:
            self._timer = self._engine.loop.call_later(left, self._tick)
        else:
            self._timer = self._engine.loop.call_later(
                self._engine.settings.idle_seconds, self._tick
            )
            self._idle()

    def _idle(self) -> None:
        if self.transport.is_closing():  # it has its answer, and doesn't read it
            self.transport.abort()
        elif self._current is not None and self._current.exchange is not None:
            self._current.exchange.idle()
        elif self._in_head or self._receiving is None:
            self._refuse_the_rest(408)
        else:  # between two requests
            self.transport.close()
