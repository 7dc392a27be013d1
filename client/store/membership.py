"""The part of a store with the members of chats."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping

from client.core.frames import Ranges, Watermarks


class StoredMembers:
    """Methods of the engine's ledger (client/core/ledger.py says what each does)."""

    db: sqlite3.Connection
    _user: str
    _device: str

    def kind(self, chat: str) -> str | None:
        row = self.db.execute("SELECT kind FROM chats WHERE chat = ?", (chat,)).fetchone()
        return row[0] if row else None

    def pair(self, chat: str) -> frozenset[str] | None:
        members = self.members(chat) if self.kind(chat) == "direct" else {}
        return frozenset(members) if len(members) == 2 and self._user in members else None

    def request(self, chat: str) -> bool | None:
        row = self.db.execute("SELECT request FROM chats WHERE chat = ?", (chat,)).fetchone()
        return None if row is None or row[0] is None else bool(row[0])

    def set_request(self, chat: str, request: bool) -> None:
        self.db.execute("UPDATE chats SET request = ? WHERE chat = ?", (request, chat))

    def members(self, chat: str) -> dict[str, Watermarks]:
        rows = self.db.execute(
            "SELECT user, delivered, read FROM members WHERE chat = ? ORDER BY user", (chat,)
        )
        return {user: Watermarks(delivered, read) for user, delivered, read in rows}

    def undelivered(self, chat: str) -> Ranges:
        row = self.db.execute("SELECT undelivered FROM chats WHERE chat = ?", (chat,)).fetchone()
        return tuple((first, last) for first, last in json.loads(row[0])) if row else ()

    def set_undelivered(self, chat: str, ranges: Ranges) -> None:
        self.db.execute(
            "UPDATE chats SET undelivered = ? WHERE chat = ?", (json.dumps(ranges), chat)
        )

    def members_told(self, chat: str) -> bool:
        row = self.db.execute("SELECT members_told FROM chats WHERE chat = ?", (chat,)).fetchone()
        return bool(row and row[0])

    def set_members(self, chat: str, members: Mapping[str, Watermarks], since: float) -> None:
        known = dict(
            self.db.execute("SELECT user, after FROM members WHERE chat = ?", (chat,)).fetchall()
        )
        before = self._before(chat, since) if self.members_told(chat) else 0
        for user in members.keys() - known.keys():
            known[user] = max(before, self._adding(chat, user))
        self.db.execute("DELETE FROM members WHERE chat = ?", (chat,))
        self.db.executemany(
            "INSERT INTO members VALUES (?, ?, ?, ?, ?)",
            [
                (chat, user, marks.delivered, marks.read, known[user])
                for user, marks in members.items()
            ],
        )
        self.db.execute("UPDATE chats SET members_told = 1 WHERE chat = ?", (chat,))

    def _before(self, chat: str, since: float) -> int:
        """The seq up to which messages are not for a member who becomes known now."""
        (seq,) = self.db.execute(
            "SELECT max(members_at, coalesce((SELECT max(seq) FROM messages m "
            "WHERE m.chat = c.chat AND accepted_at < ?), 0)) FROM chats c WHERE chat = ?",
            (since, chat),
        ).fetchone()
        return int(seq)

    def adding(self, chat: str, users: Collection[str], at: int) -> None:
        self.db.executemany(
            "INSERT INTO adding VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET after = max(after, excluded.after)",
            [(chat, user, at) for user in users],
        )
        # Texts that wait to be sealed are not among them: they will be sealed for the new members
        # too.
        self.db.executemany(
            "INSERT OR IGNORE INTO not_for SELECT message_id, ? FROM messages WHERE chat = ? "
            "AND sender = ? AND sender_device = ? AND seq IS NULL "
            "AND message_id NOT IN (SELECT message_id FROM drafts)",
            [
                (user, chat, self._user, self._device)
                for user in set(users) - self.members(chat).keys()
            ],
        )

    def _adding(self, chat: str, user: str) -> int:
        row = self.db.execute(
            "SELECT after FROM adding WHERE chat = ? AND user = ?", (chat, user)
        ).fetchone()
        return row[0] if row else 0

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

    def not_for(self, message_id: str, user: str) -> bool:
        """This device had sealed that text when it added the user."""
        row = self.db.execute(
            "SELECT 1 FROM not_for WHERE message_id = ? AND user = ?", (message_id, user)
        ).fetchone()
        return row is not None

    def set_member(self, chat: str, user: str, marks: Watermarks) -> None:
        self.db.execute(
            "UPDATE members SET delivered = ?, read = ? WHERE chat = ? AND user = ?",
            (marks.delivered, marks.read, chat, user),
        )
