"""Header fields: what a load balancer adds to a request, and takes out of both directions.

Source: "HTTP headers and Application Load Balancers" and "Request tracing for your Application
Load Balancer", user guide of Application Load Balancers; RFC 9110 section 7.6.1 for hop-by-hop.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import NamedTuple

Pair = tuple[str, str]
Field = tuple[str, str, str]  # its name in lower case, its name as it came, its value
MOST_FORWARDED = 30  # addresses in X-Forwarded-For; more get a 463
LARGE_HEAD = 7 * 1024  # from here on X-Amzn-Trace-Id is written anew, with a Root alone
_ID_BYTES = 12  # random ones, of a trace id
# Random bytes from the system once per request would cost as much as all the rest here.
_IDS_AT_ONCE = 256

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


_PORT = re.compile(r":\d*$")


class Peer(NamedTuple):
    """Who sent the request and where it arrived."""

    source_ip: str
    source_port: int
    protocol: str
    port: int


@functools.lru_cache(1024)  # names come again and again
def spelled(name: bytes) -> tuple[str, str]:
    """A header's name in lower case, and as it came."""
    text = name.decode("latin-1")
    return text.lower(), text


def values_of(fields: Iterable[Field]) -> dict[str, list[str]]:
    """Values by lower-case name, in order."""
    values: dict[str, list[str]] = {}
    for key, _, value in fields:
        values.setdefault(key, []).append(value)
    return values


def without(fields: Iterable[Field], dropped: Container[str]) -> list[Field]:
    """The fields but those of these lower-case names. A folded line goes with the header that it
    continues (RFC 9112 section 5.2): a target would read it as a part of the one before."""
    remaining: list[Field] = []
    stays = False
    for field in fields:
        if field[0][0] not in " \t":
            stays = field[0] not in dropped
        if stays:
            remaining.append(field)
    return remaining


def too_many_forwarded(values: Mapping[str, Sequence[str]]) -> bool:
    hops = values.get("x-forwarded-for")
    if hops is None:
        return False
    return sum(1 for hop in ",".join(hops).split(",") if hop.strip()) > MOST_FORWARDED


def forwarded_for(hops: Sequence[str] | None, peer: Peer, with_port: bool) -> str:
    """X-Forwarded-For in the mode append; `hops` are its values in the request."""
    own = peer.source_ip
    if with_port:
        own = f"[{own}]:{peer.source_port}" if ":" in own else f"{own}:{peer.source_port}"
    return ", ".join([*hops, own]) if hops else own


class Traces:
    """New ids for X-Amzn-Trace-Id. `wall` gives epoch seconds."""

    def __init__(self, wall: Callable[[], float], random_bytes: Callable[[int], bytes]) -> None:
        self._wall = wall
        self._random_bytes = random_bytes
        self._ids: list[str] = []
        self._second = (0, "")

    def new(self) -> str:
        """1-<epoch, 8 hex>-<24 hex>"""
        if not self._ids:
            pool = self._random_bytes(_ID_BYTES * _IDS_AT_ONCE).hex()
            self._ids = [pool[at : at + 2 * _ID_BYTES] for at in range(0, len(pool), 2 * _ID_BYTES)]
        second = int(self._wall())
        if second != self._second[0]:
            self._second = (second, f"1-{second:08x}-")
        return self._second[1] + self._ids.pop()


def traced(traces: Sequence[str] | None, own: str, large: bool = False) -> str:
    """X-Amzn-Trace-Id. Without a Root the load balancer starts a trace with its `own` id
    ("1-<epoch, 8 hex>-<24 hex>"), with one it writes its own hop as Self, and where there is a Self
    it "updates the value of the Self field"; other fields stay."""
    if not traces or large:
        return f"Root={own}"
    parts = [part.strip() for part in traces[0].split(";") if part.strip()]
    others = [part for part in parts if not part.startswith("Self=")]
    goes_on = len(others) < len(parts) or any(part.startswith("Root=") for part in others)
    return ";".join([f"Self={own}" if goes_on else f"Root={own}", *others])


@functools.lru_cache(256)  # a few hosts are asked for again and again
def outgoing_host(host: str, port: int) -> str:
    """The Host header for a target where it isn't preserved: in lower case, and with the
    listener's port unless that is a default one."""
    name = host.lower().removesuffix(":")  # RFC 3986 section 3.2.3: a port may be empty
    own = _PORT.search(name)
    if port in (80, 443):
        return name[: own.start()] if own else name
    return name if own else f"{name}:{port}"


def named_by_connection(values: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The fields that a message's Connection header makes hop-by-hop, and its other options."""
    return members(values, "connection")


def members(values: Mapping[str, Sequence[str]], name: str) -> frozenset[str]:
    """The members of a list, in lower case, which may come in several lines: RFC 9110, 5.3."""
    lines = values.get(name)
    if lines is None:
        return frozenset()
    return frozenset(member.strip().lower() for line in lines for member in line.split(","))
