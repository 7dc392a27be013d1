"""The part of a store with the messages that can't be shown yet, or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from client.core.content import MessageContent
from client.core.frames import Message
from client.core.ids import user_and_device
from client.core.ledger import Filled
from client.store.changes import columns_of


class WaitingMessages:
    """Methods of the engine's ledger (client/core/ledger.py says what each does)."""

    db: sqlite3.Connection
    _user: str

    def has(self, chat: str, sender: str, device: str, message_id: str) -> bool:
        place = (chat, sender, device, message_id)
        row = self.db.execute(
            "SELECT 1 FROM messages WHERE chat = ? AND sender = ? AND sender_device = ? "
            "AND message_id = ? UNION ALL "
            "SELECT 1 FROM hidden WHERE chat = ? AND sender = ? AND sender_device = ? "
            "AND message_id = ?",
            place * 2,
        ).fetchone()
        return row is not None

    def add_hidden(self, message: Message, *, keep: bool) -> None:
        self.db.execute(
            "INSERT INTO hidden VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                message.chat,
                message.sender,
                message.sender_device,
                message.message_id,
                message.seq,
                message.sent_at,
                message.alg,
                message.payload if keep else None,
            ),
        )

    def fill(
        self, chat: str, sender: str, device: str, message_id: str, content: MessageContent
    ) -> Filled | None:
        row = columns_of(content, message_id)
        columns = ", ".join(f"{name} = ?" for name in row)
        found = self.db.execute(
            f"UPDATE messages SET {columns}, payload = NULL, reason = NULL, ask_at = NULL "  # noqa: S608
            "WHERE chat = ? AND sender = ? AND sender_device = ? AND message_id = ? "
            "AND text IS NULL RETURNING seq, sent_at",
            (*row.values(), chat, sender, device, message_id),
        ).fetchone()
        return Filled(*found) if found else None

    def wait(self, message: Message, reason: str, ask_at: float | None) -> None:
        self.db.execute(
            "UPDATE messages SET reason = ?, "
            "ask_at = CASE WHEN asked = 0 THEN coalesce(ask_at, ?) ELSE ask_at END "
            "WHERE chat = ? AND sender = ? AND sender_device = ? AND message_id = ? "
            "AND text IS NULL",
            (reason, ask_at, *_identity(message)),
        )

    def opened_hidden(self, message: Message) -> None:
        self.db.execute(
            "UPDATE hidden SET payload = NULL "
            "WHERE chat = ? AND sender = ? AND sender_device = ? AND message_id = ?",
            _identity(message),
        )
        # by its id it was one to show
        self.db.execute(
            "UPDATE messages SET payload = NULL, ask_at = NULL WHERE chat = ? AND sender = ? "
            "AND sender_device = ? AND message_id = ? AND text IS NULL",
            _identity(message),
        )

    def waiting(
        self, sender: str, device: str | None = None, chat: str | None = None
    ) -> list[Message]:
        columns = "chat, seq, message_id, sender, sender_device, sent_at, alg, payload"
        condition = (
            "payload IS NOT NULL AND sender = ? AND sender_device = coalesce(?, sender_device) "
            "AND chat = coalesce(?, chat)"
        )
        rows = self.db.execute(
            f"SELECT {columns} FROM messages WHERE {condition} "  # noqa: S608 - fixed texts
            f"UNION ALL SELECT {columns} FROM hidden WHERE {condition} ORDER BY chat, seq",
            (sender, device, chat) * 2,
        )
        return [Message(*row) for row in rows]

    def payloads(
        self, chat: str, device: str, message_ids: Sequence[str], reason: str
    ) -> list[str]:
        """Of those of these messages that wait for this reason."""
        place = (chat, *user_and_device(device))
        rows = self.db.execute(
            "SELECT message_id, payload FROM messages WHERE chat = ? AND sender = ? "
            "AND sender_device = ? AND reason = ? AND payload IS NOT NULL",
            (*place, reason),
        )
        return [payload for message_id, payload in rows if message_id in set(message_ids)]

    def asks(self, at: float) -> dict[tuple[str, str], list[str]]:
        rows = self.db.execute(
            "SELECT chat, sender || '/' || sender_device, message_id FROM messages "
            "WHERE ask_at <= ? ORDER BY chat, seq",
            (at,),
        )
        found: dict[tuple[str, str], list[str]] = {}
        for chat, device, message_id in rows:
            found.setdefault((chat, device), []).append(message_id)
        return found

    def next_ask(self, after: float) -> float | None:
        (at,) = self.db.execute(
            "SELECT min(ask_at) FROM messages WHERE ask_at > ?", (after,)
        ).fetchone()
        return None if at is None else float(at)

    def to_ask(self, chat: str, device: str, at: float) -> list[str]:
        rows = self.db.execute(
            "SELECT message_id FROM messages INDEXED BY messages_to_ask_of WHERE chat = ? "
            "AND sender = ? AND sender_device = ? AND ask_at <= ? ORDER BY seq",
            (chat, *user_and_device(device), at),
        )
        return [message_id for (message_id,) in rows]

    def first_waiting(self, chat: str) -> int | None:
        row = self.db.execute(
            "SELECT seq FROM messages INDEXED BY messages_first_waiting WHERE chat = ? "
            "AND seq IS NOT NULL AND ask_at IS NOT NULL AND NOT hidden AND text IS NULL "
            "AND sender != ? ORDER BY seq LIMIT 1",
            (chat, self._user),
        ).fetchone()
        return None if row is None else int(row[0])

    def asked(
        self,
        chat: str,
        device: str,
        message_ids: Sequence[str],
        after: Sequence[float],
        at: float,
    ) -> None:
        for message_id in message_ids:
            (times,) = self.db.execute(
                "UPDATE messages SET asked = asked + 1, ask_at = NULL "
                "WHERE chat = ? AND sender = ? AND sender_device = ? AND message_id = ? "
                "RETURNING asked",
                (chat, *user_and_device(device), message_id),
            ).fetchone()
            if times < len(after):
                self.ask_at(chat, device, [message_id], at + after[times])

    def ask_at(self, chat: str, device: str, message_ids: Sequence[str], at: float | None) -> None:
        self.db.executemany(
            "UPDATE messages SET ask_at = ? WHERE chat = ? AND sender = ? AND sender_device = ? "
            "AND message_id = ? AND text IS NULL",
            [(at, chat, *user_and_device(device), message_id) for message_id in message_ids],
        )


def _identity(message: Message) -> tuple[str, str, str, str]:
    return message.chat, message.sender, message.sender_device, message.message_id
