"""HTTP listeners on 127.0.0.1, and what a port that is taken becomes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.providers import LocalModeError

HOST = "127.0.0.1"

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def port_taken(port: int, purpose: str, error: OSError) -> LocalModeError:
    return LocalModeError(
        f"port {port} for {purpose} can't be opened ({error.strerror or error}): end what "
        "listens on it, or choose another port"
    )


class HttpListener:
    """One aiohttp server without routing; port 0 takes a free port, see `port` after `start`."""

    def __init__(
        self,
        handler: Handler,
        port: int,
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
        self.port = port

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def start(self) -> None:
        """Raises LocalModeError when the port is taken."""
        server = web.Server(
            self._handler,
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
        site = web.TCPSite(runner, HOST, self.port, backlog=1024)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise port_taken(self.port, self._purpose, error) from error
        self._runner = runner
        self.port = int(runner.addresses[0][1])

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await asyncio.shield(runner.cleanup())
