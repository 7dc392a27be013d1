"""A request's head: what the parser gave, checked as an Application Load Balancer does.

Source: "Troubleshoot your Application Load Balancers" for the status codes, "How Elastic Load
Balancing works" for methods, versions and sizes, both in AWS's user guides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from local.balancer.headers import Field, Pair, too_many_forwarded, values_of
from local.balancer.settings import STRICTEST, BalancerSettings
from local.balancer.wire.desync import doubt_of

LINE_BYTES = 16 * 1024  # of the request line, and of each header
HEAD_BYTES = 64 * 1024
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
CODINGS = frozenset({"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"})

_VALID_NAME = re.compile(r"[-A-Za-z0-9]+")


class Refused(Exception):
    """A request that gets the load balancer's own answer with this status."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(slots=True)
class Head:
    """`path` and `query_text` are as on the wire, not decoded; `fields` are what came, and
    `values` the same by lower-case name.

    The body is `length` bytes, or chunked where that is None. `upgrade` asks for a WebSocket.
    `closes` says that the client, or its doubtful framing, wants the connection closed after the
    answer; `alone` that the target's connection has to be, too.
    """

    method: str
    path: str
    query_text: str
    host: str
    fields: Sequence[Field]
    values: dict[str, list[str]]
    length: int | None
    upgrade: bool
    modern: bool  # HTTP/1.1
    closes: bool
    alone: bool
    size: int = 0

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query_text}" if self.query_text else self.path

    @property
    def query(self) -> Sequence[Pair]:
        """Names and values as on the wire: the load balancer decodes neither."""
        if not self.query_text:
            return ()
        pairs = (part.partition("=") for part in self.query_text.split("&") if part)
        return [(name, value) for name, _, value in pairs]

    @property
    def expects_continue(self) -> bool:
        expected = self.values.get("expect")
        return expected is not None and self.modern and expected[-1].lower() == "100-continue"


def read_head(
    method: str,
    url: str,
    version: str,
    fields: Sequence[Field],
    settings: BalancerSettings,
    *,
    upgrade: bool,
    keep_alive: bool,
) -> Head:
    """`upgrade` and `keep_alive` as the parser understood the Connection header. Raises
    Refused."""
    if version not in ("1.1", "1.0"):
        raise Refused(505, f"HTTP version {version}")
    if method not in METHODS:
        raise Refused(405, f"method {method}")
    if settings.drop_invalid_headers:
        fields = [field for field in fields if _VALID_NAME.fullmatch(field[1])]
    values = values_of(fields)
    modern = version == "1.1"
    hosts = values.get("host")
    if modern and (hosts is None or not hosts[0]):
        raise Refused(400, "an HTTP/1.1 request without a Host header")
    length, identity = _framing(values)
    doubt = doubt_of(method, modern, fields, values)
    if doubt is not None and settings.desync == STRICTEST:
        raise Refused(400, str(doubt))
    alone = doubt is not None and doubt.ambiguous
    if "x-forwarded-for" in values and too_many_forwarded(values):
        raise Refused(463, "too many addresses in X-Forwarded-For")
    if values.get("content-type", ("",))[-1].startswith("application/grpc"):
        raise Refused(464, "gRPC, to target groups of version HTTP1")
    host = hosts[0] if hosts else ""
    path, query_text, host = _split(url, host)
    return Head(
        method,
        path,
        query_text,
        host,
        fields,
        values,
        length,
        upgrade and modern and _asks_for_websocket(values),
        modern,
        not keep_alive or alone or identity,
        alone,
    )


def refuse_size(url: str, fields: Sequence[Field]) -> None:
    """Raises Refused for what is over the guide's hard limits."""
    if len(url) > LINE_BYTES:
        raise Refused(414, "the request line is over 16 K")
    sizes = [len(name) + len(value) + 4 for _, name, value in fields]
    if max(sizes, default=0) > LINE_BYTES:
        raise Refused(400, "a header is over 16 K")
    if len(url) + sum(sizes) > HEAD_BYTES:
        raise Refused(400, "the headers are over 64 K")


def _framing(values: dict[str, list[str]]) -> tuple[int | None, bool]:
    """(length, whether it is the coding `identity`, which the guide supports and the parser
    doesn't). The parser has refused both headers together, and either one twice."""
    codings = values.get("transfer-encoding")
    if codings is None:
        lengths = values.get("content-length")
        return int(lengths[0]) if lengths else 0, False
    coding = ",".join(codings).strip().lower()
    if coding == "chunked":
        return None, False
    if coding == "identity":
        return 0, True
    names = {name.strip() for name in coding.split(",")}
    if names & CODINGS and names <= CODINGS | {"chunked"}:
        raise Refused(501, f"Transfer-Encoding {coding}")
    raise Refused(400, f"Transfer-Encoding {coding}")


def _split(url: str, host: str) -> tuple[str, str, str]:
    """(path, query, host): the host of an absolute URL stands above the header's."""
    if "#" in url:
        raise Refused(400, "a request target with a fragment")  # RFC 9112 section 3.2
    if not url.startswith(("/", "*")):
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        url = url.partition("://")[2].removeprefix(parts.netloc)
        url = url if url.startswith("/") else f"/{url}"
    path, _, query_text = url.partition("?")
    return path, query_text, host


def _asks_for_websocket(values: dict[str, list[str]]) -> bool:
    """HTTP/2 in clear text, which some clients offer with each request, isn't taken up."""
    return any("websocket" in value.lower() for value in values.get("upgrade", ()))
