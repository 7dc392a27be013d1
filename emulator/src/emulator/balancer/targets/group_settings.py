"""A target group's attributes, and what AWS rejects of them.

Source: "Target groups for your Application Load Balancers" and "Edit target group attributes",
user guide of Application Load Balancers; TargetGroupAttribute in the API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from emulator.balancer.properties import (
    CROSS_ZONE,
    check_cross_zone,
    number_within,
    require_known,
    unsupported,
)
from emulator.balancer.stickiness import Stickiness, read_stickiness
from emulator.balancer.targets import shares
from emulator.balancer.targets.algorithms import ALGORITHMS
from emulator.providers import EmulatorError

LONGEST_DELAY = 3600
DEFAULT_DELAY = 300
MOST_TARGETS = 1000  # in a group: the quota, and so the highest count of healthy ones

# On AWS these act on zones and on DNS, which a laptop has one of and none.
_ZONES = {
    CROSS_ZONE,
    "target_group_health.dns_failover.minimum_healthy_targets.count",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage",
}
_STICKINESS = {
    "stickiness.enabled",
    "stickiness.type",
    "stickiness.lb_cookie.duration_seconds",
    "stickiness.app_cookie.cookie_name",
    "stickiness.app_cookie.duration_seconds",
}
_ALGORITHM = "load_balancing.algorithm.type"
_ANOMALIES = "load_balancing.algorithm.anomaly_mitigation"
_DELAY = "deregistration_delay.timeout_seconds"
_SLOW_START = "slow_start.duration_seconds"
_MULTI_VALUE = "lambda.multi_value_headers.enabled"
_FAIL_OPEN = "target_group_health.unhealthy_state_routing.minimum_healthy_targets"
_KNOWN = (
    _ZONES
    | _STICKINESS
    | {_ALGORITHM, _ANOMALIES, _DELAY, _SLOW_START, _MULTI_VALUE}
    | {f"{_FAIL_OPEN}.count", f"{_FAIL_OPEN}.percentage"}
)


@dataclass(frozen=True)
class GroupSettings:
    """`deregistration_delay` and `slow_start` (0: off) in template seconds; fail-open thresholds
    as in `health.routable`."""

    algorithm: str = "round_robin"
    deregistration_delay: float = DEFAULT_DELAY
    multi_value_headers: bool = False
    minimum_count: int = 1
    minimum_percentage: float | None = None
    slow_start: int = 0
    anomaly_mitigation: bool = False
    stickiness: Stickiness | None = None


def read_settings(
    where: str, attributes: Mapping[str, str], lambda_target: bool = False
) -> GroupSettings:
    """Raises EmulatorError, as `read_target_group` does."""
    require_known(where, attributes, _KNOWN)
    _check_kind(where, attributes, lambda_target)
    check_cross_zone(where, attributes)
    for name in (_MULTI_VALUE, "stickiness.enabled"):
        if attributes.get(name, "true") not in ("true", "false"):
            raise EmulatorError(f"{where}: {name} {attributes[name]!r}: set it to true or false")
    algorithm = attributes.get(_ALGORITHM, "round_robin")
    if algorithm not in ALGORITHMS:
        raise unsupported(where, f"the algorithm {algorithm}", f"use {', '.join(ALGORITHMS)}")
    return replace(
        read_common(where, attributes),
        algorithm=algorithm,
        multi_value_headers=attributes.get(_MULTI_VALUE) == "true",
        slow_start=_read_slow_start(where, attributes, algorithm),
        anomaly_mitigation=_read_mitigation(where, attributes, algorithm),
        stickiness=_read_stickiness(where, attributes, algorithm),
    )


def read_common(where: str, attributes: Mapping[str, str]) -> GroupSettings:
    """Reads the attributes that target groups of both load balancers have: the delay, and when they
    fail open."""
    percentage = attributes.get(f"{_FAIL_OPEN}.percentage", "off")
    return GroupSettings(
        deregistration_delay=number_within(
            where, _DELAY, attributes.get(_DELAY, DEFAULT_DELAY), 0, LONGEST_DELAY, "s"
        ),
        minimum_count=number_within(
            where,
            f"{_FAIL_OPEN}.count",
            attributes.get(f"{_FAIL_OPEN}.count", 1),
            1,
            MOST_TARGETS,
        ),
        minimum_percentage=None
        if percentage == "off"
        else number_within(where, f"{_FAIL_OPEN}.percentage", percentage, 1, 100, "or off"),
    )


def _check_kind(where: str, attributes: Mapping[str, str], lambda_target: bool) -> None:
    """A function's target group has the one attribute that no other has. CDK writes that
    stickiness is off where it can't be on."""
    for name, value in attributes.items():
        if (name, value) == ("stickiness.enabled", "false"):
            continue
        if lambda_target != (name == _MULTI_VALUE):
            kind = "a Lambda function's target group" if lambda_target else "targets by address"
            raise EmulatorError(
                f"{where}: {name} {value}: AWS has no such attribute for {kind}: remove it"
            )


def _read_slow_start(where: str, attributes: Mapping[str, str], algorithm: str) -> int:
    value = attributes.get(_SLOW_START, "0")
    if value == "0":
        return 0
    if algorithm != "round_robin":
        raise EmulatorError(
            f"{where}: {_SLOW_START} {value} with the algorithm {algorithm}: only round_robin has "
            "slow start: set it to 0, or the algorithm to round_robin"
        )
    least, most = shares.SHORTEST_SLOW_START, shares.LONGEST_SLOW_START
    return number_within(where, _SLOW_START, value, least, most, "s, or 0 for off")


def _read_mitigation(where: str, attributes: Mapping[str, str], algorithm: str) -> bool:
    value = attributes.get(_ANOMALIES, "off")
    if value not in ("on", "off"):
        raise EmulatorError(f"{where}: {_ANOMALIES} {value} is neither on nor off: set it to one")
    if value == "on" and algorithm != "weighted_random":
        raise EmulatorError(
            f"{where}: {_ANOMALIES} on with the algorithm {algorithm}: only weighted_random has "
            "it: turn it off, or set the algorithm to weighted_random"
        )
    return value == "on"


def _read_stickiness(
    where: str, attributes: Mapping[str, str], algorithm: str
) -> Stickiness | None:
    sticky = read_stickiness(where, attributes)
    if sticky is not None and algorithm == "weighted_random":
        # "You cannot have both stickiness and weighted random algorithm enabled on the same target
        # group": the API's response, in the tests of terraform-provider-aws (its pull request
        # 35083).
        raise EmulatorError(
            f"{where}: stickiness.enabled true with the algorithm weighted_random: a target group "
            "has only one of them: set it to false, or the algorithm to round_robin"
        )
    return sticky
