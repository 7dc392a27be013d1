"""Ports of 127.0.0.1, HTTP listeners on them, and what a port that is taken becomes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from emulator import foreign
from emulator.providers import EmulatorError, PortTaken

HOST = "127.0.0.1"
_SELDOM = range(10_000, 32_768)  # below the ephemeral ports of Linux; those of macOS begin higher

Port = int | socket.socket  # 0 is any free one; a socket holds its port since it was `bound`

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def port_taken(port: int, purpose: str, error: OSError) -> PortTaken:
    message = (
        f"port {port} for {purpose} can't be opened ({error.strerror or error}): end what "
        "listens on it, or choose another port"
    )
    return PortTaken(port, message)


def bound(port: Port, purpose: str) -> socket.socket:
    """A socket that has `port` from now on, though it refuses connections until it listens. Nobody
    else is given that port meanwhile, as happens to one that was only found to be free.

    Raises EmulatorError when the port is taken.
    """
    if isinstance(port, socket.socket):
        return port
    if not 0 <= port < 65536:
        raise port_taken(port, purpose, OSError(errno.EINVAL, "ports go from 1 to 65535"))
    # asyncio sets TCP_NODELAY only where the protocol is named. Without it the body of a response
    # waits up to 40 ms, until the client acknowledges the head.
    holder = socket.socket(proto=socket.IPPROTO_TCP)
    # what earlier connections left behind on a port (TIME_WAIT) is no hindrance
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((HOST, port))
    except OSError as error:
        holder.close()
        raise port_taken(port, purpose, error) from error
    return holder


def number(port: Port) -> int:
    return port if isinstance(port, int) else int(port.getsockname()[1])


def free_port() -> int:
    """A port that nobody has now, for somebody else to bind: from a range that systems give to
    nobody who asks for any, so that only who wants just this one could be faster."""
    while True:
        with contextlib.suppress(EmulatorError), bound(random.choice(_SELDOM), "a port") as found:
            return number(found)


def error_for(request: web.BaseRequest) -> web.Response | None:
    """The response to a request that a foreign web page made; None to any other."""
    headers = request.headers
    reason = foreign.reason(headers.get("Host"), headers.get("Origin"))
    if reason is None:
        return None
    error = {"error": {"code": "forbidden", "message": reason}}
    return web.json_response(error, status=403, headers={"Cache-Control": "no-store"})


class HttpListener:
    """One aiohttp server without routing; `port` is its number after `start`.

    Requests of foreign web pages are refused before `handler` sees them.
    """

    def __init__(
        self,
        handler: Handler,
        port: Port,
        purpose: str,
        *,
        keepalive_seconds: float = 3600,
        grace_seconds: float = 1,
    ) -> None:
        self._handler = handler
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
            self._guarded,
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

    async def _guarded(self, request: web.BaseRequest) -> web.StreamResponse:
        return error_for(request) or await self._handler(request)

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await asyncio.shield(runner.cleanup())
