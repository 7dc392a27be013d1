"""A setting that is removed gets its default back on AWS.

CloudFormation leaves an attribute that is no longer in the template as it was, so every attribute
that a setting governs is in it, whatever the setting says.
"""

from dataclasses import replace
from typing import Any

import pytest

from stacks.config.environments import DEV, PROD, STAGING, Environment
from stacks.config.overrides import environment_from
from stacks.config.target_groups import Stickiness
from tests.stacks.synthesized import Resource, Synthesize

pytestmark = [pytest.mark.slow, pytest.mark.deep]

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
    "TargetGroup HTTP": COMMON | {"load_balancing.algorithm.type", "slow_start.duration_seconds"},
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
    # of the algorithm weighted_random alone; AWS does not say that it takes "off" with another
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
    "load_balancing.algorithm.anomaly_mitigation",
}
MINIMUM = "load_balancer.minimum_healthy_targets"

OVERRIDES: list[dict[str, Any]] = [
    {},
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
    STAGING,
    PROD,
    replace(PROD, deletion_protection=True),
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


@pytest.mark.parametrize("protected", [True, False])
def test_deletion_protection_follows_its_own_setting_and_is_always_written(
    synthesize: Synthesize, protected: bool
) -> None:
    """And not `retain`: what AWS protects can't be deleted by the rollback of a failed creation."""
    hashed = replace(PROD.load_balancer, ip_hash=True)
    environment = synthesize(replace(PROD, load_balancer=hashed, deletion_protection=protected))
    found = {
        "AWS::DynamoDB::Table": ("DeletionProtectionEnabled", protected),
        "AWS::Cognito::UserPool": ("DeletionProtection", "ACTIVE" if protected else "INACTIVE"),
    }
    for type, (name, value) in found.items():
        assert {each.properties.get(name) for each in environment.all(type)} == {value}, type
    balancers = environment.all("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert [each.attributes["deletion_protection.enabled"] for each in balancers] == [
        str(protected).lower()
    ] * 2


@pytest.mark.parametrize(
    ("algorithm", "written"),
    [("round_robin", None), ("least_outstanding_requests", None), ("weighted_random", "off")],
)
def test_anomaly_mitigation_is_sent_with_the_one_algorithm_that_has_it(
    synthesize: Synthesize, algorithm: str, written: str | None
) -> None:
    environment = synthesize(environment_from({"load_balancer.algorithm": algorithm}))
    attributes = environment.target_group("small").attributes
    assert attributes.get("load_balancing.algorithm.anomaly_mitigation") == written
