"""Reloading: a source file that is saved takes effect at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from watchfiles import Change, awatch

from emulator.functions.code import RunCopies

OnChange = Callable[[list[Path]], Awaitable[None] | None]

_QUIET = 60  # milliseconds without another change before changes count as one save
_NOT_CODE = ("Dockerfile", "requirements")


class Reload:
    """Watches `sources`, copies what is saved over the run copies and calls `on_change`. What is
    saved under `templates` (or changes the packages) is only reported to need a restart."""

    def __init__(
        self,
        sources: Path | None,
        copies: RunCopies,
        on_change: Iterable[OnChange],
        report: Callable[[str], None],
        templates: Iterable[Path] = (),
    ) -> None:
        self._sources = sources
        self._templates = list(templates)
        self._copies = copies
        self._on_change = list(on_change)
        self._report = report
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

    def _watched(self) -> list[Path]:
        return [*self._templates, *([self._sources] if self._sources else [])]

    async def _watch(self) -> None:
        watched = [path for path in self._watched() if path.exists()]
        if not watched:
            return
        async for changes in awatch(
            *watched,
            watch_filter=is_watched,
            debounce=_QUIET * 4,
            step=_QUIET,
            stop_event=self._stop,
            rust_timeout=1000,
        ):
            changed = sorted({Path(path) for _, path in changes})
            code = [path for path in changed if self._is_code(path)]
            rest = [path for path in changed if path not in code]
            if rest:
                self._report(f"{self._names(rest)} changed: start again to take it over")
            if code:
                self._report(f"{self._names(code)} changed: new workers take over")
                await self._take_over(code)

    async def _take_over(self, changed: list[Path]) -> None:
        if self._sources is not None:
            self._copies.overlay(self._sources, changed)
        for each in self._on_change:
            result = each(changed)
            if result is not None:
                await result

    def _is_code(self, path: Path) -> bool:
        return (
            self._sources is not None
            and path.is_relative_to(self._sources)
            and not path.name.startswith(_NOT_CODE)
        )

    def _names(self, paths: list[Path]) -> str:
        shown = [self._name(path) for path in paths[:3]]
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
        return ", ".join(shown) + more

    def _name(self, path: Path) -> str:
        """The path as seen from the project's folder."""
        tops = [top for top in self._watched() if path.is_relative_to(top)]
        return str(path.relative_to(tops[0].parent)) if tops else path.name


def is_watched(change: Change, path: str) -> bool:
    """Whether a change is of a file that is meant to stay: not byte code, not an editor's own."""
    name = Path(path).name
    return (
        "__pycache__" not in path
        and not name.startswith((".", "#"))
        and not name.endswith(("~", ".tmp", ".swp", ".pyc"))
        and (change is Change.deleted or Path(path).is_file())
    )
