"""The content of a message: its kind and fields, checked. docs/protocol.md describes each kind.

A wrong content raises nothing: it becomes one of kind UNREADABLE, and a kind that this client does
not know becomes UNKNOWN. Both are shown as such.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from client.core.attachment import Attachment, parse_attachment
from client.core.attachment import written as attachment_fields
from client.core.picture import parse_picture

VERSION = 1
UNKNOWN, UNREADABLE = "unknown", "unreadable"
LONGEST_TEXT, LONGEST_NAME = 20_000, 64  # characters
LONGEST_TIME = 365 * 24 * 3600  # seconds, of a message that disappears
_HIGHEST_SEQ = 999_999_999_999

_DEVICE = re.compile("[a-z0-9_]{3,32}/[A-Za-z0-9_-]{1,64}")
_ULID = re.compile("[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}")
_EMOJI = re.compile(
    "[#*0-9\u00a9\u00ae\u200d\u203c-\u2065\u2070-\ud7ff\ue000-\uffff\U00010000-\U0010ffff]{1,16}"
)
# Control characters, line ends, and the marks that turn the direction of the writing
# (https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters).
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

# Characters that show nothing: blanks, the empty Braille pattern and Default_Ignorable_Code_Point
# (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point), which re does not know.
_UNSEEN = re.compile(
    "[ \u00a0\u00ad\u034f\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200d\u202f"
    "\u205f-\u2065\u206a-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)


class Reference(NamedTuple):
    """A message of the same chat. An id alone is not enough: another device may take the same."""

    by: str  # `user/device`
    id: str

    @property
    def user(self) -> str:
        return self.by.partition("/")[0]


class Kind(NamedTuple):
    """`shown`: it has a place of its own in the history. `counts`: it is unread, and rings."""

    fields: Mapping[str, Callable[[object], Any]]
    shown: bool = False
    counts: bool = False


@dataclass(frozen=True, slots=True)
class MessageContent:
    """`fields` as on the wire; of UNKNOWN and UNREADABLE all that came, or nothing."""

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> bool:
        """Whether it has a place in the history; a repetition of a name, picture or timer for
        newcomers has none.
        """
        return self.kind not in KINDS or (KINDS[self.kind].shown and "at" not in self.fields)

    @property
    def text(self) -> str:
        """Its text for people; empty for kinds without one."""
        return str(self.fields.get("text", "")) if self.kind in ("text", "edit", "file") else ""

    @property
    def file(self) -> Attachment | None:
        return parse_attachment(self.fields["file"]) if self.kind == "file" else None

    @property
    def target(self) -> Reference | None:
        """The message that it changes."""
        of = self.fields.get("of") if self.kind in KINDS else None
        return None if of is None else Reference(of["by"], of["id"])

    @property
    def reply(self) -> Reference | None:
        of = self.fields.get("reply") if self.kind in KINDS else None
        return None if of is None else Reference(of["by"], of["id"])

    @property
    def expires(self) -> int | None:
        """Seconds after which it disappears."""
        seconds = self.fields.get("expires") if self.kind in KINDS else None
        return None if seconds is None else int(seconds)

    def counts(self, *, shown_id: bool) -> bool:
        """Whether it is unread and rings; for an unknown kind its id decides."""
        return KINDS[self.kind].counts if self.kind in KINDS else shown_id

    @property
    def plain(self) -> bool:
        """Nothing but a text: it is sent as clients before version 1 of contents do."""
        return self.kind == "text" and self.fields.keys() == {"text"}


def text_content(
    text: str, *, reply: Reference | None = None, expires: int | None = None
) -> MessageContent:
    """A text, perhaps one that answers another, or one that disappears."""
    fields: dict[str, Any] = {"text": text}
    if reply is not None:
        fields["reply"] = reply._asdict()
    if expires:
        fields["expires"] = expires
    return MessageContent("text", fields)


def written(content: MessageContent) -> dict[str, Any]:
    """The content in the form in which it is sent and stored."""
    if content.kind in (UNKNOWN, UNREADABLE):
        return dict(content.fields)
    return {"v": VERSION, "kind": content.kind, **content.fields}


def parse(value: object) -> MessageContent:
    """The content in a decrypted value. Raises nothing, whatever it is."""
    if not isinstance(value, dict):
        return MessageContent(UNREADABLE)
    version, kind = _version(value.get("v")), value.get("kind")
    if version > VERSION or (version == VERSION and isinstance(kind, str) and kind not in KINDS):
        return MessageContent(UNKNOWN, value)
    if version != VERSION or not isinstance(kind, str):
        return MessageContent(UNREADABLE)
    try:
        return MessageContent(kind, _read(KINDS[kind], value))
    except (TypeError, ValueError):
        return MessageContent(UNREADABLE)


def clean(name: str) -> str:
    """A name as it may be shown anywhere: nothing in it steers the writing around it. Empty if no
    character of it is visible.
    """
    cleaned = _STEERING.sub("\ufffd", name).strip(" ")
    return "" if _UNSEEN.fullmatch(cleaned) else cleaned


def _version(value: object) -> int:
    """0 for what is none. As high as JSON numbers are everywhere (RFC 8259, section 6)."""
    try:
        return int(_whole(1, int(sys.float_info.max))(value))
    except ValueError:
        return 0


def _read(kind: Kind, value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a kind. Raises TypeError or ValueError."""
    found = {name: read(value.get(name, _ABSENT)) for name, read in kind.fields.items()}
    return {name: each for name, each in found.items() if each is not _ABSENT}


# -- readers of one field

_ABSENT = object()
Reader = Callable[[object], Any]


def _optional(read: Reader) -> Reader:
    return lambda value: _ABSENT if value is _ABSENT else read(value)


def _nullable(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def _string(value: object, longest: int) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise ValueError("not such a text")
    return value


def _text(value: object) -> str:
    return _string(value, LONGEST_TEXT)


def _name(value: object) -> str:
    found = clean(_string(value, LONGEST_NAME))
    return _string(found, LONGEST_NAME)


def _matching(pattern: re.Pattern[str]) -> Reader:
    def read(value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError("not of that form")
        return value

    return read


def _emoji(value: object) -> str:
    found: str = _matching(_EMOJI)(value)
    if _UNSEEN.fullmatch(found):
        raise ValueError("nothing of it is seen")
    return found


def _whole(low: int, high: int) -> Reader:
    def read(value: object) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON has one kind of numbers
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError("not such a number")
        return value

    return read


def _reference(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError("not a reference")
    return {"by": _matching(_DEVICE)(value.get("by")), "id": _matching(_ULID)(value.get("id"))}


_AT = _optional(_whole(1, _HIGHEST_SEQ))

KINDS: Mapping[str, Kind] = {
    "text": Kind(
        {
            "text": _text,
            "reply": _optional(_reference),
            "expires": _optional(_whole(1, LONGEST_TIME)),
        },
        shown=True,
        counts=True,
    ),
    "file": Kind(
        {
            "file": lambda value: attachment_fields(parse_attachment(value)),
            "text": _optional(_text),
            "reply": _optional(_reference),
            "expires": _optional(_whole(1, LONGEST_TIME)),
        },
        shown=True,
        counts=True,
    ),
    "reaction": Kind({"of": _reference, "emoji": _nullable(_emoji)}),
    "edit": Kind({"of": _reference, "text": _text}),
    "deletion": Kind({"of": _reference}),
    "timer": Kind({"seconds": _whole(0, LONGEST_TIME), "at": _AT}, shown=True),
    "chat_name": Kind({"name": _nullable(_name), "at": _AT}, shown=True),
    "chat_picture": Kind({"picture": _nullable(parse_picture), "at": _AT}, shown=True),
    "profile": Kind(
        {
            "name": _nullable(_name),
            "picture": _nullable(parse_picture),
            "at": _whole(0, (1 << 53) - 1),
        }
    ),
}
