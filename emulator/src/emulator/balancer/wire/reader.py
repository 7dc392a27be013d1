"""The reader of a client's requests, which parses one after the other.

A base class rather than an object of its own, to save calls on each request: its only subclass is
the client's connection.
"""

from __future__ import annotations

import abc
import asyncio
import logging
import re
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
from emulator.balancer.messages.headers import Field, named_by_connection, spelled
from emulator.balancer.messages.lenient import RawHead, read_raw
from emulator.balancer.settings import MONITOR, STRICTEST, BalancerSettings
from emulator.balancer.wire.boundary import failed_at
from emulator.balancer.wire.exchange import Exchange

log = logging.getLogger("emulator.balancer")

# The empty line behind a last chunk or a trailer, the one that may end a chunked body.
_END_OF_BODY = re.compile(rb"[^\n]\r\n\r\n")
_BEFORE = 4  # bytes of it that may have come before


class _ReadLeniently(Exception):
    """A head that the parser takes, and an Application Load Balancer may not."""


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
        # The parser takes requests that aren't compliant, with two spaces before the target for
        # one, so that each is read leniently.
        self._strictest = settings.desync == STRICTEST
        self._buffer = buffer
        self._now = now
        self._parser = httptools.HttpRequestParser(self)
        self._url = ""
        self._fields: list[Field] = []
        self._block: Block | None = None  # the last request's
        self._in_head = True
        self._begun = False  # the parser is within a request
        # What came since a known begin of a request, which is what is read leniently where the
        # parser fails; None within a body. `_before` requests in it are whole.
        self._raw: bytes | None = b""
        self._before = 0
        self._left: int | None = 0  # bytes of the body that are to come; None where it is chunked
        self._seen = b""  # the last bytes of a chunked body that have come
        self._lenient = False  # the parser has failed: `_raw` begins with the request's head
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
        while data:  # more than once where a client offers another protocol, or was read leniently
            self._unseen += len(data)
            if self._strictest and not self._begun and not self._lenient:
                self._lenient, self._raw = True, b""
            if self._lenient:
                data = self._read_leniently(data)
                continue
            rest = data[:0]
            if not self._begun:
                self._raw, self._before = b"", 0
            elif not self._in_head:  # another request may begin behind the body
                self._raw = None
                end = self._end_of_body(data)
                data, rest = data[:end], data[end:]
                self._unseen -= len(rest)
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = self._upgraded(data[upgrade.args[0] :])
            except httptools.HttpParserError as error:
                data = self._failed(error, data)
            else:
                if self._begun and self._in_head and self._raw is not None:
                    self._raw += data
                elif self._raw is not None:
                    self._seen = bytes(data[-_BEFORE:])
                data = rest if not self._deaf else rest[:0]
        if self._unseen > HEAD_BYTES and not self._deaf:
            self._reject_the_rest(400)
        self._flush()

    def _end_of_body(self, data: memoryview) -> int:
        """How much of `data` is at most the rest of a body. A chunked one ends with an empty line,
        and may have others within."""
        if self._left is not None:
            return max(1, min(self._left, len(data)))
        seen = self._seen
        end = len(data)
        if found := _END_OF_BODY.search(seen + data[:_BEFORE]):
            end = found.end() - len(seen)
        elif found := _END_OF_BODY.search(data):  # `data` is not copied for it
            end = found.end()
        self._seen = (seen + data[max(end - _BEFORE, 0) : end])[-_BEFORE:]
        return end

    def on_message_begin(self) -> None:
        self._begun = True

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
            if version == "0.9":  # the parser takes any target without a version for one
                self._in_head = True
                raise _ReadLeniently
            check_request_line(method, version)
            block = self._block
            if block is None or block.came != fields:
                block = self._block = read_block(fields, self._settings)
            keeps, doubt = parser.should_keep_alive(), block.doubt_of(method, version)
            head = read_head(
                method, url, version, self._upgrading, keeps, block, self._settings, doubt
            )
        except Rejected as rejected:
            self._reject(rejected)
            return
        self._unseen = 0
        self._left, self._seen = head.length, b""
        self._receive(Message(head))
        if head.length == 0 and "transfer-encoding" in head.values:
            self._whole()  # the coding identity, which the parser stops at

    def on_chunk_header(self) -> None:
        self._unseen = 0

    def on_body(self, data: bytes) -> None:
        self._unseen = 0
        if self._left is not None:
            self._left -= len(data)
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
        self._begun = False
        self._before += 1
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
        self._parse_body(message.head)
        return rest

    def _parse_body(self, head: Head) -> None:
        """A new parser, that has seen a head of the same framing."""
        length = head.length
        framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        self._parser = httptools.HttpRequestParser(self)
        self._left, self._seen = length, b""
        self._repriming = True
        self._parser.feed_data(f"POST / HTTP/1.1\r\n{framing}\r\n\r\n".encode())
        self._repriming = False

    # What the parser rejects and a load balancer routes

    def _failed(self, error: httptools.HttpParserError, data: memoryview) -> memoryview:
        """Returns what is to be read again: from the begin of the request, if that is known."""
        raw, at = self._raw, None
        if raw is not None and self._in_head and not _own(error) and not self._deaf:
            raw += data
            at = failed_at(raw, self._before)
        if raw is None or at is None:
            self._malformed(error)
            return data[:0]
        self._lenient, self._raw = True, b""
        self._url, self._fields = "", []
        self._unseen = 0
        return memoryview(raw)[at:]

    def _read_leniently(self, data: memoryview) -> memoryview:
        """Returns what follows the head, or nothing while that is not whole."""
        raw = self._raw = (self._raw or b"") + data
        try:
            head = read_raw(raw, monitor=self._settings.desync == MONITOR)
            if head is None:
                return data[:0]
            self._lenient = False
            return self._begin_leniently(head)
        except Rejected as rejected:
            self._reject(rejected)
            return data[:0]

    def _begin_leniently(self, raw: RawHead) -> memoryview:
        check_size(raw.url, raw.fields)
        check_request_line(raw.method, raw.version)
        block = read_block(raw.fields, self._settings)
        options = named_by_connection(block.values)
        modern = raw.version == "1.1"
        keeps = "close" not in options if modern else "keep-alive" in options
        upgrade = "upgrade" in options and "upgrade" in block.values
        settings = self._settings
        head = read_head(
            raw.method, raw.url, raw.version, upgrade, keeps, block, settings, raw.doubt
        )
        if raw.doubt is not None:
            log.info("a request that is not compliant: %s", raw.doubt.reason)
        self._parser = httptools.HttpRequestParser(self)
        self._begun, self._in_head, self._unseen = False, True, 0
        self._upgrading = head.upgrade
        rest = memoryview(raw.rest)
        self._receive(Message(head))
        if head.upgrade:
            return self._upgraded(rest)
        if head.length == 0:
            self._whole()
        else:
            self._parse_body(head)
        return rest[:0] if self._deaf else rest

    def _reject(self, rejected: Rejected) -> None:
        log.info("rejected a request with %d: %s", rejected.status, rejected)
        self._deaf = True
        self._receive(Message(None, rejected.status))

    def _malformed(self, error: httptools.HttpParserError) -> None:
        if self._deaf:
            return
        if _own(error):
            log.error("the load balancer failed", exc_info=error.__context__)
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
            message.exchange.request_failed(status)
        else:
            message.head, message.rejected = None, status


def _own(error: httptools.HttpParserError) -> bool:
    """Whether it comes from this reader, and not from what it reads."""
    within = isinstance(error, httptools.HttpParserCallbackError)
    return within and not isinstance(error.__context__, _ReadLeniently)
