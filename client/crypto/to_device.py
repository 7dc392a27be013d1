"""The queue of to-device messages: texts that a device did not receive, keys, comparisons."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

COPIES = 3  # of one text to one device


class ToDeviceMessage(NamedTuple):
    """`fields` of a `copy` name only the text: it is looked up when the copy is made."""

    number: int
    device: str
    kind: str
    fields: Mapping[str, Any]


class ToDeviceQueue:
    """All methods inside a transaction. A message is queued until it is sealed into a frame."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, chat: str, device: str, kind: str, fields: Mapping[str, Any]) -> None:
        """Queues a message, unless the same one is queued already."""
        text = json.dumps(fields, ensure_ascii=False, sort_keys=True)
        self._db.execute(
            "INSERT OR IGNORE INTO errands (chat, device, kind, fields) VALUES (?, ?, ?, ?)",
            (chat, device, kind, text),
        )

    def add_copy(self, chat: str, device: str, message_id: str, *, asked: bool = False) -> None:
        """The same copy is queued once. `asked`: the device got the text, and can't read it."""
        waiting = {
            (each.device, each.fields["of"]) for each in self.of(chat) if each.kind == "copy"
        }
        if (device, message_id) not in waiting:
            fields = {"of": message_id, **({"asked": True} if asked else {})}
            self.add(chat, device, "copy", fields)

    def devices(self) -> dict[str, set[str]]:
        """Chat -> devices."""
        found: dict[str, set[str]] = {}
        for chat, device in self._db.execute("SELECT DISTINCT chat, device FROM errands"):
            found.setdefault(chat, set()).add(device)
        return found

    def of(self, chat: str) -> list[ToDeviceMessage]:
        rows = self._db.execute(
            "SELECT number, device, kind, fields FROM errands WHERE chat = ? ORDER BY number",
            (chat,),
        )
        return [
            ToDeviceMessage(number, name, kind, json.loads(text))
            for number, name, kind, text in rows
        ]

    def done(self, message: ToDeviceMessage) -> None:
        self._db.execute("DELETE FROM errands WHERE number = ?", (message.number,))

    def drop(self, kind: str) -> None:
        self._db.execute("DELETE FROM errands WHERE kind = ?", (kind,))

    # -- copies

    def copies(self, chat: str, message_id: str, device: str) -> int:
        """How often the device was sent that text again."""
        row = self._db.execute(
            "SELECT sent FROM copies WHERE chat = ? AND message_id = ? AND device = ?",
            (chat, message_id, device),
        ).fetchone()
        return row[0] if row else 0

    def copied(self, chat: str, message_id: str, device: str) -> None:
        self._db.execute(
            "INSERT INTO copies VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET sent = sent + 1",
            (chat, message_id, device),
        )
