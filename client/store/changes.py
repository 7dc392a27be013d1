"""The part of a store with changes of messages and chats, and with disappearing texts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from client.core.content import UNREADABLE, MessageContent, Reference, parse, text_content, written
from client.core.ids import ULID_LENGTH, is_shown, user_and_device
from client.core.ledger import Place
from client.core.view import Change

# Of a message, as `content_of` reads it.
CONTENT = "text, content"
# Of a message that changes another or a chat; those that failed change nothing.
_CHANGE = (
    "SELECT sender, text, content, seq, number FROM messages "
    "WHERE state IS NOT 0 AND text IS NOT NULL AND gone IS NULL AND "  # 0: State.FAILED
)


def content_of(text: str | None, content: str | None) -> MessageContent | None:
    """None as long as it can't be read."""
    if text is None:
        return None
    return text_content(text) if content is None else parse(json.loads(content))


def columns_of(content: MessageContent | None, message_id: str) -> dict[str, Any]:
    """The columns of `messages` that a content has; None of one that can't be read yet."""
    shown = is_shown(message_id)
    if content is None:
        return {"text": None, "hidden": not shown, "counts": shown}
    target = content.target
    return {
        "text": content.text,
        "content": None if content.plain else json.dumps(written(content), ensure_ascii=False),
        "kind": content.kind,
        "target": None if target is None else " ".join(target),
        "hidden": not content.shown,
        "counts": content.counts(shown_id=shown),
        "expires": content.expires,
    }


def read_changes(db: sqlite3.Connection, chat: str, target: Reference) -> list[Change]:
    condition = "chat = ? AND target = ?"
    return _changes(db.execute(_CHANGE + condition, (chat, " ".join(target))))


def read_writings(db: sqlite3.Connection, chat: str, kind: str) -> list[Change]:
    condition = "kind = ? AND kind != 'text' AND chat = ?"
    return _changes(db.execute(_CHANGE + condition, (kind, chat)))


def read_profiles(db: sqlite3.Connection, user: str) -> list[Change]:
    condition = "kind = 'profile' AND sender = ? ORDER BY message_id DESC"
    return _changes(db.execute(_CHANGE + condition, (user,)))


def _changes(rows: Iterable[tuple[Any, ...]]) -> list[Change]:
    """Without those that an earlier version took, and this one would not."""
    return [
        Change(sender, read, seq, number)
        for sender, text, content, seq, number in rows
        if (read := content_of(text, content)) is not None and read.kind != UNREADABLE
    ]


class StoredChanges:
    """Methods of the engine's ledger (client/core/ledger.py says what each does)."""

    db: sqlite3.Connection
    _user: str

    def changes(self, chat: str, target: Reference) -> list[Change]:
        return read_changes(self.db, chat, target)

    def writings(self, chat: str, kind: str) -> list[Change]:
        return read_writings(self.db, chat, kind)

    def place(self, chat: str, of: Reference) -> Place | None:
        row = self.db.execute(
            "SELECT seq, gone FROM messages WHERE chat = ? AND sender = ? AND sender_device = ? "
            "AND message_id = ?",
            _key(chat, of),
        ).fetchone()
        return Place(*row) if row else None

    def erase(self, chat: str, of: Reference, why: str) -> None:
        self.db.execute(
            "UPDATE messages SET text = '', content = NULL, payload = NULL, ask_at = NULL, "
            "counts = 0, hidden = ?, gone = ?, counted_from = NULL "
            "WHERE chat = ? AND sender = ? AND sender_device = ? AND message_id = ?",
            (why == "expired", why, *_key(chat, of)),
        )
        self.db.execute(
            "UPDATE messages SET text = '', content = NULL, gone = ? "
            "WHERE chat = ? AND target = ? AND kind != 'deletion'",
            (why, chat, " ".join(of)),
        )

    # -- the own profile

    def saved_profile(self) -> MessageContent | None:
        """The newest one, whichever of the user's devices has set it."""
        (stored,) = self.db.execute("SELECT profile FROM session").fetchone()
        profile = None if stored is None else parse(json.loads(stored))
        return None if profile is None or profile.kind == UNREADABLE else profile

    def keep_profile(self, profile: MessageContent) -> None:
        before = self.saved_profile()
        if before is None or before.fields["at"] < profile.fields["at"]:
            stored = json.dumps(written(profile), ensure_ascii=False)
            self.db.execute("UPDATE session SET profile = ?", (stored,))

    def wrote_in(self, chat: str) -> bool:
        """The user has written a text or a file in the chat, on any device: what cannot be read
        shows it by its id. A timer, which is shown as well, answers no request.
        """
        row = self.db.execute(
            "SELECT 1 FROM messages WHERE chat = ? AND sender = ? AND length(message_id) = ? "
            "LIMIT 1",
            (chat, self._user, ULID_LENGTH),
        ).fetchone()
        return row is not None

    def added(self, chat: str, users: Iterable[str]) -> bool:
        """This device has added one of them to the chat."""
        rows = self.db.execute("SELECT user FROM adding WHERE chat = ?", (chat,))
        return not {user for (user,) in rows}.isdisjoint(users)

    # -- what disappears

    def count_from(self, chat: str, of: Reference, at: float) -> None:
        self.db.execute(
            "UPDATE messages SET counted_from = ? WHERE chat = ? AND sender = ? "
            "AND sender_device = ? AND message_id = ? AND counted_from IS NULL",
            (at, *_key(chat, of)),
        )

    def to_count(self, chat: str, to: int) -> list[tuple[Reference, int, float]]:
        rows = self.db.execute(
            "SELECT sender || '/' || sender_device, message_id, expires, sent_at FROM messages "
            "WHERE chat = ? AND expires IS NOT NULL AND counted_from IS NULL AND gone IS NULL "
            "AND seq <= ? AND sender != ?",
            (chat, to, self._user),
        )
        return [(Reference(by, name), expires, sent_at) for by, name, expires, sent_at in rows]

    def expired(self, now: float) -> list[tuple[str, Reference]]:
        # The clock was set back: they would stay for as long as it was ahead.
        self.db.execute("UPDATE messages SET counted_from = ? WHERE counted_from > ?", (now, now))
        rows = self.db.execute(
            "SELECT chat, sender || '/' || sender_device, message_id FROM messages "
            "WHERE counted_from IS NOT NULL AND counted_from + expires <= ? ORDER BY chat, seq",
            (now,),
        )
        return [(chat, Reference(by, name)) for chat, by, name in rows]

    def next_expiry(self) -> float | None:
        (at,) = self.db.execute(
            "SELECT min(counted_from + expires) FROM messages WHERE counted_from IS NOT NULL"
        ).fetchone()
        return None if at is None else float(at)


def _key(chat: str, of: Reference) -> tuple[str, str, str, str]:
    return chat, *user_and_device(of.by), of.id
