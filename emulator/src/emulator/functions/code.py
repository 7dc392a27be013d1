"""Copies of the synthesized assets that functions run from.

A deployed function cannot change what was synthesized, and neither can one here: workers write
their byte code beside their modules, and saved sources are copied over, both in the copy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from emulator.providers import EmulatorError

_BYTE_CODE = "__pycache__"


class RunCopies:
    """Copies live in `root`, named after their asset, and are brought up to date rather than made
    anew when the emulator starts again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made: list[Path] = []

    def of(self, asset: Path) -> Path:
        """The copy of an asset directory."""
        if not asset.is_dir():
            raise EmulatorError(f"the emulator runs functions from directories, {asset} is none")
        copy = self._root / asset.name
        if copy not in self._made:
            mirror(asset, copy)
            self._made.append(copy)
        return copy

    def of_code(
        self, assets: Callable[[str], Path], function: str, code: Mapping[str, Any]
    ) -> Path:
        """The directory for a function's property Code: an asset by its key, or inline code."""
        if "ZipFile" in code:
            return self.of_text(function, code["ZipFile"])
        return self.of(assets(code["S3Key"]))

    def of_text(self, name: str, text: str) -> Path:
        """A directory holding inline code as CloudFormation packs it: `index.py`."""
        copy = self._root / f"inline-{name}"
        copy.mkdir(parents=True, exist_ok=True)
        (copy / "index.py").write_text(text, encoding="utf-8")
        return copy

    def prune(self) -> None:
        """Remove copies of assets that are not in use any more."""
        for path in self._root.glob("asset.*"):
            if path not in self._made:
                shutil.rmtree(path)

    def overlay(self, sources: Path, changed: Iterable[Path]) -> bool:
        """Take changed files under `sources` over into every copy that has a folder of that name;
        gives whether there was any."""
        copied = False
        for copy in self._made:
            if not (copy / sources.name).is_dir():
                continue
            for path in changed:
                target = copy / sources.name / path.relative_to(sources)
                # Byte code is matched to its source by whole seconds and size, which two saves in
                # a row can share.
                for stale in (target.parent / _BYTE_CODE).glob(f"{target.stem}.*.pyc"):
                    stale.unlink(missing_ok=True)
                if path.is_file():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    _replace(path, target)
                elif target.is_file():
                    target.unlink()
                copied = True
        return copied


def mirror(source: Path, target: Path) -> None:
    """Make `target` hold what `source` holds, copying only what differs in size or time. Byte
    code that Python wrote into `target` stays."""
    target.mkdir(parents=True, exist_ok=True)
    with os.scandir(source) as entries:
        wanted = {entry.name: entry for entry in entries}
    with os.scandir(target) as entries:
        present = {entry.name: entry for entry in entries}
    for name, entry in list(present.items()):
        if name in wanted and wanted[name].is_dir() == entry.is_dir():
            continue
        if entry.is_dir() and name == _BYTE_CODE:
            continue
        del present[name]
        if entry.is_dir():
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()
    for name, entry in wanted.items():
        if entry.is_dir():
            mirror(Path(entry.path), target / name)
        elif name not in present or _differ(entry, present[name]):
            _replace(Path(entry.path), target / name)


def _differ(one: os.DirEntry[str], other: os.DirEntry[str]) -> bool:
    first, second = one.stat(), other.stat()
    return (first.st_size, first.st_mtime_ns) != (second.st_size, second.st_mtime_ns)


def _replace(source: Path, target: Path) -> None:
    """Put the file there in one step, so that nobody imports half of it."""
    beside = target.with_name(f".{target.name}.new")
    shutil.copy2(source, beside)
    beside.replace(target)
