"""Reports of the project: what one of its modules prints, as a page of the console.

The table `reports` of the settings has by its name the module and its arguments, with fields that
a person fills in and what they have at first: `"tools.scale --users {users=100000}"`. What it
prints is Markdown, of which the page draws headings, tables and paragraphs.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulator.console.commands import ApiError, bad_request

WITHIN = 60.0  # seconds
_FIELD = re.compile(r"\{([a-z_]+)=([0-9.]+)\}")
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")  # which is never an option, nor a path


class Reports:
    def __init__(self, project: Path = Path(), reports: Mapping[str, str] | None = None) -> None:
        self._project, self._reports = project, reports or {}

    def names(self) -> dict[str, Any]:
        return {"reports": list(self._reports)}

    async def get(self, name: str, query: Mapping[str, str]) -> dict[str, Any]:
        """`{"name", "fields", "text"}`. Raises ApiError."""
        if name not in self._reports:
            raise ApiError(404, "not_found", f"there is no report {name!r}")
        template = self._reports[name]
        fields = {field: query.get(field, first) for field, first in _FIELD.findall(template)}
        for field, value in fields.items():
            if not _NUMBER.fullmatch(value):
                raise bad_request(f"{field} is a number, not {value[:40]!r}")
        typed = _FIELD.sub(lambda found: fields[found[1]], template)
        return {"name": name, "fields": fields, "text": await self._printed(shlex.split(typed))}

    async def _printed(self, arguments: list[str]) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *arguments),
            cwd=self._project,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(WITHIN):
                printed, errors = await process.communicate()
        except TimeoutError:
            raise bad_request(f"nothing was printed within {WITHIN:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            last = errors.decode(errors="replace").strip().splitlines()[-1:] or ["it failed"]
            raise bad_request(last[0])
        return printed.decode(errors="replace")
