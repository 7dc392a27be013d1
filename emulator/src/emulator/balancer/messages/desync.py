"""Desync mitigation: requests whose end two servers might see at different places.

Source: "Desync mitigation mode", user guide of Application Load Balancers, and the table of
http_desync_guardian, the library that AWS publishes for it. What that calls severe, and a part of
what it calls ambiguous (both Content-Length and Transfer-Encoding, either of them twice), llhttp
rejects before this is asked, in every mode: 400.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from emulator.balancer.messages.headers import Field

# The letters alone, as servers that tidy names up see them.
_NOT_A_LETTER = re.compile(r"[^a-z]+")
_FRAMING = {"transferencoding": "transfer-encoding", "contentlength": "content-length"}
_UNUSUAL_VALUE = re.compile(r"[^\t\x20-\x7e]")


class Doubt(NamedTuple):
    """In the mode strictest either kind is rejected; in defensive an ambiguous request is routed,
    and both connections are closed after it."""

    ambiguous: bool
    reason: str


def doubt_of_body(method: str, modern: bool, values: Mapping[str, Sequence[str]]) -> Doubt | None:
    """Whether there should be a body at all; `modern` is HTTP/1.1."""
    if "transfer-encoding" in values and (method in ("GET", "HEAD") or not modern):
        return Doubt(True, "UndefinedTransferEncodingSemantics")
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


def gravest(one: Doubt | None, other: Doubt | None) -> Doubt | None:
    """None for a compliant request."""
    if one is None or (other is not None and other.ambiguous and not one.ambiguous):
        return other
    return one


@functools.lru_cache(1024)
def _suspicious(key: str) -> bool:
    like = _FRAMING.get(_NOT_A_LETTER.sub("", key))
    return like is not None and like != key
