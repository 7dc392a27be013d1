"""The demonstration's addresses have tokens: another user of this machine reaches its ports."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from emulator.console.server import Console
from emulator.push.phones import Phones
from tools.demo.forwarding import Window
from tools.demo.server import Server

SECRET = "what clients sent"


def console(token: str) -> Console:
    async def state() -> dict[str, Any]:
        return {"tables": SECRET}

    unused: Any = None
    return Console(
        port=0,
        token=token,
        state=state,
        containers=unused,
        weights=unused,
        origins=unused,
        phones=Phones(time.time),
    )


async def asked(url: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as response:
        return response.status, await response.text()


def test_the_console_behind_the_demonstration_opens_with_a_token_alone() -> None:
    async def scenario() -> None:
        behind = console("TOKEN")
        await behind.start()
        async with aiohttp.ClientSession() as http:
            window = Window(behind.url, "http://127.0.0.1:1", http, "a window")
            await window.listener.start()
            try:
                status, text = await asked(f"{window.url}/_local/state?from=1")
                assert (status, SECRET in text) == (200, True)
                status, text = await asked(f"{window.url}/_local")
                assert (status, "TOKEN" in text) == (200, False)
                origin = window.listener.url
                for path in (
                    "",
                    "/",
                    "/_local",
                    "/_local/state",
                    "/TOKEN/_local/state",
                    "/x/_local",
                ):
                    status, text = await asked(f"{origin}{path}")
                    assert (status, SECRET in text) == (403, False), path
            finally:
                await window.listener.stop()
                await behind.stop()

    asyncio.run(scenario())


def test_the_page_and_its_stream_open_with_a_token_alone() -> None:
    async def scenario() -> None:
        server = Server(0)
        demo: Any = SimpleNamespace(
            phones={}, console=SimpleNamespace(listener=server.listener), state=lambda: SECRET
        )
        server.demo = demo
        await server.listener.start()
        try:
            for path, kind in (
                ("", "<!doctype html>"),
                ("demo.js", "import"),
                ("code/stored", "{"),
            ):
                status, text = await asked(f"{server.url}{path}")
                assert (status, text.startswith(kind) or kind in text) == (200, True), path
                assert (await asked(f"{server.listener.url}/{path}"))[0] == 403
            assert (await asked(server.url.rstrip("/")))[0] == 200  # redirected
            async with aiohttp.ClientSession() as http, http.get(f"{server.url}events") as events:
                assert SECRET.encode() in await events.content.readline()
            assert (await asked(f"{server.listener.url}/events"))[0] == 403
        finally:
            await server.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "name", ["demo.js", "detail.js", "path.js", "phones.js", "state.js", "tour.js"]
)
def test_the_page_asks_by_relative_addresses(name: str) -> None:
    from tools.demo.server import PAGE

    text = (PAGE / name).read_text(encoding="utf-8")
    for absolute in ('fetch("/', 'EventSource("/', 'order("/', "order(`/", "fetchJson(`/"):
        assert absolute not in text
