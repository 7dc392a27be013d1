"""The demonstration's HTTP server. Its address ends with a token, which keeps other users of the
machine out (see `emulator.console.token`); all paths are behind it.

GET / is the page. GET /events is a stream of its state (server-sent events). POST /phones/<user>
`{"network": "on" | "lost" | "silent"}` or `{"clock": ms}` is what happens to a phone.
GET /code/<step> and GET /log/<step>/<message id> give the code and the log lines of a step.
POST /balancer `{"requests": n}` sends requests to the load balancer, `{"kill": true}` ends one of
its targets, and responds once that is replaced.

Only the page itself may ask: requests from another origin are rejected, also of this machine.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from emulator.console import token as tokens
from emulator.listening import HttpListener, Port
from emulator.providers import EmulatorError
from tools.demo import balancing, code
from tools.demo.demo import Demo
from tools.demo.forwarding import foreign_origin, without_token

PAGE = Path(__file__).parent / "page"
ICON = Path(__file__).parents[2] / "web/src/app/public/icon.svg"  # the client's own
BODY_BYTES = 4096
TOGETHER = 0.02  # seconds: changes that come together are one event
_KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


class Server:
    """`demo` is set before the first request: the listener has its port before that."""

    def __init__(self, port: Port) -> None:
        self.listener = HttpListener(self._handle, port, "the demonstration")
        self.demo: Demo | None = None
        self._token = tokens.new()
        self._streams: set[asyncio.Event] = set()
        self._closing = False

    @property
    def url(self) -> str:
        """Of the page, which asks for everything by relative addresses: it ends with a slash."""
        return f"{self.listener.url}/{self._token}/"

    async def stop(self) -> None:
        """Its streams end; a page that is still open tries again."""
        self._closing = True
        for stream in self._streams:
            stream.set()
        await self.listener.stop()

    async def notify(self, demo: Demo) -> None:
        """Passes on that something has changed, for as long as it runs."""
        while True:
            await demo.changed.wait()
            demo.changed.clear()
            for stream in self._streams:
                stream.set()
            await asyncio.sleep(TOGETHER)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if rejected := foreign_origin(request, self.listener.url):
            return rejected
        path = tokens.behind(request.path, self._token)
        if path is None:
            return without_token()
        if self.demo is None:
            return web.Response(status=503, text="it is starting")
        if path == "/events":
            return await self._stream(request, self.demo)
        response = await self._respond(request, path, self.demo)
        response.headers.update(_headers(self.demo))
        return response

    async def _respond(self, request: web.BaseRequest, path: str, demo: Demo) -> web.Response:
        parts = [part for part in path.split("/") if part]
        try:
            match (request.method, parts):
                case ("GET", []) if not request.path.endswith("/"):
                    return web.Response(status=302, headers={"Location": self.url})
                case ("GET", [] | [_]):
                    return _file(parts[0] if parts else "index.html")
                case ("GET", ["code", step]):
                    return web.json_response(code.excerpt(step))
                case ("GET", ["log", step, message_id]):
                    service = code.LOGS.get(step)
                    lines = demo.log_lines(service, message_id) if service else []
                    return web.json_response({"service": service, "lines": lines})
                case ("POST", ["phones", user]):
                    demo.order(user, await _body(request))
                    return web.json_response({})
                case ("POST", ["balancer"]):
                    return web.json_response(await _balance(demo, await _body(request)))
        except LookupError:
            pass
        except (ValueError, EmulatorError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"error": f"there is nothing at {path}"}, status=404)

    async def _stream(self, request: web.BaseRequest, demo: Demo) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={**_headers(demo), "Content-Type": "text/event-stream"}
        )
        await response.prepare(request)
        changed = asyncio.Event()
        changed.set()
        self._streams.add(changed)
        try:
            while True:
                await changed.wait()
                changed.clear()
                if self._closing:
                    return response
                await response.write(f"data: {json.dumps(demo.state())}\n\n".encode())
        except ConnectionError:
            return response
        finally:
            self._streams.discard(changed)


def _headers(demo: Demo) -> dict[str, str]:
    """Nothing of the page comes from elsewhere, but for what is in its frames."""
    frames = [phone.url for phone in demo.phones.values()] + [demo.console.listener.url]
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self'; frame-src {' '.join(frames)}; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _file(name: str) -> web.Response:
    """Only names that lie directly in the page's folder. Raises LookupError for others."""
    file = next((each for each in (*PAGE.iterdir(), ICON) if each.name == name), None)
    if file is None or file.name == "phone.js":
        raise LookupError(name)
    return web.Response(body=file.read_bytes(), content_type=_KINDS[file.suffix], charset="utf-8")


async def _body(request: web.BaseRequest) -> Mapping[str, Any]:
    """Raises ValueError for what is no object of JSON."""
    if (request.content_length or 0) > BODY_BYTES:
        raise ValueError(f"the body is longer than {BODY_BYTES} bytes")
    body = json.loads(await request.read())
    if not isinstance(body, dict):
        raise ValueError("the body is no object")  # noqa: TRY004 - of the request, not of the code
    return body


async def _balance(demo: Demo, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The console's response."""
    match tuple(body.items()):
        case (("requests", int(number)),):
            return await balancing.share_out(demo.backend, number)
        case (("kill", True),):
            return await balancing.replace_one(demo.backend)
    raise ValueError(f"there is no order {dict(body)}")
