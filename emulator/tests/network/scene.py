"""A network load balancer over real sockets; beside it, if asked for, an application one."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from tests.balancer.scene import until

from emulator.balancer.provider import PREFIX, LoadBalancingProvider
from emulator.clock import Clock
from emulator.listening import free_port
from emulator.providers import InvokeResult, Resource

# As CDK synthesizes NetworkTargetGroup, with times a test can wait for.
GROUP: dict[str, Any] = {
    "HealthCheckIntervalSeconds": 5,
    "HealthCheckProtocol": "TCP",
    "HealthyThresholdCount": 2,
    "UnhealthyThresholdCount": 2,
    "Port": 8080,
    "Protocol": "TCP",
    "TargetType": "ip",
    "VpcId": "vpc-1",
}
AFFINITY = {"stickiness.enabled": "true", "stickiness.type": "source_ip"}
PRESERVED = {"preserve_client_ip.enabled": "true"}

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def pairs(attributes: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in attributes.items()]


def group(attributes: dict[str, str], **properties: Any) -> dict[str, Any]:
    return {**GROUP, "TargetGroupAttributes": pairs(attributes), **properties}


class Backend:
    """A TCP server. It sends its name and the client's address, line by line, unless `serve` is
    given."""

    def __init__(self, name: str, serve: Serve | None = None) -> None:
        self.name = name
        self.sees: list[str] = []
        self.open: set[asyncio.StreamWriter] = set()
        self._serve = serve or self._report
        self._server: asyncio.Server | None = None
        self.port = free_port()  # it may stop, and start again on it

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Refuses connections from now on; what is open stays open."""
        if self._server is not None:
            self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            await self._serve(reader, writer)
        except OSError:
            pass
        finally:
            self.open.discard(writer)
            writer.close()

    async def _report(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            source = writer.get_extra_info("peername")[0]
            self.sees.append(source)
            writer.write(f"{self.name} {source}\n".encode())
            await writer.drain()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def exchange(self) -> str:
        """One line for one line; "" at the end. Raises OSError."""
        self.writer.write(b"who?\n")
        await self.writer.drain()
        return (await self.reader.readline()).decode().strip()

    def close(self) -> None:
        self.writer.close()


class NetworkScene:
    def __init__(self, provider: LoadBalancingProvider, arns: dict[str, str], port: int) -> None:
        self.provider = provider
        self.arns = arns
        self.port = port
        self.backends: dict[str, Backend] = {}
        self.clients: list[Client] = []

    async def add(self, name: str, serve: Serve | None = None) -> Backend:
        """A backend, registered, once the balancer knows that it is healthy."""
        backend = self.backends[name] = Backend(name, serve)
        await backend.start()
        self.provider.targets.register(self.arns["net"], name, "127.0.0.1", backend.port)
        await self.until_state(name, "healthy")
        return backend

    def target(self, name: str) -> Any:
        groups = self.provider.state()["target_groups"]
        network = next(group for group in groups if group["balancer"] == "network")
        return next((each for each in network["targets"] if each["id"] == name), None)

    async def until_state(self, name: str, state: str) -> None:
        await until(lambda: (self.target(name) or {}).get("state") == state)

    async def connect(self, source: str = "127.0.0.1") -> Client:
        connection = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(source, 0), limit=2**20
        )
        self.clients.append(Client(*connection))
        return self.clients[-1]

    async def exchange(self, source: str = "127.0.0.1") -> str:
        """What a connection of its own receives. Raises OSError."""
        client = await self.connect(source)
        try:
            return await client.exchange()
        finally:
            client.close()

    async def server_of(self, source: str) -> str:
        return (await self.exchange(source)).split()[0]


@contextlib.asynccontextmanager
async def network_balancing(
    properties: dict[str, Any] | None = None,
    *,
    idle: int | None = None,
    http: dict[str, Any] | None = None,
    speed: float = 50,
) -> AsyncIterator[NetworkScene]:
    """`properties` of its target group, called "net"; `http` of one behind an application load
    balancer, called "web"."""

    async def invoke(_arn: str, _payload: bytes) -> InvokeResult:
        raise AssertionError("there is no function")

    provider = LoadBalancingProvider(invoke, port=0, clock=Clock(speed), any_host=True)
    arns = {"net": await make(provider, "TargetGroup", "net", properties or GROUP)}
    if http is not None:
        arns["web"] = await make(provider, "TargetGroup", "web", http)
        balancer = await make(provider, "LoadBalancer", "Balancer", {"Type": "application"})
        action = {"Type": "forward", "TargetGroupArn": arns["web"]}
        listener = {"LoadBalancerArn": balancer, "DefaultActions": [action]}
        await make(provider, "Listener", "Http", listener)
    await listen(provider, arns["net"], idle)
    await provider.start()
    assert provider.network_url is not None
    scene = NetworkScene(provider, arns, int(provider.network_url.rpartition(":")[2]))
    try:
        yield scene
    finally:
        for client in scene.clients:
            client.close()
        await provider.stop()
        for backend in scene.backends.values():
            await backend.stop()
            for writer in tuple(backend.open):
                writer.close()


async def make(
    provider: LoadBalancingProvider, kind: str, name: str, properties: dict[str, Any]
) -> str:
    resource = Resource("Web", name, PREFIX + kind, properties)
    return (await provider.create(resource, properties)).ref


async def listen(provider: LoadBalancingProvider, arn: str, idle: int | None = None) -> str:
    """A load balancer and its listener, as CDK synthesizes them."""
    balancer = {
        "LoadBalancerAttributes": pairs(
            {"deletion_protection.enabled": "false", "load_balancing.cross_zone.enabled": "true"}
        ),
        "Scheme": "internet-facing",
        "SecurityGroups": ["sg-1"],
        "Subnets": ["subnet-1", "subnet-2"],
        "Type": "network",
    }
    attributes = {"tcp.idle_timeout.seconds": str(idle)} if idle else {}
    return await make(
        provider,
        "Listener",
        "Tcp",
        {
            "DefaultActions": [{"TargetGroupArn": arn, "Type": "forward"}],
            "ListenerAttributes": pairs(attributes),
            "LoadBalancerArn": await make(provider, "LoadBalancer", "Network", balancer),
            "Port": 80,
            "Protocol": "TCP",
        },
    )


def reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of an orderly end."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def need_addresses() -> None:
    """Skips where the loopback interface has 127.0.0.1 only (macOS, unless others are added)."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.2", 0))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                pytest.skip("127.0.0.2 is no address of this machine")
            raise
