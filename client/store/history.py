"""Reading the store for people: chats and what was written in them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from client.core.ticks import State


@dataclass(frozen=True, slots=True)
class ChatSummary:
    """A chat as a list shows it. `members` are sorted, with this user among them.

    `left`: the user is no longer in it, and `members` are those of before.
    """

    chat: str
    kind: str | None
    name: str | None
    members: tuple[str, ...]
    watermark: int
    read: int
    unread: int
    left: bool


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as history shows it. `state` is None for what others wrote."""

    chat: str
    seq: int | None
    message_id: str
    sender: str
    sender_device: str
    sent_at: float | None
    text: str | None
    state: State | None
    reason: str | None


_COLUMNS = "chat, seq, message_id, sender, sender_device, sent_at, text, state, reason"


def read_chats(db: sqlite3.Connection, user: str) -> list[ChatSummary]:
    """Chats the user is in or was in, the one with the newest message last."""
    rows = db.execute(
        "SELECT c.chat, c.kind, c.name, c.watermark, c.read, "
        "(SELECT count(*) FROM messages m WHERE m.chat = c.chat AND m.seq > c.read "
        " AND m.sender != ?), "
        "(SELECT max(number) FROM messages m WHERE m.chat = c.chat) AS newest, gone "
        "FROM chats c WHERE NOT gone OR watermark > 0 ORDER BY newest, c.rowid",
        (user,),
    ).fetchall()
    return [
        ChatSummary(chat, kind, name, _members(db, chat), watermark, read, unread, bool(gone))
        for chat, kind, name, watermark, read, unread, _, gone in rows
    ]


def read_messages(
    db: sqlite3.Connection, chat: str, limit: int, before: int | None = None
) -> list[StoredMessage]:
    """The newest `limit` messages (below seq `before`, if given), oldest first.

    What has no position yet stands last, in the order of writing.
    """
    bound = "" if before is None else "AND seq < ?"
    arguments = (chat, limit) if before is None else (chat, before, limit)
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM messages WHERE chat = ? {bound} "  # noqa: S608 - fixed texts
        "ORDER BY seq IS NULL DESC, seq DESC, number DESC LIMIT ?",
        arguments,
    ).fetchall()
    return [_message(row) for row in reversed(rows)]


def read_unread(db: sqlite3.Connection, chat: str, user: str) -> list[StoredMessage]:
    """What others wrote above the read watermark, in order."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM messages WHERE chat = ? AND sender != ? "  # noqa: S608
        "AND seq > (SELECT read FROM chats WHERE chat = messages.chat) ORDER BY seq",
        (chat, user),
    ).fetchall()
    return [_message(row) for row in rows]


def _message(row: tuple[Any, ...]) -> StoredMessage:
    *fields, state, reason = row
    values = (*fields, None if state is None else State(state), reason)
    return StoredMessage(*values)


def _members(db: sqlite3.Connection, chat: str) -> tuple[str, ...]:
    rows = db.execute("SELECT user FROM members WHERE chat = ? ORDER BY user", (chat,))
    return tuple(user for (user,) in rows)
