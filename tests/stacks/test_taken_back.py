"""A setting that is taken back has its old value again on AWS.

CloudFormation leaves an attribute that is no longer in the template as it was, so every attribute
that a setting governs is in it, whatever the setting says.
"""

from dataclasses import replace
from typing import Any

import pytest

from stacks.config import DEV, Environment
from stacks.context import environment_from
from stacks.target_groups import Stickiness
from tests.stacks.complete import complete
from tests.stacks.synthesized import Resource, Synthesize

HEALTHY = "target_group_health"
COMMON = {
    "deregistration_delay.timeout_seconds",
    "stickiness.enabled",
    *(
        f"{HEALTHY}.{action}.minimum_healthy_targets.{kind}"
        for action in ("unhealthy_state_routing", "dns_failover")
        for kind in ("count", "percentage")
    ),
}
# kind of resource -> the attributes that it always has
ALWAYS = {
    "LoadBalancer application": {
        "access_logs.s3.enabled",
        "deletion_protection.enabled",
        "idle_timeout.timeout_seconds",
        "routing.http.drop_invalid_header_fields.enabled",
    },
    "LoadBalancer network": {"deletion_protection.enabled", "load_balancing.cross_zone.enabled"},
    "Listener HTTP": set(),
    "Listener TCP": {"tcp.idle_timeout.seconds"},
    "TargetGroup HTTP": COMMON
    | {
        "load_balancing.algorithm.type",
        "load_balancing.algorithm.anomaly_mitigation",
        "slow_start.duration_seconds",
    },
    "TargetGroup TCP": COMMON | {"preserve_client_ip.enabled"},
    "TargetGroup lambda": {"lambda.multi_value_headers.enabled"},
}
# They say how something works that another attribute turns on; while it is off they mean nothing.
ONLY_WHILE_ON = {
    "access_logs.s3.bucket",
    "stickiness.type",
    "stickiness.lb_cookie.duration_seconds",
    "stickiness.app_cookie.cookie_name",
    "stickiness.app_cookie.duration_seconds",
}
MINIMUM = "load_balancer.minimum_healthy_targets"

OVERRIDES: list[dict[str, Any]] = [
    {},
    complete("staging"),
    complete("prod"),
    {"load_balancer.algorithm": "least_connections"},
    {"load_balancer.algorithm": "weighted_random"},
    {"load_balancer.algorithm": "weighted_random", "load_balancer.anomaly_mitigation": True},
    {"load_balancer.algorithm": "ip_hash"},
    {"load_balancer.ip_hash": True, "load_balancer.idle_timeout": 4_000, f"{MINIMUM}.count": 2},
    {"load_balancer.slow_start": 60, "load_balancer.access_logs": True},
    {"load_balancer.deregistration_delay": 0, "load_balancer.idle_timeout": 11},
    {"load_balancer.stickiness.kind": "group"},
    {"load_balancer.stickiness.kind": "lb_cookie", "load_balancer.stickiness.duration": 90},
    {f"{MINIMUM}.count": 2, f"{MINIMUM}.dns_failover_count": 3},
    {f"{MINIMUM}.percentage": 50, f"{MINIMUM}.dns_failover_percentage": 75},
]
CONFIGS: list[Environment] = [
    *map(environment_from, OVERRIDES),
    replace(
        DEV,
        pools=DEV.pools[1:],
        load_balancer=replace(
            DEV.load_balancer, stickiness=Stickiness(kind="app_cookie", cookie_name="session")
        ),
    ),
]


@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
def test_what_a_setting_governs_is_written_whatever_it_says(
    synthesize: Synthesize, config: Environment
) -> None:
    for resource in synthesize(config).resources:
        kind = kind_of(resource)
        if kind is not None:
            assert resource.attributes.keys() - ONLY_WHILE_ON == ALWAYS[kind], kind


def kind_of(resource: Resource) -> str | None:
    """None for what has no attributes."""
    properties = resource.properties
    match resource.type.removeprefix("AWS::ElasticLoadBalancingV2::"):
        case "LoadBalancer":
            return f"LoadBalancer {properties['Type']}"
        case "Listener":
            return f"Listener {properties['Protocol']}"
        case "TargetGroup":
            return f"TargetGroup {properties.get('Protocol', properties['TargetType'])}"
        case _:
            return None
