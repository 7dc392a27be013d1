"""HTTP listeners on ports of 127.0.0.1, and what all of them do with a request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import HttpVersion11, StreamReader, web

from emulator import foreign
from emulator.clock import Clock
from emulator.local_ports import HOST, Port, bound, free_port, number, port_taken

__all__ = [
    "HOST",
    "HttpListener",
    "Port",
    "bound",
    "error_for",
    "free_port",
    "number",
    "port_taken",
    "read_body",
    "respond",
    "timed_out",
]

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
_Request = TypeVar("_Request", bound=web.BaseRequest)

# AWS does not publish its limit; SDKs' read timeout is 60 s by default.
BODY_SECONDS = 20.0


def error_for(request: web.BaseRequest) -> web.Response | None:
    """The response to a request that a foreign web page made; None to any other."""
    headers = request.headers
    reason = foreign.reason(headers.get("Host"), headers.get("Origin"))
    if reason is None:
        return None
    error = {"error": {"code": "forbidden", "message": reason}}
    return web.json_response(error, status=403, headers={"Cache-Control": "no-store"})


async def read_body(request: web.BaseRequest, most: int) -> bytes:
    """The body; of one that is longer than `most` bytes, at least one more, and the rest isn't
    read. (`StreamReader.read` returns what has come so far.)"""
    body = bytearray()
    while len(body) <= most and (piece := await request.content.readany()):
        body += piece
    return bytes(body)


def timed_out(_request: web.BaseRequest) -> web.Response:
    """RFC 9110, 15.5.9: no complete request within the time that the server is prepared to wait."""
    message = f"nothing more of the body came for {BODY_SECONDS:.0f} seconds"
    return web.json_response({"message": message}, status=408)


async def respond(
    request: _Request,
    handler: Callable[[_Request], Awaitable[web.StreamResponse]],
    clock: Clock,
    late: Callable[[_Request], web.Response] = timed_out,
) -> web.StreamResponse:
    """The response of `handler`, which requests of foreign web pages do not reach. Where nothing
    more of the request's body comes for BODY_SECONDS of `clock`, that of `late`, and the connection
    is closed."""
    if error := error_for(request):
        return error
    if request.content.is_eof():
        return await handler(request)
    try:
        async with asyncio.timeout(None) as limit:
            watch = asyncio.create_task(_expire(request.content, clock, limit))
            try:
                return await handler(request)
            finally:
                watch.cancel()
    except TimeoutError:
        if not limit.expired():
            raise
    request.content.feed_eof()  # or aiohttp waits for the rest for ten seconds before it closes
    response = late(request)
    response.force_close()
    return response


async def _expire(content: StreamReader, clock: Clock, limit: asyncio.Timeout) -> None:
    """Ends `limit` once nothing came from one look to the next, while the body is incomplete."""
    seen = -1
    while seen != content.total_bytes:
        seen = content.total_bytes
        await clock.sleep(BODY_SECONDS)
    if not content.is_eof():
        limit.reschedule(asyncio.get_running_loop().time())


class HttpListener:
    """One aiohttp server without routing; `port` is its number after `start`.

    `clock` limits how long a request's body may not come: give it speed 1, as clients send in real
    time.
    """

    def __init__(
        self,
        handler: Handler,
        port: Port,
        purpose: str,
        *,
        keepalive_seconds: float = 3600,
        grace_seconds: float = 1,
        clock: Clock | None = None,
    ) -> None:
        self._handler = handler
        self._clock = clock or Clock()
        self._purpose = purpose
        self._keepalive = keepalive_seconds
        self._grace = grace_seconds
        self._runner: web.ServerRunner | None = None
        self._listen_on: Port = port
        self.port = number(port)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def start(self) -> None:
        """Raises EmulatorError when the port is taken."""
        listening = bound(self._listen_on, self._purpose)
        self._listen_on = self.port = number(listening)  # also of the next start
        server = web.Server(
            self._respond,
            keepalive_timeout=self._keepalive,
            access_log=None,
            auto_decompress=False,
            max_line_size=16 * 1024,
            max_field_size=64 * 1024,
        )
        runner = web.ServerRunner(
            server, handle_signals=False, shutdown_timeout=self._grace, access_log=None
        )
        await runner.setup()
        site = web.SockSite(runner, listening, backlog=1024)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise port_taken(self.port, self._purpose, error) from error
        self._runner = runner

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        # RFC 9110, 10.1.1: the client may wait for this before it sends the body; not one of 1.0
        expected = request.headers.get("Expect", "").lower()
        if expected == "100-continue" and request.version >= HttpVersion11:
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # the response has not begun
        return await respond(request, self._handler, self._clock)

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await asyncio.shield(runner.cleanup())
