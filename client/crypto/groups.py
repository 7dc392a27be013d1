"""Megolm sessions: one outbound for each chat, inbound ones of each sending device."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import NamedTuple

from vodozemac import GroupSession, InboundGroupSession, MegolmMessage, SessionKey

from client.crypto.rotation import SECONDS, Outbound, reason_to_rotate
from client.crypto.sessions import Undecryptable
from client.store.vault import Vault

# Of a session that was not used since: its sender used it for SECONDS, and what is written with it
# arrives as soon as this device is connected. The rest is for clocks that differ.
KEPT_SECONDS = SECONDS + 38 * 24 * 3600.0


REPEATS = "it repeats another message"


class RoomKey(NamedTuple):
    """What a device needs to read from the session's present index on."""

    session_id: str
    key: str


class OutboundGroups:
    """The group sessions of this device. Methods that write need a transaction; times are epoch
    seconds."""

    def __init__(self, db: sqlite3.Connection, vault: Vault) -> None:
        self._db, self._vault = db, vault

    def lacking(self, chat: str, devices: Mapping[str, str], now: float) -> set[str]:
        """Which of `devices` (name -> Ed25519 key) the next text's key has to be sent to."""
        session = self._state(chat)
        if session is None or reason_to_rotate(session, devices, now) is not None:
            return set(devices)
        return devices.keys() - (session.holders.keys() - self._again(chat))

    def key(self, chat: str, devices: Mapping[str, str], now: float) -> RoomKey:
        """Of the session for the next text, which is made if there is none that may be used."""
        session = self._state(chat)
        if session is None or reason_to_rotate(session, devices, now) is not None:
            self._make(chat, now)
        ratchet = self._load(chat)
        return RoomKey(ratchet.session_id, ratchet.session_key.to_base64())

    def shared(self, chat: str, device: str, ed25519: str) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO group_holders VALUES (?, ?, ?, 0)", (chat, device, ed25519)
        )

    def share_again(self, chat: str, device: str) -> None:
        """Sends the key again to a device that reports that it lacks it; it stays a holder."""
        self._db.execute(
            "UPDATE group_holders SET again = 1 WHERE chat = ? AND device = ?", (chat, device)
        )

    def encrypt(self, chat: str, plaintext: bytes) -> str:
        """The payload, `<session id>.<body>`."""
        ratchet = self._load(chat)
        body = ratchet.encrypt(plaintext).to_base64()
        self._db.execute(
            "UPDATE group_outbound SET pickle = ?, messages = messages + 1 WHERE chat = ?",
            (self._vault.lock(ratchet, f"group {chat}"), chat),
        )
        return f"{ratchet.session_id}.{body}"

    def drop(self, chat: str, session_id: str | None = None) -> None:
        """The next text begins a new session; if `session_id` is given, only instead of that."""
        others = self._state(chat) is None or self._load(chat).session_id != session_id
        if session_id is not None and others:
            return
        self._db.execute("DELETE FROM group_outbound WHERE chat = ?", (chat,))
        self._db.execute("DELETE FROM group_holders WHERE chat = ?", (chat,))

    def _make(self, chat: str, now: float) -> None:
        self._db.execute("DELETE FROM group_holders WHERE chat = ?", (chat,))
        self._db.execute(
            "INSERT OR REPLACE INTO group_outbound (chat, pickle, made_at, messages) "
            "VALUES (?, ?, ?, 0)",
            (chat, self._vault.lock(GroupSession(), f"group {chat}"), now),
        )

    def _again(self, chat: str) -> set[str]:
        rows = self._db.execute(
            "SELECT device FROM group_holders WHERE chat = ? AND again", (chat,)
        )
        return {device for (device,) in rows}

    def _state(self, chat: str) -> Outbound | None:
        row = self._db.execute(
            "SELECT made_at, messages FROM group_outbound WHERE chat = ?", (chat,)
        ).fetchone()
        if row is None:
            return None
        holders = self._db.execute(
            "SELECT device, ed25519 FROM group_holders WHERE chat = ?", (chat,)
        )
        return Outbound(row[0], row[1], dict(holders.fetchall()))

    def _load(self, chat: str) -> GroupSession:
        (locked,) = self._db.execute(
            "SELECT pickle FROM group_outbound WHERE chat = ?", (chat,)
        ).fetchone()
        return self._vault.unlock(GroupSession.from_pickle, locked, f"group {chat}")


class InboundGroups:
    """Of each sending device its own: a key that somebody else sends too is another session.

    Writing methods inside a transaction; `clock` gives epoch seconds.
    """

    def __init__(self, db: sqlite3.Connection, vault: Vault, clock: Callable[[], float]) -> None:
        self._db, self._vault, self._clock = db, vault, clock

    def add(self, chat: str, device: str, room_key: RoomKey) -> bool:
        """Keeps a session that `device` sent. False if it is none, or opens no more than before."""
        try:
            session = InboundGroupSession(SessionKey(room_key.key))
        except ValueError:
            return False
        if session.session_id != room_key.session_id:
            return False
        known = self._find(chat, device, room_key.session_id)
        if known is not None and known.first_known_index <= session.first_known_index:
            return False
        self._save(chat, device, session)
        return True

    def decrypt(self, chat: str, device: str, message_id: str, payload: str) -> bytes:
        """Raises Undecryptable, and then nothing has changed."""
        session_id, _, body = payload.partition(".")
        try:
            message = MegolmMessage.from_base64(body)
        except ValueError as error:
            raise Undecryptable("it is broken") from error
        session = self._find(chat, device, session_id)
        if session is None:
            raise Undecryptable("its key is not here yet")
        try:
            opened = session.decrypt(message)
        except ValueError as error:
            raise Undecryptable("its key is newer, or does not open it") from error
        self._remember((chat, device, session_id, opened.message_index), message_id)
        self._save(chat, device, session)
        return opened.plaintext

    def _remember(self, place: tuple[str, str, str, int], message_id: str) -> None:
        """Megolm opens the same ciphertext as often as one likes: it counts once."""
        self._db.execute(
            "INSERT OR IGNORE INTO group_indexes (chat, device, session_id, number, message_id) "
            "VALUES (?, ?, ?, ?, ?)",
            (*place, message_id),
        )
        (first,) = self._db.execute(
            "SELECT message_id FROM group_indexes "
            "WHERE chat = ? AND device = ? AND session_id = ? AND number = ?",
            place,
        ).fetchone()
        if first != message_id:
            # A replay, or its sender has gone back to an older copy of its store: it is asked.
            raise Undecryptable(REPEATS)

    def _find(self, chat: str, device: str, session_id: str) -> InboundGroupSession | None:
        row = self._db.execute(
            "SELECT pickle FROM group_inbound WHERE chat = ? AND device = ? AND session_id = ?",
            (chat, device, session_id),
        ).fetchone()
        if row is None:
            return None
        return self._vault.unlock(InboundGroupSession.from_pickle, row[0], session_id)

    def _save(self, chat: str, device: str, session: InboundGroupSession) -> None:
        locked = self._vault.lock(session, session.session_id)
        self._db.execute(
            "INSERT OR REPLACE INTO group_inbound (chat, device, session_id, pickle, used_at) "
            "VALUES (?, ?, ?, ?, ?)",
            (chat, device, session.session_id, locked, self._clock()),
        )

    def forget_unused(self) -> None:
        """Forgets sessions that nothing can come of. Only after the device has caught up: messages
        that wait for it may be older than the sessions that are in use."""
        before = self._clock() - KEPT_SECONDS
        old = "SELECT chat, device, session_id FROM group_inbound WHERE used_at < ?"
        self._db.execute(
            f"DELETE FROM group_indexes WHERE (chat, device, session_id) IN ({old})",  # noqa: S608
            (before,),
        )
        self._db.execute("DELETE FROM group_inbound WHERE used_at < ?", (before,))
