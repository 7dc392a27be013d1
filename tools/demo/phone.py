"""A phone of the demonstration: an origin of its own, and the network between it and the backend.

A browser keeps the storage of each origin apart, and a port of its own is an origin of its own. So
the two phones are two reverse proxies in front of the same load balancer, each of which has the
real page and can lose its network without the other one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
from aiohttp import hdrs, web

from emulator.listening import HttpListener, Port
from emulator.runtime.endpoints import Endpoints
from tools.demo.forwarding import foreign_origin, forward, framed

OWN = "/-demo/"  # what the phone's own script asks for; nothing of it goes further
KEPT = 5_000  # of the texts that left the phone


class Frame(NamedTuple):
    """A frame on its way. `way`: `out` of the phone, `in` to it, `lost` on the way out."""

    at: float  # epoch seconds
    phone: str
    way: str
    frame: Mapping[str, Any]
    size: int


class Push(NamedTuple):
    """The device token that the phone's system would give to the app."""

    platform: str
    token: str


@dataclass(eq=False)
class _Line:
    """One WebSocket. `silent`: nobody has closed it, and nothing passes any more."""

    app: web.WebSocketResponse
    backend: aiohttp.ClientWebSocketResponse
    transport: asyncio.BaseTransport | None  # of the app's side
    silent: bool = False


@dataclass
class Person:
    """Whom a phone belongs to, and how its app signs in."""

    user: str
    password: str
    push: Push
    bearer: str | None = None  # as the app last showed it to the backend
    device: str | None = None  # once it is registered


@dataclass
class Reports:
    """Who is notified, of what the phone does: its frames, a connection, what its screen shows,
    that its device is registered, and that a connection has ended."""

    frame: Callable[[Frame], None]
    connected: Callable[[str, float], None]
    shown: Callable[[str, Mapping[str, Any]], None]
    registered: Callable[[str], None]
    closed: Callable[[], None]


@dataclass(eq=False)
class Phone:
    """`demo` is the origin of the page that shows the phone, `script` what runs in the phone's page
    before the client does."""

    person: Person
    backend: Endpoints
    demo: str
    reports: Reports
    script: Callable[[], str]
    http: aiohttp.ClientSession
    port: Port = 0
    network: str = "on"  # on | lost
    clock: int = 0  # how wrong it is, ms
    left: deque[bytes] = field(default_factory=lambda: deque(maxlen=KEPT))

    def __post_init__(self) -> None:
        self._lines: set[_Line] = set()
        self._listener = HttpListener(self._handle, self.port, f"the phone of {self.person.user}")

    @property
    def url(self) -> str:
        return self._listener.url

    async def start(self) -> None:
        """Raises EmulatorError when the port is taken."""
        await self._listener.start()

    async def stop(self) -> None:
        self.lose_network()
        await self._listener.stop()

    def lose_network(self) -> None:
        """Every connection breaks, and no other one opens."""
        self.network = "lost"
        for line in self._lines:
            _abort(line.transport)

    def find_network(self) -> None:
        self.network = "on"

    def kill_silently(self) -> int:
        """Nothing passes any more on the open connections, and neither side notices, as where
        a router forgets them. The number of connections."""
        alive = [line for line in self._lines if not line.silent]
        for line in alive:
            line.silent = True
        return len(alive)

    @property
    def connections(self) -> int:
        return len(self._lines)

    @property
    def silent(self) -> bool:
        """Whether the app believes in a connection that is dead."""
        return any(line.silent for line in self._lines)

    # -- what the phone's page asks for

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if rejected := foreign_origin(request, self.url):
            return rejected
        if request.path.startswith(OWN):
            return await self._own(request)
        connects = request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"
        # files of the page: an installed app has them without a network
        installed = not connects and not request.path.startswith("/api/")
        if self.network == "lost" and not installed:
            _abort(request.transport)
            return web.Response(status=503)
        return await (self._connect(request) if connects else self._forward(request))

    async def _own(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {"Cache-Control": "no-store"}
        if request.path == f"{OWN}phone.js":
            kind = "text/javascript"
            return web.Response(text=self.script(), content_type=kind, headers=headers)
        if request.path == f"{OWN}shown" and request.method == "POST":
            self.reports.shown(self.person.user, json.loads(await request.read()))
            return web.Response(status=204, headers=headers)
        return web.Response(status=404)

    async def _forward(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        registering = request.method == "PUT" and request.path.startswith("/api/devices/")
        if registering:
            body = _with_token(body, self.person.push)
        self.left.append(body)
        if bearer := request.headers.get(hdrs.AUTHORIZATION):
            self.person.bearer = bearer
        response = await forward(self.http, request, body, self.backend.api)
        there, here = self._websockets()
        framed(response.headers, self.demo, (there, here))
        content = response.body
        if response.content_type == "text/html":
            content = _with_script(content)
        elif response.content_type == "application/json":
            content = content.replace(there.encode(), here.encode())
        if registering and response.status == 200:
            self.person.device = request.path.rpartition("/")[2]
            self.reports.registered(self.person.user)
        return web.Response(status=response.status, body=content, headers=response.headers)

    def _websockets(self) -> tuple[str, str]:
        """The origin of the WebSocket API, and where the app connects to instead.

        The path in a ticket is the stage, or none where the API has a domain name.
        """
        return (
            f"ws://{urlsplit(self.backend.websocket).netloc}",
            f"ws://{urlsplit(self.url).netloc}",
        )

    # -- its connection

    async def _connect(self, request: web.BaseRequest) -> web.StreamResponse:
        offered = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",")
        scheme = {"ws": "http", "wss": "https"}
        there = urlsplit(self.backend.websocket)
        try:
            backend = await self.http.ws_connect(
                self.backend.websocket,
                protocols=[each.strip() for each in offered],
                origin=f"{scheme[there.scheme]}://{there.netloc}",
                max_msg_size=0,
            )
        except aiohttp.WSServerHandshakeError as error:
            return web.Response(status=error.status)
        except aiohttp.ClientError:
            return web.Response(status=502)
        chosen = [backend.protocol] if backend.protocol else []
        app = web.WebSocketResponse(protocols=chosen, max_msg_size=0, compress=False)
        await app.prepare(request)
        line = _Line(app, backend, request.transport)
        self._lines.add(line)
        self.reports.connected(self.person.user, time.time())
        try:
            await self._converse(line)
        finally:
            self._lines.discard(line)
            await backend.close()
            await app.close()
            self.reports.closed()
        return app

    async def _converse(self, line: _Line) -> None:
        """Until the app closes or, on a line that is not silent, the backend does."""
        outward = asyncio.create_task(self._outward(line))
        inward = asyncio.create_task(self._inward(line))
        try:
            await asyncio.wait({outward, inward}, return_when=asyncio.FIRST_COMPLETED)
            if line.silent:
                await outward
        finally:
            outward.cancel()
            inward.cancel()
            await asyncio.gather(outward, inward, return_exceptions=True)

    async def _outward(self, line: _Line) -> None:
        async for message in line.app:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            self.left.append(message.data.encode())
            self._report("lost" if line.silent else "out", message.data)
            if not line.silent:
                await line.backend.send_str(message.data)

    async def _inward(self, line: _Line) -> None:
        async for message in line.backend:
            if message.type is aiohttp.WSMsgType.TEXT and not line.silent:
                self._report("in", message.data)
                await line.app.send_str(message.data)

    def _report(self, way: str, text: str) -> None:
        with contextlib.suppress(ValueError):
            frame = json.loads(text)
            if isinstance(frame, dict):
                now = time.time()
                self.reports.frame(Frame(now, self.person.user, way, frame, len(text)))


def _abort(transport: asyncio.BaseTransport | None) -> None:
    """The TCP connection ends, without a closing handshake of what is in it."""
    if isinstance(transport, asyncio.Transport):
        transport.abort()


def _with_script(page: bytes) -> bytes:
    """The phone's script comes first: it sets the clock that the client reads."""
    return page.replace(b"<head>", f'<head><script src="{OWN}phone.js"></script>'.encode(), 1)


def _with_token(body: bytes, push: Push) -> bytes:
    """A page in a browser has no token of FCM or APNs, as an app on a phone has."""
    registration = json.loads(body)
    registration.pop("web_push", None)
    registration["push"] = {"platform": push.platform, "token": push.token}
    return json.dumps(registration).encode()
