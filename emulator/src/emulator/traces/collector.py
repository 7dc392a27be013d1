"""The collector: fetches the AWS server's calls into the ring, and persists the ring."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import aiohttp

from emulator.background import Background
from emulator.traces.ring import CALL, LONGEST_SAVED, MOST_SAVED, Record, Ring

log = logging.getLogger("emulator.traces")

FETCH_INTERVAL_SECONDS = 2.0
MOST_LINES = 10 * MOST_SAVED  # of the file, which is then written anew
PATH = "/_local/calls"  # see emulator.aws.calls_made


class Collector:
    """A line of JSON for each record in `file`: what was written is there, however it ends."""

    def __init__(self, ring: Ring, aws: str, file: Path) -> None:
        self._ring, self._aws, self._file = ring, aws, file
        self._last_call = 0
        self._lines = 0
        self._written = 0  # the number of the last record in the file
        self._http: aiohttp.ClientSession | None = None
        self._background = Background()
        self._fetching = asyncio.Lock()

    async def start(self) -> None:
        self._http = aiohttp.ClientSession(trust_env=False)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(self._read)
        self._background.start(self._run())

    async def stop(self) -> None:
        if await self._background.stop():
            await self._collect()
        if self._http is not None:
            await self._http.close()

    async def fetch(self) -> None:
        """Brings the ring up to date with the AWS server."""
        if self._http is None:
            return
        async with self._fetching:
            url = f"{self._aws}{PATH}?after={self._last_call}"
            async with self._http.get(url) as response:
                found = await response.json()
            self._ring.dropped += found["missed"]
            for call in found["calls"]:
                self._last_call = call.pop("number")
                self._ring.add(CALL, call.pop("name"), **call)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(FETCH_INTERVAL_SECONDS)
            await self._collect()

    async def _collect(self) -> None:
        try:
            await self.fetch()
            await asyncio.to_thread(self._write)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("the traces were not collected: %s", error)
        except Exception:  # the next time may succeed
            log.exception("the traces were not collected")

    def _read(self) -> None:
        """A last line that was not written whole is left out."""
        found = []
        if self._file.exists():
            for line in self._file.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    found.append(Record(**json.loads(line)))
                except (ValueError, TypeError):
                    continue
        self._ring.put_back([each.as_json() for each in found[-MOST_SAVED:]])
        self._rewrite()

    def _write(self) -> None:
        fresh = [each for each in self._ring if each.number > self._written]
        if not fresh:
            return
        if self._lines + len(fresh) > MOST_LINES:
            self._rewrite()
            return
        with self._file.open("a", encoding="utf-8") as file:
            file.writelines(_line(each) for each in fresh)
        self._lines += len(fresh)
        self._written = fresh[-1].number

    def _rewrite(self) -> None:
        retained = list(self._ring)[-MOST_SAVED:]
        beside = self._file.with_suffix(".new")
        beside.write_text("".join(map(_line, retained)), encoding="utf-8")
        beside.chmod(0o600)
        beside.replace(self._file)
        self._lines = len(retained)
        self._written = retained[-1].number if retained else self._written


def _line(record: Record) -> str:
    document: dict[str, Any] = record.as_json()
    for name in ("given", "result"):
        document[name] = document[name][:LONGEST_SAVED]
    return json.dumps(document) + "\n"
