"""Texts as a terminal may show them: texts of others must not control it."""

from __future__ import annotations

import re
import time

from client.chats import USER
from client.core.attachment import Attachment
from client.core.ticks import State
from client.errors import CODES, ApiError, ClientError
from client.store.history import ChatSummary, Quote, StoredMessage

TICKS = {
    State.FAILED: "✗",
    State.WAITING: "◷",
    State.SENT: "✓",
    State.DELIVERED: "✓✓",
    State.READ: "✓✓",
}
WAITING = "(waiting for this message"
QUOTED = 60  # characters of a message that is answered

# The controls of C0 and C1 but the newline, the separators that end a line or a paragraph
# (https://www.unicode.org/reports/tr14/#BK), and the marks that turn the direction of the writing
# (https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters).
_STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
# Characters of a typed line. A text of so many is as long as a frame can be.
LONGEST_LINE = 30_000


def visible(text: str | None, reason: str | None = None) -> str:
    """Line ends stay; other control characters become a replacement mark.

    `reason`: why there is no text yet.
    """
    if text is None:
        return f"{WAITING}: {visible(reason)})" if reason else f"{WAITING})"
    return _STEERING.sub("\ufffd", text)


def one_line(text: str | None, reason: str | None = None) -> str:
    """As `visible`, and line ends too become a mark: a line of output is one message."""
    return visible(text, reason).replace("\n", " ⏎ ")


def sentence(error: Exception) -> str:
    """An error as a sentence for people: without the code of the protocol and the number of HTTP,
    or of the operating system, which are for programs.
    """
    if isinstance(error, ApiError):
        wait = "" if error.retry_after is None else f"; again in {error.retry_after:g} s"
        return f"{error.message}{wait}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)


def why(reason: str) -> str:
    """Why a message or a file was not sent, likewise."""
    code, _, said = reason.partition(": ")
    return said if code in CODES and said else reason


def users_in(text: str) -> list[str]:
    """The user names in "raju, meena". Raises ClientError for a word that can't be a user name."""
    names = [name.lower() for name in text.replace(",", " ").split()]  # they have small letters
    for name in names:
        if not USER.fullmatch(name):
            raise ClientError(f"a user name is 3 to 32 of a-z, 0-9 and _, not {one_line(name)}")
    return names


def shown(message: StoredMessage) -> str:
    """A message as people read it: what it answers, then its text, or what it does."""
    if message.deleted:
        return "(deleted)"
    if message.content is None:
        return visible(message.text, message.reason)
    body = _body(message)
    if message.reply is not None:
        body = f"> {message.reply.sender}: {_quoted(message.reply)[:QUOTED]}\n{body}"
    return body


def _quoted(reply: Quote) -> str:
    if reply.file is not None:
        return one_line(_file(reply.file, reply.text))
    if reply.text is not None:
        return one_line(reply.text)
    return "(deleted)" if reply.deleted else "(not here)"


def _body(message: StoredMessage) -> str:
    fields = message.content.fields if message.content else {}
    match message.kind:
        case "text":
            return f"{visible(message.text)}{' (edited)' if message.edited else ''}"
        case "file":
            file = message.content.file if message.content else None
            return "(a file)" if file is None else _file(file, message.text)
        case "timer" if fields["seconds"]:
            return f"(what is written now disappears after {duration(fields['seconds'])})"
        case "timer":
            return "(what is written now stays)"
        case "chat_name":
            return f"(the group is named {one_line(fields['name'] or 'nothing')})"
        case "chat_picture":
            return "(the group has another picture)" if fields["picture"] else "(no picture now)"
        case "unknown":
            return "(a message of a kind that this version does not know)"
        case _:
            return "(a message that can't be read)"


def _file(file: Attachment, text: str | None) -> str:
    caption = f" {visible(text)}" if text else ""
    return f"[{file.kind} {one_line(file.name)}, {bytes_of(file.size)}]{caption}"


def bytes_of(size: int) -> str:
    """A size as people read it: 812 bytes, 1.2 MB."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} byte{'' if size == 1 else 's'}"


def reactions(message: StoredMessage) -> str:
    """The reactions and their users, in one line; empty if there are none."""
    return "  ".join(f"{one_line(each.emoji)} {each.user}" for each in message.reactions)


def duration(seconds: int) -> str:
    for unit, name in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds % unit == 0:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"


def clock(seconds: float) -> str:
    return time.strftime("%H:%M", time.localtime(seconds))


def day(seconds: float) -> str:
    return time.strftime("%A, %d %B %Y", time.localtime(seconds))


def ago(seconds: float, now: float) -> str:
    """`12:03` today, with the date on other days."""
    here, there = time.localtime(now), time.localtime(seconds)
    if here[:3] == there[:3]:
        return clock(seconds)
    return time.strftime("%d %b %H:%M", there)


def title(chat: ChatSummary, me: str) -> str:
    """The other user's name, or the name that the user gave the group, or its members."""
    if chat.name:
        return chat.name
    others = [user for user in chat.members if user != me]
    if len(others) > 4:
        return f"{', '.join(others[:3])} and {len(others) - 3} more"
    return ", ".join(others) or chat.chat


def history_line(message: StoredMessage) -> str:
    """`3 raju: hi`, and the state of an own message."""
    seq = "-" if message.seq is None else str(message.seq)
    state = "" if message.state is None else f" ({message.state.name.lower()})"
    reacted = f" [{reactions(message)}]" if message.reactions else ""
    return f"{seq} {message.sender}: {one_line(shown(message))}{reacted}{state}"
