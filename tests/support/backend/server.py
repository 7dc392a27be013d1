"""Backends in memory behind one HTTP and WebSocket server on 127.0.0.1.

Each backend has a path of its own: http://127.0.0.1:<port>/<name>/api/... and
ws://127.0.0.1:<port>/<name>/dev. The server only carries; what it carries comes from `Backend`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web

from lambdas.frames import Frame, encode
from tests.support.backend.clock import running
from tests.support.backend.control import Control
from tests.support.backend.gateway import FRAME_LIMIT, Connection
from tests.support.backend.people import People
from tests.support.backend.user_pool import TOKEN_SECONDS

PATIENCE = 300.0  # seconds until a scene has failed: a machine that pauses is no failure


class Served(People):
    """One backend of a server. Its clock runs with the machine's.

    `pushes` is what a phone received, by token, as the console of the emulator shows it.
    """

    def __init__(self, name: str, port: int) -> None:
        address = f"127.0.0.1:{port}/{name}"
        super().__init__(
            running(), WEBSOCKET_URL=f"ws://{address}/dev", FILES_URL=f"http://{address}/files"
        )
        self.name, self.port = name, port
        self.sockets: dict[str, web.WebSocketResponse] = {}  # by connection id
        self.phones: dict[str, list[Frame]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.name}"

    def endpoints(self) -> dict[str, Any]:
        """As .local/endpoints.json has it."""
        return {"env": "dev", "api": self.url, "console": self.url}

    @property
    def lines(self) -> list[str]:
        """The REST requests so far: `GET /api/chats`."""
        return [call.line for call in self.calls]

    def expire_tokens(self) -> None:
        """An hour passes for the backend; refresh tokens stay valid."""
        self.clock.pass_seconds(TOKEN_SECONDS)

    def sign_everybody_out(self) -> None:
        """No token is valid any more."""
        self.expire_tokens()
        self.aws.pool.refresh_tokens.clear()

    def asked_after_ticket(self, user: str) -> bool:
        """What a client asks each time it is connected has been asked."""
        ticket, lines = "POST /api/tickets", self.lines
        since = lines[lines.index(ticket) :] if ticket in lines else []
        asked = {"POST /api/devices/phone/one-time-keys", f"GET /api/users/{user}/devices"}
        return asked.issubset(since)

    def lose_data(self) -> None:
        """It is started anew with nothing in it; all connections end."""
        for each in list(self.gateway.connections.values()):
            if each.state == "open":
                self._cut(each)
        ids, aws = self._ids, self.aws  # no connection, chat or token has the id of an old one
        Served.__init__(self, self.name, self.port)
        self._ids = ids
        self.aws._serial, self.aws.pool._serial = aws._serial, aws.pool._serial
        self.expire_tokens()  # the new pool signs with another key

    async def drop(self, user: str, device: str = "phone") -> None:
        """The connections of the device end without a word."""
        for connection in self.connections(user, device):
            self._cut(connection)
        await asyncio.sleep(0)

    def _cut(self, connection: Connection) -> None:
        socket = self.sockets.pop(connection.id)
        assert socket._req is not None
        assert socket._req.transport is not None
        socket._req.transport.abort()
        self.close(connection)


class Server:
    """The backends by name, and the routes to them."""

    def __init__(self) -> None:
        self.port = 0
        self.backends: dict[str, Served] = {}

    def new(self) -> Served:
        backend = Served(f"b{len(self.backends) + 1}", self.port)
        self.backends[backend.name] = backend
        return backend

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2**27)
        app.router.add_post("/control/new", self._new)
        app.router.add_post("/{backend}/control/{name}", self._control)
        app.router.add_get("/{backend}/dev", self._connect)
        app.router.add_get("/{backend}/_local/phones/{token}", self._phone)
        app.router.add_route("*", "/{backend}/files{key:.*}", self._file)
        app.router.add_route("*", "/{backend}/{path:.*}", self._request)
        return app

    def _backend(self, request: web.Request) -> Served:
        return self.backends[request.match_info["backend"]]

    async def _new(self, request: web.Request) -> web.Response:
        return web.json_response(self.new().name)

    async def _control(self, request: web.Request) -> web.Response:
        act = getattr(Control(self._backend(request)), request.match_info["name"])
        return web.json_response(act(**await request.json()))

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return await self._backend(request).aws.objects.respond(request)

    async def _request(self, request: web.Request) -> web.Response:
        text = await request.text()
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        response = self._backend(request).request(
            request.method,
            "/" + request.match_info["path"],
            json.loads(text) if text else None,
            token=token,
            query=dict(request.query),
        )
        if response.body is None:
            return web.Response(status=response.status)
        return web.json_response(response.body, status=response.status)

    async def _phone(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        pushes = self._backend(request).phones.get(token, [])
        return web.json_response({"token": token, "pushes": pushes})

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        backend = self._backend(request)
        outgoing: asyncio.Queue[Frame | int] = asyncio.Queue()
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        opened = backend.open(offered, outgoing.put_nowait, outgoing.put_nowait)
        if not isinstance(opened, Connection):
            return web.Response(status=opened)
        socket = web.WebSocketResponse(protocols=["chat.v1"], max_msg_size=4 * FRAME_LIMIT)
        backend.sockets[opened.id] = socket
        try:
            await socket.prepare(request)
            writing = asyncio.create_task(_write(socket, outgoing))
            try:
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        backend.receive(opened, message.data)
            finally:
                writing.cancel()
        finally:
            backend.sockets.pop(opened.id, None)
            backend.close(opened)
        return socket


async def _write(socket: web.WebSocketResponse, outgoing: asyncio.Queue[Frame | int]) -> None:
    while True:
        frame = await outgoing.get()
        if isinstance(frame, int):
            await socket.close(code=frame)
            return
        await socket.send_str(encode(frame))


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    runner = web.AppRunner(server.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def one_backend() -> AsyncIterator[Served]:
    """A server with a single backend."""
    async with serving() as server:
        yield server.new()


async def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """For what only shows on the server's side."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)
