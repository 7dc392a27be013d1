"""One device's state in one SQLite file: `Store` is the ledger of the engine, and more.

All writes happen inside `transaction()`: a message taken and the watermark that moved over it
are on disk together or not at all.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.core.frames import Message, Watermarks, encode
from client.core.ledger import Own, Place, Queued
from client.core.ticks import State
from client.errors import StoreError
from client.store.history import (
    ChatSummary,
    StoredMessage,
    read_chats,
    read_messages,
    read_unread,
)
from client.store.lock import FileLock
from client.store.schema import migrate


@dataclass(frozen=True, slots=True)
class Session:
    """Who this file belongs to, and what it is signed in with."""

    user: str
    device: str
    access_token: str | None = None
    refresh_token: str | None = None
    push_platform: str | None = None
    push_token: str | None = None


class Store:
    def __init__(
        self,
        connection: sqlite3.Connection,
        user: str,
        device: str,
        lock: FileLock | None = None,
    ) -> None:
        self._db = connection
        self._user, self._device = user, device
        self._lock = lock

    @classmethod
    def open(cls, path: Path | str, user: str, device: str) -> Store:
        """Opens or makes the file. `:memory:` keeps everything in memory.

        Raises StoreError if the file belongs to another device, is in use or is newer.
        """
        if str(path) == ":memory:":
            return cls._on(sqlite3.connect(path, isolation_level=None), user, device, None)
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_suffix(".lock"), f"{user}/{device}")
        try:
            path.touch(mode=0o600)  # it holds keys, tokens and what was written
            db = sqlite3.connect(path, isolation_level=None, timeout=5)
            db.execute("PRAGMA journal_mode = WAL")
            # FULL: a receipt must not tell of a message that a power cut takes back
            db.execute("PRAGMA synchronous = FULL")
            return cls._on(db, user, device, lock)
        except sqlite3.Error as error:
            lock.release()
            raise StoreError(f"{path} cannot be opened: {error}") from error
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _on(cls, db: sqlite3.Connection, user: str, device: str, lock: FileLock | None) -> Store:
        migrate(db)
        store = cls(db, user, device, lock)
        session = store.session()
        if session is None:
            with store.transaction():
                db.execute(
                    "INSERT INTO session (only, user, device) VALUES (1, ?, ?)", (user, device)
                )
        elif (session.user, session.device) != (user, device):
            db.close()
            raise StoreError(
                f"this file belongs to {session.user}/{session.device}, not to {user}/{device}"
            )
        return store

    def close(self) -> None:
        self._db.close()
        if self._lock is not None:
            self._lock.release()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside is on disk when it ends, or nothing if it raises."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # -- the session

    def session(self) -> Session | None:
        row = self._db.execute(
            "SELECT user, device, access_token, refresh_token, push_platform, push_token "
            "FROM session"
        ).fetchone()
        return Session(*row) if row else None

    def save_tokens(self, access_token: str | None, refresh_token: str | None) -> None:
        with self.transaction() as db:
            db.execute(
                "UPDATE session SET access_token = ?, refresh_token = ?",
                (access_token, refresh_token),
            )

    def save_push(self, platform: str | None, token: str | None) -> None:
        with self.transaction() as db:
            db.execute("UPDATE session SET push_platform = ?, push_token = ?", (platform, token))

    # -- for people

    def chats(self) -> list[ChatSummary]:
        return read_chats(self._db, self._user)

    def history(self, chat: str, limit: int = 50, before: int | None = None) -> list[StoredMessage]:
        return read_messages(self._db, chat, limit, before)

    def unread(self, chat: str) -> list[StoredMessage]:
        return read_unread(self._db, chat, self._user)

    def describe(self, chat: str, kind: str | None = None, name: str | None = None) -> None:
        """Keeps what kind of chat it is, and the name this user gave it."""
        with self.transaction() as db:
            self.open_chat(chat)
            db.execute(
                "UPDATE chats SET kind = coalesce(?, kind), name = coalesce(?, name) "
                "WHERE chat = ?",
                (kind, name, chat),
            )

    def set_gone(self, chat: str, gone: bool) -> None:
        """Whether the chat is hidden; what was written in it stays."""
        with self.transaction() as db:
            db.execute("UPDATE chats SET gone = ? WHERE chat = ?", (gone, chat))

    # -- the engine's ledger

    def places(self) -> list[Place]:
        rows = self._db.execute(
            "SELECT chat, watermark, read, reported_delivered, reported_read FROM chats"
        )
        return [Place(chat, mark, read, Watermarks(d, r)) for chat, mark, read, d, r in rows]

    def open_chat(self, chat: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO chats (chat) VALUES (?)", (chat,))

    def set_watermark(self, chat: str, watermark: int) -> None:
        self._db.execute("UPDATE chats SET watermark = ? WHERE chat = ?", (watermark, chat))

    def set_read(self, chat: str, read: int) -> None:
        self._db.execute("UPDATE chats SET read = ? WHERE chat = ?", (read, chat))

    def set_reported(self, chat: str, reported: Watermarks) -> None:
        self._db.execute(
            "UPDATE chats SET reported_delivered = ?, reported_read = ? WHERE chat = ?",
            (reported.delivered, reported.read, chat),
        )

    def position(self, chat: str, sender: str, device: str, message_id: str) -> int | None:
        row = self._db.execute(
            "SELECT seq FROM messages WHERE chat = ? AND sender = ? AND sender_device = ? "
            "AND message_id = ?",
            (chat, sender, device, message_id),
        ).fetchone()
        return row[0] if row else None

    def add(self, message: Message, text: str | None, state: State | None) -> None:
        self._db.execute(
            "INSERT INTO messages (chat, seq, message_id, sender, sender_device, sent_at, alg, "
            "payload, text, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                message.chat,
                message.seq,
                message.message_id,
                message.sender,
                message.sender_device,
                message.sent_at,
                message.alg,
                message.payload if text is None else None,
                text,
                None if state is None else state.value,
            ),
        )

    def senders(self, chat: str, after: int, to: int, besides: str) -> set[str]:
        rows = self._db.execute(
            "SELECT DISTINCT sender FROM messages "
            "WHERE chat = ? AND seq > ? AND seq <= ? AND sender != ?",
            (chat, after, to, besides),
        )
        return {sender for (sender,) in rows}

    def add_missing(self, chat: str, first: int, last: int) -> None:
        self._db.execute("INSERT INTO missing VALUES (?, ?, ?)", (chat, first, last))

    def add_own(
        self, chat: str, message_id: str, sender: str, device: str, text: str | None, alg: str
    ) -> None:
        self._db.execute(
            "INSERT INTO messages (chat, message_id, sender, sender_device, alg, text, state) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (chat, message_id, sender, device, alg, text, State.WAITING.value),
        )

    def own(self, message_id: str) -> Own | None:
        row = self._db.execute(
            "SELECT chat, message_id, seq, state, text FROM messages "
            "WHERE message_id = ? AND sender = ? AND sender_device = ?",
            (message_id, self._user, self._device),
        ).fetchone()
        return Own(row[0], row[1], row[2], State(row[3]), row[4]) if row else None

    def unread_own(self, chat: str, to: int) -> list[Own]:
        rows = self._db.execute(
            "SELECT chat, message_id, seq, state, text FROM messages "
            "WHERE chat = ? AND state IN (2, 3) AND seq <= ? ORDER BY seq",
            (chat, to),
        )
        return [Own(chat, name, seq, State(state), text) for chat, name, seq, state, text in rows]

    def place_own(self, message_id: str, seq: int, sent_at: float) -> None:
        self._db.execute(
            "UPDATE messages SET seq = ?, sent_at = ? "
            "WHERE message_id = ? AND sender = ? AND sender_device = ?",
            (seq, sent_at, message_id, self._user, self._device),
        )

    def set_state(self, message_id: str, state: State, reason: str | None = None) -> None:
        self._db.execute(
            "UPDATE messages SET state = ?, reason = ? WHERE message_id = ? AND sender = ?",
            (state.value, reason, message_id, self._user),
        )

    def queue(self, message_id: str, chat: str, frame: dict[str, Any]) -> None:
        self._db.execute(
            "INSERT INTO outbox (message_id, chat, frame) VALUES (?, ?, ?)",
            (message_id, chat, encode(frame)),
        )

    def unqueue(self, message_id: str) -> None:
        self._db.execute("DELETE FROM outbox WHERE message_id = ?", (message_id,))

    def queued(self) -> list[Queued]:
        rows = self._db.execute("SELECT message_id, chat, frame FROM outbox ORDER BY number")
        return [Queued(name, chat, json.loads(frame)) for name, chat, frame in rows]

    def members(self, chat: str) -> dict[str, Watermarks]:
        rows = self._db.execute(
            "SELECT user, delivered, read FROM members WHERE chat = ? ORDER BY user", (chat,)
        )
        return {user: Watermarks(delivered, read) for user, delivered, read in rows}

    def set_members(self, chat: str, members: Mapping[str, Watermarks]) -> None:
        self._db.execute("DELETE FROM members WHERE chat = ?", (chat,))
        for user, marks in members.items():
            self.set_member(chat, user, marks)

    def set_member(self, chat: str, user: str, marks: Watermarks) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?)",
            (chat, user, marks.delivered, marks.read),
        )
