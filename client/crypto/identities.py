"""The store of devices' identity keys: the first key seen of each device is stored and trusted.

A row of `devices` has the keys that are trusted, and beside them those that the directory shows
instead, as long as the user has not accepted them. The trusted keys are NULL for a new device of
a verified user: it waits for acceptance like a changed one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from client.core.cipher import Found
from client.core.ids import user_and_device, user_of
from client.crypto.entries import checked_former, checked_list, is_introduced


class Trust(Enum):
    """What this user knows of a device, or of the devices of a user together."""

    UNKNOWN = "unknown"  # never seen
    SEEN = "seen"  # the first keys seen, and no others since
    VERIFIED = "verified"  # compared by people
    CHANGED = "changed"  # shows other keys: nothing is sent until they are accepted


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """Keys are unpadded base64, of a CHANGED device those that wait for acceptance.

    `registered`: it stood in the directory when its user's list was asked last. `former`: the
    device has other keys by now; these open what it sent before; nothing is encrypted for them.
    """

    user: str
    device: str
    curve25519: str
    ed25519: str
    trust: Trust
    registered: bool
    former: bool = False

    @property
    def name(self) -> str:
        return f"{self.user}/{self.device}"

    def shows(self, pair: tuple[str, str]) -> bool:
        """These are its trusted keys, and it does not wait for the acceptance of others."""
        return self.trust is not Trust.CHANGED and (self.curve25519, self.ed25519) == pair

    @property
    def retired(self) -> str:
        """Where sessions with this identity stand once the device has another one."""
        return f"{self.name}#{self.ed25519}"


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

    def learn(self, user: str, found: Mapping[str, Any], former: Sequence[Any] = ()) -> Found:
        """Stores the user's devices as the directory lists them; entries without a valid signature
        are ignored.
        """
        keys = checked_list(user, found)
        own = self._introduced(user)
        introduced = own | self._introductions(user, keys, found, own)
        known = {device.device: device for device in self.devices(user, gone=True)}
        news = bool(known) or user == user_of(self._me)
        verified = self._verified(user)
        added: list[str] = []
        changed: list[str] = []
        for device, (curve25519, ed25519) in sorted(keys.items()):
            name = f"{user}/{device}"
            if name == self._me:
                continue
            linked = introduced.get(device) == (curve25519, ed25519)
            if device not in known:
                self._insert(user, device, curve25519, ed25519, blocked=verified and not linked)
                if news:
                    (changed if verified and not linked else added).append(name)
            elif self._update(user, device, curve25519, ed25519):
                changed.append(name)
            if linked:  # where it still has the keys of before
                self.verify(user, device, ed25519)
        for device in known.keys() - keys.keys():
            self._db.execute(
                "UPDATE devices SET registered = 0 WHERE user = ? AND device = ?", (user, device)
            )
        for device in self._learn_former(user, former, known.keys(), blocked=verified):
            if news and not verified:
                added.append(f"{user}/{device}")
        return Found(tuple(added), tuple(changed))

    def _introductions(
        self,
        user: str,
        keys: Mapping[str, tuple[str, str]],
        found: Mapping[str, Any],
        own: Mapping[str, tuple[str, str]],
    ) -> dict[str, tuple[str, str]]:
        """The keys that verified devices of the user have signed for devices that they linked.

        A device that this one has linked, with the keys in `own`, is verified as well. What is
        introduced introduces others in its turn. Only listed devices introduce others: the
        signatures of a removed device do not count any more. Devices whose keys the user had to
        accept are not introduced.
        """
        known = {device.device: device for device in self.devices(user, gone=True)}
        asked = self._asked(user)
        trusted: dict[str, str] = {}
        candidates: dict[str, tuple[str, str]] = {}
        for device, pair in keys.items():
            before = known.get(device)
            if before is not None and not before.shows(pair):
                continue
            if own.get(device) == pair or (before is not None and before.trust is Trust.VERIFIED):
                trusted[device] = pair[1]
            elif device not in asked:
                candidates[device] = pair
        introduced: dict[str, tuple[str, str]] = {}
        while news := {
            device: pair
            for device, pair in candidates.items()
            if device not in trusted and is_introduced(user, device, pair, found[device], trusted)
        }:
            introduced |= news
            trusted |= {device: ed25519 for device, (_, ed25519) in news.items()}
        return introduced

    def _learn_former(
        self, user: str, entries: Sequence[Any], known: Collection[str], *, blocked: bool
    ) -> list[str]:
        """Takes in the identities of devices that were not `known` before this list.

        Of a known device only the identity that is remembered counts, or what its user is asked
        about. A device that is not listed is remembered by the identity it had last. Gives those.
        """
        new: list[str] = []
        for device, pair in checked_former(user, entries):
            if device in known or f"{user}/{device}" == self._me:
                continue
            if not self._remembered(user, device):
                self._insert(user, device, *pair, blocked=blocked, registered=False)
                new.append(device)
            elif not blocked:
                self._keep_former(user, device, *pair)
        return new

    def introduce(self, user: str, device: str, curve25519: str, ed25519: str) -> None:
        """The user has linked this device: it is verified once the directory lists these keys."""
        self._db.execute(
            "INSERT OR REPLACE INTO introduced VALUES (?, ?, ?, ?)",
            (user, device, curve25519, ed25519),
        )

    def remember(
        self, user: str, device: str, curve25519: str, ed25519: str, *, verified: bool
    ) -> None:
        """On a new device: what the one that linked it knows of the user's devices."""
        self._insert(user, device, curve25519, ed25519, blocked=False, registered=False)
        if verified:
            self.verify(user, device, ed25519)

    def forget(self, name: str) -> None:
        """The device is not registered any more; its identity stays stored."""
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
        """The device with its trusted keys, also if the directory shows others by now."""
        row = self._db.execute(
            "SELECT user, device, curve25519, ed25519, "
            "CASE WHEN verified THEN 'verified' ELSE 'seen' END, registered "
            "FROM devices WHERE user = ? AND device = ? AND ed25519 IS NOT NULL",
            user_and_device(name),
        ).fetchone()
        return _device(row) if row else None

    def authors(self, name: str) -> list[KnownDevice]:
        """The identities whose messages count: the trusted one, and those it had before."""
        trusted = self.trusted(name)
        rows = self._db.execute(
            "SELECT user, device, curve25519, ed25519, 'seen', 0, 1 FROM former_identities "
            "WHERE user = ? AND device = ?",
            user_and_device(name),
        )
        former = [_device(row) for row in rows]
        if trusted is None:
            return former
        return [trusted, *(one for one in former if one.ed25519 != trusted.ed25519)]

    def trusted_since(self, name: str) -> float | None:
        """The time at which the trusted keys were first seen, or accepted."""
        row = self._db.execute(
            "SELECT seen_at FROM devices WHERE user = ? AND device = ? AND ed25519 IS NOT NULL",
            user_and_device(name),
        ).fetchone()
        return row[0] if row else None

    def blocked(self, name: str) -> bool:
        """Whether the device shows keys that the user has not accepted."""
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

    def accept(self, user: str, keys: Mapping[str, str]) -> list[KnownDevice]:
        """Of the keys that listed devices show now, those in `keys` (device -> Ed25519 key) are
        trusted from now on; gives the identities that were trusted before, which are former now.
        """
        accepted = [
            device
            for device in self.devices(user)
            if device.trust is Trust.CHANGED and keys.get(device.device) == device.ed25519
        ]
        before = [old for device in accepted if (old := self.trusted(device.name)) is not None]
        for old in before:
            self._keep_former(user, old.device, old.curve25519, old.ed25519)
        self._db.executemany(
            "UPDATE devices SET curve25519 = new_curve25519, ed25519 = new_ed25519, "
            "new_curve25519 = NULL, new_ed25519 = NULL, verified = 0, accepted = 1, "
            "seen_at = ? "
            "WHERE user = ? AND device = ?",
            [(self._clock(), user, device.device) for device in accepted],
        )
        return before

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

    def _introduced(self, user: str) -> dict[str, tuple[str, str]]:
        rows = self._db.execute(
            "SELECT device, curve25519, ed25519 FROM introduced WHERE user = ?", (user,)
        )
        return {device: (curve25519, ed25519) for device, curve25519, ed25519 in rows}

    def _asked(self, user: str) -> frozenset[str]:
        """The devices whose keys the user had to accept, and those that had others before."""
        rows = self._db.execute(
            "SELECT device FROM devices WHERE user = ? AND accepted "
            "UNION SELECT device FROM former_identities WHERE user = ?",
            (user, user),
        )
        return frozenset(device for (device,) in rows)

    def _remembered(self, user: str, device: str) -> bool:
        row = self._db.execute(
            "SELECT 1 FROM devices WHERE user = ? AND device = ?", (user, device)
        ).fetchone()
        return row is not None

    def _keep_former(self, user: str, device: str, curve25519: str, ed25519: str) -> None:
        self._db.execute(
            "INSERT OR IGNORE INTO former_identities VALUES (?, ?, ?, ?)",
            (user, device, curve25519, ed25519),
        )

    def _insert(
        self,
        user: str,
        device: str,
        curve25519: str,
        ed25519: str,
        *,
        blocked: bool,
        registered: bool = True,
    ) -> None:
        keys, none = (curve25519, ed25519), (None, None)
        self._db.execute(
            "INSERT INTO devices "
            "(user, device, curve25519, ed25519, new_curve25519, new_ed25519, seen_at, registered) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                user,
                device,
                *(none if blocked else keys),
                *(keys if blocked else none),
                self._clock(),
                registered,
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


def _device(row: tuple[Any, ...]) -> KnownDevice:
    user, device, curve25519, ed25519, trust, registered, *former = row
    keys = (curve25519, ed25519)
    return KnownDevice(user, device, *keys, Trust(trust), bool(registered), bool(former))
