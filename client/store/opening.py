"""Which key a store's ratchet state is encrypted with, and whether it is the right one."""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path

from client.errors import StoreError
from client.store.vault import SALT_BYTES, Vault, from_file, from_passphrase


def open_vault(db: sqlite3.Connection, path: Path, passphrase: str | None, empty: bool) -> Vault:
    """The key of the store at `path`; a new store remembers how to tell that it is the right one.

    Raises StoreError.
    """
    row = db.execute("SELECT salt, proof FROM vault").fetchone()
    if row is None and not empty:
        raise StoreError(f"{path} has lost what its key is checked with")
    salt = row[0] if row else secrets.token_bytes(SALT_BYTES) if passphrase else None
    if salt is None and passphrase is not None:
        raise StoreError(f"{path} was made with a key file; it can't be opened by a passphrase")
    if salt is None:
        made = from_file(path.with_suffix(".key"), make=row is None)
    elif passphrase is None:
        raise StoreError(f"{path} is kept under a passphrase; give it")
    else:
        made = from_passphrase(passphrase, salt)
    if row is None:
        db.execute("INSERT INTO vault VALUES (1, ?, ?)", (salt, made.proof()))
    elif row[1] != made.proof():
        what = "this key file" if salt is None else "this passphrase"
        raise StoreError(f"{what} is not the one that {path} was made with")
    return made
