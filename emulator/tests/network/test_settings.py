"""What a network load balancer takes of a template, and what it rejects by name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.network.scene import (
    AFFINITY,
    GROUP,
    group,
    listen,
    make,
    network_balancing,
    pairs,
)
from tests.rows import rows

from emulator.balancer.network.target_group import read_group
from emulator.balancer.provider import LoadBalancingProvider
from emulator.balancer.targets.health import HealthCheck
from emulator.clock import Clock
from emulator.providers import EmulatorError


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def test_it_is_described_as_a_network_group() -> None:
    async def scenario() -> None:
        tags = [{"Key": "pool", "Value": "small"}]
        async with network_balancing(group(AFFINITY, Tags=tags)) as scene:
            await scene.add("a")
            client = await scene.connect()
            await client.exchange()
            (described,) = scene.provider.state()["target_groups"]
            assert (described["pool"], described["balancer"]) == ("small", "network")
            assert (described["algorithm"], described["weight"]) == ("flow_hash", None)
            assert described["stickiness"] == "source_ip"
            (target,) = described["targets"]
            assert (target["in_flight"], target["requests"]) == (1, 1)
            assert (target["share"], target["anomalous"], len(target["recent"])) == (1, False, 10)

    run(scenario)


async def _nothing(_arn: str, _payload: bytes) -> Any:
    raise AssertionError


FORWARD = [{"Type": "forward", "TargetGroupArn": "arn:targetgroup/other"}]


NET = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/x/1"


def test_attributes_that_repeat_the_defaults_may_be_written_out() -> None:
    """A template writes them all, as CloudFormation leaves on what is no longer written."""
    healthy = "minimum_healthy_targets"
    neutral = {
        "deregistration_delay.timeout_seconds": "300",
        "deregistration_delay.connection_termination.enabled": "false",
        "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
        "preserve_client_ip.enabled": "false",
        "proxy_protocol_v2.enabled": "false",
        "stickiness.enabled": "false",
        "stickiness.type": "source_ip",
        "target_health_state.unhealthy.connection_termination.enabled": "true",
        f"target_group_health.unhealthy_state_routing.{healthy}.count": "1",
        f"target_group_health.unhealthy_state_routing.{healthy}.percentage": "off",
        f"target_group_health.dns_failover.{healthy}.count": "1",
        f"target_group_health.dns_failover.{healthy}.percentage": "off",
    }

    async def scenario() -> None:
        provider = LoadBalancingProvider(_nothing, port=0, clock=Clock())
        arns = [await make(provider, "TargetGroup", "net", it) for it in (group(neutral), GROUP)]
        written, left_out = (provider.targets.groups[arn] for arn in arns)
        assert (written.settings, written.check) == (left_out.settings, left_out.check)
        assert provider._network.settings[arns[0]] == provider._network.settings[arns[1]]
        unlogged = {"access_logs.s3.enabled": "false", "deletion_protection.enabled": "false"}
        balancer = {"Type": "network", "LoadBalancerAttributes": pairs(unlogged)}
        arn = await make(provider, "LoadBalancer", "net", balancer)
        listener = {
            "LoadBalancerArn": arn,
            "Protocol": "TCP",
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": arns[0]}],
            "ListenerAttributes": pairs({"tcp.idle_timeout.seconds": "350"}),
        }
        await make(provider, "Listener", "net", listener)
        assert provider._network._idle_seconds == 350

    run(scenario)


def test_the_defaults_of_a_health_check_are_those_of_its_protocol() -> None:
    def read(**properties: Any) -> HealthCheck:
        given = {"Protocol": "TCP", "TargetType": "ip", **properties}
        return read_group("group", "arn", "net", "small", given).check

    over_http = HealthCheck(True, "/", 30, 6, 5, 2, ((200, 399),))
    assert read(HealthCheckProtocol="HTTP") == over_http
    over_tcp = read()
    assert (over_tcp.interval, over_tcp.timeout, over_tcp.unhealthy_threshold) == (30, 10, 2)


@rows(
    ("kind", "properties", "message"),
    [
        ("TargetGroup", {**GROUP, "Protocol": "UDP"}, "protocol UDP"),
        ("TargetGroup", {**GROUP, "Protocol": "TLS"}, "protocol TLS"),
        ("TargetGroup", {**GROUP, "Protocol": "TCP_QUIC"}, "protocol TCP_QUIC"),
        ("TargetGroup", {**GROUP, "TargetType": "alb"}, "target type alb"),
        ("TargetGroup", {**GROUP, "ProtocolVersion": "HTTP2"}, "ProtocolVersion is for target"),
        ("TargetGroup", {**GROUP, "TargetControlPort": 3000}, "TargetControlPort is for target"),
        (
            "TargetGroup",
            {**GROUP, "HealthCheckProtocol": "HTTPS"},
            "a health check over HTTPS is not supported locally: use TCP or HTTP",
        ),
        (
            "TargetGroup",
            group({}, HealthCheckProtocol="HTTP", Matcher={"HttpCode": "200-600"}),
            "not within 200 to 599",
        ),
        ("TargetGroup", group({"proxy_protocol_v2.enabled": "true"}), "proxy protocol v2"),
        ("TargetGroup", group({**AFFINITY, "stickiness.type": "lb_cookie"}), "set it to source_ip"),
        (
            "TargetGroup",
            group({"target_health_state.unhealthy.draining_interval_seconds": "60"}),
            "draining_interval_seconds",
        ),
        ("TargetGroup", group({"slow_start.duration_seconds": "30"}), "slow_start"),
        ("TargetGroup", group({"load_balancing.cross_zone.enabled": "false"}), "one zone"),
        (
            "LoadBalancer",
            {
                "Type": "network",
                "LoadBalancerAttributes": pairs({"load_balancing.cross_zone.enabled": "false"}),
            },
            "one zone",
        ),
        (
            "LoadBalancer",
            {"Type": "network", "LoadBalancerAttributes": pairs({"idle_timeout.x": "1"})},
            "attribute idle_timeout.x",
        ),
        (
            "LoadBalancer",
            {"Type": "network", "EnablePrefixForIpv6SourceNat": "on"},
            "Ipv6SourceNat",
        ),
        ("Listener", {"Protocol": "TLS", "LoadBalancerArn": NET}, "listener for TLS"),
        ("Listener", {"Protocol": "UDP", "LoadBalancerArn": NET}, "listener for UDP"),
        (
            "Listener",
            {"Protocol": "TCP", "LoadBalancerArn": NET, "DefaultActions": FORWARD},
            "not a TCP target group",
        ),
        (
            "Listener",
            {"Protocol": "TCP", "LoadBalancerArn": NET, "DefaultActions": FORWARD * 2},
            "one target group",
        ),
        (
            "Listener",
            {
                "Protocol": "TCP",
                "LoadBalancerArn": NET,
                "ListenerAttributes": pairs({"tcp.idle_timeout.seconds": "30"}),
            },
            "not within 60 to 6000",
        ),
        ("ListenerRule", {"ListenerArn": NET.replace("loadbalancer", "listener")}, "rule of a TCP"),
    ],
)
def test_what_is_unsupported_is_rejected_by_name(
    kind: str, properties: dict[str, Any], message: str
) -> None:
    async def scenario() -> None:
        provider = LoadBalancingProvider(_nothing, port=0, clock=Clock())
        with pytest.raises(EmulatorError, match=message):
            await make(provider, kind, "x", properties)

    run(scenario)


def test_there_is_one_network_load_balancer_with_one_listener() -> None:
    async def scenario() -> None:
        provider = LoadBalancingProvider(_nothing, port=0, clock=Clock())
        arn = await make(provider, "TargetGroup", "net", GROUP)
        await listen(provider, arn)
        with pytest.raises(EmulatorError, match="second Network"):
            await listen(provider, arn)
        second = {
            "LoadBalancerArn": NET,
            "Protocol": "TCP",
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": arn}],
        }
        with pytest.raises(EmulatorError, match="second TCP listener"):
            await make(provider, "Listener", "Second", second)

    run(scenario)
