"""Settings of load balancing that are rejected, with their error messages."""

from dataclasses import fields, replace
from typing import Any

import pytest

from stacks.config.errors import ConfigError
from stacks.config.load_balancer import LoadBalancer
from stacks.config.overrides import environment_from
from stacks.config.pools import ContainerPool, LambdaPool
from stacks.config.rules import check_together
from stacks.config.target_groups import HealthCheck, MinimumHealthyTargets, Stickiness
from tests.stacks.out_of_range import OUT_OF_RANGE
from tests.stacks.rejected_balancing import NO_DOMAIN_NAMES, REJECTED
from tests.support.rows import rows

SMALL = ContainerPool(name="small", cpu=256, memory=512, weight=1, min=1, max=1)

HEALTH_CHECKS: list[tuple[str, Any, object]] = [
    ("path", "/", "/api/health"),
    ("interval", 30, 15),
    ("timeout", 6, 5),
    ("healthy_threshold", 3, 2),
    ("unhealthy_threshold", 3, 2),
]
# with the Lambda pool as the only one -> the field, the value, and what to set
REJECTED_OF_A_FUNCTION: list[tuple[LoadBalancer, str]] = [
    (LoadBalancer(algorithm="least_outstanding_requests"), "algorithm to round_robin"),
    (LoadBalancer(algorithm="weighted_random"), "algorithm to round_robin"),
    (LoadBalancer(slow_start=60), "slow_start to 0"),
    (LoadBalancer(deregistration_delay=60), "deregistration_delay to 30"),
    (LoadBalancer(stickiness=Stickiness(kind="lb_cookie")), "stickiness.kind to none"),
    (
        LoadBalancer(stickiness=Stickiness(kind="app_cookie", cookie_name="s")),
        "stickiness.kind to none",
    ),
    *(
        (
            LoadBalancer(health_check=replace(HealthCheck(), **{name: value})),
            f"health_check.{name} to {usual}",
        )
        for name, value, usual in HEALTH_CHECKS
    ),
    *(
        (
            LoadBalancer(minimum_healthy_targets=MinimumHealthyTargets(**{name: 2})),
            f"minimum_healthy_targets.{name} to {usual}",
        )
        for name, usual in (
            ("count", 1),
            ("percentage", "none"),
            ("dns_failover_count", "none"),
            ("dns_failover_percentage", "none"),
        )
    ),
]


@rows(("context", "sentence"), REJECTED, ids=lambda each: str(each)[:70])
def test_what_aws_rejects_or_ignores_is_rejected_with_one_sentence(
    context: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError) as error:
        environment_from(context)
    assert str(error.value) == sentence


@rows(("field", "value", "rule"), OUT_OF_RANGE)
def test_a_number_out_of_range_is_rejected_with_the_range(
    field: str, value: int, rule: str
) -> None:
    with pytest.raises(ConfigError) as error:
        environment_from({field: value})
    sentence = f"{field} is {value}, but {rule}. Set {field} to a value in that range."
    assert str(error.value) == sentence


@rows("name", NO_DOMAIN_NAMES)
def test_a_domain_name_that_is_none_is_rejected(name: str) -> None:
    with pytest.raises(ConfigError) as error:
        LoadBalancer(domain_name=name)
    assert str(error.value) == (
        f"load_balancer.domain_name is '{name}', but it is the name alone that clients call the "
        "API by: labels of lower-case letters, digits and hyphens with dots between them, no "
        "scheme, port or wildcard. Set load_balancer.domain_name to one such as api.example.com, "
        "or to none."
    )


@pytest.mark.parametrize("name", ["example.com", "a-1.xn--bcher-kva.example.xn--p1ai"])
def test_a_domain_name_is_accepted(name: str) -> None:
    assert LoadBalancer(domain_name=name).domain_name == name


@rows(("balancer", "advice"), REJECTED_OF_A_FUNCTION)
def test_what_a_lambda_target_group_ignores_is_rejected_where_there_is_no_other(
    balancer: LoadBalancer, advice: str
) -> None:
    with pytest.raises(ConfigError) as error:
        check_together(balancer, (LambdaPool(weight=1),))
    assert str(error.value).endswith(f"Set load_balancer.{advice}, or add a container pool.")


def test_none_of_what_a_lambda_target_group_ignores_is_forgotten() -> None:
    rejected = " ".join(advice for _, advice in REJECTED_OF_A_FUNCTION)
    for part in (HealthCheck, MinimumHealthyTargets):
        for field in fields(part):
            assert f".{field.name} to " in rejected
    check_together(LoadBalancer(), (LambdaPool(weight=1),))


def test_a_pool_without_a_weight_may_still_be_checked_drained_and_hashed_to() -> None:
    balancer = LoadBalancer(
        algorithm="ip_hash",
        deregistration_delay=60,
        health_check=HealthCheck(interval=30),
        minimum_healthy_targets=MinimumHealthyTargets(percentage=50),
    )
    check_together(balancer, (LambdaPool(weight=1), replace(SMALL, weight=0)))


@pytest.mark.parametrize(
    ("balancer", "field"),
    [
        (LoadBalancer(algorithm="ip_hash"), "load_balancer.algorithm is 'ip_hash'"),
        (LoadBalancer(ip_hash=True), "load_balancer.ip_hash is True"),
    ],
)
def test_a_network_balancer_in_front_of_functions_is_rejected(
    balancer: LoadBalancer, field: str
) -> None:
    with pytest.raises(ConfigError, match="forwards to containers, not to functions") as error:
        check_together(balancer, (LambdaPool(weight=1),))
    assert str(error.value).startswith(field)


def test_more_pools_than_a_forward_takes_are_rejected() -> None:
    pools = tuple(replace(SMALL, name=f"pool{number}") for number in range(6))
    with pytest.raises(ConfigError, match=r"pools is '6 pools', but .* at most 5"):
        check_together(LoadBalancer(), pools)


def test_two_pools_of_one_name_are_rejected() -> None:
    with pytest.raises(ConfigError, match="Rename or remove the pool that occurs twice"):
        check_together(LoadBalancer(), (SMALL, SMALL))


def test_two_pools_that_would_be_one_resource_are_rejected() -> None:
    pools = (replace(SMALL, name="a-1b"), replace(SMALL, name="a1b"))
    with pytest.raises(ConfigError, match="differ by hyphens alone"):
        check_together(LoadBalancer(), pools)


def test_sticking_to_a_pool_needs_two() -> None:
    with pytest.raises(ConfigError, match="only small has a weight"):
        check_together(LoadBalancer(stickiness=Stickiness(kind="group")), (SMALL,))


@pytest.mark.parametrize("name", ["", "x" * 33, "Large", "lambda", "-a", "a-", "lambda-"])
def test_a_pool_name_that_is_none_is_rejected(name: str) -> None:
    with pytest.raises(ConfigError, match=r"pools\.name is .* 1 to 32"):
        replace(SMALL, name=name)


def test_thresholds_at_their_limits_are_accepted() -> None:
    balancer = LoadBalancer(
        algorithm="weighted_random",
        anomaly_mitigation=True,
        minimum_healthy_targets=MinimumHealthyTargets(
            count=3, percentage=100, dns_failover_count=3, dns_failover_percentage=100
        ),
    )
    check_together(balancer, (replace(SMALL, max=3),))
