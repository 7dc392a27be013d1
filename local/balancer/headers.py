"""What a load balancer adds to a request, and takes out of it.

Source: "HTTP headers and Application Load Balancers" and "Request tracing for your Application
Load Balancer", user guide of Application Load Balancers; RFC 9110 section 7.6.1 for hop-by-hop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

Pair = tuple[str, str]
MOST_FORWARDED = 30  # addresses in X-Forwarded-For; more are answered with 463

_HOP_BY_HOP = frozenset(
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
_WRITTEN = frozenset({"x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"})


class Peer(NamedTuple):
    """Who sent the request and where it arrived."""

    source_ip: str
    protocol: str
    port: int


def values_of(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    """Values by lower-case name."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name.lower(), []).append(value)
    return values


def valid_names(pairs: Iterable[Pair]) -> list[Pair]:
    """What stays with routing.http.drop_invalid_header_fields.enabled."""
    return [pair for pair in pairs if re.fullmatch(r"[-A-Za-z0-9]+", pair[0])]


def too_many_forwarded(headers: Mapping[str, Sequence[str]]) -> bool:
    hops = ",".join(headers.get("x-forwarded-for", ()))
    return len([hop for hop in hops.split(",") if hop.strip()]) > MOST_FORWARDED


def forwarded(pairs: Sequence[Pair], peer: Peer, new_trace: Callable[[], str]) -> list[Pair]:
    """The request's headers as a target gets them: X-Forwarded-* and X-Amzn-Trace-Id written.

    `new_trace` gives "1-<epoch, 8 hex>-<24 hex>".
    """
    kept = [pair for pair in pairs if pair[0].lower() not in _WRITTEN]
    hops = [value for name, value in pairs if name.lower() == "x-forwarded-for"]
    kept.append(("X-Forwarded-For", ", ".join([*hops, peer.source_ip])))
    kept.append(("X-Forwarded-Proto", peer.protocol))
    kept.append(("X-Forwarded-Port", str(peer.port)))
    trace = next((value for name, value in kept if name.lower() == "x-amzn-trace-id"), None)
    kept = [pair for pair in kept if pair[0].lower() != "x-amzn-trace-id"]
    kept.append(("X-Amzn-Trace-Id", traced(trace, new_trace())))
    return kept


def traced(trace: str | None, own: str) -> str:
    """Without a Root the balancer starts a trace; with one it writes its own hop as Self."""
    if not trace or not re.search(r"(^|;)\s*Root=", trace):
        return f"Root={own}" if not trace else f"Root={own};{trace}"
    others = [part for part in trace.split(";") if not part.strip().startswith("Self=")]
    return ";".join([f"Self={own}", *others])


def end_to_end(pairs: Sequence[Pair]) -> list[Pair]:
    """Without the hop-by-hop headers, and without those that Connection names."""
    named = {
        name.strip().lower()
        for header, value in pairs
        if header.lower() == "connection"
        for name in value.split(",")
    }
    dropped = _HOP_BY_HOP | named
    return [pair for pair in pairs if pair[0].lower() not in dropped]
