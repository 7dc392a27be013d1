"""The SQLite connection. Its errors become the client's: those that may pass, and the others."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from client.errors import StoreError, StoreUnavailable

T = TypeVar("T")

# Another program holds the file for a moment, the disk is full, or the medium fails: tried again.
# Everything else is a fault of the file or of this client. https://sqlite.org/rescode.html
PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOMEM,
    }
)
# The event loop waits as long. A caller that gets an error tries again, so it may be short.
BUSY_SECONDS = 1.0


class Database(sqlite3.Connection):
    """A connection that raises StoreError, and StoreUnavailable for what is worth another try."""

    @classmethod
    def open(cls, path: Path | str) -> Database:
        return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, factory=cls)

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        return _translated(lambda: super(Database, self).execute(*arguments))

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        return _translated(lambda: super(Database, self).executemany(*arguments))

    def executescript(self, *arguments: Any) -> sqlite3.Cursor:
        return _translated(lambda: super(Database, self).executescript(*arguments))


def _translated(call: Callable[[], T]) -> T:
    try:
        return call()
    except sqlite3.Error as error:
        raise translated(error) from error


def translated(error: sqlite3.Error) -> StoreError:
    code = getattr(error, "sqlite_errorcode", None)  # its low byte is the kind
    kind = StoreUnavailable if code is not None and code & 0xFF in PASSING else StoreError
    return kind(f"the state can't be read or written: {error}")
