"""`--data DIR`: what is in tables, user pools and push endpoints survives a restart."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import aiohttp

_EVERY = 10.0  # seconds; a crash loses what happened since
_PATH = "/_local/data"


class Persistence:
    """One file per environment in `directory`. Queued messages are lost."""

    def __init__(self, directory: Path, env: str, aws: str, report: Callable[[str], None]) -> None:
        self._file = directory / f"{env}.json"
        self._url = aws + _PATH
        self._report = report
        self._saving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Put back what is there, once the resources exist; then save from time to time."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if self._file.exists():
            body = await asyncio.to_thread(self._file.read_bytes)
            async with aiohttp.ClientSession() as http, http.put(self._url, data=body) as response:
                response.raise_for_status()
                count = (await response.json())["put_back"]
            self._report(f"{count} items, users and push endpoints put back from {self._file}")
        self._saving = asyncio.create_task(self._save_now_and_then())

    async def stop(self) -> None:
        if self._saving is not None:
            self._saving.cancel()
            await asyncio.gather(self._saving, return_exceptions=True)
            await self._save()

    async def _save_now_and_then(self) -> None:
        last = b""
        while True:
            await asyncio.sleep(_EVERY)
            last = await self._save(last)

    async def _save(self, last: bytes = b"") -> bytes:
        async with aiohttp.ClientSession() as http, http.get(self._url) as response:
            response.raise_for_status()
            content = await response.read()
        if content != last:
            await asyncio.to_thread(self._write, content)
        return content

    def _write(self, content: bytes) -> None:
        """In one step, readable by its owner only: there are passwords in it."""
        beside = self._file.with_suffix(".new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(content)
        beside.replace(self._file)
