"""The lock that allows one emulator per state directory. The lock goes with the process, however it
ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

_NAME = "lock"


@contextlib.contextmanager
def held(state: Path) -> Iterator[bool]:
    """Hold the lock of `state` inside; False, without holding it, when another process does."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / _NAME).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield True


def holder(state: Path) -> int | None:
    """The process that holds the lock of `state`."""
    if not (state / _NAME).exists():
        return None
    with (state / _NAME).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(file.read() or 0) or None
    return None
