"""What a configuration may say, what overrides make of it, and what is refused with which words."""

from dataclasses import replace
from typing import Any

import pytest

from stacks.config import DEV, PROD
from stacks.context import environment_from
from stacks.load_balancing import LoadBalancer, Stickiness, check_together
from stacks.pools import ContainerPool, LambdaPool
from stacks.refusal import ConfigError

CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/1b2c"
SMALL = ContainerPool(name="small", cpu=256, memory=512, weight=1, min=1, max=1)

# context -> what the sentence must have in it: the field, the value, what to do
REFUSED: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"env": "qa"}, ("env is 'qa'", "dev, staging, prod", "-c env=dev")),
    (
        {"load_balancer.slow_start": 30, "load_balancer.algorithm": "least_outstanding_requests"},
        ("load_balancer.slow_start is 30", "least_outstanding_requests", "Set load_balancer."),
    ),
    (
        {"load_balancer.slow_start": "30", "load_balancer.algorithm": "weighted_random"},
        ("load_balancer.slow_start is 30", "weighted_random", "to 0 or"),
    ),
    ({"load_balancer.slow_start": 29}, ("load_balancer.slow_start is 29", "30 and 900", "to 0")),
    ({"load_balancer.slow_start": 901}, ("load_balancer.slow_start is 901", "30 and 900")),
    (
        {"load_balancer.deregistration_delay": 3601},
        ("load_balancer.deregistration_delay is 3601", "0 and 3600", "Set load_balancer."),
    ),
    (
        {"load_balancer.algorithm": "source_ip"},
        ("load_balancer.algorithm is 'source_ip'", "round_robin", "to one of them"),
    ),
    (
        {"load_balancer.stickiness.kind": "source_ip"},
        ("load_balancer.stickiness.kind is 'source_ip'", "lb_cookie", "to one of them"),
    ),
    (
        {
            "load_balancer.stickiness.kind": "app_cookie",
            "load_balancer.stickiness.cookie_name": "session",
        },
        ("load_balancer.stickiness.kind is 'app_cookie'", "2 pools", "lb_cookie"),
    ),
    (
        {"load_balancer.stickiness.kind": "app_cookie"},
        ("load_balancer.stickiness.cookie_name is ''", "app_cookie", "or neither"),
    ),
    (
        {
            "load_balancer.stickiness.kind": "app_cookie",
            "load_balancer.stickiness.cookie_name": "AWSALBAPP-0",
        },
        ("cookie_name is 'AWSALBAPP-0'", "AWSALB", "another cookie name"),
    ),
    (
        {"load_balancer.stickiness.duration": 604_801},
        ("load_balancer.stickiness.duration is 604801", "1 and 604800"),
    ),
    (
        {"load_balancer.health_check.path": "health"},
        ("load_balancer.health_check.path is 'health'", "slash", "/api/health"),
    ),
    ({"load_balancer.health_check.interval": 301}, ("health_check.interval is 301", "5 and 300")),
    (
        {"load_balancer.health_check.timeout": 15},
        ("health_check.timeout is 15", "shorter than the interval, which is 15", "Lower"),
    ),
    ({"load_balancer.health_check.healthy_threshold": 1}, ("threshold is 1", "2 and 10")),
    ({"load_balancer.idle_timeout": 4001}, ("load_balancer.idle_timeout is 4001", "1 and 4000")),
    (
        {"load_balancer.certificate_arn": "arn:aws:iam::123456789012:server-certificate/x"},
        ("load_balancer.certificate_arn is 'arn:aws:iam", "Certificate Manager", "to none"),
    ),
    (
        {"load_balancer.certificate_arn": CERTIFICATE},
        ("load_balancer.plain_http is True", "redirects", "to false"),
    ),
    (
        {
            "load_balancer.certificate_arn": CERTIFICATE,
            "load_balancer.plain_http": False,
            "region": "us-east-1",
        },
        ("load_balancer.certificate_arn is", "its own region, which is us-east-1", "Request"),
    ),
    ({"pools.lambda.weight": 1000}, ("pools.lambda.weight is 1000", "0 and 999", "Set pools.")),
    ({"pools.small.weight": -1}, ("pools.small.weight is -1", "0 and 999")),
    (
        {"pools.lambda.weight": 0, "pools.small.weight": 0},
        ("pools is 'weight 0 everywhere'", "weight of 1 or more"),
    ),
    ({"pools.small.cpu": 300}, ("pools.small.cpu is 300", "256, 512", "to one of them")),
    (
        {"pools.small.memory": 4096},
        ("pools.small.memory is 4096", "512, 1024, 2048 MiB", "change pools.small.cpu"),
    ),
    ({"pools.small.min": 0}, ("pools.small.min is 0", "grow", "1 or more")),
    ({"pools.small.max": 1}, ("pools.small.max is 1", "pools.small.min, which is 2", "Raise")),
    ({"pools.small.requests_per_target": 0}, ("requests_per_target is 0", "1 or more")),
    ({"pools.big.max": 3}, ("pools.big.max is 3", "pools.lambda, pools.small", "the name")),
    ({"pools.small.name": "x"}, ("pools.small.name is 'x'", "no such setting")),
    ({"pools": "none"}, ("pools is 'none'", "settings of its own", "pools.<setting>")),
    ({"project": "a-very-long-project-name"}, ("project is", "32 characters", "Shorten")),
    ({"network.cidr": "10.0.0.1/16"}, ("network.cidr is '10.0.0.1/16'", "10.0.0.0/16")),
    ({"network.cidr": "10.0.0.0/8"}, ("network.cidr is '10.0.0.0/8'", "/16 to /24")),
    ({"network.nat_gateways": 3}, ("network.nat_gateways is 3", "2 zones", "0 and 2")),
    ({"availability_zones": "eu-west-1a"}, ("availability_zones is", "at least two", "two or")),
    (
        {"availability_zones": "eu-west-1a,eu-west-1b"},
        ("availability_zones is 'eu-west-1a, eu-west-1b'", "the region, which is None", "Set"),
    ),
    ({"websocket.rate_limit": 10_001}, ("websocket.rate_limit is 10001", "1 and 10000")),
    ({"functions.send.memory": 64}, ("functions.send.memory is 64", "128 and 10240")),
    (
        {"functions.push.reserved_concurrency": 0},
        ("functions.push.reserved_concurrency is 0", "never runs", "or to none"),
    ),
    ({"message_ttl_days": 0}, ("message_ttl_days is 0", "1 and 3650")),
    ({"log_retention_days": 8}, ("log_retention_days is 8", "7, 14", "to one of them")),
    ({"architecture": "riscv"}, ("architecture is 'riscv'", "arm64, x86_64")),
    ({"alarms_email": "ops"}, ("alarms_email is 'ops'", "e-mail address", "or to none")),
    (
        {"push.fcm_secret_arn": "my-secret"},
        ("push.fcm_secret_arn is 'my-secret'", "whole ARN", "or to none"),
    ),
    ({"load_balancer.slowstart": 30}, ("slowstart is 30", "Perhaps load_balancer.slow_start")),
    ({"load_balancer": "x"}, ("load_balancer is 'x'", "load_balancer.<setting>")),
    ({"retain.always": True}, ("retain is {'always': True}", "true or false")),
    ({"retain": "yes"}, ("retain is 'yes'", "true or false", "Give retain")),
    ({"message_ttl_days": "a week"}, ("message_ttl_days is 'a week'", "whole number")),
    ({"colour": "blue"}, ("colour is 'blue'", "no such setting", "Correct the name")),
]


@pytest.mark.parametrize(("context", "words"), REFUSED, ids=lambda each: str(each)[:60])
def test_a_bad_setting_is_refused_with_its_field_its_value_and_what_to_do(
    context: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as refusal:
        environment_from(context)
    for word in words:
        assert word in str(refusal.value)


def test_more_pools_than_a_forward_takes_are_refused() -> None:
    pools = tuple(replace(SMALL, name=f"pool{number}") for number in range(6))
    with pytest.raises(ConfigError, match=r"pools is '6 pools', but .* at most 5"):
        check_together(LoadBalancer(), pools)


def test_two_pools_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="Rename or remove the pool that occurs twice"):
        check_together(LoadBalancer(), (SMALL, SMALL))


@pytest.mark.parametrize("name", ["", "x" * 33, "Large", "lambda", "-a"])
def test_a_pool_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"pools\.name is .* 1 to 32"):
        replace(SMALL, name=name)


@pytest.mark.parametrize(
    "balancer",
    [
        LoadBalancer(algorithm="least_outstanding_requests"),
        LoadBalancer(slow_start=60),
        LoadBalancer(stickiness=Stickiness(kind="lb_cookie")),
    ],
)
def test_what_a_lambda_target_group_ignores_is_refused_where_there_is_no_other(
    balancer: LoadBalancer,
) -> None:
    with pytest.raises(ConfigError, match="or add a container pool"):
        check_together(balancer, (LambdaPool(weight=1),))
    check_together(balancer, (LambdaPool(weight=1), SMALL))


def test_sticking_to_a_pool_needs_two() -> None:
    with pytest.raises(ConfigError, match="there is only one"):
        check_together(LoadBalancer(stickiness=Stickiness(kind="group")), (SMALL,))


def test_overrides_from_the_command_line_are_converted_to_the_type_of_their_field() -> None:
    config = environment_from(
        {
            "env": "prod",
            "load_balancer.algorithm": "least_outstanding_requests",
            "load_balancer.stickiness.kind": "lb_cookie",
            "pools.small.max": "1_000",
            "retain": "False",
            "region": "eu-west-1",
            "availability_zones": "eu-west-1a, eu-west-1c",
            "load_balancer.certificate_arn": CERTIFICATE,
            "functions.send.reserved_concurrency": "50",
            "alarms_email": "none",
        }
    )
    assert config.load_balancer.algorithm == "least_outstanding_requests"
    assert config.load_balancer.stickiness.kind == "lb_cookie"
    assert config.load_balancer.deregistration_delay == PROD.load_balancer.deregistration_delay
    assert [pool.max for pool in config.pools if isinstance(pool, ContainerPool)] == [20, 1000]
    assert config.retain is False
    assert config.availability_zones == ("eu-west-1a", "eu-west-1c")
    assert config.functions.send.reserved_concurrency == 50
    assert config.functions.send.memory == PROD.functions.send.memory
    assert config.alarms_email is None


def test_overrides_from_a_file_may_have_their_type_already() -> None:
    config = environment_from({"message_ttl_days": 7, "waf": True, "region": None})
    assert (config.message_ttl_days, config.waf, config.region) == (7, True, None)


def test_overrides_that_only_go_together_are_applied_together() -> None:
    grown = environment_from({"pools.small.min": "8", "pools.small.max": "9"})
    resized = environment_from({"pools.small.cpu": "1024", "pools.small.memory": "8192"})
    assert (grown.pools[1], resized.pools[1]) == (
        replace(SMALL, weight=4, min=8, max=9),
        replace(SMALL, weight=4, min=2, max=4, cpu=1024, memory=8192),
    )


def test_the_context_of_cdk_itself_is_no_setting() -> None:
    context = {
        "@aws-cdk/aws-iam:minimizePolicies": True,
        "aws:cdk:enable-path-metadata": True,
        "cli-telemetry": False,
        "availability-zones:account=1:region=x": ["x"],
        "bundle_for": "host",
    }
    assert environment_from(context) == DEV
