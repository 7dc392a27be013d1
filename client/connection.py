"""The client's WebSocket connection: ticket, connect, converse, and again (client rule 6)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidURI,
    WebSocketException,
)
from websockets.typing import Subprotocol

from client.core import events
from client.core.bodies_generated import TicketResponse
from client.core.engine import Engine
from client.core.liveness import Backoff
from client.core.outputs import Drop, Stop
from client.driver import Driver
from client.errors import (
    ApiError,
    Closed,
    NotFound,
    Removed,
    StoreError,
    StoreUnavailable,
    Unreachable,
    in_words,
)

logger = logging.getLogger("client")

OPEN_TIMEOUT = 15.0
OVER = frozenset({"unauthorized", "forbidden"})  # forbidden: the account is disabled
# After a connection that lasted less than this, the pauses go on growing. It is longer than
# `sync_timeout`, after which a connection without a response is closed.
SETTLED = 30.0
# Post frames are at most 32 KB and messages 128 KB; the margin is ours.
MAX_SIZE = 1 << 18
FLUSH_TIMEOUT = 2.0


class Connection:
    def __init__(
        self,
        driver: Driver,
        backoff: Backoff,
        ticket: Callable[[], Awaitable[TicketResponse]],
        come_back: Callable[[], Awaitable[None]],
        publish: Callable[[events.Event], None],
    ) -> None:
        self._driver, self._backoff, self._publish = driver, backoff, publish
        self._ticket, self._come_back = ticket, come_back
        self._socket: ClientConnection | None = None
        self._outgoing: asyncio.Queue[str] | None = None
        self._next: TicketResponse | None = None
        self._closing = False

    async def run(self) -> None:
        """Returns when the client is displaced, signed out or closed."""
        while not self._closing:
            wait = 0.0
            try:
                await self._driver.writable()
                leave = await self._once()
            except (
                *(ApiError, Removed, Unreachable),
                *(OSError, WebSocketException, TimeoutError),
            ) as error:
                if _is_over(error):
                    self._publish(events.SignedOut(str(error)))
                    return
                leave = Drop(_reason(error))
                wait = (isinstance(error, ApiError) and error.retry_after) or 0.0
            except StoreUnavailable as error:
                # the frames that have arrived come again on the next connection
                leave = Drop(str(error))
            except (StoreError, Closed):
                return  # the driver has reported it
            except Exception as error:
                # No step has failed, so the state is consistent: perhaps a response of another
                # form.
                logger.exception("the connection has failed")
                leave = Drop(f"the connection has failed: {error!r}")
            if isinstance(leave, Stop) or self._closing:
                self._publish(events.Disconnected("stopped", None))
                return
            if not leave.planned:
                pause = wait + self._backoff.pause()
                self._publish(events.Disconnected(leave.reason, pause))
                await asyncio.sleep(pause)

    async def close(self) -> None:
        """Sends the last frames and closes the connection properly; `run` then returns."""
        self._closing = True
        if self._driver.online:
            self._driver.step(Engine.closing)
            await self._flush()
        if self._socket is not None:
            await self._socket.close()

    def abort(self) -> None:
        """Ends the connection as a lost network would."""
        self._closing = True
        if self._socket is not None:
            self._socket.transport.abort()

    def cut(self) -> None:
        """Ends the connection as `abort` does, but the client connects again."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _once(self) -> Drop | Stop:
        ticket, self._next = self._next or await self._fetch_ticket(), None
        protocols = [Subprotocol("chat.v1"), Subprotocol(f"ticket.{ticket.ticket}")]
        async with connect(
            ticket.url,
            subprotocols=protocols,
            open_timeout=OPEN_TIMEOUT,
            close_timeout=2,
            ping_interval=None,  # the protocol has its own
            max_size=MAX_SIZE,
        ) as socket:
            self._socket = socket
            try:
                return await self._converse(socket)
            finally:
                self._socket = self._outgoing = None
                self._driver.closed()

    async def _fetch_ticket(self) -> TicketResponse:
        try:
            ticket = await self._ticket()
        except NotFound:
            # The backend no longer knows this device: a new local run, or it was removed.
            await self._come_back()
            ticket = await self._ticket()
        self._backoff.ticket(ticket.reconnect_window)
        return ticket

    async def _converse(self, socket: ClientConnection) -> Drop | Stop:
        loop = asyncio.get_running_loop()
        since = loop.time()
        self._outgoing, leave = self._driver.opened()
        inbox: asyncio.Queue[str | bytes] = asyncio.Queue()
        tasks = [
            asyncio.create_task(self._read(socket, inbox)),
            asyncio.create_task(self._process(inbox)),
            asyncio.create_task(self._write(socket, self._outgoing)),
        ]
        try:
            ends: list[asyncio.Future[Any]] = [leave, *tasks]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if leave.done() and _planned(leave.result()):
                await self._flush()
                self._next = await self._fetch_ticket()  # now, so that only a handshake is left
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            if loop.time() - since >= SETTLED:
                self._backoff.connected()
        for error in ended:
            if isinstance(error, Exception) and not isinstance(error, ConnectionClosed):
                raise error
        if not leave.done() and not inbox.empty():
            self._driver.received(_all(inbox))  # the last words, `displaced` perhaps
        return leave.result() if leave.done() else Drop(_closed(socket))

    async def _read(self, socket: ClientConnection, inbox: asyncio.Queue[str | bytes]) -> None:
        async for text in socket:
            inbox.put_nowait(text)

    async def _process(self, inbox: asyncio.Queue[str | bytes]) -> None:
        while True:
            first = await inbox.get()
            self._driver.received([first, *_all(inbox)])

    async def _write(self, socket: ClientConnection, outgoing: asyncio.Queue[str]) -> None:
        while True:
            await socket.send(await outgoing.get())
            outgoing.task_done()

    async def _flush(self) -> None:
        if self._outgoing is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._outgoing.join(), FLUSH_TIMEOUT)


def _all(inbox: asyncio.Queue[str | bytes]) -> list[str | bytes]:
    return [inbox.get_nowait() for _ in range(inbox.qsize())]


def _is_over(error: BaseException) -> bool:
    """Whether the backend says so; the 403 of a firewall before it has no code of the protocol."""
    if isinstance(error, ApiError):
        return error.code in OVER
    return isinstance(error, Removed)


def _planned(leave: Drop | Stop) -> bool:
    return isinstance(leave, Drop) and leave.planned


def _reason(error: BaseException) -> str:
    if isinstance(error, InvalidHandshake | InvalidURI):
        status = getattr(getattr(error, "response", None), "status_code", None)
        return f"the connection was rejected{f' ({status})' if status else ''}"
    return in_words(error) if isinstance(error, OSError) else str(error) or type(error).__name__


def _closed(socket: ClientConnection) -> str:
    code, reason = socket.close_code, socket.close_reason
    return f"the connection was closed ({code}{': ' + reason if reason else ''})"
