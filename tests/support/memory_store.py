"""Empty stores of a client in memory, copied from one that was migrated."""

import sqlite3
from functools import cache

from client.store import tables


@cache
def _template() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    tables.migrate(made)
    return made


def migrate(db: sqlite3.Connection) -> None:
    """What client/store/tables.py does, in a tenth of the time where the store is new and in
    memory: SQLite copies pages faster than it reads seventy statements."""
    (in_file,) = {row[2] != "" for row in db.execute("PRAGMA database_list")}
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if in_file or version:
        tables.migrate(db)
    else:
        _template().backup(db)
