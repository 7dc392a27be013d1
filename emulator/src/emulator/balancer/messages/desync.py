"""Desync mitigation: requests whose end two servers might see at different places.

Source: "Desync mitigation mode", user guide of Application Load Balancers, and the rules of
http_desync_guardian (github.com/aws/http-desync-guardian, src/request_analyzer.rs and
src/http_token_utils.rs), the library that AWS publishes for it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

ACCEPTABLE, AMBIGUOUS, SEVERE = 1, 2, 3
IDENTICAL, SAME_LETTERS, DISTANT = "identical", "same letters", "distant"

Named = tuple[str, str]  # a header's name as it came, and its value

_LENGTH, _CODING = "content-length", "transfer-encoding"
# Letters that upper-casing makes an ASCII one, as UTF-8 read as Latin-1: long s, dotless i.
_LIKE = {"s": "\u00c5\u00bf", "i": "\u00c4\u00b1"}
_ALPHANUMERIC = re.compile(r"[0-9A-Za-z]|\Z")
_SYMBOL = re.compile(r"[^\x00-\x20]|\Z")
_CODINGS = frozenset({"chunked", "compress", "deflate", "gzip", "identity"})
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]*")
# Bytes from 0x80 on are obs-text, which RFC 9110 (section 5.5) allows.
_UNUSUAL_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_FORBIDDEN = re.compile(r"[\x00\r\n]")
_VERSION = re.compile(r"HTTP/1\.[0-9]")


class Doubt(NamedTuple):
    """Why a request is not compliant. In the mode strictest every tier is rejected; in defensive a
    severe one is rejected, and both connections are closed after an ambiguous one; in monitor each
    is routed as any other request, but for what `lenient.read_raw` names, and a URI that begins
    with NUL, which is no target."""

    tier: int
    reason: str


class Framing(NamedTuple):
    """What the headers that are, or look like, Transfer-Encoding and Content-Length say together.
    `length` is the first of those that are numbers; `doubt` is about their values alone."""

    coded: bool
    sized: bool
    length: int | None
    doubt: Doubt | None


def most_severe(one: Doubt | None, other: Doubt | None) -> Doubt | None:
    """The first of the most severe doubts; None for a compliant request."""
    if one is None or (other is not None and other.tier > one.tier):
        return other
    return one


def doubt_of_headers(headers: Sequence[Named]) -> Doubt | None:
    """Of their characters, and of names that are too close to one of the two that say where the
    body ends."""
    found: Doubt | None = None
    for name, value in headers:
        if _is_bad(name, value):
            found = most_severe(found, Doubt(SEVERE, "BadHeader"))
        elif not _TOKEN.fullmatch(name) or _UNUSUAL_VALUE.search(value):
            found = most_severe(found, Doubt(ACCEPTABLE, "NonCompliantHeader"))
        if not name.strip(" \t"):
            found = most_severe(found, Doubt(AMBIGUOUS, "EmptyHeader"))
        elif _role(name)[1] == SAME_LETTERS:
            found = most_severe(found, Doubt(AMBIGUOUS, "SuspiciousHeader"))
    return found


def framing_of(headers: Sequence[Named]) -> Framing:
    coded = sized = False
    length: int | None = None
    of_codings: Doubt | None = None
    of_lengths: Doubt | None = None
    chunked = False
    for name, value in headers:
        role, likeness = _role(name)
        if role is None or (likeness == SAME_LETTERS and _is_bad(name, value)):
            continue
        if role == _LENGTH:
            sized = True
            number = _number(value.strip(" \t"))
            if number is None:
                of_lengths = most_severe(of_lengths, Doubt(SEVERE, "BadContentLength"))
            elif length is None:
                length = number
            else:
                again = Doubt(AMBIGUOUS, "DuplicateContentLength")
                other = Doubt(SEVERE, "MultipleContentLength")
                of_lengths = most_severe(of_lengths, again if number == length else other)
            continue
        coded = True
        for item in value.split(","):
            coding = item.partition(";")[0].strip(" \t").lower()
            if coding not in _CODINGS:
                of_codings = most_severe(of_codings, Doubt(SEVERE, "BadTransferEncoding"))
                continue
            if chunked and coding == "chunked":
                of_codings = most_severe(
                    of_codings, Doubt(SEVERE, "MultipleTransferEncodingChunked")
                )
            chunked = coding == "chunked"
    return Framing(coded, sized, length, most_severe(of_codings, of_lengths))


def doubt_of_body(method: str, version: str, framing: Framing) -> Doubt | None:
    """Whether there should be a body at all, and where it ends. `version` as on the wire: it is
    compared as text."""
    coded, sized, length, found = framing
    if not coded and not sized:
        return None
    if coded and version <= "HTTP/1.0":
        return Doubt(AMBIGUOUS, "UndefinedTransferEncodingSemantics")
    if sized and version < "HTTP/1.0":
        return Doubt(AMBIGUOUS, "UndefinedContentLengthSemantics")
    if method in ("GET", "HEAD"):
        if coded:
            found = most_severe(found, Doubt(AMBIGUOUS, "UndefinedTransferEncodingSemantics"))
        if length == 0:
            found = most_severe(found, Doubt(ACCEPTABLE, "GetHeadZeroContentLength"))
        elif length is not None:
            found = most_severe(found, Doubt(AMBIGUOUS, "UndefinedContentLengthSemantics"))
    if coded and length is not None:
        found = most_severe(found, Doubt(AMBIGUOUS, "BothTeClPresent"))
    return found


def doubt_of_request_line(method: str, version: str, url: str) -> Doubt | None:
    """`version` and `url` as on the wire, blanks included."""
    found = None if _TOKEN.fullmatch(method) else Doubt(SEVERE, "BadMethod")
    number = version.strip(" \t")
    if number == "HTTP/0.9":
        found = most_severe(found, Doubt(ACCEPTABLE, "NonCompliantVersion"))
    elif not _VERSION.fullmatch(number):
        found = most_severe(found, Doubt(SEVERE, "BadVersion"))
    elif number != version or number > "HTTP/1.1":
        found = most_severe(found, Doubt(ACCEPTABLE, "NonCompliantVersion"))
    for character in url:
        if character == " ":
            found = most_severe(found, Doubt(ACCEPTABLE, "SpaceInUri"))
        elif character in "\x00\r\n":
            found = most_severe(found, Doubt(SEVERE, "BadUri"))
        elif character < " " or character == "\x7f":
            found = most_severe(found, Doubt(AMBIGUOUS, "AmbiguousUri"))
    return found


def _is_bad(name: str, value: str) -> bool:
    return _FORBIDDEN.search(name) is not None or _FORBIDDEN.search(value) is not None


def _number(text: str) -> int | None:
    """A Content-Length read as parse_num reads it: nothing is 0, and there are 64 bits."""
    digits = text.lstrip("0") or "0"
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
        return None
    return number if (number := int(digits)) < 2**64 else None


@functools.lru_cache(1024)
def is_plain(name: str) -> bool:
    """Whether headers of this name are compliant, as far as their values are visible ASCII."""
    return bool(name) and _TOKEN.fullmatch(name) is not None and _role(name)[0] is None


@functools.lru_cache(1024)
def _role(name: str) -> tuple[str | None, str]:
    """(which of the two names it is or looks like, how much)."""
    for important in (_CODING, _LENGTH):
        likeness = similarity(important, name)
        if likeness != DISTANT:
            return important, likeness
    return None, DISTANT


def similarity(important: str, name: str) -> str:
    """As determine_similarity: the same letters are those that differ in other characters alone,
    with at least one of them in the place of each hyphen."""
    if len(name) < len(important):
        return DISTANT
    at = _next(_ALPHANUMERIC, name, 0)
    identical = at == 0 and len(important) == len(name)
    for letter in important:
        if at == len(name):
            return DISTANT
        same, after = _same(letter, name, at)
        if not same and letter != "-":
            break
        identical = identical and same
        at = _next(_ALPHANUMERIC if letter == "-" else _SYMBOL, name, after)
    whole = at == len(name)
    if whole and identical:
        return IDENTICAL
    return SAME_LETTERS if _next(_ALPHANUMERIC, name, at) == len(name) else DISTANT


def _next(kind: re.Pattern[str], name: str, at: int) -> int:
    found = kind.search(name, at)
    return len(name) if found is None else found.start()


def _same(letter: str, name: str, at: int) -> tuple[bool, int]:
    """(whether it is that letter, where the next one begins)."""
    if letter in (name[at], name[at].lower()):
        return True, at + 1
    like = _LIKE.get(letter)
    if like is not None and name.startswith(like, at):
        return True, at + 2
    return False, at + 1
