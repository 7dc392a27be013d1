"""A target group of a Network Load Balancer, as the template gives it.

Source: "Target groups for your Network Load Balancers", "Edit target group attributes" and
"Health checks for Network Load Balancer target groups", user guide of Network Load Balancers.
"""

from __future__ import annotations

from dataclasses import dataclass

from local.balancer.network.refusals import COMMON_ATTRIBUTES, GROUP_ATTRIBUTES
from local.balancer.refusals import (
    Properties,
    not_played,
    refuse_zonal,
    require_known,
)
from local.balancer.targets.target_group import TargetGroup, read_target_group
from local.providers import LocalModeError
from local.template.pairs import attributes_of


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
    """Raises LocalModeError for what isn't played, and for what AWS refuses."""
    protocol = properties.get("Protocol")
    if protocol != "TCP":
        raise not_played(
            where, f"protocol {protocol}", "use TCP, or HTTP behind an application one"
        )
    kind = properties.get("TargetType", "instance")
    if kind not in ("ip", "instance"):
        raise not_played(where, f"target type {kind} with protocol TCP", "use ip")
    attributes = attributes_of(properties, "TargetGroupAttributes")
    require_known(where, attributes, GROUP_ATTRIBUTES)
    refuse_zonal(where, attributes)

    def on(name: str, default: bool = False) -> bool:
        return attributes.get(name, str(default)).lower() == "true"

    sticky = on("stickiness.enabled")
    if sticky and attributes.get("stickiness.type", "source_ip") != "source_ip":
        raise LocalModeError(
            f"{where}: stickiness.type {attributes['stickiness.type']} is not one that a TCP "
            "target group has: set it to source_ip"
        )
    if on("proxy_protocol_v2.enabled"):
        raise not_played(where, "proxy protocol v2", "use preserve_client_ip.enabled instead")
    return NetworkSettings(
        sticky=sticky,
        preserve_client_ip=on("preserve_client_ip.enabled", default=kind == "instance"),
        terminate=on("deregistration_delay.connection_termination.enabled"),
        reset_unhealthy=on("target_health_state.unhealthy.connection_termination.enabled", True),
        check_by_connecting=properties.get("HealthCheckProtocol", "TCP") == "TCP",
    )


def read_group(where: str, arn: str, name: str, pool: str, properties: Properties) -> TargetGroup:
    """What it has in common with any target group: targets, health, delay, when it fails open.

    Its health check has other defaults than one behind an application load balancer: over TCP,
    within 10 s (HTTP: 6), and any status from 200 to 399 will do.
    """
    over_tcp = properties.get("HealthCheckProtocol", "TCP") == "TCP"
    common = {
        "HealthCheckTimeoutSeconds": 10 if over_tcp else 6,
        "Matcher": {"HttpCode": "200-399"},
        **properties,
        "Protocol": "HTTP",  # which has the same form; the connections never see it
        "TargetGroupAttributes": [
            attribute
            for attribute in properties.get("TargetGroupAttributes", ())
            if attribute["Key"] in COMMON_ATTRIBUTES
        ],
    }
    if over_tcp:
        common["HealthCheckProtocol"] = "HTTP"
    return read_target_group(where, arn, name, pool, common)
