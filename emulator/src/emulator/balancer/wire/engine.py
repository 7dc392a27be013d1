"""The Application Load Balancer's listener: opens the port, holds what its connections share."""

from __future__ import annotations

import asyncio
import email.utils
import logging
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from emulator.balancer.targets.registrar import Registrar
from emulator.balancer.targets.target_group import Target, TargetGroup
from emulator.balancer.wire.client import ClientConnection
from emulator.balancer.wire.exchange import Answered, Exchange
from emulator.balancer.wire.forwarding import Forwarding
from emulator.balancer.wire.function import Invocation
from emulator.balancer.wire.head import Head
from emulator.balancer.wire.pages import OwnAnswer, error_page
from emulator.balancer.wire.pool import Pool
from emulator.balancer.wire.settings import BalancerSettings
from emulator.balancer.wire.target import TargetConnection
from emulator.balancer.wire.traces import Traces
from emulator.balancer.wire.tunnel import Tunnel
from emulator.listening import HOST, Port, bound, number, port_taken
from emulator.providers import Invoke

if TYPE_CHECKING:
    from emulator.balancer.listener.plane import Plane

log = logging.getLogger("emulator.balancer")

PURPOSE = "the load balancer"
SWITCHED = 101
READ_BYTES = 64 * 1024  # at once, from a client or a target


class Engine:
    """`port` 0 takes a free one, see `port` after `start`; `random_bytes` is for trace ids. `now`
    says how long connections have been idle and open, in seconds."""

    def __init__(
        self,
        plane: Plane,
        registrar: Registrar,
        invoke: Invoke,
        settings: BalancerSettings,
        port: Port,
        random_bytes: Callable[[int], bytes],
        *,
        grace_seconds: float = 1,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plane = plane
        self._grace = grace_seconds
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._tunnels: set[Tunnel] = set()
        self._date = (0, "")
        self.registrar = registrar
        self.invoke = invoke
        self.settings = settings
        self._listen_on = port
        self.port = number(port)
        self.now = now
        self.traces = Traces(time.time, random_bytes)
        self.connections: set[ClientConnection] = set()
        self.stopping = False
        # What comes in is parsed before the loop reads from anyone else, so that one does for all.
        # (asyncio's own way, 256 KB made anew for each read, costs 7 us more of a request's 60.)
        self.buffer = memoryview(bytearray(READ_BYTES))

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def start(self) -> None:
        """Raises LocalModeError when the port is taken."""
        self.loop = asyncio.get_running_loop()
        self.pool = Pool(self.loop, self.settings.idle_seconds, self.buffer)
        listening = bound(self._listen_on, PURPOSE)
        self.port = self._plane.port = number(listening)
        try:
            self._server = await self.loop.create_server(
                lambda: ClientConnection(self), sock=listening, backlog=1024
            )
        except OSError as error:
            raise port_taken(self.port, PURPOSE, error) from error
        self.registrar.on_removal.append(self._removed)

    async def stop(self) -> None:
        """Requests under way have `grace_seconds` to get their answers."""
        server, self._server = self._server, None
        if server is None:
            return
        self.registrar.on_removal.remove(self._removed)
        server.close()
        self.stopping = True
        for connection in list(self.connections):
            connection.close_if_idle()
        for tunnel in list(self._tunnels):
            tunnel.abort()
        try:
            async with asyncio.timeout(self._grace):
                await self._gone()
        except TimeoutError:
            for connection in list(self.connections):
                connection.transport.abort()
            await self._gone()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.pool.close()
        await asyncio.sleep(0)  # transports close in the loop's next turn

    async def _gone(self) -> None:
        while self.connections:  # noqa: ASYNC110  once per stop, for a second at most
            await asyncio.sleep(0.005)

    def open(self, connection: ClientConnection, head: Head) -> Exchange:
        """What answers the request. A failure of ours is a 500 of the load balancer, and logged."""
        try:
            decision = self._plane.decide(head, connection.peer.source_ip)
        except Exception:
            log.exception("the load balancer failed")
            return Answered(connection, head, error_page(500), closes=True)
        if isinstance(decision, OwnAnswer):
            return Answered(connection, head, decision, closes=False)
        function = decision.target.function
        if function is not None:
            return Invocation(self, connection, head, decision, function)
        return Forwarding(self, connection, head, decision)

    def join(
        self, client: ClientConnection, target: TargetConnection, to: Target, rest: bytes
    ) -> None:
        """An upgraded request; it is in flight as long as its bytes flow."""
        tunnel = Tunnel(self.loop, to, self.settings.idle_seconds, self.buffer, self._tunnel_over)
        self._tunnels.add(tunnel)
        client.leave()
        tunnel.join(client.transport, client.after_upgrade, target.transport, rest)

    def _tunnel_over(self, tunnel: Tunnel) -> None:
        self._tunnels.discard(tunnel)
        self.registrar.answered(tunnel.target, SWITCHED)

    def _removed(self, _group: TargetGroup, target: Target) -> None:
        self.pool.forget(target)
        for connection in list(self.connections):
            connection.removed(target)
        for tunnel in [each for each in self._tunnels if each.target is target]:
            tunnel.abort()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def date(self) -> str:
        """Now, as in a Date header."""
        now = int(time.time())
        if self._date[0] != now:
            self._date = (now, email.utils.formatdate(now, usegmt=True))
        return self._date[1]
