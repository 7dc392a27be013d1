"""The lock of a device's file, since two clients with one file would acknowledge each other's
messages.
"""

from __future__ import annotations

import fcntl
from pathlib import Path

from client.errors import StoreError


class FileLock:
    """Held from construction to `release`, and no longer than the process lives."""

    def __init__(self, path: Path, owner: str) -> None:
        self._file = path.open("a")  # a file that is there already is left as it is
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise StoreError(
                f"another client of {owner} is using {path.parent}; "
                "end it, or start this one as another device"
            ) from None

    def release(self) -> None:
        self._file.close()
