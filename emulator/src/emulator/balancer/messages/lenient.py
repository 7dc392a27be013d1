"""A request's head that a strict parser rejects, read as an Application Load Balancer reads it.

Source: http_desync_guardian (github.com/aws/http-desync-guardian, docs/README.md and
src/request_analyzer.rs), the library with which an Application Load Balancer classifies requests:
in the mode defensive it routes what is acceptable or ambiguous, and blocks what is severe. What it
writes to the target of a line without a colon or a name, that goes on with no other, is not
published; such a line is left out here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from emulator.balancer.messages.desync import (
    ACCEPTABLE,
    AMBIGUOUS,
    SEVERE,
    Doubt,
    Named,
    doubt_of_body,
    doubt_of_headers,
    doubt_of_request_line,
    framing_of,
    most_severe,
)
from emulator.balancer.messages.head import HEAD_BYTES, LINE_BYTES, Rejected
from emulator.balancer.messages.headers import Field, values_of, without

_TCHARS = rb"!#$%&'*+\-.^_`|~0-9A-Za-z"
_TOKEN = re.compile(rb"[%b]*" % _TCHARS)
_NO_TOKEN_AT_END = re.compile(rb"[^%b]*\Z" % _TCHARS)
_VERSION = re.compile(r"HTTP/(0\.9|1\.[0-9])")
_LATER = re.compile(r"HTTP/[2-9](\.[0-9])?")
_BLANK = b" \t"
_FORBIDDEN = re.compile(rb"\x00|\r(?!\n|\Z)")  # NUL, and a CR that ends no line
_MOST_LENGTH = 2**64


class RawHead(NamedTuple):
    """`version` is 0.9, 1.0 or 1.1; `rest` is what came after the head."""

    method: str
    url: str
    version: str
    fields: list[Field]
    doubt: Doubt | None
    rest: bytes


def read_raw(data: bytes, *, monitor: bool) -> RawHead | None:
    """Reads the head in all that came since the request's begin; None while its end has not come.
    Raises Rejected for what is severe, as soon as that is seen. With `monitor` a severe head is
    read, too, but for a method that is no token, a version that is none, and a body without a
    certain end."""
    data = data.lstrip(b"\r\n")  # RFC 9112 section 2.2
    if not data:
        return None
    method = data.partition(b"\n")[0].removesuffix(b"\r").partition(b" ")[0]
    if not _TOKEN.fullmatch(method):
        raise Rejected(400, "BadMethod")
    if len(data) > LINE_BYTES and b"\n" not in data[: LINE_BYTES + 64]:
        raise Rejected(414, "the request line is over 16 K")
    lines, bare, rest = _lines(data)
    if rest is None:
        if not monitor and _FORBIDDEN.search(data):
            raise Rejected(400, "BadHeader or BadUri")
        if len(data) > HEAD_BYTES:
            raise Rejected(400, "the headers are over 64 K")
        return None
    url, version, missing = _request_line(lines[0])
    number = version.strip(" \t") or "HTTP/0.9"
    if _LATER.fullmatch(number):
        raise Rejected(505, f"{number} on a connection of HTTP/1.1")
    fields, named, doubt = _fields(lines[1:])
    name = method.decode()
    # In the library's order, of which the first of a tier counts.
    doubt = most_severe(Doubt(ACCEPTABLE, "NonCrLfLineTermination") if bare else None, doubt)
    for other in (
        doubt_of_headers(named),
        doubt_of_body(name, version if version.strip(" \t") else number, framing_of(named)),
        doubt_of_request_line(name, version if version.strip(" \t") else number, url),
    ):
        doubt = most_severe(doubt, other)
    doubt = most_severe(missing, doubt)
    if doubt is not None and doubt.tier == SEVERE and not monitor:
        raise Rejected(400, doubt.reason)
    known = _VERSION.fullmatch(number)
    if known is None:
        raise Rejected(400, "BadVersion")
    number = known[1] if known[1] in ("0.9", "1.0") else "1.1"
    return RawHead(name, url.strip(" ") or "/", number, _framed(fields), doubt, rest)


def _lines(data: bytes) -> tuple[list[bytes], bool, bytes | None]:
    """(the lines up to the empty one, whether one ends with LF alone, what follows the empty one),
    where the last is None while the empty one hasn't come."""
    lines: list[bytes] = []
    at, bare = 0, False
    while (end := data.find(b"\n", at)) >= 0:
        line, at = data[at:end], end + 1
        bare = bare or not line.endswith(b"\r")
        line = line.removesuffix(b"\r")
        if not line:
            return lines, bare, data[at:]
        lines.append(line)
    return lines, bare, None


def _request_line(line: bytes) -> tuple[str, str, Doubt | None]:
    """(url, version, doubt), as on the wire: the version is what follows the last space that has a
    token behind it."""
    _, _, rest = line.partition(b" ")
    end = _NO_TOKEN_AT_END.search(rest)
    space = rest.rfind(b" ", 0, max(end.start() if end else 0, 1))
    url, version = rest[: max(space, 0)].decode("latin-1"), rest[space + 1 :].decode("latin-1")
    missing = not url and not version
    if space < 0 and not version.startswith("HTTP/1."):
        url, version = version, ""  # a line without a version
    else:
        missing = missing or space < 0
    return url, version, Doubt(AMBIGUOUS, "MissingUri") if missing else None


def _fields(lines: Sequence[bytes]) -> tuple[list[Field], list[Named], Doubt | None]:
    """(the headers, the headers as they are classified, doubt). A line that begins with a blank is
    a header of its own: "Application Load Balancers do not support multi-line headers ... When a
    multi-line header is provided the Application Load Balancer appends a colon" ("Troubleshoot
    your Application Load Balancers"). Its name keeps the blank, so that no target takes it for
    another header; it is left out with the line that it continues."""
    fields: list[Field] = []
    named: list[Named] = []
    found: Doubt | None = None
    before: str | None = None
    media_type = left_out = False
    for line in lines:
        first, colon, rest = line.partition(b":")
        name, value = first.decode("latin-1"), rest.decode("latin-1")
        folded = line[:1] in (b" ", b"\t")
        if not folded:
            left_out = not colon or not name.strip(" \t")
        if not left_out and name.strip(" \t"):
            fields.append((name.lower(), name, value.strip(" \t")))
        if colon and not folded:
            before, media_type = name, name.lower() == "content-type"
        if folded and before is not None and (media_type or not colon):
            named.append((before, name))
        else:
            named.append((name, value))
        if not folded and not colon:
            found = most_severe(found, Doubt(AMBIGUOUS, "MissingHeaderColon"))
        if folded and not media_type:
            found = most_severe(found, Doubt(AMBIGUOUS, "MultilineHeader"))
    return fields, named, found


def _framed(fields: list[Field]) -> list[Field]:
    """The fields with one that says where the body ends at most. Raises Rejected where they
    contradict each other, in the mode monitor too."""
    values = values_of(fields)
    lengths = values.get("content-length", [])
    if any(not (one.isascii() and one.isdigit()) for one in lengths):
        raise Rejected(400, "BadContentLength")
    if len({one.lstrip("0") for one in lengths}) > 1:
        raise Rejected(400, "MultipleContentLength")
    if any(len(one.lstrip("0")) > 20 or int(one) >= _MOST_LENGTH for one in lengths):
        raise Rejected(400, "BadContentLength")
    if "transfer-encoding" in values:  # RFC 9112 section 6.3: the coding counts, the length goes
        return without(fields, ("content-length",))
    if len(lengths) > 1:
        first = next(field for field in fields if field[0] == "content-length")
        return [*without(fields, ("content-length",)), first]
    return fields
