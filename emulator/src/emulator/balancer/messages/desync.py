"""Desync mitigation: requests whose end two servers might see at different places.

Source: "Desync mitigation mode", user guide of Application Load Balancers, and the table of
http_desync_guardian, the library that AWS publishes for it. What that calls severe is rejected with
400 before this is asked; what the strict parser rejects although it is not severe, `lenient` reads.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from emulator.balancer.messages.headers import Field

# The letters alone, as servers that tidy names up see them.
_NOT_A_LETTER = re.compile(r"[^a-z]+")
_FRAMING = {"transferencoding": "transfer-encoding", "contentlength": "content-length"}
# What some servers turn into these letters, as UTF-8 read as lower-case Latin-1: long s, dotless i.
_LIKE = {"s": "\u00e5\u00bf", "i": "\u00e4\u00b1"}
_CODINGS = frozenset({"chunked", "compress", "deflate", "gzip", "identity"})
# Bytes from 0x80 on are obs-text, which RFC 9110 (section 5.5) allows.
_UNUSUAL_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


class Doubt(NamedTuple):
    """Why a request is not compliant: it is ambiguous, or else acceptable. In the mode strictest
    either kind is rejected; in defensive an ambiguous request is routed, and both connections are
    closed after it; in monitor it is routed as any other."""

    ambiguous: bool
    reason: str


def doubt_of_body(method: str, version: str, values: Mapping[str, Sequence[str]]) -> Doubt | None:
    """Whether there should be a body at all."""
    if "transfer-encoding" in values and (method in ("GET", "HEAD") or version != "1.1"):
        return Doubt(True, "UndefinedTransferEncodingSemantics")
    if version == "0.9":
        if "content-length" in values:
            return Doubt(True, "UndefinedContentLengthSemantics")
        return Doubt(False, "NonCompliantVersion")
    if "content-length" in values and method in ("GET", "HEAD"):
        if int(values["content-length"][0]) > 0:
            return Doubt(True, "UndefinedContentLengthSemantics")
        return Doubt(False, "GetHeadZeroContentLength")
    return None


def doubt_of_headers(fields: Sequence[Field]) -> Doubt | None:
    found = None
    for key, _, value in fields:
        if _suspicious(key):
            return Doubt(True, "SuspiciousHeader")
        if not (value.isascii() and value.isprintable()) and _UNUSUAL_VALUE.search(value):
            found = Doubt(False, "NonCompliantHeader")
    return found


def most_severe(one: Doubt | None, other: Doubt | None) -> Doubt | None:
    """The most severe of several doubts; None for a compliant request."""
    if one is None or (other is not None and other.ambiguous and not one.ambiguous):
        return other
    return one


def severe_framing(fields: Sequence[Field]) -> str | None:
    """Why headers that look like Content-Length or Transfer-Encoding (`Content-Length : 3`,
    `content_length: 3`) contradict those, or have no value of them; None where they do not."""
    lengths: set[int | None] = set()
    codings: list[str | None] = []
    alike = False
    for key, _, value in fields:
        name = _looks_like(key)
        alike = alike or (name is not None and name != key)
        if name == "content-length":
            lengths.add(_length(value.strip(" \t")))
        elif name is not None:
            codings += map(_coding, value.split(","))
    if not alike:
        return None
    if None in lengths:
        return "BadContentLength"
    if len(lengths) > 1:
        return "MultipleContentLength"
    if None in codings:
        return "BadTransferEncoding"
    twice = ("chunked", "chunked") in itertools.pairwise(codings)  # one behind the other, alone
    return "MultipleTransferEncodingChunked" if twice else None


def _length(text: str) -> int | None:
    """A Content-Length read as parse_num reads it: nothing is 0, and there are 64 bits."""
    digits = text.lstrip("0") or "0"
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
        return None
    return number if (number := int(digits)) < 2**64 else None


def _coding(text: str) -> str | None:
    """A Transfer-Encoding read as is_valid_te reads it, with parameters left out."""
    coding = text.partition(";")[0].strip(" \t").lower()
    return coding if coding in _CODINGS else None


def _suspicious(key: str) -> bool:
    like = _looks_like(key)
    return like is not None and like != key


@functools.lru_cache(1024)
def _looks_like(key: str) -> str | None:
    plain = key
    for letter, looks in _LIKE.items():
        plain = plain.replace(looks, letter)
    return _FRAMING.get(_NOT_A_LETTER.sub("", plain))
