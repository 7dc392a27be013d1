"""Queries of the store for people: chats, what was written in them, and who wrote it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from client.core.attachment import Attachment
from client.core.content import MessageContent, Reference
from client.core.ids import user_and_device
from client.core.ticks import State
from client.core.view import Reaction, newest, view
from client.store.changes import (
    CONTENT,
    content_of,
    read_changes,
    read_profiles,
    read_writings,
)


@dataclass(frozen=True, slots=True)
class ChatSummary:
    """A chat as a list shows it. `members` are sorted, with this user among them.

    `left`: the user is no longer in it, and `members` are those of before. `picture` is a group's,
    in base64; `timer`: the seconds after which what is written now disappears, 0 if it stays.
    """

    chat: str
    kind: str | None
    name: str | None
    members: tuple[str, ...]
    watermark: int
    read: int
    unread: int
    left: bool
    picture: str | None = None
    timer: int = 0


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that a reply answers. `here`: this device has it; else only who wrote it.

    `text` is as the message is seen now: None if it is deleted, or can't be read.
    """

    of: Reference
    sender: str
    text: str | None
    here: bool
    deleted: bool = False
    file: Attachment | None = None


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as history shows it. `state` is None for what others wrote.

    `text` is the last edit, "" for a kind without text, and None while it can't be read; `content`
    has the fields of its kind, and is None of what can't be read or is gone. Of a `deleted` message
    nothing else is left. `expires`: the seconds after which it disappears; it does so at
    `expires_at`, once that is counted.
    """

    chat: str
    seq: int | None
    message_id: str
    sender: str
    sender_device: str
    sent_at: float | None
    text: str | None
    state: State | None
    reason: str | None
    content: MessageContent | None = None
    edited: bool = False
    deleted: bool = False
    reactions: tuple[Reaction, ...] = ()
    reply: Quote | None = None
    expires: int | None = None
    expires_at: float | None = None

    @property
    def reference(self) -> Reference:
        return Reference(f"{self.sender}/{self.sender_device}", self.message_id)

    @property
    def kind(self) -> str:
        """Of its content, as in docs/protocol.md; a message that can't be read yet is a `text`."""
        return "text" if self.content is None else self.content.kind


@dataclass(frozen=True, slots=True)
class Profile:
    """What a user has said of themselves; a picture in base64."""

    user: str
    name: str | None = None
    picture: str | None = None


_COLUMNS = (
    "chat, seq, message_id, sender, sender_device, sent_at, state, reason, gone, expires, "
    f"counted_from, {CONTENT}"
)


def read_chats(db: sqlite3.Connection, user: str) -> list[ChatSummary]:
    """Chats the user is in or was in, the one with the newest message last."""
    rows = db.execute(
        "SELECT c.chat, c.kind, c.name, c.watermark, c.read, "
        "(SELECT count(*) FROM messages m WHERE m.chat = c.chat AND m.seq > c.read "
        " AND m.sender != ? AND counts), gone, "
        "(SELECT max(number) FROM messages m WHERE m.chat = c.chat AND NOT hidden) AS newest "
        "FROM chats c WHERE NOT gone OR watermark > 0 ORDER BY newest, c.rowid",
        (user,),
    ).fetchall()
    return [
        ChatSummary(
            chat,
            kind,
            # While it is not known what a chat is, it may be a stranger's direct chat.
            _named(db, chat, name) if kind == "group" else name,
            _members(db, chat),
            watermark,
            read,
            unread,
            bool(gone),
            read_setting(db, chat, "chat_picture", "picture") if kind == "group" else None,
            read_setting(db, chat, "timer", "seconds") or 0,
        )
        for chat, kind, name, watermark, read, unread, gone, _ in rows
    ]


def read_setting(db: sqlite3.Connection, chat: str, kind: str, field: str) -> Any:
    """What counts of a chat's timer, name or picture; None if nobody has set it."""
    found = newest(read_writings(db, chat, kind))
    return None if found is None else found.content.fields[field]


def _named(db: sqlite3.Connection, chat: str, otherwise: str | None) -> str | None:
    found = newest(read_writings(db, chat, "chat_name"))
    return otherwise if found is None else found.content.fields["name"]


def read_profile(db: sqlite3.Connection, user: str) -> Profile:
    rows = [change.content.fields for change in read_profiles(db, user)]
    fields = max(rows, key=lambda fields: fields["at"], default=None)
    return Profile(user) if fields is None else Profile(user, fields["name"], fields["picture"])


def read_messages(
    db: sqlite3.Connection, chat: str, limit: int, before: int | None = None
) -> list[StoredMessage]:
    """The newest `limit` messages (below seq `before`, if given), oldest first.

    What has no position yet stands last, in the order of writing.
    """
    bound = "" if before is None else "AND seq < ?"
    arguments = (chat, limit) if before is None else (chat, before, limit)
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM messages WHERE chat = ? AND NOT hidden {bound} "  # noqa: S608
        "ORDER BY seq IS NULL DESC, seq DESC, number DESC LIMIT ?",
        arguments,
    ).fetchall()
    return [_message(db, row) for row in reversed(rows)]


def read_message(db: sqlite3.Connection, chat: str, of: Reference) -> StoredMessage | None:
    row = _row(db, chat, of)
    return None if row is None else _message(db, row)


def read_unread(db: sqlite3.Connection, chat: str, user: str) -> list[StoredMessage]:
    """What others wrote above the read watermark, in order."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM messages WHERE chat = ? AND sender != ? AND counts "  # noqa: S608
        "AND seq > (SELECT read FROM chats WHERE chat = messages.chat) ORDER BY seq",
        (chat, user),
    ).fetchall()
    return [_message(db, row) for row in rows]


def _row(db: sqlite3.Connection, chat: str, of: Reference) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None = db.execute(
        f"SELECT {_COLUMNS} FROM messages WHERE chat = ? AND sender = ? "  # noqa: S608
        "AND sender_device = ? AND message_id = ? AND NOT hidden",
        (chat, *user_and_device(of.by), of.id),
    ).fetchone()
    return row


def _message(db: sqlite3.Connection, row: tuple[Any, ...]) -> StoredMessage:
    chat, seq, name, sender, device, sent_at, state, reason, gone, expires, counted, *stored = row
    read = content_of(*stored)
    content = None if gone else read
    of = Reference(f"{sender}/{device}", name)
    seen = view(of, read_changes(db, chat, of))
    text = _text(read) if seen.text is None or content is None else seen.text
    return StoredMessage(
        *(chat, seq, name, sender, device, sent_at, text),
        None if state is None else State(state),
        reason,
        content,
        edited=seen.text is not None,
        deleted=gone == "deleted" or seen.deleted,
        reactions=seen.reactions,
        reply=_quote(db, chat, content.reply) if content and content.reply else None,
        expires=expires,
        expires_at=None if counted is None else counted + expires,
    )


def _quote(db: sqlite3.Connection, chat: str, of: Reference) -> Quote:
    row = _row(db, chat, of)
    if row is None:
        return Quote(of, of.user, None, here=False)
    seen = view(of, read_changes(db, chat, of))
    content = content_of(*row[-2:])
    deleted = seen.deleted or row[8] is not None
    text = None if deleted else seen.text if seen.text is not None else _text(content)
    file = None if deleted or content is None else content.file
    return Quote(of, of.user, text, here=True, deleted=deleted, file=file)


def _text(content: MessageContent | None) -> str | None:
    return None if content is None else content.text


def _members(db: sqlite3.Connection, chat: str) -> tuple[str, ...]:
    rows = db.execute("SELECT user FROM members WHERE chat = ? ORDER BY user", (chat,))
    return tuple(user for (user,) in rows)
