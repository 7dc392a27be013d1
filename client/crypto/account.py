"""This device's own keys, in its store: the identity, one-time keys and the fallback key."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

from vodozemac import Account, Curve25519PublicKey, PreKeyMessage, Session

from client.crypto.signing import (
    canonical,
    decode,
    device_document,
    introduction_document,
    key_document,
)
from client.store import Store

KEYS_WANTED = 50  # in the directory
KEYS_LOW = 20  # below this they are replenished
# The account keeps the newest fallback key and the one before. Messages under way to an even older
# one could not be opened, so each key stays the newest for at least ten minutes, however often it
# is used.
FALLBACK_LIFE = 600.0


class AccountKeys:
    """Made on first use and the same ever after; private keys never leave the store.

    `clock` gives epoch seconds.
    """

    def __init__(
        self, store: Store, user: str, device: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._store, self._user, self._device, self._clock = store, user, device, clock
        with store.transaction() as db:
            if db.execute("SELECT 1 FROM account").fetchone() is None:
                install(store, Account(), clock())
            account = self._load(db)
        self.ed25519 = account.ed25519_key.to_base64()
        self.curve25519 = account.curve25519_key.to_base64()

    def registration(self) -> dict[str, Any]:
        """`{keys, signature, introduction?}` for PUT /api/devices/{device}."""
        db = self._store.db
        document = device_document(self._user, self._device, self.curve25519, self.ed25519)
        signed = {
            "keys": {"curve25519": self.curve25519, "ed25519": self.ed25519},
            "signature": self._load(db).sign(canonical(document)).to_base64(),
        }
        (by, signature) = db.execute("SELECT introduced_by, introduction FROM account").fetchone()
        return {**signed, "introduction": {"by": by, "signature": signature}} if by else signed

    def introduction(self, device: str, curve25519: str, ed25519: str) -> str:
        """This device's signature for one of the same user that it links."""
        document = introduction_document(self._device, self._user, device, curve25519, ed25519)
        return self._load(self._store.db).sign(canonical(document)).to_base64()

    def registered(self, at: float) -> None:
        """Stores when the backend registered this device, by the backend's clock. Only the first
        time counts.
        """
        with self._store.transaction() as db:
            db.execute("UPDATE account SET registered_at = coalesce(registered_at, ?)", (at,))

    @property
    def registered_at(self) -> float:
        """The time of registration, by the backend's clock: nobody encrypted for this device
        before.
        """
        (at,) = self._store.db.execute("SELECT registered_at FROM account").fetchone()
        return float(at or 0.0)

    def upload(self, remaining: int, *, new_fallback: bool = False) -> dict[str, Any]:
        """`{one_time_keys, fallback_key?}`: fills the directory up to KEYS_WANTED.

        Keys are on disk before they are published, and the same ones are offered again until
        `published` confirms them. A directory with no key left gets a fallback key too, unless the
        one it has is young; the account keeps the one before, for what is under way to it.
        """
        with self._store.transaction() as db:
            account = self._load(db)
            waiting = len(account.one_time_keys)
            account.generate_one_time_keys(max(0, KEYS_WANTED - remaining - waiting))
            if (new_fallback or remaining == 0) and self._fallback_is_old(db):
                account.generate_fallback_key()  # type: ignore[attr-defined] # stub lacks it
                db.execute("UPDATE account SET fallback_at = ?", (self._clock(),))
            self._save(db, account)
        # the counter in an id is the order in which the keys were made
        fresh = sorted(account.one_time_keys.items(), key=lambda entry: decode(entry[0]))
        body: dict[str, Any] = {
            "one_time_keys": {id: self._signed(account, id, key, False) for id, key in fresh}
        }
        for id, key in _fallback(account).items():
            body["fallback_key"] = {"id": id, **self._signed(account, id, key, True)}
        return body

    def published(self) -> None:
        """The directory has taken what `upload` gave."""
        with self._store.transaction() as db:
            account = self._load(db)
            account.mark_keys_as_published()
            self._save(db, account)

    # -- inside a transaction

    def begin(self, curve25519: str, key: str) -> Session:
        """A session with the device of that identity key, by a key of it that was claimed."""
        account = self._load(self._store.db)
        identity = Curve25519PublicKey.from_base64(curve25519)
        return account.create_outbound_session(identity, Curve25519PublicKey.from_base64(key))

    def join(self, curve25519: str, message: PreKeyMessage) -> tuple[Session, bytes]:
        """The session that `message` begins, and what it says; uses up the one-time key.

        Raises ValueError, and then nothing has changed.
        """
        db = self._store.db
        account = self._load(db)
        identity = Curve25519PublicKey.from_base64(curve25519)
        session, plaintext = account.create_inbound_session(identity, message)
        self._save(db, account)
        return session, plaintext

    # -- small

    def _load(self, db: sqlite3.Connection) -> Account:
        """Reads the account each time, so that changes of a failed transaction do not stay in
        memory.
        """
        (locked,) = db.execute("SELECT pickle FROM account").fetchone()
        return self._store.vault.unlock(Account.from_pickle, locked, "account")

    def _save(self, db: sqlite3.Connection, account: Account) -> None:
        db.execute("UPDATE account SET pickle = ?", (self._store.vault.lock(account, "account"),))

    def _fallback_is_old(self, db: sqlite3.Connection) -> bool:
        (made_at,) = db.execute("SELECT fallback_at FROM account").fetchone()
        return not 0 <= self._clock() - made_at < FALLBACK_LIFE

    def _signed(
        self, account: Account, id: str, key: Curve25519PublicKey, fallback: bool
    ) -> dict[str, str]:
        document = key_document(self._user, self._device, id, key.to_base64(), fallback)
        return {
            "key": key.to_base64(),
            "signature": account.sign(canonical(document)).to_base64(),
        }


def install(
    store: Store,
    account: Account,
    now: float,
    *,
    by: str | None = None,
    introduction: str | None = None,
) -> None:
    """The keys of a store that has none, inside a transaction. `introduction` is the signature of
    the device `by`, which has linked this one."""
    locked = store.vault.lock(account, "account")
    store.db.execute(
        "INSERT INTO account (only, pickle, made_at, introduced_by, introduction) "
        "VALUES (1, ?, ?, ?, ?)",
        (locked, now, by if introduction else None, introduction),
    )


def _fallback(account: Account) -> dict[str, Curve25519PublicKey]:
    """The fallback key that is not published yet, by its id."""
    return dict(account.fallback_key)  # type: ignore[attr-defined] # vodozemac's stub lacks it
