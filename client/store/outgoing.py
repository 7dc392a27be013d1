"""The part of a store with the messages that are written here and not accepted yet."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from client.core.cipher import Draft
from client.core.frames import encode
from client.core.ledger import Queued
from client.core.ticks import State
from client.store.changes import columns_of, content_of


class OutgoingMessages:
    """Methods of the engine's ledger (client/core/ledger.py says what each does)."""

    db: sqlite3.Connection
    _user: str
    _device: str

    def add_own(self, draft: Draft, sender: str, device: str) -> None:
        row = columns_of(draft.content, draft.message_id)
        names = ", ".join(row)
        marks = ", ".join("?" for _ in row)
        self.db.execute(
            f"INSERT INTO messages (chat, message_id, sender, sender_device, alg, state, {names}) "  # noqa: S608
            f"VALUES (?, ?, ?, ?, '', ?, {marks})",
            (
                *(draft.chat, draft.message_id, sender, device, State.WAITING.value),
                *row.values(),
            ),
        )
        self.db.execute(
            "INSERT INTO drafts (message_id, chat, urgent) VALUES (?, ?, ?)",
            (draft.message_id, draft.chat, draft.urgent),
        )

    def drafts(self) -> list[Draft]:
        rows = self.db.execute(
            "SELECT d.message_id, d.chat, d.urgent, m.text, m.content FROM drafts d "
            "JOIN messages m ON m.message_id = d.message_id AND m.chat = d.chat "
            "AND m.sender = ? AND m.sender_device = ? AND m.gone IS NULL ORDER BY d.number",
            (self._user, self._device),
        )
        return [
            Draft(name, chat, content, bool(urgent))
            for name, chat, urgent, *stored in rows
            if (content := content_of(*stored)) is not None
        ]

    def undraft(self, message_id: str) -> None:
        self.db.execute("DELETE FROM drafts WHERE message_id = ?", (message_id,))

    def queue(self, message_id: str, chat: str, frame: dict[str, Any]) -> None:
        self.db.execute(
            "INSERT INTO outbox (message_id, chat, frame) VALUES (?, ?, ?)",
            (message_id, chat, encode(frame)),
        )
        self.db.execute(
            "UPDATE messages SET alg = ? WHERE message_id = ? AND chat = ? AND sender = ?",
            (frame["alg"], message_id, chat, self._user),
        )

    def unqueue(self, message_id: str) -> None:
        self.db.execute("DELETE FROM outbox WHERE message_id = ?", (message_id,))

    def queued(self) -> list[Queued]:
        rows = self.db.execute("SELECT message_id, chat, frame FROM outbox ORDER BY number")
        return [Queued(name, chat, json.loads(frame)) for name, chat, frame in rows]
