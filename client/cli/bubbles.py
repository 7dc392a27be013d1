"""A conversation as lines of styled text: others on the left, own messages on the right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prompt_toolkit.utils import get_cwidth

from client.cli.text import TICKS, clock, day, one_line, reactions, shown, why
from client.core.ticks import State
from client.store.history import StoredMessage

Line = list[tuple[str, str]]  # (style class, text)
Notice = str | tuple[str, ...]  # a text, or the rows of a QR code

# Names in a group get one of these each, by their order.
NAMES = ("class:name1", "class:name2", "class:name3", "class:name4", "class:name5")
WIDEST = 72
TICK_STYLES = {State.READ: "class:tick.read", State.FAILED: "class:tick.failed"}


def lay_out(
    messages: Iterable[StoredMessage],
    me: str,
    width: int,
    notices: Mapping[str, list[Notice]],
    *,
    group: bool,
) -> list[Line]:
    """`notices` are shown below the message whose id is their key; those with the key "" come
    first.
    """
    lines = [line for text in notices.get("", ()) for line in _notice(text, width)]
    names: dict[str, str] = {}
    today, before = "", ""
    for message in messages:
        if message.sent_at is not None and day(message.sent_at) != today:
            today = day(message.sent_at)
            lines += [_centred(today, width), []]
            before = ""
        if message.sender != before and lines and lines[-1]:
            lines.append([])
        if message.sender == me:
            lines += _own(message, width)
        else:
            style = names.setdefault(message.sender, NAMES[len(names) % len(NAMES)])
            if group and message.sender != before:
                lines.append([(style, one_line(message.sender))])
            lines += _theirs(message, width)
        before = message.sender
        for text in notices.get(message.message_id, ()):
            lines += _notice(text, width)
    return lines


def fitted(text: str, columns: int) -> str:
    """As many words of the text as fit, with … in the place of those that are left out."""
    if get_cwidth(text) <= columns:
        return text
    words = text.split(" ")
    while words and get_cwidth(" ".join(words)) + 2 > columns:
        words.pop()
    kept = " ".join(words)
    return f"{kept} …" if kept.strip() else ""


def wrap(text: str, width: int) -> list[str]:
    """At spaces where possible; a word that is wider than a line is cut. Widths in cells."""
    rows: list[str] = []
    for paragraph in text.split("\n"):
        row = ""
        for word in paragraph.split(" "):
            candidate = f"{row} {word}" if row else word
            if get_cwidth(candidate) <= width:
                row = candidate
                continue
            if row:
                rows.append(row)
            *full, row = _cut(word, width)
            rows += full
        rows.append(row)
    return rows


def _cut(word: str, width: int) -> list[str]:
    pieces, piece, used = [], "", 0
    for character in word:
        cells = get_cwidth(character)
        if used + cells > width and piece:
            pieces.append(piece)
            piece, used = "", 0
        piece, used = piece + character, used + cells
    return [*pieces, piece]


def _own(message: StoredMessage, width: int) -> list[Line]:
    state = State.WAITING if message.state is None else message.state
    at = clock(message.sent_at) if message.sent_at is not None else "     "
    time, tick = f" {at} ", f"{TICKS[state]:<2}"
    rows = _even(wrap(shown(message), _room(width, time + tick)))
    style = "class:failed" if state is State.FAILED else "class:own"
    pad = max(0, width - get_cwidth(rows[0]) - get_cwidth(time + tick) - 2)
    lines: list[Line] = [[("", " " * pad), (style, f" {row} ")] for row in rows]
    lines[-1] += [("class:time", time), (TICK_STYLES.get(state, "class:tick"), tick)]
    if state is State.FAILED and message.reason:
        lines.append(_right(f"not sent: {one_line(why(message.reason))}", width))
    if message.reactions:
        lines.append(_right(reactions(message), width))
    return lines


def _theirs(message: StoredMessage, width: int) -> list[Line]:
    time = f" {clock(message.sent_at or 0)}"
    rows = _even(wrap(shown(message), _room(width, time)))
    readable = message.content is not None and message.kind == "text"
    style = "class:theirs" if readable else "class:unreadable"
    lines: list[Line] = [[(style, f" {row} ")] for row in rows]
    lines[-1].append(("class:time", time))
    if message.reactions:
        lines.append([("class:notice", f" {reactions(message)}")])
    return lines


def _even(rows: list[str]) -> list[str]:
    """Pads all lines to the width of the widest, so that a bubble is a rectangle."""
    widest = max(get_cwidth(row) for row in rows)
    return [row + " " * (widest - get_cwidth(row)) for row in rows]


def _notice(text: Notice, width: int) -> list[Line]:
    if isinstance(text, tuple):
        if get_cwidth(text[0]) > width:
            return _notice(f"(a QR code: it needs {get_cwidth(text[0])} columns)", width)
        return [[("class:code", row)] for row in text]
    return [[("class:notice", f"  {row}")] for row in wrap(text, max(8, width - 4))]


def _room(width: int, end: str) -> int:
    return max(8, min(WIDEST, width * 3 // 4, width - get_cwidth(end) - 2))


def _centred(text: str, width: int) -> Line:
    return [("", " " * max(0, (width - get_cwidth(text)) // 2)), ("class:day", text)]


def _right(text: str, width: int) -> Line:
    return [("", " " * max(0, width - get_cwidth(text) - 1)), ("class:notice", text)]
