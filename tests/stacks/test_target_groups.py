"""Settings of load balancing, as attributes in the templates."""

import json
from dataclasses import replace
from typing import Any

import pytest

from stacks.build.fingerprint import fingerprint
from stacks.config.environments import DEV
from stacks.config.overrides import environment_from
from stacks.config.target_groups import Stickiness
from stacks.config.warnings import load_balancer_notes, load_balancer_warnings
from tests.stacks.complete import CERTIFICATE, complete
from tests.stacks.shared_environments import CONTAINERS_ONLY
from tests.stacks.synthesized import Synthesize, Synthesized
from tests.support.rows import rows

pytestmark = pytest.mark.slow  # each environment takes half a second to synthesize

HEALTHY = "target_group_health"
ROUTING, DNS = (
    f"{HEALTHY}.{action}.minimum_healthy_targets"
    for action in ("unhealthy_state_routing", "dns_failover")
)
PLAIN = {
    "deregistration_delay.timeout_seconds": "30",
    "load_balancing.algorithm.type": "round_robin",
    "slow_start.duration_seconds": "0",
    "stickiness.enabled": "false",
    f"{ROUTING}.count": "1",
    f"{ROUTING}.percentage": "off",
    f"{DNS}.count": "1",
    f"{DNS}.percentage": "off",
}

# overrides of dev -> the attributes that the container pool has then besides PLAIN or instead.
# Settings that can stand together do, since each row is synthesized.
SETTINGS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {}),
    (
        {
            "load_balancer.algorithm": "least_outstanding_requests",
            "load_balancer.deregistration_delay": "0",
            "load_balancer.stickiness.kind": "group",
            "load_balancer.minimum_healthy_targets.count": "2",
        },
        {
            "load_balancing.algorithm.type": "least_outstanding_requests",
            "deregistration_delay.timeout_seconds": "0",
            f"{ROUTING}.count": "2",
            f"{DNS}.count": "2",
        },
    ),
    (
        {
            "load_balancer.algorithm": "weighted_random",
            "load_balancer.minimum_healthy_targets.percentage": "50",
            "load_balancer.minimum_healthy_targets.dns_failover_count": "2",
            "load_balancer.minimum_healthy_targets.dns_failover_percentage": "75",
        },
        {
            "load_balancing.algorithm.type": "weighted_random",
            "load_balancing.algorithm.anomaly_mitigation": "off",
            f"{ROUTING}.count": "1",
            f"{ROUTING}.percentage": "50",
            f"{DNS}.count": "2",
            f"{DNS}.percentage": "75",
        },
    ),
    (
        {
            "load_balancer.slow_start": "60",
            "load_balancer.stickiness.kind": "lb_cookie",
            "load_balancer.stickiness.duration": "90",
        },
        {
            "slow_start.duration_seconds": "60",
            "stickiness.enabled": "true",
            "stickiness.type": "lb_cookie",
            "stickiness.lb_cookie.duration_seconds": "90",
        },
    ),
]
ANOMALIES = (
    {"load_balancer.algorithm": "weighted_random", "load_balancer.anomaly_mitigation": "true"},
    {
        "load_balancing.algorithm.type": "weighted_random",
        "load_balancing.algorithm.anomaly_mitigation": "on",
    },
)
STICKY = {settings.get("load_balancer.stickiness.kind"): settings for settings, _ in SETTINGS}
HEALTH_CHECK = {
    "load_balancer.health_check.path": "/api/health?deep",
    "load_balancer.health_check.interval": 20,
    "load_balancer.health_check.timeout": 4,
    "load_balancer.health_check.healthy_threshold": 3,
    "load_balancer.health_check.unhealthy_threshold": 5,
}
KEPT = {"load_balancer.idle_timeout": 4_000, "pools.small.stop_timeout": 120}


@pytest.mark.parametrize(
    ("overrides", "attributes"),
    [
        SETTINGS[0],
        *(pytest.param(*each, marks=pytest.mark.deep) for each in (*SETTINGS[1:-1], ANOMALIES)),
        SETTINGS[-1],
    ],
    ids=lambda each: str(each)[:70],
)
def test_a_setting_reaches_the_target_group(
    synthesize: Synthesize, overrides: dict[str, Any], attributes: dict[str, str]
) -> None:
    environment = synthesize(environment_from(overrides))
    assert environment.target_group("small").attributes == {**PLAIN, **attributes}
    # and none of them the Lambda's, which has but one attribute
    assert environment.target_group("lambda").attributes == {
        "lambda.multi_value_headers.enabled": "true"
    }


@pytest.mark.parametrize(
    ("kind", "seconds"), [pytest.param("group", 3600, marks=pytest.mark.deep), ("lb_cookie", 90)]
)
def test_a_sticky_client_first_comes_back_to_its_pool(
    synthesize: Synthesize, kind: str, seconds: int
) -> None:
    sticky = synthesize(environment_from(STICKY[kind]))
    rule = sticky.one("AWS::ElasticLoadBalancingV2::ListenerRule").properties
    config = rule["Actions"][0]["ForwardConfig"]["TargetGroupStickinessConfig"]
    assert config == {"DurationSeconds": seconds, "Enabled": True}


def test_without_stickiness_neither_pools_nor_targets_are_sticky(dev: Synthesized) -> None:
    rule = dev.one("AWS::ElasticLoadBalancingV2::ListenerRule").properties
    assert "TargetGroupStickinessConfig" not in rule["Actions"][0]["ForwardConfig"]


def test_an_application_s_cookie_sticks_to_targets_of_a_single_pool(synthesize: Synthesize) -> None:
    environment = synthesize(CONTAINERS_ONLY)
    assert environment.target_group("small").attributes == {
        **PLAIN,
        "stickiness.enabled": "true",
        "stickiness.type": "app_cookie",
        "stickiness.app_cookie.cookie_name": "session",
        "stickiness.app_cookie.duration_seconds": "600",
    }


def test_a_container_pool_is_checked_as_configured(synthesize: Synthesize) -> None:
    checked = synthesize(environment_from(complete("dev") | HEALTH_CHECK | KEPT))
    expected = {
        "TargetType": "ip",
        "Protocol": "HTTP",
        "Port": 8080,
        "HealthCheckPath": "/api/health?deep",
        "HealthCheckIntervalSeconds": 20,
        "HealthCheckTimeoutSeconds": 4,
        "HealthyThresholdCount": 3,
        "UnhealthyThresholdCount": 5,
    }
    assert expected.items() <= checked.target_group("small").properties.items()


def test_a_lambda_pool_s_target_is_the_function_or_its_alias(
    dev: Synthesized, prod: Synthesized
) -> None:
    for environment, target in ((dev, "<ApiFunction.Arn>"), (prod, "<ApiLiveAlias>")):
        group = environment.target_group("lambda").properties
        assert group["TargetType"] == "lambda"
        assert environment.show(group["Targets"][0]["Id"]) == target
        assert len(group["Name"]) <= 32


@pytest.mark.parametrize(
    ("called", "meant"),
    [
        pytest.param(
            "least_connections",
            {"load_balancer.algorithm": "least_outstanding_requests"},
            marks=pytest.mark.deep,
        ),
        ("weighted_round_robin", {"load_balancer.algorithm": "round_robin"}),
        pytest.param("ip_hash", {"load_balancer.ip_hash": True}, marks=pytest.mark.deep),
    ],
)
def test_the_textbooks_name_gives_the_template_of_aws_s_name(
    synthesize: Synthesize, called: str, meant: dict[str, Any]
) -> None:
    config = environment_from({"load_balancer.algorithm": called})
    templates = [
        json.dumps(synthesize(each).stacks).replace(fingerprint(each), "")
        for each in (config, environment_from(meant))
    ]
    assert templates[0] == templates[1]
    assert config.load_balancer.meaning.explanation.startswith(f"{called} is ")


def test_a_pool_grows_with_requests_and_with_cpu_between_its_bounds(
    synthesize: Synthesize,
) -> None:
    path = "pools.large"
    scaled = synthesize(
        environment_from(
            complete("prod")
            | {
                f"{path}.min": 3,
                f"{path}.max": 30,
                f"{path}.requests_per_target": 5_000,
                f"{path}.cpu_target": 70,
                f"{path}.scale_out_cooldown": 30,
                f"{path}.scale_in_cooldown": 600,
                "pools.small.cpu_target": "none",
            }
        )
    )
    bounds = {
        each.name[:5]: (each.properties["MinCapacity"], each.properties["MaxCapacity"])
        for each in scaled.all("AWS::ApplicationAutoScaling::ScalableTarget")
    }
    assert bounds == {"Large": (3, 30), "Small": (2, 20)}
    policies = [
        (each.name[:5], each.properties["TargetTrackingScalingPolicyConfiguration"])
        for each in scaled.all("AWS::ApplicationAutoScaling::ScalingPolicy")
    ]
    tracked = {
        (
            pool,
            policy["PredefinedMetricSpecification"]["PredefinedMetricType"],
            policy["TargetValue"],
            policy["ScaleOutCooldown"],
            policy["ScaleInCooldown"],
        )
        for pool, policy in policies
    }
    assert tracked == {
        ("Large", "ALBRequestCountPerTarget", 5_000, 30, 600),
        ("Large", "ECSServiceAverageCPUUtilization", 70, 30, 600),
        ("Small", "ALBRequestCountPerTarget", 1_000, 60, 300),
    }


@pytest.mark.parametrize(
    "name", ["dev", *(pytest.param(each, marks=pytest.mark.deep) for each in ("staging", "prod"))]
)
def test_a_task_keeps_connections_longer_than_the_balancer_and_finishes_before_it_is_killed(
    synthesize: Synthesize, name: str
) -> None:
    """Of a connection that its target closes first, the client gets 502."""
    environment = synthesize(environment_from(complete(name) | HEALTH_CHECK | KEPT))
    containers = {
        each.properties["ContainerDefinitions"][0]["LogConfiguration"]["Options"][
            "awslogs-stream-prefix"
        ]: each.properties["ContainerDefinitions"][0]
        for each in environment.all("AWS::ECS::TaskDefinition")
    }
    balancer = environment.one("AWS::ElasticLoadBalancingV2::LoadBalancer")
    for container in containers.values():
        variables = {each["Name"]: each["Value"] for each in container["Environment"]}
        assert int(variables["KEEP_ALIVE_SECONDS"]) > int(
            balancer.attributes["idle_timeout.timeout_seconds"]
        )
        assert int(variables["FINISH_SECONDS"]) < container["StopTimeout"] <= 120  # Fargate's most
    assert containers["small"]["StopTimeout"] == 120


# overrides of staging, which has everything but a certificate -> the warnings
WARNED: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({}, ()),
    ({"load_balancer.deregistration_delay": 9}, ("short-drain",)),
    ({"load_balancer.idle_timeout": 10}, ("short-idle",)),
    ({"load_balancer.health_check.interval": 31}, ("slow-detection",)),
    (
        {"load_balancer.algorithm": "weighted_random", "load_balancer.anomaly_mitigation": True},
        ("anomalies-large", "anomalies-small"),
    ),
    (
        {
            "load_balancer.algorithm": "weighted_random",
            "load_balancer.anomaly_mitigation": True,
            "pools.small.min": 3,
        },
        ("anomalies-large",),
    ),
    (
        {"load_balancer.minimum_healthy_targets.count": 2, "pools.large.min": 2},
        ("minimum-healthy-small",),
    ),
    ({"load_balancer.minimum_healthy_targets.percentage": 25}, ()),
    (
        {"load_balancer.minimum_healthy_targets.percentage": 26, "pools.large.min": 2},
        ("new-targets-small",),
    ),
    # pools that don't grow: a deployment still doubles them
    (
        {
            "load_balancer.minimum_healthy_targets.percentage": 50,
            "pools.large.min": 4,
            "pools.small.min": 4,
        },
        (),
    ),
    (
        {
            "load_balancer.minimum_healthy_targets.percentage": 51,
            "pools.large.min": 4,
            "pools.small.min": 4,
        },
        ("new-targets-large", "new-targets-small"),
    ),
    ({"load_balancer.ip_hash": True}, ("beside-waf", "unlogged")),
    (
        {
            "load_balancer.algorithm": "ip_hash",
            "load_balancer.ip_hash_pool": "small",
            "load_balancer.access_logs": False,
            "waf": False,
            "pools.small.max": 1,
            "pools.small.cpu_target": None,
        },
        ("single-small", "uncounted-small"),
    ),
]


@rows(("overrides", "ids"), WARNED, ids=lambda each: str(each)[:70])
def test_a_probable_mistake_gets_a_warning(overrides: dict[str, Any], ids: tuple[str, ...]) -> None:
    config = environment_from(complete("staging", **overrides))
    warnings = dict(load_balancer_warnings(config.load_balancer, config.pools, config.waf))
    assert set(warnings) == set(ids)
    for sentence in warnings.values():
        assert sentence.endswith(".")
        assert " is " in sentence


def test_a_cookie_that_the_api_never_sets_is_warned_of() -> None:
    sticky = replace(
        DEV.load_balancer, stickiness=Stickiness(kind="app_cookie", cookie_name="session")
    )
    assert dict(load_balancer_warnings(sticky, DEV.pools[1:], waf=False)).keys() == {"app-cookie"}


def test_a_certificate_that_does_not_cover_the_api_s_url_is_warned_of() -> None:
    certified = replace(DEV.load_balancer, certificate_arn=CERTIFICATE, plain_http=False)
    assert dict(load_balancer_warnings(certified, DEV.pools, waf=False)).keys() == {"domain-name"}
    named = replace(certified, domain_name="api.example.com")
    assert not list(load_balancer_warnings(named, DEV.pools, waf=False))


def test_dev_is_warned_of_nothing() -> None:
    assert not list(load_balancer_warnings(DEV.load_balancer, DEV.pools, DEV.waf))
    assert not list(load_balancer_notes(DEV.load_balancer, DEV.pools))


def test_that_cookies_take_two_deployments_is_noted_where_a_rule_has_several_groups() -> None:
    cookies = replace(DEV.load_balancer, stickiness=Stickiness(kind="lb_cookie"))
    ((id, sentence),) = load_balancer_notes(cookies, DEV.pools)
    assert id == "sticky-steps"
    assert "deploy with kind group first" in sentence
    assert not list(load_balancer_notes(cookies, DEV.pools[1:]))
    groups = replace(DEV.load_balancer, stickiness=Stickiness(kind="group"))
    assert not list(load_balancer_notes(groups, DEV.pools))
