"""A load balancer over real sockets: backends are small servers, functions plain Python."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

from emulator.balancer.provider import PREFIX, LoadBalancingProvider
from emulator.clock import Clock
from emulator.listening import HttpListener
from emulator.metrics.store import Measure, unmeasured
from emulator.providers import InvokeResult, Resource

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:Api"
CHECKED: dict[str, Any] = {
    "TargetType": "ip",
    "Protocol": "HTTP",
    "Port": 8080,
    "HealthCheckPath": "/health",
    "HealthCheckIntervalSeconds": 5,
    "HealthCheckTimeoutSeconds": 2,
    "HealthyThresholdCount": 2,
    "UnhealthyThresholdCount": 2,
}
LAMBDA: dict[str, Any] = {
    "TargetType": "lambda",
    "Targets": [{"Id": FUNCTION}],
    "TargetGroupAttributes": [{"Key": "lambda.multi_value_headers.enabled", "Value": "true"}],
}

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Backend:
    """Responds with its name; `handle` replaces that, `healthy` and `hold` steer it."""

    def __init__(self, name: str, handle: Handler | None = None) -> None:
        self.name = name
        self.healthy = True
        self.hold = asyncio.Event()
        self.hold.set()
        self.seen: list[web.BaseRequest] = []
        self.checks = 0
        self._respond = handle
        self.listener = HttpListener(self._handle, 0, "a backend")

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/health":
            self.checks += 1
            return web.Response(status=200 if self.healthy else 500)
        self.seen.append(request)
        await self.hold.wait()
        if self._respond is not None:
            return await self._respond(request)
        return web.Response(text=self.name)


Script = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"


def responding(response: bytes, then: str = "closes") -> Script:
    async def script(_head: bytes, reader: Any, writer: Any) -> None:
        writer.write(response)
        await writer.drain()
        if then == "hangs":
            await reader.read(-1)
        elif then == "resets":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        else:
            writer.close()

    return script


async def body_of(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """Of a request, decoded."""
    if b"Transfer-Encoding: chunked" not in head:
        length = re.search(rb"Content-Length: (\d+)", head)
        return await reader.readexactly(int(length[1])) if length else b""
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    assert await reader.readline() == b"\r\n"
    return body


class RawBackend:
    """Speaks bytes: `script` gets each request's head and the connection. Health checks are
    passed for it; `heads` are what it was sent, `connections` how many it took for that."""

    def __init__(self, script: Script | None = None) -> None:
        self.heads: list[bytes] = []
        self.connections = 0
        self.open = 0
        self.script = script
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        first = True
        self.open += 1
        try:
            with contextlib.suppress(
                asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError
            ):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    if head.startswith(b"GET /health "):
                        writer.write(OK)
                        break
                    self.connections += first
                    first = False
                    self.heads.append(head)
                    if self.script is None:
                        writer.write(OK)
                    else:
                        await self.script(head, reader, writer)
                    if writer.is_closing():
                        break
                await writer.drain()
        finally:
            self.open -= 1
            writer.close()


async def ok(event: dict[str, Any]) -> Any:
    headers = {"Content-Type": ["text/plain"]}
    return {"statusCode": 200, "multiValueHeaders": headers, "body": "lambda"}


class Scene:
    def __init__(self, provider: LoadBalancingProvider, arns: dict[str, str]) -> None:
        self.provider = provider
        self.arns = arns
        self.backends: list[Backend] = []
        self.raw_backends: list[RawBackend] = []
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
        )

    async def add(
        self, group: str, name: str, handle: Handler | None = None, healthy: bool = True
    ) -> Backend:
        """A backend, registered; if it is `healthy`, once the balancer knows."""
        backend = Backend(name, handle)
        backend.healthy = healthy
        await backend.listener.start()
        self.backends.append(backend)
        self.provider.targets.register(self.arns[group], name, "127.0.0.1", backend.listener.port)
        if healthy:
            await self.until_state(group, name, "healthy")
        return backend

    async def add_raw(self, group: str, name: str, script: Script | None = None) -> RawBackend:
        backend = RawBackend(script)
        await backend.start()
        self.raw_backends.append(backend)
        self.provider.targets.register(self.arns[group], name, "127.0.0.1", backend.port)
        await self.until_state(group, name, "healthy")
        return backend

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def exchange(self, request: bytes) -> bytes:
        """All that comes back until the load balancer closes the connection."""
        reader, writer = await self.connect()
        writer.write(request)
        async with asyncio.timeout(15):
            response = await reader.read(-1)
        writer.close()
        return response

    @property
    def port(self) -> int:
        return int(self.provider.url.rpartition(":")[2])

    def in_flight(self) -> int:
        groups = self.provider.state()["target_groups"]
        return sum(target["in_flight"] for group in groups for target in group["targets"])

    def counted(self) -> Counter[str]:
        """What the targets' last responses were counted as."""
        groups = self.provider.state()["target_groups"]
        targets = [target for group in groups for target in group["targets"]]
        return sum((Counter(s) for target in targets for s in target["recent"]), Counter())

    def health(self, group: str, name: str) -> str | None:
        return self.provider.targets.target_health(self.arns[group], name)

    async def until_state(self, group: str, name: str, state: str | None) -> None:
        await until(lambda: self.health(group, name) == state)

    async def get(self, path: str = "/", method: str = "GET", **options: Any) -> tuple[int, str]:
        async with self.session.request(
            method, self.provider.url + path, allow_redirects=False, **options
        ) as response:
            return response.status, await response.text()


async def until(condition: Callable[[], Any], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - conditions are of any kind
            await asyncio.sleep(0.005)


def forward(weights: dict[str, int]) -> dict[str, Any]:
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights.items()]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


@contextlib.asynccontextmanager
async def balancing(
    groups: dict[str, tuple[dict[str, Any], int]] | None = None,
    rules: list[dict[str, Any]] | None = None,
    attributes: dict[str, str] | None = None,
    function: Callable[[dict[str, Any]], Awaitable[Any]] = ok,
    speed: float = 20,
    default: Callable[[dict[str, int]], dict[str, Any]] = forward,
    listener_attributes: dict[str, str] | None = None,
    measure: Measure = unmeasured,
) -> AsyncIterator[Scene]:
    """`groups`: name -> (properties, weight in the default action). `default` makes that action
    of the weights by ARN."""

    async def invoke(_arn: str, payload: bytes) -> InvokeResult:
        response = await function(json.loads(payload))
        if isinstance(response, InvokeResult):
            return response
        return InvokeResult(json.dumps(response).encode(), False)

    provider = LoadBalancingProvider(
        invoke, port=0, clock=Clock(speed), any_host=True, measure=measure
    )

    async def make(kind: str, name: str, properties: dict[str, Any]) -> str:
        resource = Resource("Web", name, PREFIX + kind, properties)
        return (await provider.create(resource, properties)).ref

    pairs = [{"Key": key, "Value": value} for key, value in (attributes or {}).items()]
    balancer = await make("LoadBalancer", "Balancer", {"LoadBalancerAttributes": pairs})
    arns, weights = {}, {}
    for name, (properties, weight) in (groups or {"web": (CHECKED, 1)}).items():
        arns[name] = await make("TargetGroup", name, properties)
        weights[arns[name]] = weight
    pairs = [{"Key": key, "Value": value} for key, value in (listener_attributes or {}).items()]
    listens = {"LoadBalancerArn": balancer, "DefaultActions": [default(weights)]}
    listener = await make("Listener", "Http", {**listens, "ListenerAttributes": pairs})
    for priority, rule in enumerate(rules or [], 1):
        given = {"ListenerArn": listener, "Priority": priority, **rule}
        await make("ListenerRule", f"Rule{priority}", given)
    await provider.start()
    scene = Scene(provider, arns)
    try:
        yield scene
    finally:
        for backend in scene.backends:
            backend.hold.set()
        await scene.session.close()
        await provider.stop()
        for backend in scene.backends:
            await backend.listener.stop()
        for raw in scene.raw_backends:
            await raw.stop()
