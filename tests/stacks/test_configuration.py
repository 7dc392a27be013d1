"""Environments and overrides: their values, and the errors of wrong ones."""

from dataclasses import replace
from typing import Any

import pytest

from stacks.config.environments import DEV, PROD, by_name
from stacks.config.errors import ConfigError
from stacks.config.overrides import environment_from
from stacks.config.pools import ContainerPool
from tests.stacks.complete import CERTIFICATE
from tests.support.rows import rows

SMALL = ContainerPool(name="small", cpu=256, memory=512, weight=1, min=1, max=1)

# context -> what the sentence must have in it: the field, the value, what to do
REJECTED: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"env": "qa"}, ("env is 'qa'", "dev, staging, prod", "-c env=dev")),
    ({"pools.small.cpu": 300}, ("pools.small.cpu is 300", "256, 512", "to one of them")),
    (
        {"pools.small.memory": 4096},
        ("pools.small.memory is 4096", "512, 1024, 2048 MiB", "change pools.small.cpu"),
    ),
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
    (
        {"files.mib_per_day": 10},
        ("files.mib_per_day is 10", "files.max_mib is 64", "lower files.max_mib"),
    ),
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
    ({"shade": "blue"}, ("shade is 'blue'", "no such setting", "Correct the name")),
]


@rows(("context", "words"), REJECTED, ids=lambda each: str(each)[:60])
def test_a_bad_setting_is_rejected_with_its_field_its_value_and_what_to_do(
    context: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as error:
        environment_from(context)
    for word in words:
        assert word in str(error.value)


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


def test_two_environments_of_one_name_are_rejected() -> None:
    assert list(by_name(DEV, PROD)) == ["dev", "prod"]
    with pytest.raises(ConfigError, match=r"^name is 'dev', but another environment is called so"):
        by_name(DEV, PROD, replace(PROD, name="dev"))
