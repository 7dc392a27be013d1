"""A target group's attributes: what they become, and what is rejected."""

from typing import Any

import pytest
from tests.balancer.groups import group
from tests.rows import rows

from emulator.balancer.stickiness import Stickiness
from emulator.balancer.targets.algorithms import (
    ALGORITHMS,
    LeastOutstanding,
    RoundRobin,
    WeightedRandom,
)
from emulator.balancer.targets.group_settings import GroupSettings, read_settings
from emulator.balancer.targets.target_group import read_target_group
from emulator.providers import EmulatorError

ALGORITHM = "load_balancing.algorithm.type"
ANOMALIES = "load_balancing.algorithm.anomaly_mitigation"
SLOW_START = "slow_start.duration_seconds"
HEALTHY = "target_group_health.unhealthy_state_routing.minimum_healthy_targets"


def test_defaults_are_those_of_aws() -> None:
    assert read_settings("", {}) == GroupSettings("round_robin", 300, False, 1, None)


def test_every_attribute_is_read() -> None:
    attributes = {
        ALGORITHM: "least_outstanding_requests",
        "deregistration_delay.timeout_seconds": "0",
        f"{HEALTHY}.count": "2",
        f"{HEALTHY}.percentage": "50",
        "stickiness.enabled": "true",
        "stickiness.type": "app_cookie",
        "stickiness.app_cookie.cookie_name": "session",
        "stickiness.app_cookie.duration_seconds": "60",
        "stickiness.lb_cookie.duration_seconds": "0",  # of the type that isn't chosen
        "load_balancing.cross_zone.enabled": "true",
        "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
    }
    assert read_settings("", attributes) == GroupSettings(
        "least_outstanding_requests", 0, False, 2, 50, 0, False, Stickiness(60, "session")
    )
    mitigated = read_settings("", {ALGORITHM: "weighted_random", ANOMALIES: "on"})
    assert mitigated == GroupSettings("weighted_random", anomaly_mitigation=True)
    assert read_settings("", {SLOW_START: "900"}).slow_start == 900
    assert read_settings("", {"lambda.multi_value_headers.enabled": "true"}, True) == (
        GroupSettings("round_robin", 300, True, 1, None)
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_attributes_that_repeat_the_defaults_may_be_written_out(algorithm: str) -> None:
    """A template writes them all, as CloudFormation leaves on what is no longer written."""
    neutral = {
        ALGORITHM: algorithm,
        ANOMALIES: "off",
        SLOW_START: "0",
        "deregistration_delay.timeout_seconds": "300",
        "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
        "stickiness.enabled": "false",
        "stickiness.type": "lb_cookie",
        "stickiness.lb_cookie.duration_seconds": "86400",
        f"{HEALTHY}.count": "1",
        f"{HEALTHY}.percentage": "off",
        "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
        "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
    }
    assert read_settings("", neutral) == GroupSettings(algorithm)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("round_robin", RoundRobin),
        ("least_outstanding_requests", LeastOutstanding),
        ("weighted_random", WeightedRandom),
    ],
)
def test_each_group_has_an_algorithm_of_its_own(name: str, kind: Any) -> None:
    one, other = (group(attributes={ALGORITHM: name}) for _ in range(2))
    assert isinstance(one.algorithm, kind)
    assert one.algorithm is not other.algorithm
    assert len(ALGORITHMS) == 3


@rows(
    ("attributes", "message"),
    [
        ({"stickiness.enabled": "yes"}, "stickiness.enabled 'yes': set it to true or false"),
        (
            {ALGORITHM: "flow_hash"},
            "the algorithm flow_hash is not supported locally: use round_robin",
        ),
        (
            {"proxy_protocol_v2.enabled": "true"},
            "proxy_protocol_v2.enabled is not supported locally",
        ),
        (
            {"load_balancing.cross_zone.enabled": "false"},
            "cross_zone.enabled false, as there is one zone here, is not supported locally",
        ),
        (
            {"deregistration_delay.timeout_seconds": "3601"},
            "timeout_seconds 3601 is not within 0 to 3600 s",
        ),
        ({"deregistration_delay.timeout_seconds": "-1"}, "-1 is not within 0 to 3600 s"),
        ({"deregistration_delay.timeout_seconds": "soon"}, "soon is not within"),
        ({SLOW_START: "29"}, "29 is not within 30 to 900 s, or 0 for off"),
        ({SLOW_START: "901"}, "901 is not within 30 to 900 s"),
        (
            {SLOW_START: "30", ALGORITHM: "least_outstanding_requests"},
            "30 with the algorithm least_outstanding_requests: only round_robin has slow start",
        ),
        ({SLOW_START: "30", ALGORITHM: "weighted_random"}, "only round_robin has slow start"),
        ({ANOMALIES: "on"}, "on with the algorithm round_robin: only weighted_random has it"),
        ({ANOMALIES: "on", ALGORITHM: "least_outstanding_requests"}, "only weighted_random has it"),
        ({ANOMALIES: "true", ALGORITHM: "weighted_random"}, "true is neither on nor off"),
        (
            {ALGORITHM: "weighted_random", "stickiness.enabled": "true"},
            "stickiness.enabled true with the algorithm weighted_random: a target group has only "
            "one of them",
        ),
        (
            {
                ALGORITHM: "weighted_random",
                "stickiness.enabled": "true",
                "stickiness.type": "app_cookie",
                "stickiness.app_cookie.cookie_name": "session",
            },
            "a target group has only one of them",
        ),
        ({f"{HEALTHY}.count": "0"}, "count 0 is not within 1 to 1000"),
        ({f"{HEALTHY}.count": "off"}, "count off is not within 1 to 1000"),
        ({f"{HEALTHY}.percentage": "0"}, "percentage 0 is not within 1 to 100 or off"),
        ({f"{HEALTHY}.percentage": "101"}, "percentage 101 is not within 1 to 100"),
        (
            {"lambda.multi_value_headers.enabled": "true"},
            "AWS has no such attribute for targets by address",
        ),
    ],
)
def test_attributes_that_are_unsupported_or_that_aws_rejects(attributes: Any, message: str) -> None:
    with pytest.raises(EmulatorError, match=message) as rejected:
        read_settings("group Api", attributes)
    assert str(rejected.value).startswith("group Api: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (ALGORITHM, "round_robin"),
        (SLOW_START, "30"),
        ("stickiness.enabled", "true"),
        ("deregistration_delay.timeout_seconds", "60"),
        (f"{HEALTHY}.count", "1"),
    ],
)
def test_a_functions_target_group_has_none_of_the_others_attributes(name: str, value: str) -> None:
    message = f"{name} {value}: AWS has no such attribute for a Lambda function's target group"
    with pytest.raises(EmulatorError, match=message):
        read_settings("group Api", {name: value}, lambda_target=True)


def test_that_stickiness_is_off_may_be_written_for_any_group() -> None:
    for lambda_target in (True, False):
        assert read_settings("", {"stickiness.enabled": "false"}, lambda_target).stickiness is None


@pytest.mark.parametrize(
    "properties",
    [
        {"TargetType": "alb"},
        {"Protocol": "TCP", "TargetType": "ip"},
        {"Protocol": "HTTP", "ProtocolVersion": "GRPC", "TargetType": "ip"},
        {"TargetType": "ip", "TargetControlPort": 3000},
    ],
)
def test_target_groups_that_are_unsupported_are_rejected(properties: dict[str, Any]) -> None:
    with pytest.raises(EmulatorError, match="is not supported locally"):
        read_target_group("group Api", "arn", "name", "pool", properties)


def test_a_target_is_registered_once() -> None:
    api = group()
    api.add("a", "127.0.0.1", 8000)
    with pytest.raises(EmulatorError, match="api: target a is registered already"):
        api.add("a", "127.0.0.1", 8001)
