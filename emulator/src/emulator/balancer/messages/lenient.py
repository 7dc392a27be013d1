"""A request's head that a strict parser rejects, read as an Application Load Balancer reads it.

Source: the classes of http_desync_guardian (github.com/aws/http-desync-guardian, docs/README.md and
src/request_analyzer.rs), the library with which an Application Load Balancer classifies requests:
in the mode defensive it routes what is acceptable or ambiguous, and blocks what is severe. What it
writes to the target of a line that is no header is not published; such a line is left out here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from emulator.balancer.messages.desync import Doubt, most_severe
from emulator.balancer.messages.head import HEAD_BYTES, LINE_BYTES, Rejected
from emulator.balancer.messages.headers import Field, values_of

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]*")
_VERSION = re.compile(rb"HTTP/(0\.9|1\.[0-9])")
_BLANK = b" \t"
_FORBIDDEN = re.compile(rb"\x00|\r(?!\n|\Z)")  # NUL, and a CR that ends no line
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_CODING = re.compile(r"[ \t]*(chunked|compress|deflate|gzip|identity)[ \t]*(?:;.*)?", re.I)
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
    Raises Rejected for what is severe, as soon as that is seen. With `monitor` a head with
    forbidden characters is read, too: that mode routes everything. A body without a certain end
    stays rejected."""
    data = data.lstrip(b"\r\n")  # RFC 9112 section 2.2
    if not data:
        return None
    method = data.partition(b" ")[0].partition(b"\r\n")[0]
    if not _TOKEN.fullmatch(method):
        raise Rejected(400, "BadMethod")
    if len(data) > LINE_BYTES and b"\n" not in data[: LINE_BYTES + 64]:
        raise Rejected(414, "the request line is over 16 K")
    lines, rest = _lines(data)
    if not monitor and _FORBIDDEN.search(data if rest is None else data[: len(data) - len(rest)]):
        raise Rejected(400, "BadHeader or BadUri")
    if rest is None:
        if len(data) > HEAD_BYTES:
            raise Rejected(400, "the headers are over 64 K")
        return None
    bare = Doubt(False, "NonCrLfLineTermination") if any(not crlf for _, crlf in lines) else None
    url, version, doubt = _request_line(lines[0][0], method)
    fields, of_fields = _fields([line for line, _ in lines[1:]])
    fields, of_framing = _framed(fields)
    for other in (bare, of_fields, of_framing):
        doubt = most_severe(doubt, other)
    return RawHead(method.decode(), url, version, fields, doubt, rest)


def _lines(data: bytes) -> tuple[list[tuple[bytes, bool]], bytes | None]:
    """((line, whether it ended with CR LF) up to the empty one, what follows that), which is None
    where the empty one hasn't come."""
    lines: list[tuple[bytes, bool]] = []
    at = 0
    while (end := data.find(b"\n", at)) >= 0:
        line, at = data[at:end], end + 1
        crlf = line.endswith(b"\r")
        line = line[:-1] if crlf else line
        if not line:
            return lines, data[at:]
        lines.append((line, crlf))
    return lines, None


def _request_line(line: bytes, method: bytes) -> tuple[str, str, Doubt | None]:
    """(url, version, doubt)."""
    _, _, rest = line.partition(b" ")
    stripped = rest.rstrip(_BLANK)
    url, space, version = stripped.rpartition(b" ")
    found: Doubt | None = None
    if not space and not version.startswith(b"HTTP/"):
        url, version = version, b"HTTP/0.9"  # a line without a version
    url = url.strip(b" ")
    if version == b"HTTP/2.0":
        raise Rejected(505, "HTTP/2 on a connection of HTTP/1.1")
    known = _VERSION.fullmatch(version)
    if known is None:
        raise Rejected(400, "BadVersion")
    if stripped != rest or known[1] not in (b"1.0", b"1.1"):
        found = Doubt(False, "NonCompliantVersion")
    if not url:
        found, url = Doubt(True, "MissingUri"), b"/"
    if _CONTROL.search(url) or b"\t" in url:
        found = Doubt(True, "AmbiguousUri")
    elif b" " in url:
        found = most_severe(found, Doubt(False, "SpaceInUri"))
    number = known[1].decode()
    return url.decode("latin-1"), number if number in ("0.9", "1.0") else "1.1", found


def _fields(lines: Sequence[bytes]) -> tuple[list[Field], Doubt | None]:
    fields: list[Field] = []
    found: Doubt | None = None
    for line in lines:
        raw_name, colon, raw_value = line.partition(b":")
        if line[:1] in (b" ", b"\t"):  # it goes on with the header before: RFC 9112 section 5.2
            if fields:
                key, name, value = fields[-1]
                more = line.strip(_BLANK).decode("latin-1")
                fields[-1] = (key, name, f"{value} {more}".strip(" \t"))
            if not fields or fields[-1][0] != "content-type":
                found = most_severe(found, Doubt(True, "MultilineHeader"))
        elif not colon:
            found = most_severe(found, Doubt(True, "MissingHeaderColon"))
        elif not raw_name.strip(_BLANK):
            found = most_severe(found, Doubt(True, "EmptyHeader"))
        else:
            if not _TOKEN.fullmatch(raw_name) or _CONTROL.search(raw_value):
                found = most_severe(found, Doubt(False, "NonCompliantHeader"))
            name = raw_name.decode("latin-1")
            fields.append((name.lower(), name, raw_value.strip(_BLANK).decode("latin-1")))
    return fields, found


def _framed(fields: list[Field]) -> tuple[list[Field], Doubt | None]:
    """The fields with one that says where the body ends at most. Raises Rejected where they
    contradict each other."""
    values = values_of(fields)
    lengths, codings = values.get("content-length", []), values.get("transfer-encoding", [])
    if any(not (one.isascii() and one.isdigit()) for one in lengths):
        raise Rejected(400, "BadContentLength")
    numbers = {int(one) for one in lengths}
    if len(numbers) > 1:
        raise Rejected(400, "MultipleContentLength")
    if any(number >= _MOST_LENGTH for number in numbers):
        raise Rejected(400, "BadContentLength")
    names = [_CODING.fullmatch(one) for one in ",".join(codings).split(",")] if codings else []
    if None in names:
        raise Rejected(400, "BadTransferEncoding")
    if sum(name is not None and name[1].lower() == "chunked" for name in names) > 1:
        raise Rejected(400, "MultipleTransferEncodingChunked")
    if lengths and codings:  # RFC 9112 section 6.3: the coding counts, and the length goes
        others = [field for field in fields if field[0] != "content-length"]
        return others, Doubt(True, "BothTeClPresent")
    if len(lengths) > 1:
        first = next(field for field in fields if field[0] == "content-length")
        others = [field for field in fields if field[0] != "content-length"]
        return [*others, first], Doubt(True, "DuplicateContentLength")
    return fields, None
