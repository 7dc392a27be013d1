"""A request that goes on to a container, streaming both ways."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from emulator.balancer.measuring import CLIENT_LEFT
from emulator.balancer.messages.head import Head
from emulator.balancer.messages.headers import Field
from emulator.balancer.messages.outgoing import (
    CHUNKED,
    CLOSE,
    KEEP_ALIVE,
    error_page,
    request_head,
    response_head,
)
from emulator.balancer.routing import Choice
from emulator.balancer.targets.target_group import Target
from emulator.balancer.wire.client import TARGET, ClientConnection
from emulator.balancer.wire.exchange import CONTINUE, Exchange
from emulator.balancer.wire.shared import Shared
from emulator.balancer.wire.target import ResponseHead, TargetConnection

Join = Callable[[ClientConnection, TargetConnection, Target, bytes], None]

log = logging.getLogger("emulator.balancer")


class Forwarding(Exchange):
    """Between a client's connection and a target's: an `Exchange` for the one, a `Receiver` for
    the other. `join` connects both after an upgrade.

    `_finish` runs exactly once and reports the result to the registrar."""

    __slots__ = (
        "_back",
        "_began",
        "_choice",
        "_chunked_back",
        "_closes",
        "_connecting",
        "_connection",
        "_head",
        "_join",
        "_over",
        "_received",
        "_shareable",
        "_shared",
        "_status",
        "_target",
        "_there",
        "_trace",
        "head_only",
    )

    def __init__(
        self,
        shared: Shared,
        join: Join,
        connection: ClientConnection,
        head: Head,
        choice: Choice,
    ) -> None:
        self._shared = shared
        self._join = join
        self._connection = connection
        self._head = head
        self._choice = choice
        self._target: TargetConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._there: list[bytes] = []  # on its way to the target
        self._back = b""  # the response's head, on its way to the client
        self._received = False  # the request is whole
        self._status: int | None = None  # the target's
        self._chunked_back = False
        self._closes = False
        self._over = False
        self._began, self._trace = time.time(), ""
        # The connection is not used for other requests where the target may see the end of this one
        # at another place, or not at all.
        self._shareable = not head.alone and not head.upgrade
        self.head_only = head.method == "HEAD"

    # From the client

    def start(self) -> None:
        head, connection = self._head, self._connection
        if head.expects_continue:
            connection.write(CONTINUE)
        shared = self._shared
        self._trace = trace = shared.traces.new()
        self._there.append(request_head(head, connection.peer, shared.settings, trace))
        target = shared.pool.take(self._choice.target) if self._shareable else None
        if target is not None:
            self._target = target
            target.begin(self)
        else:
            self._connecting = shared.spawn(self._connect())

    async def _connect(self) -> None:
        try:
            target = await self._shared.pool.connect(self._choice.target)
        except TimeoutError:
            status, why = 504, "no connection within 10 seconds"
        except OSError as error:
            status, why = 502, str(error)
        else:
            self._connecting = None
            self._target = target
            target.begin(self)
            self._connection.resume(TARGET)
            self.flush()
            return
        self._connecting = None
        self._fail(status, why)

    def body(self, data: bytes) -> None:
        if self._over:
            return
        if self._head.length is None:
            self._there.append(_chunk(data))
        else:
            self._there.append(data)

    def end(self) -> None:
        self._received = True
        if self._head.length is None and not self._over:
            self._there.append(_chunk(b""))

    def flush(self) -> None:
        if self._over or not self._there:
            return
        if self._target is not None:
            self._target.transport.write(b"".join(self._there))
            self._there = []
        elif not self._received:  # what came meanwhile is enough
            self._connection.pause(TARGET)

    def request_failed(self, status: int) -> None:
        if not self._over:
            self._give_up(status, f"the request broke off with {status}")

    def idle(self) -> None:
        if self._over:  # the rest of a request that has its response
            self._connection.abort()
        elif self._connection.full:
            self._give_up(408, "the client read nothing", own=False)
        elif not self._received and not self._connection.paused & TARGET:
            self._give_up(408, "the client sent nothing")
        else:
            self._fail(504, "the target sent nothing")

    def client_left(self) -> None:
        if not self._over:
            self._drop_target()
            # The guide's 400: "closed the connection before sending the full request body".
            left = CLIENT_LEFT if self._received else 400
            self._finish(left if self._status is None else None)

    def client_full(self) -> None:
        if self._target is not None:
            self._target.transport.pause_reading()

    def client_ready(self) -> None:
        if self._target is not None:
            self._target.transport.resume_reading()

    def removed(self, target: Target) -> None:
        # The guide's 502: its deregistration delay elapsed while it was handling the request.
        if target is self._choice.target:
            self._fail(502, "the target was taken out")

    # From the target

    def response(self, response: ResponseHead) -> None:
        head, connection = self._head, self._connection
        self._status = response.status
        framing = ""
        keeps = connection.keeps(head)
        if response.status == 204:
            pass  # RFC 9110 section 8.6: no Content-Length
        elif response.length is not None:
            framing = f"Content-Length: {response.length}\r\n"
        elif response.status == 304 or (self.head_only and response.until_end):
            pass
        elif head.modern:
            framing = CHUNKED
            self._chunked_back = not self.head_only
        else:
            keeps = False  # the end of the connection is the end of the response
        self._closes = not keeps
        framing += KEEP_ALIVE if keeps else CLOSE
        self._back = self._response_head(response, framing)

    def _response_head(self, response: ResponseHead, framing: str) -> bytes:
        added = self._shared.settings.added_headers
        cookies = self._choice.set_cookies(_pairs(response.fields))
        if cookies:
            added = (*added, *(("Set-Cookie", cookie) for cookie in cookies))
        return response_head(
            response.status, response.reason, response.fields, response.values, added, framing
        )

    def more(self, pieces: list[bytes]) -> None:
        connection = self._connection
        connection.touched = self._shared.now()
        head, self._back = self._back, b""
        if self._chunked_back:
            pieces = [_chunk(piece) for piece in pieces]
        data = b"".join([head, *pieces])
        if data:
            connection.transport.write(data)

    def done(self, pieces: list[bytes], reusable: bool) -> None:
        self.more([*pieces, b""] if self._chunked_back else pieces)
        target, self._target = self._target, None
        if target is not None:
            if reusable and self._received and self._shareable and not target.full:
                if self._connection.full:
                    target.transport.resume_reading()
                self._shared.pool.give(target)
            else:
                target.abort()
        self._finish(None)
        if self._connection.paused:
            self._connection.resume(TARGET)
        self._connection.responded(closes=self._closes)

    def switched(self, response: ResponseHead, rest: bytes) -> None:
        target, self._target = self._target, None
        if target is None:
            return
        if not self._head.upgrade:
            self._target = target
            self._fail(502, "101 without having been asked")
            return
        self._over = True
        protocol = response.values.get("upgrade", ("websocket",))[-1]
        framing = f"Connection: Upgrade\r\nUpgrade: {protocol}\r\n"
        self._connection.write(self._response_head(response, framing))
        self._join(self._connection, target, self._choice.target, rest)

    def broken(self, why: str) -> None:
        self._fail(502, why)

    def target_full(self) -> None:
        self._connection.pause(TARGET)

    def target_ready(self) -> None:
        self._connection.touched = self._shared.now()
        self._connection.resume(TARGET)

    # The end

    def _fail(self, status: int, why: str) -> None:
        """The target is at fault."""
        if not self._over:
            self._give_up(status, why)

    def _give_up(self, status: int, why: str, own: bool = True) -> None:
        """An error page, where nothing of the response has gone to the client; it sees the response
        break off otherwise. `own` says that `status` counts instead of the target's."""
        log.info("%s: %d: %s", self._choice.target.id, status, why)
        self._drop_target()
        self._finish(status if own else None)
        if self._status is None or self._back:
            whole = self._received and status != 408
            self._connection.respond(error_page(status), self._head, closes=not whole)
        else:
            self._connection.abort()

    def _drop_target(self) -> None:
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
        target, self._target = self._target, None
        if target is not None:
            target.abort()

    def _finish(self, own: int | None) -> None:
        """`own` is the load balancer's status, where it stands for the target's."""
        self._over = True
        self._there.clear()
        status = self._status if own is None else None
        outcome = self._shared.responded(self._choice, status, own, self._began)
        what = f"{self._head.method} {self._head.target}"
        self._shared.served(self._choice.target.id, what, self._trace, self._began, outcome)


def _chunk(data: bytes) -> bytes:
    """The last one for b""."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _pairs(fields: Sequence[Field]) -> list[tuple[str, str]]:
    return [(name, value) for _, name, value in fields]
