"""HTTP listeners on ports of 127.0.0.1."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from emulator import foreign
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
]

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


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

    Requests of foreign web pages are rejected before `handler` gets them.
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
