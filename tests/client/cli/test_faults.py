"""The command line's messages for errors of the backend."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from client.cli.faults import watch
from client.cli.lines import Lines


def test_an_error_is_reported_once_and_earlier_ones_are_not() -> None:
    faults: list[dict[str, Any]] = [{"text": "Push: old", "at": 1.0}]
    asked = asyncio.Event()
    printed: list[str] = []

    async def respond(_: web.Request) -> web.Response:
        asked.set()
        return web.json_response({"faults": faults})

    async def twice() -> None:
        for _ in range(2):
            asked.clear()
            await asked.wait()

    async def scenario() -> None:
        app = web.Application()
        app.router.add_get("/_local/faults", respond)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        watching = asyncio.create_task(watch(url, Lines(printed.append), every=0.01))
        await twice()
        assert printed == []
        faults[:] = [{"text": "Send: lambdas/send.py:3: x\n", "at": 2.0}]
        await twice()
        await runner.cleanup()  # a console that has gone ends nothing
        await asyncio.sleep(0.03)
        assert not watching.done()
        watching.cancel()

    asyncio.run(scenario())
    assert printed == ["! the backend's code: Send: lambdas/send.py:3: x ⏎ "]


def test_without_a_console_nothing_is_watched() -> None:
    asyncio.run(watch(None, Lines(pytest.fail)))
