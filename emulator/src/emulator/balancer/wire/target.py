"""A connection to a target: one request at a time, and what comes back."""

from __future__ import annotations

import asyncio
import logging
import select
from collections.abc import Callable
from typing import Protocol

import httptools

from emulator.balancer.messages.headers import Field, named_by_connection, spelled, values_of

log = logging.getLogger("emulator.balancer")

HEAD_BYTES = 32 * 1024  # of a response's head


class Receiver(Protocol):
    """The sender of a request, which gets the target's response."""

    head_only: bool  # the request was HEAD: the response has no body, whatever it says

    def response(self, response: ResponseHead) -> None:
        """Its body comes in `more`, the last piece in `done`."""

    def more(self, pieces: list[bytes]) -> None: ...

    def done(self, pieces: list[bytes], reusable: bool) -> None:
        """`reusable` says that the connection may take another request."""

    def switched(self, response: ResponseHead, rest: bytes) -> None:
        """101: from `rest` on the connection's bytes are no HTTP any more."""

    def broken(self, why: str) -> None:
        """The connection is lost, or what came is no response."""

    def target_full(self) -> None:
        """The target doesn't read what it gets; `target_ready` follows."""

    def target_ready(self) -> None: ...


class ResponseHead:
    """`length` None: chunked, or up to the end of the connection where `until_end`."""

    __slots__ = ("fields", "length", "reason", "status", "until_end", "values")

    def __init__(
        self, status: int, reason: str, fields: list[Field], values: dict[str, list[str]]
    ) -> None:
        self.status = status
        self.reason = reason
        self.fields = fields
        self.values = values
        lengths = values.get("content-length")
        self.length = int(lengths[0]) if lengths else None
        self.until_end = lengths is None and "transfer-encoding" not in values


class TargetConnection(asyncio.BufferedProtocol):
    """`lost` is called when it is gone, so that nobody chooses it any more; `buffer` is where what
    comes lies while it is parsed."""

    def __init__(self, lost: Callable[[TargetConnection], None], buffer: memoryview) -> None:
        self._lost = lost
        self._buffer = buffer
        self._receiver: Receiver | None = None
        self.full = False
        self._poll = select.poll()
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  it is a TCP client's
        self.transport = transport
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(self)
        receiver, self._receiver = self._receiver, None
        if receiver is None:
            return
        if self._response is not None and self._response.until_end and exc is None:
            receiver.done([], reusable=False)
        else:
            receiver.broken(str(exc) if exc else "the target closed the connection")

    @property
    def usable(self) -> bool:
        """Whether the target has neither closed it nor sent anything, as far as is known here."""
        return not self.transport.is_closing() and not self._poll.poll(0)

    def begin(self, receiver: Receiver) -> None:
        """What is written from now on is the receiver's request."""
        self._receiver = receiver
        self._parser = httptools.HttpResponseParser(self)
        self._response: ResponseHead | None = None
        self._reason = ""
        self._fields: list[Field] = []
        self._pieces: list[bytes] = []
        self._in_head = True
        self._done = False  # the response is whole
        self._keeps = False
        self._wrong = ""
        self._unseen = 0  # bytes since the parser last reported something

    def abort(self) -> None:
        """Closes the connection; the result of its request is not reported."""
        self._receiver = None
        self.transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        receiver = self._receiver
        if receiver is None:
            self.transport.abort()  # unrequested: it would become the next request's response
            return
        self._unseen += nbytes
        try:
            self._parser.feed_data(self._buffer[:nbytes])
        except httptools.HttpParserUpgrade as upgrade:
            if self._response is not None and self._response.status == 101 and not self._wrong:
                self._receiver = None
                receiver.switched(self._response, bytes(self._buffer[upgrade.args[0] : nbytes]))
                return
            self._wrong = self._wrong or "101 without having been asked"
        except httptools.HttpParserCallbackError as error:
            log.exception("the load balancer failed", exc_info=error.__context__)
            self._wrong = "the load balancer failed"
        except httptools.HttpParserError as error:
            if self._done:
                self._keeps = False  # something after the response's end
            else:
                self._wrong = self._wrong or str(error)
        if self._unseen > HEAD_BYTES and not self._done:
            self._wrong = self._wrong or "more than 32 K of header"
        if self._wrong:
            self.abort()
            receiver.broken(self._wrong)
            return
        pieces, self._pieces = self._pieces, []
        if self._done:
            self._receiver = None
            receiver.done(pieces, self._keeps)
        else:
            receiver.more(pieces)

    def on_message_begin(self) -> None:
        if self._done:
            self._keeps = False

    def on_status(self, reason: bytes) -> None:
        self._reason += reason.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # trailers go no further
            key, text = spelled(name)
            self._fields.append((key, text, value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        receiver, parser = self._receiver, self._parser
        if receiver is None or self._done:
            return
        status = parser.get_status_code()
        if 100 <= status < 200 and status != 101:  # Expect isn't sent on, so nobody waits for it
            return
        self._in_head = False
        if self._unseen > HEAD_BYTES // 2 and self._too_large():
            self._wrong = "more than 32 K of header"
            return
        values = values_of(self._fields)
        self._wrong = _fault(parser.get_http_version(), status, values)
        if self._wrong:
            return
        self._unseen = 0
        self._response = ResponseHead(status, self._reason, self._fields, values)
        if status == 101:
            return
        if receiver.head_only or status in (204, 304):
            self._keeps = "close" not in named_by_connection(values)
            self._keeps = self._keeps and parser.get_http_version() == "1.1"
            self._done = True
        receiver.response(self._response)

    def on_chunk_header(self) -> None:
        self._unseen = 0

    def on_body(self, data: bytes) -> None:
        self._unseen = 0
        if self._done:
            self._keeps = False
        else:
            self._pieces.append(data)

    def on_message_complete(self) -> None:
        self._unseen = 0
        if self._in_head:  # of an informational response
            self._reason = ""
            self._fields = []
        elif self._response is not None and self._response.status != 101 and not self._done:
            self._keeps = self._parser.should_keep_alive()
            self._done = True

    def _too_large(self) -> bool:
        return sum(len(name) + len(value) + 4 for _, name, value in self._fields) > HEAD_BYTES

    def pause_writing(self) -> None:
        self.full = True
        if self._receiver is not None:
            self._receiver.target_full()

    def resume_writing(self) -> None:
        self.full = False
        if self._receiver is not None:
            self._receiver.target_ready()


def _fault(version: str, status: int, values: dict[str, list[str]]) -> str:
    """Why it is no response that can be passed on; "" where it is one."""
    if not 100 <= status <= 599:  # "Values outside the range 100..599 are invalid": RFC 9110, 15
        return f"a response of status {status}"
    if version not in ("1.1", "1.0"):
        return f"a response of HTTP version {version}"
    codings = values.get("transfer-encoding")
    if codings is not None and [coding.strip().lower() for coding in codings] != ["chunked"]:
        return f"a response with Transfer-Encoding {', '.join(codings)}"
    return ""
