"""Ratchet state at rest: every pickle is encrypted under a key that is not in the database."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sqlite3
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from vodozemac import PickleException

from client.errors import StoreError

KEY_BYTES = 32
SALT_BYTES = 16
# 2**15 * 8 * 128 bytes = 32 MB and about a tenth of a second for each guess at a passphrase.
SCRYPT = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 * 2**20, "dklen": KEY_BYTES}

T = TypeVar("T")


class Pickled(Protocol):
    def pickle(self, pickle_key: bytes) -> str: ...


class Vault:
    """`row` names the place of a state in the store: a pickle opens in its own place only."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def in_memory(cls) -> Vault:
        return cls(secrets.token_bytes(KEY_BYTES))

    def lock(self, state: Pickled, row: str) -> str:
        # vodozemac derives its IV from the key, so every pickle gets a key of its own
        salt = secrets.token_hex(SALT_BYTES)
        return f"{salt}.{state.pickle(self._derived(salt, row))}"

    def unlock(self, make: Callable[[str, bytes], T], locked: str, row: str) -> T:
        """Raises StoreError."""
        salt, _, pickle = locked.partition(".")
        try:
            return make(pickle, self._derived(salt, row))
        except PickleException as error:
            raise StoreError(f"the state of {row} can't be decrypted: {error}") from error

    def proof(self) -> str:
        """A value by which a key can be checked to be the store's, and which reveals nothing else
        of it.
        """
        return self._derived("", "proof").hex()

    def _derived(self, salt: str, row: str) -> bytes:
        return hmac.digest(self._key, f"{salt}/{row}".encode(), "sha256")


def open_vault(db: sqlite3.Connection, path: Path, passphrase: str | None, empty: bool) -> Vault:
    """The key of the store at `path`; a new store remembers a proof of it.

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


def from_file(path: Path, *, make: bool) -> Vault:
    """The key in `path`, which only its owner may read; made if `make` and it isn't there.

    Raises StoreError.
    """
    if make and not path.exists():
        _write(path, secrets.token_bytes(KEY_BYTES))
    try:
        key = path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"the key of this device's state can't be read: {error}; without it the state is lost"
        ) from error
    if len(key) != KEY_BYTES:
        raise StoreError(f"{path} holds no key: {KEY_BYTES} bytes expected, got {len(key)}")
    return Vault(key)


def from_passphrase(passphrase: str, salt: bytes) -> Vault:
    """One passphrase in every form in which a keyboard may type it: RFC 8265, section 4.2.2."""
    spaces = (" " if unicodedata.category(each) == "Zs" else each for each in passphrase)
    composed = unicodedata.normalize("NFC", "".join(spaces))
    return Vault(hashlib.scrypt(composed.encode(), salt=salt, **SCRYPT))


def _write(path: Path, key: bytes) -> None:
    """On disk as a whole or not at all, before anything is encrypted with it."""
    fresh = path.with_suffix(".key.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
