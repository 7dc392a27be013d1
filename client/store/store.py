"""One device's state in one SQLite file: `Store` is the ledger of the engine, and more.

All writes happen inside `transaction()`: a message taken and the watermark that moved over it
are on disk together or not at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.core.content import MessageContent, Reference
from client.core.frames import Message, Watermarks
from client.core.ledger import Own, ReadPosition
from client.core.ticks import State
from client.errors import StoreError
from client.store.changes import CONTENT, StoredChanges, columns_of, content_of
from client.store.database import BUSY_SECONDS, Database, translated
from client.store.history import (
    ChatSummary,
    StoredMessage,
    read_chats,
    read_message,
    read_messages,
    read_unread,
)
from client.store.lock import FileLock
from client.store.membership import StoredMembers
from client.store.outgoing import OutgoingMessages
from client.store.tables import migrate, require_own_file
from client.store.uploads import StoredUploads
from client.store.vault import Vault, open_vault
from client.store.waiting import WaitingMessages


@dataclass(frozen=True, slots=True)
class Session:
    """The user and device that this file belongs to, and their tokens."""

    user: str
    device: str
    access_token: str | None = None
    refresh_token: str | None = None
    push_platform: str | None = None
    push_token: str | None = None


@dataclass(frozen=True, slots=True)
class OwnText:
    """All but `content` are None until it is accepted; `accepted_at` is by this device's clock."""

    seq: int | None
    content: MessageContent
    sent_at: float | None
    accepted_at: float | None


class Store(WaitingMessages, OutgoingMessages, StoredMembers, StoredChanges, StoredUploads):
    def __init__(
        self,
        connection: sqlite3.Connection,
        user: str,
        device: str,
        vault: Vault,
        lock: FileLock | None = None,
    ) -> None:
        self.db, self.vault = connection, vault
        self._user, self._device = user, device
        self._lock = lock

    @classmethod
    def open(cls, path: Path | str, user: str, device: str, passphrase: str | None = None) -> Store:
        """Opens or makes the file. `:memory:` keeps everything in memory.

        The ratchet state in it is encrypted: with the key in a file beside it, or by `passphrase`.
        Raises StoreError if the file belongs to another program or device, is in use or is newer,
        or if key or passphrase don't fit.
        """
        if str(path) == ":memory:":
            memory = Database.open(path)
            return cls._on(memory, user, device, lambda empty: Vault.in_memory(), None)
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        require_own_file(path)  # before anything is made or changed there
        lock = FileLock(path.with_suffix(".lock"), f"{user}/{device}")
        try:
            path.touch(mode=0o600)  # it holds keys, tokens and what was written
            db = Database.open(path)
            try:
                db.execute("PRAGMA journal_mode = WAL")
                # FULL: a power cut must not lose a message for which a receipt was sent
                db.execute("PRAGMA synchronous = FULL")
                return cls._on(
                    db, user, device, lambda empty: open_vault(db, path, passphrase, empty), lock
                )
            except BaseException:
                db.close()
                raise
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _on(
        cls,
        db: sqlite3.Connection,
        user: str,
        device: str,
        unlock: Callable[[bool], Vault],
        lock: FileLock | None,
    ) -> Store:
        migrate(db)
        empty = db.execute("SELECT 1 FROM session").fetchone() is None
        store = cls(db, user, device, unlock(empty), lock)
        session = store.session()
        if session is None:
            with store.transaction():
                db.execute(
                    "INSERT INTO session (only, user, device) VALUES (1, ?, ?)", (user, device)
                )
        elif (session.user, session.device) != (user, device):
            raise StoreError(
                f"this file belongs to {session.user}/{session.device}, not to {user}/{device}"
            )
        return store

    def close(self) -> None:
        self.db.close()
        if self._lock is not None:
            self._lock.release()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside is on disk when it ends, or nothing if it raises.

        Raises StoreUnavailable where it is locked or the disk is full.
        """
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
            self.db.execute("COMMIT")
        except sqlite3.Error as error:  # of reading rows
            self._take_back()
            raise translated(error) from error
        except BaseException:
            self._take_back()
            raise

    def _take_back(self) -> None:
        if self.db.in_transaction:  # not if SQLite has done so, because the disk was full
            self.db.execute("ROLLBACK")

    def probe(self) -> None:
        """Raises StoreUnavailable, without waiting, where nothing can be written."""
        self.db.execute("PRAGMA busy_timeout = 0")
        try:
            with self.transaction() as db:
                db.execute("UPDATE session SET user = user")
        finally:
            self.db.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Inside a transaction: what raises is taken back, and what was before it stays."""
        self.db.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK TO attempt")
            raise
        finally:
            if self.db.in_transaction:
                self.db.execute("RELEASE attempt")

    # -- the session

    def session(self) -> Session | None:
        row = self.db.execute(
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
        return read_chats(self.db, self._user)

    def history(self, chat: str, limit: int = 50, before: int | None = None) -> list[StoredMessage]:
        return read_messages(self.db, chat, limit, before)

    def message(self, chat: str, of: Reference) -> StoredMessage | None:
        return read_message(self.db, chat, of)

    def save_profile(self, profile: MessageContent) -> None:
        with self.transaction():
            self.keep_profile(profile)

    def unread(self, chat: str) -> list[StoredMessage]:
        return read_unread(self.db, chat, self._user)

    def describe(self, chat: str, kind: str | None = None, name: str | None = None) -> None:
        """Keeps what kind of chat it is, and the name this user gave it."""
        with self.transaction() as db:
            self.open_chat(chat)
            db.execute(
                "UPDATE chats SET kind = coalesce(?, kind), name = coalesce(?, name) "
                "WHERE chat = ?",
                (kind, name, chat),
            )

    # -- the engine's ledger

    def set_gone(self, chat: str, gone: bool) -> None:
        self.db.execute("UPDATE chats SET gone = ? WHERE chat = ?", (gone, chat))

    def read_positions(self) -> list[ReadPosition]:
        rows = self.db.execute(
            "SELECT chat, watermark, read, reported_delivered, reported_read, gone FROM chats"
        ).fetchall()
        return [
            ReadPosition(chat, mark, read, Watermarks(d, r), self.first_waiting(chat), bool(gone))
            for chat, mark, read, d, r, gone in rows
        ]

    def open_chat(self, chat: str) -> None:
        self.db.execute("INSERT OR IGNORE INTO chats (chat) VALUES (?)", (chat,))

    def set_watermark(self, chat: str, watermark: int) -> None:
        self.db.execute("UPDATE chats SET watermark = ? WHERE chat = ?", (watermark, chat))

    def set_read(self, chat: str, read: int) -> None:
        self.db.execute("UPDATE chats SET read = ? WHERE chat = ?", (read, chat))

    def read_mark(self, chat: str) -> int:
        row = self.db.execute("SELECT read FROM chats WHERE chat = ?", (chat,)).fetchone()
        return row[0] if row else 0

    def set_reported(self, chat: str, reported: Watermarks) -> None:
        self.db.execute(
            "UPDATE chats SET reported_delivered = ?, reported_read = ? WHERE chat = ?",
            (reported.delivered, reported.read, chat),
        )

    def add(
        self,
        message: Message,
        content: MessageContent | None,
        state: State | None,
        reason: str | None = None,
        ask_at: float | None = None,
    ) -> None:
        row = {
            "chat": message.chat,
            "seq": message.seq,
            "message_id": message.message_id,
            "sender": message.sender,
            "sender_device": message.sender_device,
            "sent_at": message.sent_at,
            "alg": message.alg,
            "payload": message.payload if content is None else None,
            "state": None if state is None else state.value,
            "reason": reason,
            "ask_at": ask_at,
            **columns_of(content, message.message_id),
        }
        names = ", ".join(row)
        marks = ", ".join("?" for _ in row)
        self.db.execute(
            f"INSERT INTO messages ({names}) VALUES ({marks})",  # noqa: S608 - fixed texts
            tuple(row.values()),
        )

    def senders(self, chat: str, after: int, to: int, besides: str) -> set[str]:
        rows = self.db.execute(
            "SELECT DISTINCT sender FROM messages "
            "WHERE chat = ? AND seq > ? AND seq <= ? AND sender != ?",
            (chat, after, to, besides),
        )
        return {sender for (sender,) in rows}

    def add_missing(self, chat: str, first: int, last: int) -> None:
        self.db.execute("INSERT INTO missing VALUES (?, ?, ?)", (chat, first, last))

    def own(self, message_id: str) -> Own | None:
        row = self.db.execute(
            "SELECT chat, message_id, seq, state, text, hidden, target FROM messages "
            "WHERE message_id = ? AND sender = ? AND sender_device = ?",
            (message_id, self._user, self._device),
        ).fetchone()
        if row is None:
            return None
        chat, name, seq, state, text, hidden, of = row
        target = None if of is None else Reference(*of.split(" "))
        return Own(chat, name, seq, State(state), text, not hidden, target)

    def own_text(self, chat: str, message_id: str) -> OwnText | None:
        """What this device wrote under that id in that chat, unless it is gone."""
        row = self.db.execute(
            f"SELECT seq, sent_at, accepted_at, {CONTENT} FROM messages WHERE chat = ? "  # noqa: S608
            "AND message_id = ? AND sender = ? AND sender_device = ? AND gone IS NULL",
            (chat, message_id, self._user, self._device),
        ).fetchone()
        content = content_of(*row[3:]) if row else None
        return None if content is None else OwnText(row[0], content, *row[1:3])

    def ticking(self, chat: str, everyone: Watermarks) -> list[Own]:
        # two ranges of an index, which SQLite takes only if its own condition stands there as well
        own = (
            "SELECT chat, message_id, seq, state, text FROM messages "
            "INDEXED BY messages_not_read WHERE state IN (2, 3) AND NOT hidden AND chat = ?"
        )
        rows = self.db.execute(
            f"{own} AND state = 2 AND seq <= ? UNION ALL {own} AND state = 3 AND seq <= ? "
            "ORDER BY seq",
            (chat, max(everyone.delivered, everyone.read), chat, everyone.read),
        )
        return [Own(chat, name, seq, State(state), text) for chat, name, seq, state, text in rows]

    def place_own(self, message_id: str, seq: int, sent_at: float, now: float) -> None:
        self.db.execute(
            "UPDATE messages SET seq = ?, sent_at = ?, accepted_at = coalesce(accepted_at, ?), "
            "counted_from = CASE WHEN expires IS NULL OR gone IS NOT NULL THEN NULL "
            "ELSE coalesce(counted_from, ?) END "
            "WHERE message_id = ? AND sender = ? AND sender_device = ?",
            (seq, sent_at, now, now, message_id, self._user, self._device),
        )

    def set_state(self, message_id: str, state: State, reason: str | None = None) -> None:
        self.db.execute(
            "UPDATE messages SET state = ?, reason = CASE WHEN text IS NULL THEN reason ELSE ? END "
            "WHERE message_id = ? AND sender = ?",
            (state.value, reason, message_id, self._user),
        )
