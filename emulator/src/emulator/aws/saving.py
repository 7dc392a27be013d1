"""The saver of data to a file, from time to time, without a pause in which calls would wait.

The server forks, as Redis does for its snapshots (redis.io, "Redis persistence"): the child has
the memory of one moment and writes it down, while the server goes on. The file is replaced in one
step once its content is on the disk, so an end at any moment leaves the earlier one or the new one.

The body of an object does not change, and is written once, before the file that refers to it. The
server does that, not its child: the child would share the offsets of the temporary files in which
moto has large bodies, and would not leave the server the digests.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from emulator.aws import data, data_objects
from emulator.aws.data_files import Bodies, replace
from emulator.aws.process import OPEN_DATA, SAVE_DATA

FORMAT = 3
_READ = (2, FORMAT)  # 2 had the bodies of objects in the file
# Python advises against it on macOS, where system libraries start threads:
# docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
FORKS = sys.platform == "linux"


class Unreadable(Exception):
    """The file can't be put back; its text says why."""


class Saving:
    """`changed` is called with each call that may change something. `beside` is what the emulator
    saves with it: where its readers of streams are, what phones hold."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._bodies: Bodies | None = None
        self._beside: Mapping[str, Any] = {}
        self._changes = 0
        self._saved = 0
        self._one = asyncio.Lock()  # of two saves, the later must be the one that stays

    def changed(self) -> None:
        self._changes += 1

    def open(self, file: Path) -> dict[str, Any]:
        """Puts back what the file has, and saves to it from now on. Raises Unreadable.

        What has no place now is not in the next save, and so the file is copied first."""
        notes: list[str] = []
        found = _read(file) if file.exists() else {}
        bodies = Bodies(file.with_suffix(".objects"))
        count = data.restored(found, bodies.read, notes.append)
        if notes:
            notes.append(f"what is left stays in {_copied(file)}")
        bodies.retain(_digests_in_copies(file))
        self._bodies = bodies
        self._file, self._beside = file, found.get("beside", {})
        return {"put_back": count, "beside": self._beside, "notes": notes}

    async def save(self, beside: Mapping[str, Any]) -> None:
        """Saves the data, unless nothing changed since the last time. Raises OSError."""
        async with self._one:
            if self._bodies is None or self._is_saved(beside):
                return
            while new := list(data_objects.without_digest()):  # calls go on, and may put more
                for key in new:
                    digest = await asyncio.to_thread(self._bodies.write, key.value)
                    key.emulator_sha256 = digest
            self._beside, changes = beside, self._changes
            used = data_objects.used_digests()
            if FORKS:
                await self._save_in_child()
            else:
                self._write()
            self._saved = changes
            self._bodies.delete_others(used)

    def save_now(self) -> None:
        """Saves what is not saved yet; calls wait meanwhile."""
        if self._bodies is not None and self._changes != self._saved:
            for key in data_objects.without_digest():
                key.emulator_sha256 = self._bodies.write(key.value)
            self._write()
            self._saved = self._changes
            self._bodies.delete_others(data_objects.used_digests())

    def _is_saved(self, beside: Mapping[str, Any]) -> bool:
        return self._changes == self._saved and beside == self._beside

    async def _save_in_child(self) -> None:
        ended, end = os.pipe()
        child = os.fork()
        if child == 0:
            self._be_child()
        os.close(end)
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        loop.add_reader(ended, done.set)  # the child's end is closed with it
        try:
            await done.wait()
        finally:
            loop.remove_reader(ended)
            os.close(ended)
            _, status = os.waitpid(child, 0)  # noqa: ASYNC222 - it has ended
        if status != 0:
            raise OSError(f"{self._file} could not be written; see the server's log")

    def _be_child(self) -> None:
        """Writes, and ends without what Python does at its end: that is the server's to do."""
        gc.disable()  # it would copy the memory that is shared
        status = 1
        try:
            self._write()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def _write(self) -> None:
        if self._file is None:
            return
        positions = self._beside.get("positions", {}).get("streams", {})
        content = {"format": FORMAT, **data.taken(positions), "beside": self._beside}
        replace(self._file, json.dumps(content, default=data.binary).encode())


def add_routes(app: web.Application, saving: Saving) -> None:
    """POST /_local/data/open `{"file"}` gives `{"put_back", "beside", "notes"}`, or 422 with a
    sentence; POST /_local/data/save `{"beside"}` gives 204 when it is saved."""

    async def open_file(request: web.Request) -> web.Response:
        try:
            return web.json_response(saving.open(Path((await request.json())["file"])))
        except Unreadable as error:
            return web.Response(status=422, text=str(error))

    async def save(request: web.Request) -> web.Response:
        try:
            await saving.save((await request.json())["beside"])
        except OSError as error:
            return web.Response(status=507, text=str(error))
        return web.Response(status=204)

    app.router.add_post(OPEN_DATA, open_file)
    app.router.add_post(SAVE_DATA, save)


def _digests_in_copies(file: Path) -> set[str]:
    found: set[str] = set()
    for copy in filter(Path.is_file, file.parent.glob(f"{file.stem}.[0-9]*.json")):
        with contextlib.suppress(Unreadable):
            found |= data_objects.digests(_read(copy).get("objects", {}))
    return found


def _copied(file: Path) -> Path:
    """Named by when the file was written, so that the same content is there once."""
    written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    copy = file.with_suffix(f".{written:%Y%m%d-%H%M%S-%f}.json")
    try:
        replace(copy, file.read_bytes())
    except OSError as error:
        raise Unreadable(
            f"{file} has data without a place, and can't be copied: {error}"
        ) from error
    return copy


def _read(file: Path) -> dict[str, Any]:
    for left in file.parent.glob(f"{file.stem}.*.new"):
        left.unlink()
    try:
        found = json.loads(file.read_bytes())
        number = int(found["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"{file} has no data of this emulator ({error!r})") from error
    if number not in _READ:
        raise Unreadable(
            f"{file} was written by another version of the emulator (format {number}, this one "
            f"reads {FORMAT})"
        )
    return dict(found)
