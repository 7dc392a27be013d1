"""A request on its way through a reverse proxy, and what the proxy changes in the headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from emulator.console import token as tokens
from emulator.listening import HttpListener

# Of one connection, not of the message (RFC 9110, 7.6.1); the proxy's HTTP library makes its own.
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
# The page's files are read here, so they come as they are; the length is that of what is sent on.
_OWN = frozenset({"host", "origin", "referer", "accept-encoding", "content-length"})
_POLICY = "Content-Security-Policy"
_TIMEOUT = aiohttp.ClientTimeout(total=300)  # the console sends requests for so long


class Forwarded(NamedTuple):
    status: int
    headers: CIMultiDict[str]
    content_type: str
    body: bytes


async def forward(
    http: aiohttp.ClientSession,
    request: web.BaseRequest,
    body: bytes,
    backend: str,
    path: str | None = None,
) -> Forwarded:
    """The response of `backend`, requested as if the page came from there: its listeners check Host
    and Origin. 502 where it is gone. `path` is requested instead of the request's own."""
    url = URL(f"{backend}{request.raw_path if path is None else path}", encoded=True)
    headers = _forwarded(request.headers, backend)
    try:
        async with http.request(
            request.method, url, data=body, headers=headers, allow_redirects=False, timeout=_TIMEOUT
        ) as response:
            returned = CIMultiDict(
                (name, value)
                for name, value in response.headers.items()
                if name.lower() not in _HOP_BY_HOP | {"content-length"}
            )
            content = await response.read()
            return Forwarded(response.status, returned, response.content_type, content)
    except aiohttp.ClientError as error:
        return Forwarded(502, CIMultiDict(), "text/plain", str(error).encode())


def _forwarded(headers: Mapping[str, str], backend: str) -> CIMultiDict[str]:
    left = _HOP_BY_HOP | _OWN
    sent = CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in left)
    sent[hdrs.HOST] = urlsplit(backend).netloc
    sent[hdrs.ACCEPT_ENCODING] = "identity"
    if hdrs.ORIGIN in headers:
        sent[hdrs.ORIGIN] = f"{urlsplit(backend).scheme}://{urlsplit(backend).netloc}"
    return sent


def framed(headers: CIMultiDict[str], by: str, moved: tuple[str, str] = ("", "")) -> None:
    """The page's policy stays as it is, but that `by` may show the page in a frame, and that what
    it connects to is `moved` from the first address to the second."""
    if _POLICY not in headers:
        return
    old, new = (f"{url.scheme}://{url.netloc}" for url in map(urlsplit, moved))
    policy = headers[_POLICY].replace("frame-ancestors 'none'", f"frame-ancestors {by}")
    headers[_POLICY] = policy.replace(old, new) if moved[0] else policy


@dataclass(eq=False)
class Window:
    """Another page, such as the console, which `demo` may show in a frame. What is behind it may
    have a token in its address, so this has one of its own."""

    backend: str
    demo: str
    http: aiohttp.ClientSession
    purpose: str

    def __post_init__(self) -> None:
        self.listener = HttpListener(self._handle, 0, self.purpose)
        self._token = tokens.new()

    @property
    def url(self) -> str:
        return f"{self.listener.url}/{self._token}"

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if rejected := foreign_origin(request, self.listener.url):
            return rejected
        path = tokens.behind(request.raw_path, self._token)
        if path is None:
            return without_token()
        response = await forward(self.http, request, await request.read(), self.backend, path)
        framed(response.headers, self.demo)
        return web.Response(status=response.status, body=response.body, headers=response.headers)


def without_token() -> web.Response:
    """The response to a request without the token of the address. See `emulator.console.token`."""
    return web.Response(status=403, text="the address has a token in it: `make demo` prints it")


def foreign_origin(request: web.BaseRequest, own: str) -> web.Response | None:
    """The response to a page of another origin, also of this machine; None to one of `own`."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin in (None, own):
        return None
    return web.Response(status=403, text=f"requests from {origin} are not taken")
