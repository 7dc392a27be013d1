"""This device's own keys, in its store: the identity, one-time keys and the fallback key."""

from __future__ import annotations

import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from client.crypto.signing import device_document, encode, key_document, sign
from client.store import Store

KEYS_WANTED = 50  # in the directory
KEYS_LOW = 20  # below this they are replenished


class DeviceKeys:
    """Made on first use and the same ever after; private keys never leave the store."""

    def __init__(self, store: Store, user: str, device: str) -> None:
        self._store, self._user, self._device = store, user, device
        self._ed25519 = Ed25519PrivateKey.from_private_bytes(
            self._private("ed25519", Ed25519PrivateKey.generate().private_bytes_raw())
        )
        self._curve25519 = X25519PrivateKey.from_private_bytes(
            self._private("curve25519", X25519PrivateKey.generate().private_bytes_raw())
        )

    @property
    def ed25519(self) -> str:
        return encode(self._ed25519.public_key().public_bytes_raw())

    @property
    def curve25519(self) -> str:
        return encode(self._curve25519.public_key().public_bytes_raw())

    def registration(self) -> dict[str, Any]:
        """`{keys, signature}` for PUT /api/devices/{device}."""
        document = device_document(self._user, self._device, self.curve25519, self.ed25519)
        return {
            "keys": {"curve25519": self.curve25519, "ed25519": self.ed25519},
            "signature": sign(self._ed25519, document),
        }

    def upload(self, remaining: int, *, new_fallback: bool = False) -> dict[str, Any]:
        """`{one_time_keys, fallback_key?}`: fills the directory up to KEYS_WANTED.

        Keys are on disk before they are published, and the same ones are offered again until
        `published` confirms them. A directory with no key left gets a fallback key too.
        """
        with self._store.transaction() as db:
            waiting = db.execute(
                "SELECT id, private, fallback FROM one_time_keys WHERE published = 0 ORDER BY rowid"
            ).fetchall()
            ready = sum(1 for _, _, fallback in waiting if not fallback)
            fresh = [False] * max(0, KEYS_WANTED - remaining - ready)
            if (new_fallback or remaining == 0) and ready == len(waiting):
                fresh.append(True)
            for fallback in fresh:
                private = X25519PrivateKey.generate().private_bytes_raw()
                row = (secrets.token_urlsafe(9), private, fallback)
                db.execute("INSERT INTO one_time_keys VALUES (?, ?, ?, 0)", row)
                waiting.append(row)
        body: dict[str, Any] = {"one_time_keys": {}}
        for id_, private, fallback in waiting:
            if fallback:
                body["fallback_key"] = {"id": id_, **self._signed(id_, private, True)}
            else:
                body["one_time_keys"][id_] = self._signed(id_, private, False)
        return body

    def published(self, body: dict[str, Any]) -> None:
        """The directory has taken what `upload` gave."""
        ids = list(body["one_time_keys"])
        if "fallback_key" in body:
            ids.append(body["fallback_key"]["id"])
        with self._store.transaction() as db:
            db.executemany(
                "UPDATE one_time_keys SET published = 1 WHERE id = ?", [(id_,) for id_ in ids]
            )

    def _signed(self, id_: str, private: bytes, fallback: bool) -> dict[str, str]:
        public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
        key = encode(public)
        document = key_document(self._user, self._device, id_, key, fallback)
        return {"key": key, "signature": sign(self._ed25519, document)}

    def _private(self, name: str, fresh: bytes) -> bytes:
        with self._store.transaction() as db:
            db.execute("INSERT OR IGNORE INTO device_keys VALUES (?, ?)", (name, fresh))
            (private,) = db.execute(
                "SELECT private FROM device_keys WHERE name = ?", (name,)
            ).fetchone()
        return bytes(private)
