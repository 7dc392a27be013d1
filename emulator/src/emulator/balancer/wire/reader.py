"""Parses a client's requests, one after the other.

A base class rather than an object of its own, to save calls on each request: its only subclass is
the client's connection.
"""

from __future__ import annotations

import abc
import asyncio
import logging
from collections.abc import Callable

import httptools

from emulator.balancer.messages.head import (
    HEAD_BYTES,
    LINE_BYTES,
    Block,
    Head,
    Rejected,
    check_request_line,
    check_size,
    read_block,
    read_head,
)
from emulator.balancer.messages.headers import Field, spelled
from emulator.balancer.settings import BalancerSettings
from emulator.balancer.wire.exchange import Exchange

log = logging.getLogger("emulator.balancer")


class Message:
    """A request on its way in. Until its turn comes the pieces of its body wait here; they are
    few, as no more is read meanwhile."""

    __slots__ = ("chunks", "exchange", "head", "rejected", "whole")

    def __init__(self, head: Head | None, rejected: int | None = None) -> None:
        self.head = head
        self.rejected = rejected
        self.exchange: Exchange | None = None
        self.chunks: list[bytes] = []
        self.whole = False


class RequestReader(asyncio.BufferedProtocol, abc.ABC):
    """`buffer` is where what comes lies while it is parsed. `touched` is when something was last
    sent or received, by `now`."""

    transport: asyncio.Transport

    def __init__(
        self, settings: BalancerSettings, buffer: memoryview, now: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._buffer = buffer
        self._now = now
        self._parser = httptools.HttpRequestParser(self)
        self._url = ""
        self._fields: list[Field] = []
        self._block: Block | None = None  # the last request's
        self._in_head = True
        self._unseen = 0  # bytes since the parser last reported something
        self._repriming = False
        self._receiving: Message | None = None
        self._upgrading = False
        self._deaf = False  # what still comes is thrown away
        self.after_upgrade = b""
        self.touched = now()

    # What subclasses implement

    @abc.abstractmethod
    def _receive(self, message: Message) -> None:
        """A request's head has come, or what stands for it when it is rejected."""

    @abc.abstractmethod
    def _received(self, message: Message) -> None:
        """The request is whole."""

    @abc.abstractmethod
    def _flush(self) -> None:
        """No more has come for now."""

    # From the transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        data = self._buffer[:nbytes]
        if self._deaf:
            if self._upgrading:
                self.after_upgrade += data
                if len(self.after_upgrade) > HEAD_BYTES:
                    self.transport.pause_reading()  # until the target has switched, too
            return
        self.touched = self._now()
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
            self._reject_the_rest(400)
        self._flush()

    def on_url(self, url: bytes) -> None:
        self._url += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come here too, and go no further: RFC 9110 section 6.5.1 allows that.
        if self._in_head:
            key, text = spelled(name)
            self._fields.append((key, text, value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        self._in_head = False
        url, self._url = self._url, ""
        fields, self._fields = self._fields, []
        if self._repriming or self._deaf:
            return
        parser = self._parser
        self._upgrading = parser.should_upgrade()
        try:
            if self._unseen > LINE_BYTES:
                check_size(url, fields)
            method, version = spelled(parser.get_method())[1], parser.get_http_version()
            check_request_line(method, version)
            block = self._block
            if block is None or block.came != fields:
                block = self._block = read_block(fields, self._settings)
            keeps = parser.should_keep_alive()
            head = read_head(method, url, version, self._upgrading, keeps, block, self._settings)
        except Rejected as rejected:
            log.info("rejected a request with %d: %s", rejected.status, rejected)
            self._deaf = True
            self._receive(Message(None, rejected.status))
            return
        self._unseen = 0
        self._receive(Message(head))
        if head.length == 0 and "transfer-encoding" in head.values:
            self._whole()  # the coding identity, which the parser stops at

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
        self._in_head = True
        if not self._upgrading and not self._deaf:
            self._whole()

    def _whole(self) -> None:
        message = self._receiving
        if message is None or message.whole:
            return
        message.whole = True
        if message.head is not None and message.head.closes:
            self._deaf = True  # RFC 9112 section 9.6: what follows isn't a request
        self._received(message)

    def _upgraded(self, rest: memoryview) -> memoryview:
        """The parser stops after the head of a request that asks for another protocol. Returns
        what is to be parsed yet."""
        self._upgrading = False
        message = self._receiving
        if self._deaf or message is None or message.head is None:
            return rest[:0]
        if message.head.upgrade:
            self._upgrading = True
            self.after_upgrade = bytes(rest)
            self._whole()
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
            self._reject_the_rest(500)
            return
        # "An HTTP/1 connection but received an HTTP/2 request": its preface looks like one.
        status = 505 if self._parser.get_http_version() == "2.0" else 400
        log.info("rejected a request with %d: %s", status, error)
        self._reject_the_rest(status)

    def _reject_the_rest(self, status: int) -> None:
        """Where the request ends isn't known any more, so that it is the last one."""
        self._deaf = True
        message = self._receiving
        if message is None or message.whole:
            self._receive(Message(None, status))
        elif message.exchange is not None:
            message.exchange.spoilt(status)
        else:
            message.head, message.rejected = None, status
