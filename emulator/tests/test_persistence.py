"""What is saved while the system runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from emulator.aws.process import OPEN_DATA, SAVE_DATA
from emulator.listening import HttpListener
from emulator.runtime import persistence
from emulator.runtime.persistence import Persistence


class Phones:
    """A component whose data can't be saved at first."""

    def __init__(self) -> None:
        self.failures = 1

    def saved(self) -> Any:
        if self.failures:
            self.failures -= 1
            raise KeyError("gone")
        return ["a phone"]

    def put_back(self, saved: Any) -> None: ...


def test_a_save_that_fails_is_not_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persistence, "SAVE_INTERVAL_SECONDS", 0.0)
    saved = asyncio.Event()
    bodies: list[Any] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        if request.path == OPEN_DATA:
            return web.json_response({"beside": {}, "notes": [], "put_back": 0})
        assert request.path == SAVE_DATA
        bodies.append(await request.json())
        saved.set()
        return web.Response(status=204)

    async def scenario() -> None:
        aws = HttpListener(handler, 0, "AWS")
        await aws.start()
        saving = Persistence(
            tmp_path, "dev", aws.url, {"phones": Phones()}, lambda _line: None, "--fresh"
        )
        await saving.start()
        try:
            await asyncio.wait_for(saved.wait(), 60)
        finally:
            await saving.stop()
            await aws.stop()

    asyncio.run(scenario())
    assert bodies[0] == {"beside": {"phones": ["a phone"]}}
