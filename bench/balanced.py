"""Processes of the balancing benchmark: `backend PORT`, and `balancer PORT TO...`, which is the
local load balancer as the template's resources would make it."""

import asyncio
import sys
from typing import Any

import httptools

from emulator.balancer.provider import PREFIX, LoadBalancingProvider
from emulator.clock import Clock
from emulator.providers import InvokeResult, Resource

BODY = b'{"status": "ok", "pool": "small", "id": 1}'
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)

# those of the development environment's template
ATTRIBUTES = {
    "idle_timeout.timeout_seconds": "60",
    "routing.http.drop_invalid_header_fields.enabled": "true",
}
TARGET_GROUP = {
    "TargetType": "ip",
    "Protocol": "HTTP",
    "Port": 8080,
    "HealthCheckPath": "/api/health",
    "HealthCheckIntervalSeconds": 15,
    "HealthyThresholdCount": 2,
    "UnhealthyThresholdCount": 2,
}


class Backend(asyncio.BufferedProtocol):
    buffer = memoryview(bytearray(65536))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._parser.feed_data(self.buffer[:nbytes])

    def on_message_complete(self) -> None:
        self._transport.write(RESPONSE)
        if not self._parser.should_keep_alive():
            self._transport.close()


async def backend(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Backend, "127.0.0.1", port)
    await server.serve_forever()


async def balancer(port: int, backends: list[int]) -> None:
    """With the attributes and the rule that the development environment's template has."""

    async def invoke(_function: str, _payload: bytes) -> InvokeResult:
        raise RuntimeError("no function is a target here")

    provider = LoadBalancingProvider(invoke, port=port, clock=Clock())

    async def make(kind: str, properties: dict[str, Any]) -> str:
        resource = Resource("Web", kind, PREFIX + kind, properties)
        return (await provider.create(resource, properties)).ref

    pairs = [{"Key": key, "Value": value} for key, value in ATTRIBUTES.items()]
    load_balancer = await make("LoadBalancer", {"LoadBalancerAttributes": pairs})
    group = await make("TargetGroup", TARGET_GROUP)
    forward = {
        "Type": "forward",
        "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": group, "Weight": 4}]},
    }
    listener = await make(
        "Listener", {"LoadBalancerArn": load_balancer, "DefaultActions": [forward]}
    )
    path = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}}
    await make(
        "ListenerRule",
        {"ListenerArn": listener, "Priority": 10, "Conditions": [path], "Actions": [forward]},
    )
    await provider.start()
    for number, to in enumerate(backends):
        provider.targets.register(group, f"target-{number}", "127.0.0.1", to)
    await asyncio.Event().wait()


if __name__ == "__main__":
    what, own, *others = sys.argv[1:]
    ports = [int(other) for other in others]
    asyncio.run(backend(int(own)) if what == "backend" else balancer(int(own), ports))
