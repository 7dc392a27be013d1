"""Foreign web pages reach no listener of the emulator, by their own name or by one that resolves to
it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from tests.gateway.scene import running
from tests.rows import rows

from emulator import foreign
from emulator.balancer.application import ApplicationBalancer
from emulator.balancer.properties import Arns
from emulator.balancer.targets.registrar import Registrar
from emulator.clock import Clock
from emulator.listening import HttpListener

OWN_HOSTS: list[str | None] = [
    None,
    "127.0.0.1",
    "127.0.0.1:8080",
    "localhost:80",
    "web.localhost",
    "[::1]:8080",
]
OWN_HOSTS += ["127.8.8.8", "LOCALHOST"]
FOREIGN_HOSTS: list[str | None] = [
    "",
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "[::1",
]
FOREIGN_HOSTS += ["0.0.0.0:8080", "192.168.0.7", "2130706433", "evillocalhost", "a@evil.example"]
OWN_ORIGINS: list[str | None] = [
    None,
    "http://localhost:5173",
    "http://127.0.0.1:8080",
    "https://[::1]:1",
]
FOREIGN_ORIGINS: list[str | None] = [
    "null",
    "",
    "http://evil.example",
    "http://localhost.evil.example",
    "file://",
]
FOREIGN_ORIGINS += ["http://localhost, http://evil.example", "http://10.0.0.1"]


@rows("host", OWN_HOSTS + FOREIGN_HOSTS)
@rows("origin", OWN_ORIGINS + FOREIGN_ORIGINS)
def test_a_request_is_taken_if_host_and_origin_are_this_machines(
    host: str | None, origin: str | None
) -> None:
    taken = foreign.reason(host, origin) is None
    assert taken == (host in OWN_HOSTS and origin in OWN_ORIGINS)


FOREIGN = [
    {"Host": "evil.example"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
]


async def status(port: int, path: str, headers: Mapping[str, str]) -> int:
    """Of a GET; by hand, since clients don't send another Host than they connect to."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    fields = {"Host": "localhost", "Connection": "close", **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    return int(line.split()[1])


@rows("headers", FOREIGN)
@rows("path", ["/_local/data/open", "/", "/moto-api/data.json"])
def test_the_aws_endpoint_rejects_foreign_pages(
    aws: str, path: str, headers: dict[str, str]
) -> None:
    port = int(aws.rpartition(":")[2])
    assert asyncio.run(status(port, path, headers)) == 403
    assert asyncio.run(status(port, path, {})) != 403


@pytest.mark.parametrize("headers", FOREIGN)
def test_every_http_listener_rejects_foreign_pages(headers: dict[str, str]) -> None:
    async def scenario() -> None:
        async def never(_request: object) -> None:
            raise AssertionError("a foreign request came through")

        listener = HttpListener(never, 0, "a test")  # type: ignore[arg-type] # never responds
        await listener.start()
        assert await status(listener.port, "/", headers) == 403
        await listener.stop()

    run(scenario)


@pytest.mark.parametrize("headers", FOREIGN)
def test_the_websocket_api_rejects_foreign_pages(headers: dict[str, str]) -> None:
    async def scenario() -> None:
        async with running() as scene:
            port = int(scene.provider.websocket_url.split(":")[2].split("/")[0])
            upgrade = {
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Protocol": "chat.v1",
            }
            assert await status(port, "/live", {**upgrade, **headers}) == 403
            assert scene.functions.events == []
            assert await status(port, "/live", upgrade) == 101

    run(scenario)


def test_the_load_balancer_rejects_foreign_pages_and_takes_the_hosts_of_its_rules() -> None:
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}

    async def scenario() -> None:
        # no target is asked: the listener and its rule respond themselves
        balancer = ApplicationBalancer(0, Arns("us-east-1", "123456789012", lambda n: b"\1" * n))
        balancer.create_balancer("Balancer", "web", {})
        listener = {"LoadBalancerArn": balancer.arn, "DefaultActions": [fixed]}
        made = balancer.create_listener("Listener", listener)
        hosts = {"Field": "host-header", "HostHeaderConfig": {"Values": ["*.shop.example"]}}
        rule = {"ListenerArn": made.ref, "Priority": 1, "Conditions": [hosts]}
        balancer.create_rule("Rule", {**rule, "Actions": [fixed]})
        await balancer.start(Registrar(_healthy, Clock()), _nothing, Clock())
        port = int(balancer.url.rpartition(":")[2])
        for headers in FOREIGN:
            assert await status(port, "/api/health", headers) == 403
        for headers in ({}, {"Host": "www.shop.example"}, {"Origin": "http://localhost:5173"}):
            assert await status(port, "/api/health", headers) == 200
        await balancer.stop()

    run(scenario)


async def _healthy(*_arguments: object) -> Any:
    raise AssertionError("there is no target")


_nothing: Any = _healthy


def run(scenario: Any) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 30))
