"""The network load balancer over real TCP, with clients from several addresses of this machine."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from tests.balancer.scene import until
from tests.network.scene import (
    AFFINITY,
    GROUP,
    PRESERVED,
    Backend,
    group,
    listen,
    make,
    need_addresses,
    network_balancing,
    reset,
)

from emulator.balancer.provider import LoadBalancingProvider
from emulator.clock import Clock
from emulator.providers import EmulatorError

SOURCES = [f"127.0.0.{n}" for n in range(2, 42)]
DELAY = {"deregistration_delay.timeout_seconds": "10"}
TERMINATED = {"deregistration_delay.connection_termination.enabled": "true"}


def run(scenario: Any) -> None:
    asyncio.run(scenario())


async def broken(client: Any) -> bool:
    """Whether the connection was reset, rather than ended."""
    try:
        return await client.exchange() == "" and False
    except ConnectionResetError:
        return True


def test_the_same_source_comes_to_the_same_target_and_only_its_own_move() -> None:
    need_addresses()

    async def scenario() -> None:
        async with network_balancing(group({**AFFINITY, **DELAY})) as scene:
            for name in ("a", "b", "c"):
                await scene.add(name)
            before = {source: await scene.server_of(source) for source in SOURCES}
            assert set(before.values()) == {"a", "b", "c"}
            for _ in range(2):
                assert {s: await scene.server_of(s) for s in SOURCES[:10]} == {
                    s: before[s] for s in SOURCES[:10]
                }
            await scene.provider.targets.deregister(scene.arns["net"], "b")
            after = {source: await scene.server_of(source) for source in SOURCES}
            moved = {source for source in SOURCES if before[source] != after[source]}
            assert moved == {source for source in SOURCES if before[source] == "b"}

    run(scenario)


def test_sources_come_back_when_their_target_is_healthy_again() -> None:
    need_addresses()

    async def scenario() -> None:
        async with network_balancing(group(AFFINITY)) as scene:
            for name in ("a", "b", "c"):
                await scene.add(name)
            before = {source: await scene.server_of(source) for source in SOURCES[:12]}
            lost = scene.backends[before[SOURCES[0]]]
            await lost.stop()
            await scene.until_state(lost.name, "unhealthy")
            assert scene.target(lost.name)["reason"] == "Target.FailedHealthChecks"
            during = {source: await scene.server_of(source) for source in SOURCES[:12]}
            assert {s for s in during if during[s] != before[s]} == {
                s for s in before if before[s] == lost.name
            }
            await lost.start()
            await scene.until_state(lost.name, "healthy")
            assert {s: await scene.server_of(s) for s in SOURCES[:12]} == before

    run(scenario)


def test_without_stickiness_one_source_is_spread_connection_by_connection() -> None:
    async def scenario() -> None:
        async with network_balancing() as scene:
            for name in ("a", "b", "c"):
                await scene.add(name)
            counts = Counter([await scene.server_of("127.0.0.1") for _ in range(60)])
            assert set(counts) == {"a", "b", "c"}
            client = await scene.connect()
            assert len({await client.exchange() for _ in range(5)}) == 1  # once per connection

    run(scenario)


@pytest.mark.parametrize(("attributes", "seen"), [(PRESERVED, "127.0.0.9"), ({}, "127.0.0.1")])
def test_the_target_sees_the_clients_address_if_it_is_preserved(
    attributes: dict[str, str], seen: str
) -> None:
    need_addresses()

    async def scenario() -> None:
        async with network_balancing(group(attributes)) as scene:
            await scene.add("a")
            assert await scene.exchange("127.0.0.9") == f"a {seen}"

    run(scenario)


def test_where_an_address_cannot_be_preserved_the_target_sees_the_balancers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    need_addresses()
    from emulator.balancer.network.flow import Stream

    original = Stream.open

    async def elsewhere(host: str, port: int, source_ip: str | None) -> Stream:
        # an address that is nobody's stands for one that this machine doesn't have
        return await original(host, port, source_ip and "192.0.2.1")

    async def scenario() -> None:
        async with network_balancing(group(PRESERVED)) as scene:
            await scene.add("a")
            monkeypatch.setattr(Stream, "open", elsewhere)
            assert [await scene.exchange("127.0.0.9") for _ in range(2)] == ["a 127.0.0.1"] * 2

    run(scenario)
    assert caplog.text.count("this machine can't send from 127.0.0.9") == 1


def test_each_direction_ends_by_itself() -> None:
    async def scenario() -> None:
        async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(str(len(await reader.read())).encode())  # to the end
            await writer.drain()

        async with network_balancing() as scene:
            await scene.add("a", count)
            client = await scene.connect()
            client.writer.write(b"x" * 1_000_000)
            client.writer.write_eof()
            assert await client.reader.read() == b"1000000"
            await until(lambda: scene.target("a")["in_flight"] == 0)
            assert {k for second in scene.target("a")["recent"] for k in second} == {"ended"}

    run(scenario)


def test_a_slow_reader_slows_the_sender_down() -> None:
    async def scenario() -> None:
        written = 0

        async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal written
            asked = await reader.read(1)  # health checks only connect
            while asked and written < 200_000_000:
                writer.write(b"x" * 100_000)
                await writer.drain()
                written += 100_000

        async with network_balancing() as scene:
            await scene.add("a", flood)
            client = await scene.connect()
            client.writer.write(b"?")
            before = 0
            while written == 0 or before < written:  # until nothing more gets away
                before = written
                await asyncio.sleep(0.3)
            assert 0 < written < 100_000_000
            await client.reader.readexactly(written + 1_000_000)
            assert written > before

    run(scenario)


def test_without_a_registered_target_connections_are_reset() -> None:
    async def scenario() -> None:
        async with network_balancing() as scene:
            assert await broken(await scene.connect())
            await scene.add("a")
            assert (await scene.exchange()).startswith("a ")
            scene.provider.targets.remove(scene.arns["net"], "a")
            assert await broken(await scene.connect())

    run(scenario)


def test_with_all_unhealthy_it_fails_open() -> None:
    async def scenario() -> None:
        async with network_balancing() as scene:
            for name in ("a", "b"):
                backend = await scene.add(name)
                await backend.stop()
                await scene.until_state(name, "unhealthy")
            assert await broken(await scene.connect())  # open, but there nobody listens
            # Back again, but not yet known to be healthy: requests reach it anyway.
            for name in ("a", "b"):
                scene.provider.targets._stop_checking(
                    scene.provider.targets.groups[scene.arns["net"]].targets[name]
                )
                await scene.backends[name].start()
            seen = {await scene.server_of("127.0.0.1") for _ in range(40)}
            assert seen == {"a", "b"}
            assert scene.target("a")["state"] == "unhealthy"

    run(scenario)


def test_a_reset_by_either_side_reaches_the_other() -> None:
    async def scenario() -> None:
        async with network_balancing() as scene:
            backend = await scene.add("a")
            client = await scene.connect()
            await client.exchange()
            (served,) = backend.open
            reset(served)
            assert await broken(client)
            client = await scene.connect()
            await client.exchange()
            assert len(backend.open) == 1
            reset(client.writer)
            await until(lambda: not backend.open)
            await until(lambda: scene.target("a")["in_flight"] == 0)
            assert sum(second.get("none", 0) for second in scene.target("a")["recent"]) == 2

    run(scenario)


def test_connections_are_idle_for_so_long_and_no_longer() -> None:
    async def scenario() -> None:
        async with network_balancing(idle=60) as scene:
            listener: Any = scene.provider._network._listener
            listener._idle_seconds = 2.0  # the shortest that a listener may have is a minute
            await scene.add("a")
            quiet, busy = await scene.connect(), await scene.connect()
            await quiet.exchange()
            now = asyncio.get_running_loop().time
            responded = now()
            async with asyncio.timeout(20):
                while quiet.reader.exception() is None:
                    began = now()
                    try:
                        assert (await busy.exchange()).startswith("a ")
                    except ConnectionResetError:
                        assert now() - responded >= 2  # the machine stood still
                        return
                    responded = began
                    await asyncio.sleep(0.05)
            assert isinstance(quiet.reader.exception(), ConnectionResetError)
            assert (await busy.exchange()).startswith("a ")

    run(scenario)


def test_a_client_that_sends_to_a_target_become_unhealthy_is_reset() -> None:
    async def scenario() -> None:
        async with network_balancing() as scene:
            await scene.add("a")
            client = await scene.connect()
            assert (await client.exchange()).startswith("a ")
            await scene.backends["a"].stop()
            await scene.until_state("a", "unhealthy")
            assert (await client.exchange()).startswith("a ")  # it is the only one: fails open
            await scene.add("b")
            assert await broken(client)

    run(scenario)


def test_connections_to_an_unhealthy_target_live_on_if_they_are_to() -> None:
    async def scenario() -> None:
        not_terminated = {"target_health_state.unhealthy.connection_termination.enabled": "false"}
        async with network_balancing(group(not_terminated)) as scene:
            await scene.add("a")
            client = await scene.connect()
            await client.exchange()
            await scene.backends["a"].stop()
            await scene.until_state("a", "unhealthy")
            await scene.add("b")
            assert (await client.exchange()).startswith("a ")

    run(scenario)


@pytest.mark.parametrize("terminated", [True, False])
def test_what_is_open_after_the_deregistration_delay(terminated: bool) -> None:
    async def scenario() -> None:
        async with network_balancing(group(TERMINATED if terminated else {})) as scene:
            await scene.add("a")
            client = await scene.connect()
            await client.exchange()
            leaving = asyncio.create_task(scene.provider.targets.deregister(scene.arns["net"], "a"))
            await scene.until_state("a", "draining")
            assert (await client.exchange()).startswith("a ")
            assert await broken(await scene.connect())  # nothing new
            leaving.cancel()  # 300 s are over
            scene.provider.targets.remove(scene.arns["net"], "a")
            assert await broken(client) == terminated

    run(scenario)


def test_a_target_whose_connections_have_ended_is_drained_at_once() -> None:
    async def scenario() -> None:
        async with network_balancing() as scene:  # whose delay would be 300 s
            await scene.add("a")
            client = await scene.connect()
            await client.exchange()
            leaving = asyncio.create_task(scene.provider.targets.deregister(scene.arns["net"], "a"))
            await scene.until_state("a", "draining")
            client.close()
            async with asyncio.timeout(5):
                await leaving

    run(scenario)


def test_health_checks_over_http_take_any_status_below_400() -> None:
    async def scenario() -> None:
        status = 302

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            await writer.drain()

        checked = group({}, HealthCheckProtocol="HTTP", HealthCheckPath="/health")
        async with network_balancing(checked) as scene:
            await scene.add("a", serve)
            status = 400
            await scene.until_state("a", "unhealthy")
            assert scene.target("a")["reason"] == "Target.FailedHealthChecks"

    run(scenario)


async def _nothing(_arn: str, _payload: bytes) -> Any:
    raise AssertionError


def test_a_taken_port_is_named() -> None:
    async def scenario() -> None:
        backend = Backend("a")
        await backend.start()
        provider = LoadBalancingProvider(_nothing, port=0, network_port=backend.port, clock=Clock())
        await listen(provider, await make(provider, "TargetGroup", "net", GROUP))
        with pytest.raises(EmulatorError, match=f"port {backend.port} for the Network Load"):
            await provider.start()
        await provider.stop()
        await backend.stop()

    run(scenario)
