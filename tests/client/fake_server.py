"""The backend in memory behind a real HTTP server and a real WebSocket, on 127.0.0.1.

Deterministic: it does what a test tells it to, when the test tells it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from tests.client.fake_backend import FakeBackend, Frame, Refused

STATUS = {"bad_request": 400, "not_found": 404, "conflict": 409, "rate_limited": 429}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeServer:
    def __init__(self) -> None:
        self.backend = FakeBackend()
        self.backend.epoch = time.time() - self.backend.now
        self.passwords: dict[str, str] = {}
        self.tokens: dict[str, str] = {}  # access token -> user
        self.tickets: dict[str, tuple[str, str]] = {}
        self.pushes: dict[str, list[Frame]] = {}  # by token, as the console shows them
        self.calls: list[str] = []
        self.frames: list[tuple[str, Frame]] = []  # what clients sent, in order
        self.failing: list[int] = []  # statuses for the next REST calls
        self.reconnect_window: float | None = None
        # What becomes of a frame on its way to a client: nothing, itself, more, something else.
        self.shape: Callable[[str, Frame], list[Frame]] = lambda user, frame: [frame]
        # False: the frame from a client is read and nothing happens.
        self.accepting: Callable[[str, Frame], bool] = lambda user, frame: True
        self.sockets: dict[tuple[str, str], ServerConnection] = {}
        self.http_port = self.ws_port = 0
        self._made = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def endpoints(self) -> dict[str, Any]:
        """As .local/endpoints.json has it."""
        return {"env": "dev", "api": self.url, "console": self.url}

    def after_ticket(self, user: str) -> bool:
        """What a client asks each time it is connected has been asked."""
        ticket = "POST /api/tickets"
        since = self.calls[self.calls.index(ticket) :] if ticket in self.calls else []
        asked = {"POST /api/devices/phone/one-time-keys", f"GET /api/users/{user}/devices"}
        return asked.issubset(since)

    async def drop(self, user: str, device: str = "phone") -> None:
        """The connection ends without a word."""
        self.sockets[user, device].transport.abort()
        await asyncio.sleep(0)

    def expire_tokens(self) -> None:
        self.tokens = {name: user for name, user in self.tokens.items() if name.startswith("r")}

    # -- HTTP

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._api_errors])
        app.add_routes(
            [
                web.post("/api/sign-up", self._sign_up),
                web.post("/api/sign-in", self._sign_in),
                web.post("/api/token", self._token),
                web.put("/api/devices/{device}", self._device),
                web.delete("/api/devices/{device}", self._remove),
                web.post("/api/devices/{device}/one-time-keys", self._upload),
                web.get("/api/users/{user}/devices", self._devices),
                web.post("/api/keys/claim", self._claim),
                web.post("/api/chats", self._chat),
                web.get("/api/chats", self._chats),
                web.post("/api/chats/{chat}/members", self._members),
                web.post("/api/tickets", self._ticket),
                web.get("/_local/phones/{token}", self._phone),
            ]
        )
        return app

    @web.middleware
    async def _api_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.path}")
        if self.failing:
            return web.json_response({}, status=self.failing.pop(0))
        try:
            return await handler(request)
        except Refused as refused:
            body = {"error": {"code": refused.code, "message": refused.message}}
            return web.json_response(body, status=STATUS.get(refused.code, 401))

    def _user(self, request: web.Request) -> str:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token.startswith("a") or token not in self.tokens:
            raise Refused("unauthorized", "no such token")
        return self.tokens[token]

    def _give(self, kind: str, user: str) -> str:
        self._made += 1
        self.tokens[f"{kind}{self._made}"] = user
        return f"{kind}{self._made}"

    async def _sign_up(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["username"] in self.passwords:
            raise Refused("conflict", "taken")
        if len(body["password"]) < 8:
            raise Refused("bad_request", "the password is too short")
        self.passwords[body["username"]] = body["password"]
        return web.json_response({"user": body["username"]}, status=201)

    async def _sign_in(self, request: web.Request) -> web.Response:
        body = await request.json()
        if self.passwords.get(body["username"]) != body["password"]:
            raise Refused("unauthorized", "wrong user or password")
        user = body["username"]
        tokens = {"access_token": self._give("a", user), "refresh_token": self._give("r", user)}
        return web.json_response({**tokens, "expires_in": 3600})

    async def _token(self, request: web.Request) -> web.Response:
        body = await request.json()
        user = self.tokens.get(body["refresh_token"])
        if user is None:
            raise Refused("unauthorized", "no such token")
        return web.json_response({"access_token": self._give("a", user), "expires_in": 3600})

    async def _device(self, request: web.Request) -> web.Response:
        device = request.match_info["device"]
        self.backend.register(self._user(request), device, await request.json())
        return web.json_response({"device": device})

    async def _remove(self, request: web.Request) -> web.Response:
        user, device = self._user(request), request.match_info["device"]
        self.backend.remove(user, device)
        if (user, device) in self.sockets:
            self.sockets[user, device].transport.abort()
        return web.Response(status=204)

    async def _upload(self, request: web.Request) -> web.Response:
        user, device = self._user(request), request.match_info["device"]
        remaining = self.backend.upload(user, device, await request.json())
        return web.json_response({"remaining": remaining})

    async def _devices(self, request: web.Request) -> web.Response:
        self._user(request)
        return web.json_response({"devices": self.backend.listed(request.match_info["user"])})

    async def _claim(self, request: web.Request) -> web.Response:
        self._user(request)
        names = (await request.json())["devices"]
        return web.json_response({"keys": self.backend.claim(names)})

    async def _chat(self, request: web.Request) -> web.Response:
        user, body = self._user(request), await request.json()
        named = [body["with"]] if body["kind"] == "direct" else body["members"]
        if any(one not in self.backend.devices for one in named):
            raise Refused("not_found", "no such user")
        if body["kind"] == "direct":
            name, created = self.backend.direct(user, body["with"])
        else:
            name, created = self.backend.group({user, *named}), True
        members = sorted(self.backend.chats[name].members)
        answer = {"chat": name, "members": members}
        return web.json_response(answer, status=201 if created else 200)

    async def _chats(self, request: web.Request) -> web.Response:
        """One in each page, so that the cursor is followed."""
        user = self._user(request)
        mine = [name for name, chat in self.backend.chats.items() if user in chat.members]
        start = int(request.query.get("cursor", "0"))
        page: Frame = {"chats": []}
        for name in mine[start : start + 1]:
            chat = self.backend.chats[name]
            marks = chat.marks()[user]
            shown = {"chat": name, "kind": chat.kind, "members": sorted(chat.members)}
            page["chats"].append({**shown, "seq": chat.seq, **marks})
        if start + 1 < len(mine):
            page["cursor"] = str(start + 1)
        return web.json_response(page)

    async def _members(self, request: web.Request) -> web.Response:
        name = request.match_info["chat"]
        chat = self.backend.chat_of(self._user(request), name)
        body = await request.json()
        self.backend.change_members(name, body.get("add", []), body.get("remove", []))
        return web.json_response({"members": sorted(chat.members)})

    async def _ticket(self, request: web.Request) -> web.Response:
        user, device = self._user(request), (await request.json())["device"]
        if device not in self.backend.devices.get(user, {}):
            raise Refused("not_found", "no such device")
        self._made += 1
        self.tickets[f"t{self._made}"] = (user, device)
        answer: Frame = {"ticket": f"t{self._made}", "expires_in": 30}
        answer["url"] = f"ws://127.0.0.1:{self.ws_port}/dev"
        if self.reconnect_window is not None:
            answer["reconnect_window"] = self.reconnect_window
        return web.json_response(answer, status=201)

    async def _phone(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        return web.json_response({"token": token, "pushes": self.pushes.get(token, [])})

    # -- the WebSocket

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        names = [name.strip() for name in offered.split(",")]
        ticket = next((n.removeprefix("ticket.") for n in names if n.startswith("ticket.")), "")
        holder = self.tickets.pop(ticket, None)
        if holder is None or "chat.v1" not in names:
            return connection.respond(401, "no ticket\n")
        connection.username = "/".join(holder)
        return None

    async def converse(self, connection: ServerConnection) -> None:
        user, device = connection.username.split("/")
        outgoing: asyncio.Queue[Frame] = asyncio.Queue()

        def post(frame: Frame) -> None:
            for shaped in self.shape(user, frame):
                outgoing.put_nowait(shaped)

        self.sockets[user, device] = connection
        self.backend.connect(user, device, post)
        writing = asyncio.create_task(_write(connection, outgoing))
        try:
            async for text in connection:
                frame = json.loads(text)
                self.frames.append((user, frame))
                if not self.accepting(user, frame):
                    continue
                answer = self.backend.handle(user, device, frame)
                if answer is not None:
                    post(answer)
        finally:
            writing.cancel()
            self.backend.disconnect(user, device, post)


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """For what only shows on the server's side."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


async def _write(connection: ServerConnection, outgoing: asyncio.Queue[Frame]) -> None:
    while True:
        frame = await outgoing.get()
        await connection.send(json.dumps(frame))
        if frame.get("type") == "displaced":
            await connection.close()


@asynccontextmanager
async def fake_server() -> AsyncIterator[FakeServer]:
    server = FakeServer()
    runner = web.AppRunner(server.app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.http_port = runner.addresses[0][1]
    sockets: Server = await serve(
        server.converse,
        "127.0.0.1",
        0,
        process_request=server.admit,
        subprotocols=[Subprotocol("chat.v1")],
    )
    server.ws_port = next(iter(sockets.sockets)).getsockname()[1]
    try:
        yield server
    finally:
        sockets.close()
        await sockets.wait_closed()
        await runner.cleanup()
