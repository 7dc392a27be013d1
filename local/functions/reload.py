"""Saving a source file takes effect at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from watchfiles import Change, awatch

from local.functions.code import RunCopies

OnChange = Callable[[list[Path]], Awaitable[None] | None]

_QUIET = 60  # milliseconds without another change before changes count as one save
_NOT_CODE = ("Dockerfile", "requirements")


class Reload:
    """Watches `sources`, copies what is saved over the run copies and calls `on_change`."""

    def __init__(
        self,
        sources: Path,
        copies: RunCopies,
        on_change: Iterable[OnChange],
        say: Callable[[str], None],
    ) -> None:
        self._sources = sources
        self._copies = copies
        self._on_change = list(on_change)
        self._say = say
        self._stop = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        self._stop.set()
        if self._watching is not None:
            await self._watching

    def state(self) -> dict[str, Any]:
        return {}

    async def _watch(self) -> None:
        async for changes in awatch(
            self._sources,
            watch_filter=is_code,
            debounce=_QUIET * 4,
            step=_QUIET,
            stop_event=self._stop,
            rust_timeout=1000,
        ):
            changed = sorted({Path(path) for _, path in changes})
            names = ", ".join(str(path.relative_to(self._sources.parent)) for path in changed[:3])
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            self._say(f"{names}{more} changed: new workers take over")
            self._copies.overlay(self._sources, changed)
            for each in self._on_change:
                result = each(changed)
                if result is not None:
                    await result


def is_code(change: Change, path: str) -> bool:
    """Whether a changed file is something functions import or read."""
    name = Path(path).name
    return (
        "__pycache__" not in path
        and not name.startswith((".", *_NOT_CODE))
        and not name.endswith(("~", ".tmp", ".swp", ".pyc"))
        and (change is Change.deleted or Path(path).is_file())
    )
