"""The Network Load Balancer's listener: each connection is given to one target, once.

Source: "Network Load Balancers" and "Edit target group attributes", user guide of Network Load
Balancers. A packet-forwarding balancer refuses a connection by responding to its SYN with RST; this
one has accepted it by then, so the client sees it open and be reset.
"""

from __future__ import annotations

import asyncio
import errno
import logging

from emulator.balancer.network import affinity
from emulator.balancer.network.flow import Flow, Stream
from emulator.balancer.network.target_group import NetworkSettings
from emulator.balancer.targets import health
from emulator.balancer.targets.registrar import Registrar
from emulator.balancer.targets.target_group import Target, TargetGroup
from emulator.listening import HOST, Port, bound, number, port_taken

log = logging.getLogger("emulator.balancer")

CONNECT_SECONDS = 10.0
PURPOSE = "the Network Load Balancer"

ENDED = "ended"  # how a connection that was not refused or reset is noted


class NetworkListener:
    """Forwards to `group`. `idle_seconds` are real ones, as clients see them."""

    def __init__(
        self,
        group: TargetGroup,
        settings: NetworkSettings,
        registrar: Registrar,
        port: Port,
        idle_seconds: float,
    ) -> None:
        self._group = group
        self._settings = settings
        self._registrar = registrar
        self._idle_seconds = idle_seconds
        self._server: asyncio.Server | None = None
        self._flows: dict[Flow, Target] = {}
        self._accepted: set[asyncio.Task[None]] = set()
        self._warned = False  # that a source address could not be preserved
        self._listen_on = port
        self.port = number(port)

    async def start(self) -> None:
        """Raises EmulatorError when the port is taken."""
        listening = bound(self._listen_on, PURPOSE)
        self.port = number(listening)
        try:
            self._server = await asyncio.start_server(
                self._accept, sock=listening, backlog=1024, start_serving=True
            )
        except OSError as error:
            raise port_taken(self.port, PURPOSE, error) from error
        self._registrar.on_removal.append(self._removed)

    async def stop(self) -> None:
        """Resets what is open."""
        if self._server is None:
            return
        self._server.close()
        self._registrar.on_removal.remove(self._removed)
        for task in tuple(self._accepted):
            task.cancel()
        await asyncio.gather(*self._accepted, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(Stream(reader, writer)))
        self._accepted.add(task)
        task.add_done_callback(self._accepted.discard)

    async def _carry(self, client: Stream) -> None:
        source_ip, source_port = client.peer
        target = self._choose(source_ip, source_port)
        if target is None:
            client.reset()
            return
        outcome = None
        try:
            outcome = await self._connected(client, target, source_ip)
        finally:
            client.reset()  # unless it has been closed
            self._registrar.closed(target, outcome)

    async def _connected(self, client: Stream, target: Target, source_ip: str) -> str | None:
        """How the connection ended: None if the target refused it or broke it off."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                upstream = await self._connect(target, source_ip)
        except OSError as error:
            log.info("%s: no connection to %s: %s", self._group.name, target.id, error)
            return None
        flow = Flow(client, upstream, self._idle_seconds, lambda: self._reset_by(target))
        self._flows[flow] = target
        try:
            return ENDED if await flow.run() else None
        finally:
            del self._flows[flow]

    def _choose(self, source_ip: str, source_port: int) -> Target | None:
        """Chooses a target and counts the connection; None where no target is registered."""
        key = affinity.key_of(source_ip, source_port, sticky=self._settings.sticky)
        chosen = affinity.choose(key, self._group.routable())
        if chosen is not None:
            chosen.in_flight += 1
            chosen.requests += 1
            self._group.requests += 1
        return chosen

    async def _connect(self, target: Target, source_ip: str) -> Stream:
        if self._settings.preserve_client_ip:
            try:
                return await Stream.open(target.host, target.port, source_ip)
            except OSError as error:
                # Linux has all of 127.0.0.0/8; where others have only addresses that were added,
                # a client could not have come from another one either.
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                if not self._warned:
                    log.warning("targets see %s: this machine can't send from %s", HOST, source_ip)
                    self._warned = True
        return await Stream.open(target.host, target.port, None)

    def _reset_by(self, target: Target) -> bool:
        """Whether a client that sends something now gets a reset."""
        return (
            self._settings.reset_unhealthy
            and target.health.state == health.UNHEALTHY
            and target not in self._group.routable()
        )

    def _removed(self, group: TargetGroup, target: Target) -> None:
        """Deregistered, its delay over. Without `terminate` its connections live on, as long as
        the target does."""
        if group is self._group and self._settings.terminate:
            for flow in [flow for flow, its in self._flows.items() if its is target]:
                flow.reset()
