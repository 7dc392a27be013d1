"""The description of a file in a message: what is needed to download it, and to show it before. No
I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from client.core.fields import mapping
from client.core.picture import MOST_PIXELS, parse_picture

FileKind = Literal["picture", "file", "voice"]
KINDS: tuple[FileKind, ...] = get_args(FileKind)

LONGEST_NAME, LONGEST_TYPE = 128, 100  # characters
LARGEST = 1 << 40  # bytes; the backend's limit is lower
LONGEST_SIDE, LONGEST_TIME = 65_535, 86_400_000  # pixels, milliseconds

UNKNOWN_ID = "x" * 32  # of a file that the backend does not have yet
TYPES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "csv": "text/csv",
    "md": "text/markdown",
    "json": "application/json",
    "zip": "application/zip",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "m4a": "audio/mp4",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mov": "video/quicktime",
}

_ID = re.compile("[A-Za-z0-9_-]{22,64}")
_32_BYTES = re.compile("[A-Za-z0-9+/]{43}")
_TYPE = re.compile("[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
# What each kind may be: nothing that a browser would run, such as SVG.
_TYPES = {
    "picture": re.compile("image/(jpeg|png|webp|gif)"),
    "voice": re.compile("audio/(aac|mp4|mpeg|ogg|wav|webm)"),
    "file": _TYPE,
}
# Control characters, line ends, and the marks that turn the direction of the writing
# (https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters); and what separates
# folders, somewhere: a name is the last part of a path, and no part of one.
_UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069/\\\\:*?"<>|]')


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDescription:
    """What its sender says of a file: as in an Attachment, and a `caption` besides.

    Without a `type` it follows from the name, without a `kind` from the type.
    """

    name: str
    type: str = ""
    kind: FileKind | None = None
    caption: str = ""
    thumbnail: str | None = None
    width: int | None = None
    height: int | None = None
    duration: int | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """`size` is that of the file itself, in bytes; `key` and `digest` (SHA-256 of what the backend
    has) are 32 bytes in unpadded base64. Sides are in pixels, `duration` is in milliseconds."""

    kind: FileKind
    name: str
    type: str
    size: int
    id: str
    key: str
    digest: str
    thumbnail: str | None = None
    width: int | None = None
    height: int | None = None
    duration: int | None = None


def safe_name(name: str) -> str:
    """A name that can stand anywhere and be that of a file in any folder; never empty."""
    safe = _UNSAFE.sub(
        "_", name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    ).strip(" .")
    if len(safe) > LONGEST_NAME:  # what it is stands at its end
        stem, dot, end = safe.rpartition(".")
        end = f".{end}" if dot and len(end) <= 10 else ""
        safe = (stem if end else safe)[: LONGEST_NAME - len(end)].rstrip(" .") + end
    return safe or "file"


def kind_of(media_type: str) -> FileKind:
    """What a file of that type is sent as."""
    return "picture" if _TYPES["picture"].fullmatch(media_type) else "file"


def described(file: FileDescription, size: int, key: str, digest: str) -> Attachment:
    """The description for the message, but without the backend's id. Raises ValueError."""
    media_type = file.type or guess_file_type(file.name)
    attachment = Attachment(
        kind=file.kind or kind_of(media_type),
        name=safe_name(file.name),
        type=media_type,
        size=size,
        id=UNKNOWN_ID,
        key=key,
        digest=digest,
        thumbnail=file.thumbnail,
        width=file.width,
        height=file.height,
        duration=file.duration,
    )
    return parse_attachment(written(attachment))


def guess_file_type(name: str) -> str:
    """By the end of the name. A table of our own: that of the system differs by machine."""
    return TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")


def written(attachment: Attachment) -> dict[str, Any]:
    """The attachment in the form that it has in a message."""
    fields = {name: getattr(attachment, name) for name in Attachment.__slots__}
    return {name: value for name, value in fields.items() if value is not None}


def parse_attachment(value: object) -> Attachment:
    """The attachment of a received message; a picture that nobody should decode becomes a file.
    Raises TypeError or ValueError.
    """
    fields = mapping(value)
    kind = _kind(fields.get("kind"))
    width, height = (_optional(fields, side, LONGEST_SIDE) for side in ("width", "height"))
    return Attachment(
        kind="file" if kind == "picture" and (width or 1) * (height or 1) > MOST_PIXELS else kind,
        name=safe_name(_string(fields, "name", LONGEST_NAME)),
        type=_matching(fields, "type", _TYPES[kind], LONGEST_TYPE),
        size=_whole(fields, "size", LARGEST),
        id=_matching(fields, "id", _ID),
        key=_matching(fields, "key", _32_BYTES),
        digest=_matching(fields, "digest", _32_BYTES),
        thumbnail=parse_picture(fields["thumbnail"]) if "thumbnail" in fields else None,
        width=width,
        height=height,
        duration=_optional(fields, "duration", LONGEST_TIME),
    )


def _kind(value: object) -> FileKind:
    for kind in KINDS:
        if kind == value:
            return kind
    raise ValueError("not such a kind of file")


def _string(fields: Mapping[str, Any], name: str, longest: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise ValueError(f"{name} is too long, or empty")
    return value


def _matching(
    fields: Mapping[str, Any], name: str, pattern: re.Pattern[str], longest: int = 64
) -> str:
    value = _string(fields, name, longest)
    if not pattern.fullmatch(value):
        raise ValueError(f"{name} has another form")
    return value


def _whole(fields: Mapping[str, Any], name: str, most: int) -> int:
    value = fields.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON has one kind of numbers
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"{name} is no such number")
    return value


def _optional(fields: Mapping[str, Any], name: str, most: int) -> int | None:
    return _whole(fields, name, most) if name in fields else None
