"""The WebSocket listener: upgrades, frames in, frames out, limits."""

from __future__ import annotations

import asyncio
import http
import json
import logging
from collections.abc import Container, Coroutine, Sequence
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from emulator import foreign
from emulator.clock import Clock
from emulator.domains import without_port
from emulator.gateway import limits
from emulator.gateway.connections import BufferFull, Connection, Registry
from emulator.gateway.dispatch import Dispatcher
from emulator.gateway.events import ConnectionInfo, Upgrade
from emulator.gateway.responses import SUBPROTOCOL
from emulator.listening import Port, bound, number, port_taken

log = logging.getLogger("emulator.gateway")

PURPOSE = "the WebSocket API"
BAD_REQUEST = '{"message": "Bad Request"}'
OPENING_SECONDS = 2 * limits.INTEGRATION_SECONDS + 2  # authorizer, then $connect


class WebSocketListener:
    """`clock` runs the idle and duration limits; the dispatcher decides everything else."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        registry: Registry,
        port: Port,
        clock: Clock,
        names: Container[str] = (),
    ) -> None:
        self._names = names
        self._dispatcher = dispatcher
        self._registry = registry
        self._clock = clock
        self._server: Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepted: dict[ServerConnection, tuple[Connection, Sequence[str]]] = {}
        self._listen_on = port
        self.port = number(port)

    async def start(self) -> None:
        """Raises EmulatorError when the port is taken."""
        listening = bound(self._listen_on, PURPOSE)
        self.port = number(listening)
        try:
            self._server = await serve(
                self._serve,
                sock=listening,
                create_connection=_Socket,
                process_request=self._upgrade,
                process_response=self._choose_subprotocol,
                max_size=(limits.MESSAGE_BYTES, limits.FRAME_BYTES),
                compression=None,  # API Gateway negotiates no extension
                open_timeout=OPENING_SECONDS,
                ping_interval=None,  # nor does it send pings
                close_timeout=5,
                server_header=None,
                logger=logging.getLogger("emulator.gateway.websockets"),
            )
        except OSError as error:
            raise port_taken(self.port, PURPOSE, error) from error

    async def stop(self) -> None:
        """Closes every connection with 1001. No $disconnect: the functions go down as well."""
        server, self._server = self._server, None
        if server is None:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        server.close()
        await server.wait_closed()

    async def _upgrade(self, socket: ServerConnection, request: Request) -> Response | None:
        """The response that rejects an upgrade; None accepts it. What isn't a proper upgrade is
        left to the library, which rejects it."""
        try:
            socket.protocol.process_request(request)
        except InvalidHandshake:
            return None
        headers = request.headers
        if len(headers.get_all("Host")) != 1:  # RFC 9112, 3.2
            return _response(400, BAD_REQUEST)
        host, origin = headers["Host"], _only(headers.get_all("Origin"))
        reason = foreign.reason(host, origin, self._names.__contains__, self._names)
        if reason is not None:
            return _response(403, json.dumps({"message": reason}))
        path, _, query = request.path.partition("?")
        named = self._dispatcher.api.named(without_port(host), path)
        domain_name = named or self._dispatcher.domain_name
        url = f"wss://{domain_name}{request.path}"
        if len(url) > limits.URL_CHARACTERS:
            return _response(414, '{"message": "Request-URI Too Long"}')
        if named is None:
            return _response(403, '{"message": "Forbidden"}')
        info, upgrade = self._described(socket, request, query, domain_name)
        opening = await self._dispatcher.open(info, upgrade)
        if opening.status != 200:
            return _response(opening.status, opening.body)
        connection = Connection(
            opening.info,
            socket,
            host,
            self._dispatcher.now,
            self._clock.now,
        )
        self._accepted[socket] = (connection, opening.subprotocols)
        self._registry.add(connection)
        self._spawn(self._end(connection))
        return None

    def _described(
        self, socket: ServerConnection, request: Request, query: str, domain_name: str
    ) -> tuple[ConnectionInfo, Upgrade]:
        dispatcher = self._dispatcher
        upgrade = Upgrade(
            headers=tuple(request.headers.raw_items()),
            query=query,
            source_ip=socket.remote_address[0],
            listener_port=self.port,
            trace_id=dispatcher.new_trace_id(),
        )
        info = ConnectionInfo(
            connection_id=dispatcher.new_id(),
            api_id=dispatcher.api.api_id,
            stage=dispatcher.api.stage,
            domain_name=domain_name,
            source_ip=upgrade.source_ip,
            user_agent=next(reversed(request.headers.get_all("User-Agent")), None),
            connected_at=dispatcher.now(),
        )
        return info, upgrade

    async def _serve(self, socket: ServerConnection) -> None:
        connection, _ = self._accepted[socket]
        pump = asyncio.create_task(connection.pump())
        watch = asyncio.create_task(self._expire(connection))
        try:
            await self._read(connection)
        finally:
            pump.cancel()
            watch.cancel()

    async def _read(self, connection: Connection) -> None:
        room = asyncio.Semaphore(limits.INVOCATIONS_AT_ONCE)
        while True:
            await room.acquire()
            try:
                frame = await connection.socket.recv()
            except ConnectionClosed:
                return
            connection.touch()
            connection.received += 1
            if isinstance(frame, bytes):
                # "Binary media types for WebSocket APIs", API Gateway developer guide.
                await connection.close(limits.UNSUPPORTED_DATA, "Binary is not supported")
                return
            self._spawn(self._dispatch_frame(connection, frame, room))

    async def _dispatch_frame(
        self, connection: Connection, frame: str, room: asyncio.Semaphore
    ) -> None:
        try:
            text = await self._dispatcher.message(connection.info, frame)
            if text is not None:
                connection.send(text)
        except BufferFull:
            log.warning("%s doesn't read; a response is lost", connection.info.connection_id)
        finally:
            room.release()

    async def _expire(self, connection: Connection) -> None:
        while (left := self._seconds_left(connection)) > 0:
            await self._clock.sleep(left)
        await connection.close(limits.GOING_AWAY, "Going away")

    def _seconds_left(self, connection: Connection) -> float:
        return limits.seconds_left(connection.connected, connection.last_active, self._clock.now())

    async def _end(self, connection: Connection) -> None:
        """Ends a connection, also one whose client left before it had the response to its
        upgrade."""
        await connection.socket.wait_closed()
        self._registry.remove(connection)
        del self._accepted[connection.socket]
        code, reason = connection.closed_with()
        await self._dispatcher.disconnect(connection.info, connection.host, code, reason)

    def _choose_subprotocol(
        self, socket: ServerConnection, _request: Request, response: Response
    ) -> None:
        """The response to the upgrade has what $connect chose; API Gateway doesn't compare."""
        if response.status_code == http.HTTPStatus.SWITCHING_PROTOCOLS:
            _, subprotocols = self._accepted[socket]
            for each in subprotocols:
                response.headers[SUBPROTOCOL] = each

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("the WebSocket API failed", exc_info=task.exception())


class _Socket(ServerConnection):
    """A connection of the library's, with what it leaves out."""

    def __init__(self, protocol: ServerProtocol, *of_server: Any, **options: Any) -> None:
        # API Gateway passes on what a client asks for, in any form: functions read and choose.
        protocol.process_subprotocol = lambda headers: None  # type: ignore[method-assign]
        super().__init__(protocol, *of_server, **options)
        self._rejected = False

    def send_data(self) -> None:
        """Before it closes: what isn't HTTP gets 400 (RFC 9112, 2.2), unless the client left."""
        error = self.protocol.handshake_exc
        malformed = isinstance(error, InvalidMessage) and not self.protocol.reader.eof
        if malformed and not self._rejected:
            self._rejected = True
            self.transport.write(_response(400, BAD_REQUEST).serialize())
        super().send_data()


def _only(values: list[str]) -> str | None:
    """A header's value; of several, one that is rejected."""
    return None if not values else values[0] if len(values) == 1 else ", ".join(values)


def _response(status: int, body: str) -> Response:
    headers = Headers(
        {
            "Content-Type": "application/json",
            "Content-Length": str(len(body.encode())),
            "Connection": "close",
        }
    )
    phrase = http.HTTPStatus(status).phrase if status in _KNOWN else ""
    return Response(status, phrase, headers, body.encode())


_KNOWN = frozenset(http.HTTPStatus)
