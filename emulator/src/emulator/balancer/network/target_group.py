"""A target group of a Network Load Balancer, as the template gives it.

Source: "Target groups for your Network Load Balancers", "Edit target group attributes" and
"Health checks for Network Load Balancer target groups", user guide of Network Load Balancers.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from emulator.balancer.network.attributes import GROUP_ATTRIBUTES
from emulator.balancer.properties import (
    Properties,
    check_cross_zone,
    require_known,
    unsupported,
)
from emulator.balancer.targets import health
from emulator.balancer.targets.algorithms import RoundRobin
from emulator.balancer.targets.group_settings import read_common
from emulator.balancer.targets.health import (
    CONNECTION_FAILED,
    PASSED,
    Health,
    Kind,
    Outcome,
    read_health_check,
)
from emulator.balancer.targets.target_group import Target, TargetGroup
from emulator.providers import EmulatorError
from emulator.resource import attributes_of

_OVER_TCP = Kind(protocols=("TCP", "HTTP"), timeout=10)
_OVER_HTTP = _OVER_TCP._replace(timeout=6, matcher="200-399", highest_code=599)


@dataclass(frozen=True)
class NetworkSettings:
    """`sticky`: by source address. `preserve_client_ip`: the target sees the client's own.
    `terminate`: connections still open after the deregistration delay are reset.
    `reset_unhealthy`: so is one whose client sends to a target that has become unhealthy.
    `check_by_connecting`: a health check is passed by a connection that opens."""

    sticky: bool
    preserve_client_ip: bool
    terminate: bool
    reset_unhealthy: bool
    check_by_connecting: bool


def read_settings(where: str, properties: Properties) -> NetworkSettings:
    """Raises EmulatorError for what isn't supported, and for what AWS rejects."""
    protocol = properties.get("Protocol")
    if protocol != "TCP":
        raise unsupported(
            where, f"protocol {protocol}", "use TCP, or HTTP behind an application one"
        )
    kind = properties.get("TargetType", "instance")
    if kind not in ("ip", "instance"):
        raise unsupported(where, f"target type {kind} with protocol TCP", "use ip")
    for name in ("ProtocolVersion", "TargetControlPort"):
        if name in properties:
            raise EmulatorError(f"{where}: {name} is for target groups over HTTP: remove it")
    attributes = attributes_of(properties, "TargetGroupAttributes")
    require_known(where, attributes, GROUP_ATTRIBUTES)
    check_cross_zone(where, attributes)

    def on(name: str, default: bool = False) -> bool:
        return attributes.get(name, str(default)).lower() == "true"

    sticky = on("stickiness.enabled")
    if sticky and attributes.get("stickiness.type", "source_ip") != "source_ip":
        raise EmulatorError(
            f"{where}: stickiness.type {attributes['stickiness.type']} is not one that a TCP "
            "target group has: set it to source_ip"
        )
    if on("proxy_protocol_v2.enabled"):
        raise unsupported(where, "proxy protocol v2", "use preserve_client_ip.enabled instead")
    return NetworkSettings(
        sticky=sticky,
        preserve_client_ip=on("preserve_client_ip.enabled", default=kind == "instance"),
        terminate=on("deregistration_delay.connection_termination.enabled"),
        reset_unhealthy=on("target_health_state.unhealthy.connection_termination.enabled", True),
        check_by_connecting=properties.get("HealthCheckProtocol", "TCP") == "TCP",
    )


def read_group(where: str, arn: str, name: str, pool: str, properties: Properties) -> TargetGroup:
    """Reads what it has in common with any target group: targets, health, delay, when it fails
    open."""
    over_tcp = properties.get("HealthCheckProtocol", "TCP") == "TCP"
    return TargetGroup(
        arn=arn,
        name=name,
        kind=properties.get("TargetType", "instance"),
        settings=read_common(where, attributes_of(properties, "TargetGroupAttributes")),
        check=read_health_check(where, properties, _OVER_TCP if over_tcp else _OVER_HTTP),
        algorithm=RoundRobin(),  # never asked: see `affinity`
        pool=pool,
    )


async def connect(target: Target) -> Outcome:
    """A health check that a connection passes. The caller limits the time."""
    try:
        _, writer = await asyncio.open_connection(target.host, target.port)
    except OSError:
        return CONNECTION_FAILED
    writer.close()
    return PASSED


def as_described(found: Health) -> Health:
    """The health with the one reason that an unhealthy target has here:
    "Target.ResponseCodeMismatch" and "Target.Timeout" are application load balancers'
    (API_TargetHealth)."""
    if found.state != health.UNHEALTHY:
        return found
    return found._replace(reason=health.FAILED, description=CONNECTION_FAILED.description)
