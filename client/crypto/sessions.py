"""Olm sessions: of one chat and one pair of devices, so that each is decrypted in seq order."""

from __future__ import annotations

import base64
import binascii
import sqlite3

from vodozemac import AnyOlmMessage, Session

from client.crypto.account import AccountKeys
from client.crypto.identities import KnownDevice
from client.crypto.signing import encode
from client.store.vault import Vault

KEPT = 5  # of a chat and a device: both sides may start some at the same time
PRE_KEY = 0


class Undecryptable(Exception):
    """The message is for people; `ask`: the sender may help."""

    def __init__(self, reason: str, *, ask: bool = True) -> None:
        super().__init__(reason)
        self.ask = ask


class OlmSessions:
    """Writing methods inside a transaction.

    `touched` and `heard` count what happened in the table; known session ids stay for ever, for
    the fallback key would open the beginning of a session again.
    """

    def __init__(self, db: sqlite3.Connection, vault: Vault, account: AccountKeys) -> None:
        self._db, self._vault, self._account = db, vault, account

    def __contains__(self, place: tuple[str, str]) -> bool:
        """(chat, device): something can be encrypted."""
        return bool(self._ids(*place))

    def start(self, chat: str, device: KnownDevice, key: str) -> None:
        """Starts a session with a claimed key. Raises ValueError if it is no key."""
        self._add(chat, device.name, self._account.begin(device.curve25519, key))

    def encrypt(self, chat: str, device: str, plaintext: bytes, *, newest: bool = False) -> str:
        """The payload, `<type>.<body>`."""
        order = "made DESC" if newest else "heard DESC, made DESC"
        session_id, locked = self._db.execute(
            "SELECT session_id, pickle FROM olm_sessions "  # noqa: S608 - fixed texts
            f"WHERE chat = ? AND device = ? ORDER BY {order} LIMIT 1",
            (chat, device),
        ).fetchone()
        session = self._vault.unlock(Session.from_pickle, locked, session_id)
        kind, body = session.encrypt(plaintext).to_parts()
        self._save(session, heard=False)
        return f"{kind}.{encode(body)}"

    def decrypt(self, chat: str, device: KnownDevice, payload: str) -> bytes:
        """Raises Undecryptable, and then nothing has changed."""
        kind, message = _parsed(payload)
        if kind == PRE_KEY:
            return self._pre_key(chat, device, message)
        for session_id in self._ids(chat, *_places(device)):
            plaintext = self._try(session_id, message)
            if plaintext is not None:
                return plaintext
        raise Undecryptable("no session of this device fits it")

    def retire(self, former: KnownDevice, chat: str | None = None) -> None:
        """Those with this identity, in one chat or all: they open what comes, and encrypt nothing
        more.
        """
        self._db.execute(
            "UPDATE olm_sessions SET device = ? WHERE device = ? AND chat = coalesce(?, chat)",
            (former.retired, former.name, chat),
        )

    def devices(self, chat: str) -> list[str]:
        """With which something can be encrypted in this chat."""
        rows = self._db.execute(
            "SELECT DISTINCT device FROM olm_sessions WHERE chat = ? AND instr(device, '#') = 0",
            (chat,),
        )
        return [device for (device,) in rows]

    # -- decrypting

    def _pre_key(self, chat: str, device: KnownDevice, message: AnyOlmMessage) -> bytes:
        pre_key = message.to_pre_key()
        if pre_key is None:
            raise Undecryptable("it is broken")
        session_id = pre_key.session_id()
        if session_id in self._ids(chat, *_places(device)):
            plaintext = self._try(session_id, message)
            if plaintext is None:
                raise Undecryptable("its session does not open it")
            return plaintext
        if self._known(session_id):
            # The fallback key would open it again, and again.
            raise Undecryptable("it repeats the beginning of an old session")
        try:
            session, plaintext = self._account.join(device.curve25519, pre_key)
        except ValueError as error:
            raise Undecryptable("it fits none of this device's keys") from error
        self._add(chat, _places(device)[0], session)
        self._save(session, heard=True)
        return plaintext

    def _try(self, session_id: str, message: AnyOlmMessage) -> bytes | None:
        (locked,) = self._db.execute(
            "SELECT pickle FROM olm_sessions WHERE session_id = ?", (session_id,)
        ).fetchone()
        session = self._vault.unlock(Session.from_pickle, locked, session_id)
        try:
            plaintext = session.decrypt(message)
        except ValueError:  # vodozemac's errors are below it
            return None
        self._save(session, heard=True)
        return plaintext

    # -- rows

    def _ids(self, chat: str, device: str, retired: str = "") -> list[str]:
        rows = self._db.execute(
            "SELECT session_id FROM olm_sessions WHERE chat = ? AND device IN (?, ?) "
            "ORDER BY heard DESC, made DESC",
            (chat, device, retired),
        )
        return [session_id for (session_id,) in rows]

    def _known(self, session_id: str) -> bool:
        row = self._db.execute(
            "SELECT 1 FROM known_sessions WHERE session_id = ?", (session_id,)
        ).fetchone()
        return row is not None

    def _add(self, chat: str, device: str, session: Session) -> None:
        session_id = session.session_id
        locked = self._vault.lock(session, session_id)
        self._db.execute("INSERT OR IGNORE INTO known_sessions VALUES (?)", (session_id,))
        self._db.execute(
            "INSERT INTO olm_sessions (session_id, chat, device, pickle, made, touched) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (session_id, chat, device, locked, self._count(), self._count()),
        )
        self._db.execute(
            "DELETE FROM olm_sessions WHERE chat = ? AND device = ? AND session_id NOT IN "
            "(SELECT session_id FROM olm_sessions WHERE chat = ? AND device = ? "
            " ORDER BY touched DESC LIMIT ?)",
            (chat, device, chat, device, KEPT),
        )

    def _save(self, session: Session, *, heard: bool) -> None:
        session_id = session.session_id
        count = self._count()
        self._db.execute(
            "UPDATE olm_sessions SET pickle = ?, touched = CASE WHEN ? THEN ? ELSE touched END, "
            "heard = CASE WHEN ? THEN ? ELSE heard END WHERE session_id = ?",
            (self._vault.lock(session, session_id), heard, count, heard, count, session_id),
        )

    def _count(self) -> int:
        (highest,) = self._db.execute(
            "SELECT coalesce(max(touched), 0) FROM olm_sessions"
        ).fetchone()
        return int(highest) + 1


def _places(device: KnownDevice) -> tuple[str, ...]:
    """Where sessions with this identity stand; the first is that of new ones."""
    return (device.retired,) if device.former else (device.name, device.retired)


def _parsed(payload: str) -> tuple[int, AnyOlmMessage]:
    kind, _, body = payload.partition(".")
    if kind not in ("0", "1"):
        raise Undecryptable("it is no Olm message")
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
        return int(kind), AnyOlmMessage.from_parts(int(kind), data)
    except (binascii.Error, ValueError) as error:
        raise Undecryptable("it is broken") from error
