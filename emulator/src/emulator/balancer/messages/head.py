"""A request's head: what the parser gave, checked as an Application Load Balancer does.

Source: "Troubleshoot your Application Load Balancers" for the status codes, "How Elastic Load
Balancing works" for methods, versions and sizes, both in AWS's user guides.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from emulator.balancer.messages.desync import (
    AMBIGUOUS,
    SEVERE,
    Doubt,
    Framing,
    doubt_of_body,
    doubt_of_headers,
    framing_of,
    is_plain,
    most_severe,
)
from emulator.balancer.messages.headers import Field, Pair, members, too_many_forwarded, values_of
from emulator.balancer.settings import MONITOR, STRICTEST, BalancerSettings

LINE_BYTES = 16 * 1024  # of the request line, and of each header
HEAD_BYTES = 64 * 1024
# Others are routed, custom ones too: "You can specify standard or custom HTTP methods", condition
# types for listener rules.
# The 400 and the longest method, in characters, are of "Troubleshoot a Classic Load Balancer: HTTP
# errors": no page of Application Load Balancers has either.
NOT_ROUTED = {"CONNECT": 400, "TRACE": 405}
LONGEST_METHOD = 127

# "application/grpc" [("+proto" / "+json" / {custom})] in "gRPC over HTTP2"; application/grpc-web is
# of a protocol for HTTP/1.1.
_GRPC = re.compile(r"application/grpc\s*(?:[+;]|$)", re.IGNORECASE)
_VALID_NAME = re.compile(r"[-a-z0-9]+")
# A uri-host and maybe a port (RFC 9110 section 7.2, RFC 3986 section 3.2.2).
_HOST = re.compile(r"(?:\[[0-9A-Za-z:.]+\]|[-0-9A-Za-z._~!$&'()*+,;=%]*)(?::[0-9]*)?")


class Rejected(Exception):
    """A request that gets the load balancer's own response with this status."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(slots=True)
class Block:
    """A request's headers, and what follows from them alone. Clients send the same ones again and
    again over a connection, so that it needn't be found out each time.

    `came` is what the parser gave, `fields` those of it that stay, `values` the same by lower-case
    name. The body is `length` bytes, or chunked where that is None; `identity` says that it was
    a Transfer-Encoding of that name, `unsupported` names one that is another; `lines` is what a
    target gets of them, once that is written.
    """

    came: Sequence[Field]
    fields: Sequence[Field]
    values: dict[str, list[str]]
    host: str
    length: int | None
    identity: bool
    unsupported: str
    doubt: Doubt | None
    framing: Framing
    size: int
    lines: str = ""

    def doubt_of(self, method: str, version: str) -> Doubt | None:
        """Of a request with these headers whose form the parser accepts."""
        return most_severe(self.doubt, doubt_of_body(method, f"HTTP/{version}", self.framing))


@dataclass(slots=True)
class Head:
    """`target`, its `path` and its `query` are as on the wire, not decoded: a proxy must not modify
    them (RFC 9110 section 7.7).

    `upgrade` asks for a WebSocket. `closes` says that the client, or its doubtful framing, wants
    the connection closed after the response; `alone` that the target's connection has to be, too.
    """

    method: str
    target: str
    path: str
    query: str
    host: str
    block: Block
    values: dict[str, list[str]]
    length: int | None
    upgrade: bool
    modern: bool  # HTTP/1.1
    closes: bool
    alone: bool

    @property
    def named_host(self) -> str:
        """HTTP/1.0 may come without a host, and goes to the load balancer's address."""
        return self.host or "127.0.0.1"

    @property
    def size(self) -> int:
        return len(self.target) + self.block.size

    @property
    def expects_continue(self) -> bool:
        return self.modern and "100-continue" in members(self.values, "expect")


def query_pairs(query: str) -> list[Pair]:
    """Names and values as on the wire: the load balancer decodes neither."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return [(name, value) for name, _, value in pairs]


def check_request_line(method: str, version: str) -> None:
    """Raises Rejected."""
    # "HTTP/0.9, HTTP/1.0, HTTP/1.1, and HTTP/2" on front-end connections, the last one over TLS.
    if version not in ("1.1", "1.0", "0.9"):
        raise Rejected(505, f"HTTP version {version}")
    if method in NOT_ROUTED or len(method) > LONGEST_METHOD:
        raise Rejected(NOT_ROUTED.get(method, 405), f"method {method}")


def read_block(came: Sequence[Field], settings: BalancerSettings) -> Block:
    """Raises Rejected."""
    fields = came
    if settings.drop_invalid_headers:
        fields = [field for field in came if _is_valid(field[0])]
    values = values_of(fields)
    length, identity, unsupported = _framing(values)
    if "x-forwarded-for" in values and too_many_forwarded(values):
        raise Rejected(463, "too many addresses in X-Forwarded-For")
    if _GRPC.match(values.get("content-type", ("",))[-1]):
        raise Rejected(464, "gRPC, to target groups of version HTTP1")
    hosts = values.get("host", [""])
    if len(hosts) > 1 or not _HOST.fullmatch(hosts[0]):
        raise Rejected(400, "more than one Host header, or one that is no host")  # RFC 9112, 3.2
    size = sum([len(name) + len(value) + 4 for _, name, value in came])
    odd = [
        (name, value)
        for _, name, value in fields
        if not is_plain(name) or not (value.isascii() and value.isprintable())
    ]
    doubt, framing = doubt_of_headers(odd), framing_of(odd)
    return Block(
        came, fields, values, hosts[0], length, identity, unsupported, doubt, framing, size
    )


def read_head(
    method: str,
    url: str,
    version: str,
    upgrade: bool,
    keep_alive: bool,
    block: Block,
    settings: BalancerSettings,
    doubt: Doubt | None,
) -> Head:
    """The head of a request whose request line `check_request_line` accepts; `upgrade` and
    `keep_alive` as the parser understood the Connection header. Raises Rejected."""
    modern = version == "1.1"
    if modern and not block.host:
        raise Rejected(400, "an HTTP/1.1 request without a Host header")
    values, length, alone = block.values, block.length, False
    if doubt is not None and settings.desync != MONITOR:
        if doubt.tier == SEVERE or settings.desync == STRICTEST:
            raise Rejected(400, doubt.reason)
        alone = doubt.tier == AMBIGUOUS
    if block.unsupported:
        raise Rejected(501, f"Transfer-Encoding {block.unsupported}")
    host = block.host
    if not url.startswith("/"):
        url, host = _origin_form(url, host)
    path, _, query = url.partition("?")
    # One with a body is no handshake, whatever it says.
    handshake = upgrade and modern and method == "GET" and length == 0
    websocket = handshake and _asks_for_websocket(values)
    return Head(
        method,
        url,
        path,
        query,
        host,
        block,
        values,
        length,
        websocket,
        modern,
        not keep_alive or alone or block.identity or websocket,
        alone,
    )


@functools.lru_cache(1024)
def _is_valid(key: str) -> bool:
    """Whether the name of a header, in lower case, is valid by
    routing.http.drop_invalid_header_fields."""
    return _VALID_NAME.fullmatch(key) is not None


def check_size(url: str, fields: Sequence[Field]) -> None:
    """Raises Rejected for what is over the guide's hard limits."""
    if len(url) > LINE_BYTES:
        raise Rejected(414, "the request line is over 16 K")
    sizes = [len(name) + len(value) + 4 for _, name, value in fields]
    if max(sizes, default=0) > LINE_BYTES:
        raise Rejected(400, "a header is over 16 K")
    if len(url) + sum(sizes) > HEAD_BYTES:
        raise Rejected(400, "the headers are over 64 K")


def _framing(values: dict[str, list[str]]) -> tuple[int | None, bool, str]:
    """(length, whether it is the coding `identity`, which the guide supports and the parser
    doesn't, a coding that isn't supported). The parser, or `lenient._framed`, leaves one length at
    most and none beside a coding."""
    codings = values.get("transfer-encoding")
    if codings is None:
        lengths = values.get("content-length")
        return int(lengths[0]) if lengths else 0, False, ""
    coding = ",".join(codings).strip(" \t").lower()
    if coding == "chunked":
        return None, False, ""
    # "The supported values for Transfer-Encoding are chunked and identity", each alone
    return 0, coding == "identity", "" if coding == "identity" else coding or "(none)"


def _origin_form(url: str, host: str) -> tuple[str, str]:
    """(url, host) of a target that isn't a path: the host of an absolute URL stands above the
    header's."""
    if url == "*":
        return url, host
    try:
        authority = urlsplit(url).netloc
    except ValueError as error:
        raise Rejected(400, str(error)) from error
    rest, named = url.partition("://")[2].removeprefix(authority), authority.rpartition("@")[2]
    if not named or not _HOST.fullmatch(named):
        raise Rejected(400, "a request target whose host is none")
    return rest if rest.startswith("/") else f"/{rest}", named


def _asks_for_websocket(values: dict[str, list[str]]) -> bool:
    """HTTP/2 in clear text, which some clients offer with each request, isn't taken up."""
    return any("websocket" in value.lower() for value in values.get("upgrade", ()))
