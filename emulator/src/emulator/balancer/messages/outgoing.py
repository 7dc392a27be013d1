"""Messages as they are written: heads to targets and clients, and the balancer's own responses."""

from __future__ import annotations

import http
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from emulator.balancer.messages.head import Block, Head
from emulator.balancer.messages.headers import (
    HOP_BY_HOP,
    LARGE_HEAD,
    Field,
    Pair,
    Peer,
    forwarded_for,
    named_by_connection,
    outgoing_host,
    traced,
    without,
)
from emulator.balancer.settings import APPEND, PRESERVE, BalancerSettings

SERVER = "awselb/2.0"
# Pages have nginx's form without its last line: responses that people have recorded begin with
# "HTTP/1.1 503 Service Temporarily Unavailable" and are 162 bytes long. Of other statuses nginx's
# phrases are assumed where they stand here, and those of RFC 9110 elsewhere.
PHRASES = {status.value: status.phrase for status in http.HTTPStatus} | {
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    463: "",
    464: "",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
CHUNKED = "Transfer-Encoding: chunked\r\n"
KEEP_ALIVE, CLOSE = "Connection: keep-alive\r\n", "Connection: close\r\n"

_FRAMING = HOP_BY_HOP | {"content-length"}  # Transfer-Encoding is a hop-by-hop one
_WRITTEN = frozenset({"host", "expect", "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id"})
_NOT_END_TO_END = _WRITTEN | _FRAMING


def forwarded_fields(head: Head, peer: Peer, settings: BalancerSettings, trace: str) -> list[Pair]:
    """The headers that a function gets: all of the request, with those of the load balancer
    written. `trace` is an id as `headers.traced` takes it."""
    passed = _passed_on(head.block, peer, settings, _WRITTEN)
    return [_host(head, peer, settings), *passed, _trace(head, trace)]


def request_head(head: Head, peer: Peer, settings: BalancerSettings, trace: str) -> bytes:
    """The head that a container gets: the end-to-end headers in the same way, always HTTP/1.1, and
    framed by what was parsed rather than by what was written."""
    block = head.block
    if not block.lines:
        block.lines = _lines(_passed_on(block, peer, settings, _NOT_END_TO_END))
    framing = ""
    if head.length is None:
        framing = CHUNKED
    elif "content-length" in head.values:
        framing = f"Content-Length: {head.length}\r\n"
    if head.upgrade:
        framing += f"Connection: Upgrade\r\nUpgrade: {', '.join(head.values['upgrade'])}\r\n"
    elif head.alone:
        framing += CLOSE
    return (
        f"{head.method} {head.target} HTTP/1.1\r\n"
        f"Host: {_host(head, peer, settings)[1]}\r\n{block.lines}"
        f"X-Amzn-Trace-Id: {_trace(head, trace)[1]}\r\n{framing}\r\n"
    ).encode("latin-1")


def _lines(fields: Sequence[Pair]) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in fields])


def _host(head: Head, peer: Peer, settings: BalancerSettings) -> Pair:
    """The one that the rules saw, which is the target's own where that has one (RFC 9112 section
    3.2.2): preserved, or written anew."""
    if settings.preserve_host and head.host:
        return ("Host", head.host)
    return ("Host", outgoing_host(head.named_host, peer.port))


def _trace(head: Head, trace: str) -> Pair:
    traces = head.values.get("x-amzn-trace-id")
    return ("X-Amzn-Trace-Id", traced(traces, trace, head.size > LARGE_HEAD))


def _passed_on(
    block: Block, peer: Peer, settings: BalancerSettings, dropped: frozenset[str]
) -> list[Pair]:
    """The lines that stay the same from one request of a connection to the next."""
    values = block.values
    if dropped is _NOT_END_TO_END:
        dropped |= named_by_connection(values)
    if settings.forwarded_for != PRESERVE:
        dropped |= {"x-forwarded-for"}
    fields = [(name, value) for _, name, value in without(block.fields, dropped)]
    if settings.forwarded_for == APPEND:
        hops = values.get("x-forwarded-for")
        own = forwarded_for(hops, peer, settings.forwarded_client_port)
        fields.append(("X-Forwarded-For", own))
    fields.append(("X-Forwarded-Proto", peer.protocol))
    fields.append(("X-Forwarded-Port", str(peer.port)))
    return fields


def response_head(
    status: int,
    reason: str,
    fields: Sequence[Field],
    values: Mapping[str, Sequence[str]],
    added: Sequence[Pair],
    framing: str,
) -> bytes:
    """`added` take the place of fields of their names, but for Set-Cookie, which adds to them;
    `framing` is what follows: whole lines."""
    dropped = _FRAMING
    if "connection" in values:
        dropped |= named_by_connection(values)
    if added:
        dropped |= {name.lower() for name, _ in added if name != "Set-Cookie"}
    lines = [f"{name}: {value}\r\n" for key, name, value in fields if key not in dropped]
    lines += [f"{name}: {value}\r\n" for name, value in added]
    return f"HTTP/1.1 {status} {reason}\r\n{''.join(lines)}{framing}\r\n".encode("latin-1")


class OwnResponse(NamedTuple):
    """A response of the load balancer itself. Server, Date, Content-Length and Connection come to
    it when it is written."""

    status: int
    fields: Sequence[Pair]
    body: bytes


def error_page(status: int, *fields: Pair) -> OwnResponse:
    title = f"{status} {PHRASES[status]}".strip()
    text = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return OwnResponse(status, [("Content-Type", "text/html"), *fields], text.encode())


def own_response(
    response: OwnResponse,
    settings: BalancerSettings,
    date: str,
    connection: str,
    *,
    bodiless: bool,
    reason: str | None = None,
) -> bytes:
    """The whole of it; `bodiless` for a response to HEAD. `date` as in a Date header, `connection`
    KEEP_ALIVE or CLOSE; `reason` instead of the status code's own phrase."""
    status, body = response.status, response.body
    fields = [(name.lower(), name, value) for name, value in response.fields]
    keys = {key for key, _, _ in fields}
    own = [("Server", SERVER)] if settings.server_header and "server" not in keys else []
    if "date" not in keys:
        own.append(("Date", date))
    without = status in (204, 304)
    framing = connection if without else f"Content-Length: {len(body)}\r\n{connection}"
    phrase = PHRASES.get(status, "") if reason is None else reason
    head = response_head(status, phrase, fields, {}, [*own, *settings.added_headers], framing)
    return head if bodiless or without else head + body
