"""Whose device is whose: the first identity key seen of each is remembered and trusted.

A row of `devices` has the keys that are trusted, and beside them those that the directory shows
instead, as long as the user has not accepted them. The trusted keys are NULL for a new device of
a verified user: it waits for acceptance like a changed one.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from client.core.cipher import Found
from client.core.ids import user_and_device, user_of
from client.crypto.signing import device_document, key_document, verify
from client.errors import SignatureError

logger = logging.getLogger("client")


class Trust(Enum):
    """What this user knows of a device, or of the devices of a user together."""

    UNKNOWN = "unknown"  # never seen
    SEEN = "seen"  # the first keys seen, and no others since
    VERIFIED = "verified"  # compared by people
    CHANGED = "changed"  # shows other keys: nothing is sent until they are accepted


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """Keys are unpadded base64, of a CHANGED device those that wait for acceptance.

    `registered`: it stood in the directory when its user's list was asked last.
    """

    user: str
    device: str
    curve25519: str
    ed25519: str
    trust: Trust
    registered: bool

    @property
    def name(self) -> str:
        return f"{self.user}/{self.device}"


_COLUMNS = (
    "user, device, coalesce(new_curve25519, curve25519), coalesce(new_ed25519, ed25519), "
    "CASE WHEN new_ed25519 IS NOT NULL THEN 'changed' WHEN verified THEN 'verified' ELSE 'seen' "
    "END, registered"
)


class Identities:
    """`me` is this device's own `user/device`, `clock` gives epoch seconds.

    All methods that change something inside a transaction.
    """

    def __init__(self, db: sqlite3.Connection, me: str, clock: Callable[[], float]) -> None:
        self._db, self._me, self._clock = db, me, clock

    # -- what the directory says

    def learn(self, user: str, found: Mapping[str, Any]) -> Found:
        """The user's devices as the directory lists them; what isn't signed isn't there."""
        keys = {
            name: pair for name, entry in found.items() if (pair := _checked(user, name, entry))
        }
        known = {device.device: device for device in self.devices(user, gone=True)}
        news = bool(known) or user == user_of(self._me)
        verified = self._verified(user)
        added: list[str] = []
        changed: list[str] = []
        for device, (curve25519, ed25519) in sorted(keys.items()):
            name = f"{user}/{device}"
            if name == self._me:
                continue
            if device not in known:
                self._insert(user, device, curve25519, ed25519, blocked=verified)
                if news:
                    (changed if verified else added).append(name)
            elif self._update(user, device, curve25519, ed25519):
                changed.append(name)
        for device in known.keys() - keys.keys():
            self._db.execute(
                "UPDATE devices SET registered = 0 WHERE user = ? AND device = ?", (user, device)
            )
        return Found(tuple(added), tuple(changed))

    def forget(self, name: str) -> None:
        """It is registered no more; who it was stays known."""
        self._db.execute(
            "UPDATE devices SET registered = 0 WHERE user = ? AND device = ?",
            user_and_device(name),
        )

    def registered(self, name: str) -> bool:
        """It stood in the directory when its user's list was asked last."""
        row = self._db.execute(
            "SELECT 1 FROM devices WHERE user = ? AND device = ? AND registered",
            user_and_device(name),
        ).fetchone()
        return row is not None

    # -- what is trusted

    def trusted(self, name: str) -> KnownDevice | None:
        """With the keys that count, whatever the directory shows by now."""
        row = self._db.execute(
            "SELECT user, device, curve25519, ed25519, "
            "CASE WHEN verified THEN 'verified' ELSE 'seen' END, registered "
            "FROM devices WHERE user = ? AND device = ? AND ed25519 IS NOT NULL",
            user_and_device(name),
        ).fetchone()
        return _device(row) if row else None

    def trusted_since(self, name: str) -> float | None:
        """When the keys that count were first seen, or accepted."""
        row = self._db.execute(
            "SELECT seen_at FROM devices WHERE user = ? AND device = ? AND ed25519 IS NOT NULL",
            user_and_device(name),
        ).fetchone()
        return row[0] if row else None

    def blocked(self, name: str) -> bool:
        """The device shows keys that the user has not accepted."""
        row = self._db.execute(
            "SELECT 1 FROM devices WHERE user = ? AND device = ? AND new_ed25519 IS NOT NULL",
            user_and_device(name),
        ).fetchone()
        return row is not None

    def blocked_users(self, users: Collection[str]) -> frozenset[str]:
        rows = self._db.execute(
            "SELECT DISTINCT user FROM devices WHERE registered AND new_ed25519 IS NOT NULL"
        )
        return frozenset(user for (user,) in rows if user in users)

    def receivers(self, users: Collection[str]) -> dict[str, KnownDevice]:
        """The devices to write to, by name: registered, with trusted keys, not this one."""
        found = (device for user in users for device in self.devices(user))
        return {
            device.name: device
            for device in found
            if device.trust is not Trust.CHANGED and device.name != self._me
        }

    def devices(self, user: str, *, gone: bool = False) -> list[KnownDevice]:
        """The user's devices, `gone` ones too if wanted; not this device itself."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM devices "  # noqa: S608 - fixed text
            "WHERE user = ? AND registered >= ? ORDER BY device",
            (user, not gone),
        )
        return [_device(row) for row in rows]

    def trust(self, user: str) -> Trust:
        """CHANGED if any device that is listed is, VERIFIED if all of them are."""
        states = {device.trust for device in self.devices(user)}
        for trust in (Trust.CHANGED, Trust.SEEN, Trust.VERIFIED):
            if trust in states:
                return trust
        return Trust.UNKNOWN

    # -- what the user decides

    def accept(self, user: str, keys: Mapping[str, str]) -> list[str]:
        """Of the keys that listed devices show now, those in `keys` (device -> Ed25519 key) are
        trusted from now on; gives the devices, by name.
        """
        accepted = [
            device
            for device in self.devices(user)
            if device.trust is Trust.CHANGED and keys.get(device.device) == device.ed25519
        ]
        self._db.executemany(
            "UPDATE devices SET curve25519 = new_curve25519, ed25519 = new_ed25519, "
            "new_curve25519 = NULL, new_ed25519 = NULL, verified = 0, seen_at = ? "
            "WHERE user = ? AND device = ?",
            [(self._clock(), user, device.device) for device in accepted],
        )
        return [device.name for device in accepted]

    def verify(self, user: str, device: str, ed25519: str) -> bool:
        """People have compared this key. False if it isn't the one that is trusted."""
        done = self._db.execute(
            "UPDATE devices SET verified = 1 "
            "WHERE user = ? AND device = ? AND ed25519 = ? AND new_ed25519 IS NULL",
            (user, device, ed25519),
        )
        return done.rowcount == 1

    # -- rows

    def _verified(self, user: str) -> bool:
        """Any device ever was: one that the directory leaves out, or changes, counts as well."""
        row = self._db.execute(
            "SELECT 1 FROM devices WHERE user = ? AND verified", (user,)
        ).fetchone()
        return row is not None

    def _insert(
        self, user: str, device: str, curve25519: str, ed25519: str, *, blocked: bool
    ) -> None:
        keys, none = (curve25519, ed25519), (None, None)
        self._db.execute(
            "INSERT INTO devices "
            "(user, device, curve25519, ed25519, new_curve25519, new_ed25519, seen_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                user,
                device,
                *(none if blocked else keys),
                *(keys if blocked else none),
                self._clock(),
            ),
        )

    def _update(self, user: str, device: str, curve25519: str, ed25519: str) -> bool:
        """True if these keys are news that need acceptance."""
        row = self._db.execute(
            "SELECT curve25519, ed25519, new_curve25519, new_ed25519 FROM devices "
            "WHERE user = ? AND device = ?",
            (user, device),
        ).fetchone()
        same = (curve25519, ed25519) == row[:2]
        shown = (None, None) if same else (curve25519, ed25519)
        self._db.execute(
            "UPDATE devices SET registered = 1, new_curve25519 = ?, new_ed25519 = ? "
            "WHERE user = ? AND device = ?",
            (*shown, user, device),
        )
        return not same and shown != row[2:]


def checked_claim(device: KnownDevice, entry: object) -> str | None:
    """The claimed key in `entry`, if the device signed it."""
    try:
        if not isinstance(entry, Mapping):
            raise TypeError("no object")
        document = key_document(
            device.user, device.device, entry["id"], entry["key"], bool(entry["fallback"])
        )
        verify(device.ed25519, document, entry["signature"])
        return str(entry["key"])
    except (SignatureError, KeyError, TypeError) as error:
        logger.warning("a claimed key of %s is not used: %s", device.name, error)
        return None


def _checked(user: str, device: str, entry: Any) -> tuple[str, str] | None:
    """(curve25519, ed25519) if the entry is signed by itself."""
    try:
        curve25519, ed25519 = entry["keys"]["curve25519"], entry["keys"]["ed25519"]
        verify(ed25519, device_document(user, device, curve25519, ed25519), entry["signature"])
        return curve25519, ed25519
    except (SignatureError, KeyError, TypeError) as error:
        logger.warning("the keys of %s/%s are not used: %s", user, device, error)
        return None


def _device(row: tuple[Any, ...]) -> KnownDevice:
    user, device, curve25519, ed25519, trust, registered = row
    return KnownDevice(user, device, curve25519, ed25519, Trust(trust), bool(registered))
