"""A phone of the demonstration: what passes through it, and what its network does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import pytest
from aiohttp import web

from emulator.listening import HttpListener
from emulator.runtime.endpoints import Endpoints
from tools.demo.phone import Frame, Person, Phone, Push, Reports

POLICY = "script-src 'self'; connect-src 'self' ws://{}; frame-ancestors 'none'"
DEMO = "http://127.0.0.1:1"


class Setting(NamedTuple):
    phone: Phone
    http: aiohttp.ClientSession
    frames: list[Frame]
    asked: list[tuple[str, dict[str, str], bytes]]  # path, headers, body: what the backend got


@asynccontextmanager
async def setting() -> AsyncIterator[Setting]:
    """A phone in front of a backend that echoes frames and has one page."""
    asked: list[tuple[str, dict[str, str], bytes]] = []
    sockets: list[web.WebSocketResponse] = []

    async def backend(request: web.BaseRequest) -> web.StreamResponse:
        asked.append((request.path, dict(request.headers), await request.read()))
        if request.path == "/dev":
            socket = web.WebSocketResponse(protocols=["chat.v1"])
            await socket.prepare(request)
            sockets.append(socket)
            async for message in socket:
                asked.append(("frame", {}, message.data.encode()))
                await socket.send_str(message.data)
            return socket
        if request.path == "/api/end":
            for each in sockets:
                await each.close()
        if request.path == "/":
            headers = {"Content-Security-Policy": POLICY.format(f"127.0.0.1:{upstream.port}")}
            text = "<html><head><script src=app.js></script></head></html>"
            return web.Response(text=text, content_type="text/html", headers=headers)
        return web.json_response({"url": f"ws://127.0.0.1:{upstream.port}/dev"})

    upstream = HttpListener(backend, 0, "a backend")
    await upstream.start()
    frames: list[Frame] = []
    reports = Reports(frames.append, lambda *_: None, lambda *_: None, lambda _: None, lambda: None)
    websocket = f"ws://127.0.0.1:{upstream.port}/dev"
    endpoints = Endpoints("dev", upstream.url, websocket, "", "", "", "", 1)
    async with aiohttp.ClientSession() as http:
        person = Person("ravi", "secret", Push("fcm", "token"))
        phone = Phone(person, endpoints, DEMO, reports, lambda: "// script", http)
        await phone.start()
        try:
            yield Setting(phone, http, frames, asked)
        finally:
            await phone.stop()
            await upstream.stop()


async def connected(at: Setting) -> aiohttp.ClientWebSocketResponse:
    async with at.http.post(f"{at.phone.url}/api/tickets", json={}) as response:
        url = (await response.json())["url"]
    assert url == f"{at.phone.url.replace('http', 'ws')}/dev"
    protocols = ["chat.v1", "ticket.x"]
    return await at.http.ws_connect(url, protocols=protocols, origin=at.phone.url)


async def text_of(socket: aiohttp.ClientWebSocketResponse) -> str:
    return await asyncio.wait_for(socket.receive_str(), 10)


def test_the_page_is_the_backends_but_for_the_script_and_two_addresses() -> None:
    async def scene() -> None:
        async with setting() as at, at.http.get(at.phone.url) as response:
            text = await response.text()
            policy = response.headers["Content-Security-Policy"]
            own = at.phone.url.removeprefix("http://")
            assert text.index("/-demo/phone.js") < text.index("app.js")
            assert policy == POLICY.format(own).replace("'none'", DEMO)

    asyncio.run(scene())


def test_the_backend_sees_its_own_address_and_the_token_that_a_phone_has() -> None:
    async def scene() -> None:
        async with setting() as at:
            url, origin = f"{at.phone.url}/api/devices/web", {"Origin": at.phone.url}
            async with at.http.put(url, json={"keys": 1}, headers=origin) as response:
                assert response.status == 200
            path, headers, body = at.asked[-1]
            assert path == "/api/devices/web"
            assert headers["Origin"] == at.phone.backend.api
            assert at.phone.backend.api.endswith(headers["Host"])
            assert json.loads(body)["push"] == {"platform": "fcm", "token": "token"}

    asyncio.run(scene())


def test_frames_pass_and_are_seen_in_both_directions() -> None:
    async def scene() -> None:
        async with setting() as at:
            socket = await connected(at)
            assert socket.protocol == "chat.v1"
            await socket.send_str('{"action": "ping"}')
            assert await text_of(socket) == '{"action": "ping"}'
            assert [seen.way for seen in at.frames] == ["out", "in"]

    asyncio.run(scene())


def test_a_lost_network_cuts_what_is_open_and_lets_only_the_installed_page_through() -> None:
    async def scene() -> None:
        async with setting() as at:
            socket = await connected(at)
            at.phone.lose_network()
            ended = await asyncio.wait_for(socket.receive(), 10)
            assert ended.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
            with pytest.raises(aiohttp.ClientError):
                await at.http.post(f"{at.phone.url}/api/tickets", json={})
            async with at.http.get(at.phone.url) as response:
                assert response.status == 200
            at.phone.find_network()
            await (await connected(at)).close()

    asyncio.run(scene())


def test_a_connection_that_was_killed_silently_stays_open_and_carries_nothing() -> None:
    async def scene() -> None:
        async with setting() as at:
            dead = await connected(at)
            assert at.phone.kill_silently() == 1
            await dead.send_str('{"action": "send"}')
            alive = await connected(at)  # a new one is as good as any
            await alive.send_str('{"action": "ping"}')
            assert await text_of(alive) == '{"action": "ping"}'
            assert [seen.way for seen in at.frames] == ["lost", "out", "in"]
            assert [body for path, _, body in at.asked if path == "frame"] == [
                b'{"action": "ping"}'
            ]
            assert at.phone.silent
            await at.http.post(f"{at.phone.url}/api/end", json={})  # the backend's end of it closes
            assert (await alive.receive()).type is aiohttp.WSMsgType.CLOSE
            with pytest.raises(TimeoutError):
                await dead.receive(timeout=0.1)
            await dead.close()

    asyncio.run(scene())


@pytest.mark.parametrize("origin", ["http://evil.example", DEMO])
def test_nobody_elses_page_asks_anything_of_a_phone(origin: str) -> None:
    async def scene() -> Any:
        async with setting() as at:
            headers = {"Origin": origin}
            async with at.http.get(f"{at.phone.url}/api/chats", headers=headers) as response:
                return response.status, at.asked

    assert asyncio.run(scene()) == (403, [])
