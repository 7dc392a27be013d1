"""The files that data is in: how one is replaced, and the folder with the bodies of objects."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Set
from pathlib import Path


def replace(file: Path, content: bytes) -> None:
    """Replaces a file in one step, once the content is on the disk: an end at any moment leaves the
    earlier content or the new one. Only its owner can read it, for there are passwords. Raises
    OSError."""
    # a name of its own: a killed server's child may still be writing
    number, name = tempfile.mkstemp(".new", f"{file.stem}.", file.parent)
    new = Path(name)
    try:
        with os.fdopen(number, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


class Bodies:
    """A folder that has each body once, under the SHA-256 of its content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._referred: Set[str] = frozenset()

    def retain(self, digests: Set[str]) -> None:
        """Copies of the data's file refer to them: they are never deleted."""
        self._referred = digests

    def read(self, digest: str) -> bytes | None:
        """The body with this digest; None when it is not there."""
        file = self._folder / digest
        return file.read_bytes() if file.is_file() else None

    def write(self, body: bytes) -> str:
        """Writes the body and returns its digest. Raises OSError."""
        digest = hashlib.sha256(body).hexdigest()
        file = self._folder / digest
        if not file.is_file():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            replace(file, body)
        return digest

    def delete_others(self, used: Set[str]) -> None:
        """Deletes unused bodies. To be called once the data's file no longer refers to them. Raises
        OSError."""
        if self._folder.is_dir():
            for file in self._folder.iterdir():
                if file.name not in used and file.name not in self._referred:
                    file.unlink(missing_ok=True)
