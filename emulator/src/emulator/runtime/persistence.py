"""Persistence of an environment's data: put back at the start, saved meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from emulator.aws.process import OPEN_DATA, SAVE_DATA
from emulator.background import Background
from emulator.providers import EmulatorError

log = logging.getLogger("emulator.runtime.persistence")

SAVE_INTERVAL_SECONDS = 2.0  # when the AWS server itself is killed, what happened since is lost
_SHARE = 10  # saving takes at most this part of the time: one second in ten


class Persisted(Protocol):
    """Holds data in this process that is saved together with that of AWS."""

    def saved(self) -> Any:
        """As JSON."""

    def put_back(self, saved: Any) -> None:
        """Puts back what `saved` returned in an earlier run."""


class Persistence:
    """One file per environment in `directory`. `persisted` is saved beside AWS's data, by name;
    `fresh` is the hint by which somebody starts without the data."""

    def __init__(
        self,
        directory: Path,
        env: str,
        aws: str,
        persisted: Mapping[str, Persisted],
        report: Callable[[str], None],
        fresh: str,
    ) -> None:
        self._file = directory / f"{env}.json"
        self._aws = aws
        self._persisted = persisted
        self._report = report
        self._fresh = fresh
        self._background = Background()

    async def start(self) -> None:
        """Put back what is there, once the resources exist; then save from time to time. Raises
        EmulatorError for a file that can't be read."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        status, result = await self._post(OPEN_DATA, {"file": str(self._file)})
        if status != 200:
            raise EmulatorError(f"{result}: {self._fresh} starts without it")
        for name, saved in result["beside"].items():
            if name in self._persisted:
                self._persisted[name].put_back(saved)
        for note in result["notes"]:
            self._report(note)
        if result["notes"]:
            self._report(f"{self._fresh} starts empty, and deletes copies too")
        if result["put_back"]:
            self._report(f"{result['put_back']} items, users, messages and push endpoints put back")
        self._background.start(self._save_periodically())

    async def stop(self) -> None:
        if await self._background.stop():
            await self._save()

    async def _save_periodically(self) -> None:
        loop = asyncio.get_running_loop()
        pause = SAVE_INTERVAL_SECONDS
        while True:
            await asyncio.sleep(pause)
            began = loop.time()
            await self._save()
            pause = max(SAVE_INTERVAL_SECONDS, _SHARE * (loop.time() - began))

    async def _save(self) -> None:
        """A failure is reported; the next time may succeed, as on a disk that was full."""
        try:
            beside = {name: each.saved() for name, each in self._persisted.items()}
            status, result = await self._post(SAVE_DATA, {"beside": beside})
        except (aiohttp.ClientError, TimeoutError) as error:
            status, result = 0, str(error)
        except Exception:  # the next time may succeed
            log.exception("the data was not saved")
            return
        if status != 204:
            log.warning("the data was not saved: %s", result)

    async def _post(self, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession(trust_env=False) as http,
            http.post(self._aws + path, json=body) as response,
        ):
            is_json = response.content_type == "application/json"
            return response.status, await (response.json() if is_json else response.text())
