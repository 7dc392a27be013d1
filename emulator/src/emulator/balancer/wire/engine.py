"""The Application Load Balancer's HTTP server: opens the port, starts an exchange per request."""

from __future__ import annotations

import asyncio
import logging

from emulator.balancer.messages.head import Head
from emulator.balancer.messages.outgoing import OwnResponse, error_page
from emulator.balancer.request_handler import RequestHandler
from emulator.balancer.targets.target_group import Target, TargetGroup
from emulator.balancer.wire.client import ClientConnection
from emulator.balancer.wire.exchange import Exchange, OwnResponseExchange
from emulator.balancer.wire.forwarding import Forwarding
from emulator.balancer.wire.function import Invocation
from emulator.balancer.wire.shared import Shared
from emulator.balancer.wire.target import TargetConnection
from emulator.balancer.wire.tunnel import Tunnel
from emulator.listening import HOST, Port, bound, number, port_taken

log = logging.getLogger("emulator.balancer")

PURPOSE = "the load balancer"
SWITCHED = 101
GRACE_SECONDS = 1


class Engine:
    """`port` 0 takes a free one, see `port` after `start`."""

    def __init__(self, handler: RequestHandler, shared: Shared, port: Port) -> None:
        self._handler = handler
        self._shared = shared
        self._server: asyncio.Server | None = None
        self._connections: set[ClientConnection] = set()
        self._tunnels: set[Tunnel] = set()
        self._registrar = shared.registrar
        self._listen_on = port
        self.port = number(port)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def start(self) -> None:
        """Raises EmulatorError when the port is taken."""
        shared = self._shared
        listening = bound(self._listen_on, PURPOSE)
        self.port = self._handler.port = number(listening)
        shared.open(self.port)
        try:
            self._server = await shared.loop.create_server(
                lambda: ClientConnection(shared, self._open, self._connections),
                sock=listening,
                backlog=1024,
            )
        except OSError as error:
            raise port_taken(self.port, PURPOSE, error) from error
        self._registrar.on_removal.append(self._removed)

    async def stop(self) -> None:
        """Requests under way have GRACE_SECONDS to get their responses."""
        server, self._server = self._server, None
        if server is None:
            return
        self._registrar.on_removal.remove(self._removed)
        server.close()
        self._shared.stopping = True
        for connection in list(self._connections):
            connection.close_if_idle()
        for tunnel in list(self._tunnels):
            tunnel.abort()
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await self._gone()
        except TimeoutError:
            for connection in list(self._connections):
                connection.transport.abort()
            await self._gone()
        await self._shared.close()
        await asyncio.sleep(0)  # transports close in the loop's next turn

    async def _gone(self) -> None:
        while self._connections:  # noqa: ASYNC110  once per stop, for a second at most
            await asyncio.sleep(0.005)

    def _open(self, connection: ClientConnection, head: Head) -> Exchange:
        """The exchange for a request. An error in our own code gives a 500, and is logged."""
        try:
            decision = self._handler.decide(head, connection.peer.source_ip)
        except Exception:
            log.exception("the load balancer failed")
            self._shared.counted(None, None, 0, 500)
            return OwnResponseExchange(connection, head, error_page(500), closes=True)
        if isinstance(decision, OwnResponse):
            self._shared.counted(None, None, 0, decision.status)
            return OwnResponseExchange(connection, head, decision, closes=False)
        function = decision.target.function
        if function is not None:
            return Invocation(self._shared, connection, head, decision, function)
        return Forwarding(self._shared, self._join, connection, head, decision)

    def _join(
        self, client: ClientConnection, target: TargetConnection, to: Target, rest: bytes
    ) -> None:
        """Connects both sides of an upgraded request, which is in flight until the tunnel ends."""
        shared = self._shared
        tunnel = Tunnel(
            shared.loop, to, shared.settings.idle_seconds, shared.buffer, self._tunnel_over
        )
        self._tunnels.add(tunnel)
        client.leave()
        tunnel.join(client.transport, client.after_upgrade, target.transport, rest)

    def _tunnel_over(self, tunnel: Tunnel) -> None:
        self._tunnels.discard(tunnel)
        self._registrar.responded(tunnel.target, SWITCHED)

    def _removed(self, _group: TargetGroup, target: Target) -> None:
        self._shared.pool.forget(target)
        for connection in list(self._connections):
            connection.removed(target)
        for tunnel in [each for each in self._tunnels if each.target is target]:
            tunnel.abort()
