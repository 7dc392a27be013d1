"""The part of a store with the files that wait to be uploaded, encrypted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TABLE = """
-- what is to be sent once its file is uploaded; `content` lacks the file's id
CREATE TABLE uploads (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE, chat TEXT NOT NULL,
    content TEXT NOT NULL, body BLOB NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Upload:
    """`size` is that of the encrypted file, in bytes."""

    message_id: str
    chat: str
    content: Mapping[str, Any]
    size: int


class StoredUploads:
    """Changes are made inside a transaction."""

    db: sqlite3.Connection

    def add_upload(
        self, message_id: str, chat: str, content: Mapping[str, Any], body: bytes
    ) -> None:
        self.db.execute(
            "INSERT INTO uploads (message_id, chat, content, body) VALUES (?, ?, ?, ?)",
            (message_id, chat, json.dumps(content), body),
        )

    def remove_upload(self, message_id: str) -> bool:
        """False if there is none (any more)."""
        done = self.db.execute("DELETE FROM uploads WHERE message_id = ?", (message_id,))
        return done.rowcount > 0

    def uploads(self) -> list[Upload]:
        """In the order of sending."""
        rows = self.db.execute(
            "SELECT message_id, chat, content, length(body) FROM uploads ORDER BY number"
        )
        return [Upload(name, chat, json.loads(content), size) for name, chat, content, size in rows]

    def upload_body(self, message_id: str) -> bytes | None:
        row = self.db.execute(
            "SELECT body FROM uploads WHERE message_id = ?", (message_id,)
        ).fetchone()
        return None if row is None else bytes(row[0])
