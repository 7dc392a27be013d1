"""Megolm sessions: one outbound for each chat, inbound ones of each sending device."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from vodozemac import GroupSession, InboundGroupSession, MegolmMessage, SessionKey

from client.crypto.rotation import Outbound, reason_to_rotate
from client.crypto.sessions import Undecryptable
from client.crypto.vault import Vault


class RoomKey(NamedTuple):
    """What a device needs to read from the session's present index on."""

    session_id: str
    key: str


class OutboundGroups:
    """All methods inside a transaction; times in epoch seconds."""

    def __init__(self, db: sqlite3.Connection, vault: Vault) -> None:
        self._db, self._vault = db, vault

    def lacking(self, chat: str, devices: Mapping[str, str], now: float) -> set[str]:
        """Which of `devices` (name -> Ed25519 key) the next text's key has to be sent to."""
        session = self._state(chat)
        if session is None or reason_to_rotate(session, devices, now) is not None:
            return set(devices)
        return devices.keys() - session.holders.keys()

    def key(self, chat: str, devices: Mapping[str, str], now: float) -> RoomKey:
        """Of the session for the next text, which is made if there is none that may be used."""
        session = self._state(chat)
        if session is None or reason_to_rotate(session, devices, now) is not None:
            self._make(chat, now)
        ratchet = self._load(chat)
        return RoomKey(ratchet.session_id, ratchet.session_key.to_base64())

    def shared(self, chat: str, device: str, ed25519: str) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO group_holders VALUES (?, ?, ?)", (chat, device, ed25519)
        )

    def share_again(self, chat: str, device: str) -> None:
        """The device says that it lacks the key."""
        self._db.execute("DELETE FROM group_holders WHERE chat = ? AND device = ?", (chat, device))

    def encrypt(self, chat: str, plaintext: bytes) -> str:
        """The payload, `<session id>.<body>`."""
        ratchet = self._load(chat)
        body = ratchet.encrypt(plaintext).to_base64()
        self._db.execute(
            "UPDATE group_outbound SET pickle = ?, messages = messages + 1 WHERE chat = ?",
            (self._vault.lock(ratchet, f"group {chat}"), chat),
        )
        return f"{ratchet.session_id}.{body}"

    def _make(self, chat: str, now: float) -> None:
        self._db.execute("DELETE FROM group_holders WHERE chat = ?", (chat,))
        self._db.execute(
            "INSERT OR REPLACE INTO group_outbound (chat, pickle, made_at, messages) "
            "VALUES (?, ?, ?, 0)",
            (chat, self._vault.lock(GroupSession(), f"group {chat}"), now),
        )

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
    """All methods inside a transaction."""

    def __init__(self, db: sqlite3.Connection, vault: Vault) -> None:
        self._db, self._vault = db, vault

    def add(self, chat: str, device: str, room_key: RoomKey) -> bool:
        """Keeps a session that `device` sent. False if it is none, or another device's."""
        try:
            session = InboundGroupSession(SessionKey(room_key.key))
        except ValueError:
            return False
        session_id = session.session_id
        if session_id != room_key.session_id:
            return False
        known = self._find(chat, session_id)
        if known is not None:
            owner, kept = known
            if owner != device or kept.first_known_index <= session.first_known_index:
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
        known = self._find(chat, session_id)
        if known is None:
            raise Undecryptable("its key is not here yet")
        owner, session = known
        if owner != device:
            raise Undecryptable("its key is another device's", ask=False)
        try:
            opened = session.decrypt(message)
        except ValueError as error:
            raise Undecryptable("its key is newer, or does not open it") from error
        self._remember(session_id, opened.message_index, f"{device} {message_id}")
        self._save(chat, device, session)
        return opened.plaintext

    def _remember(self, session_id: str, number: int, message: str) -> None:
        """Megolm opens the same ciphertext as often as one likes: it counts once."""
        self._db.execute(
            "INSERT OR IGNORE INTO group_indexes VALUES (?, ?, ?)", (session_id, number, message)
        )
        (first,) = self._db.execute(
            "SELECT message FROM group_indexes WHERE session_id = ? AND number = ?",
            (session_id, number),
        ).fetchone()
        if first != message:
            raise Undecryptable("it repeats another message", ask=False)

    def _find(self, chat: str, session_id: str) -> tuple[str, InboundGroupSession] | None:
        row = self._db.execute(
            "SELECT device, pickle FROM group_inbound WHERE chat = ? AND session_id = ?",
            (chat, session_id),
        ).fetchone()
        if row is None:
            return None
        session = self._vault.unlock(InboundGroupSession.from_pickle, row[1], session_id)
        return row[0], session

    def _save(self, chat: str, device: str, session: InboundGroupSession) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO group_inbound (chat, session_id, device, pickle) "
            "VALUES (?, ?, ?, ?)",
            (chat, session.session_id, device, self._vault.lock(session, session.session_id)),
        )
