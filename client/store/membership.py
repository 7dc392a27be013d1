"""The part of a store that is about who is in a chat."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from client.core.frames import Watermarks


class Membership:
    """Methods of the engine's ledger (client/core/ledger.py says what each does)."""

    db: sqlite3.Connection

    def members(self, chat: str) -> dict[str, Watermarks]:
        rows = self.db.execute(
            "SELECT user, delivered, read FROM members WHERE chat = ? ORDER BY user", (chat,)
        )
        return {user: Watermarks(delivered, read) for user, delivered, read in rows}

    def set_members(self, chat: str, members: Mapping[str, Watermarks]) -> None:
        known = self.db.execute("SELECT user, after FROM members WHERE chat = ?", (chat,))
        after = dict(known.fetchall())
        (before,) = self.db.execute(
            "SELECT coalesce(max(members_at), 0) FROM chats WHERE chat = ?", (chat,)
        ).fetchone()
        self.db.execute("DELETE FROM members WHERE chat = ?", (chat,))
        self.db.executemany(
            "INSERT INTO members VALUES (?, ?, ?, ?, ?)",
            [
                (chat, user, marks.delivered, marks.read, after.get(user, before if after else 0))
                for user, marks in members.items()
            ],
        )

    def members_seen(self, chat: str, at: int) -> None:
        self.db.execute(
            "UPDATE chats SET members_at = ? WHERE chat = ? AND members_at < ?", (at, chat, at)
        )

    def member_after(self, chat: str, user: str) -> int | None:
        """The user is in the chat, and what stands at or below this seq is from before."""
        row = self.db.execute(
            "SELECT after FROM members WHERE chat = ? AND user = ?", (chat, user)
        ).fetchone()
        return row[0] if row else None

    def kind(self, chat: str) -> str | None:
        row = self.db.execute("SELECT kind FROM chats WHERE chat = ?", (chat,)).fetchone()
        return row[0] if row else None

    def set_member(self, chat: str, user: str, marks: Watermarks) -> None:
        self.db.execute(
            "INSERT INTO members (chat, user, delivered, read) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET delivered = excluded.delivered, read = excluded.read",
            (chat, user, marks.delivered, marks.read),
        )
