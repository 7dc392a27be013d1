"""Target tracking: when a service gets more or fewer tasks.

Source: "How target tracking scaling works" with "Define cooldown periods", and "Target tracking
scaling policies", Application Auto Scaling user guide; the alarms it makes look at 3 minutes to
scale out and at 15 to scale in, below 90 % of the target value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from emulator.providers import EmulatorError

OUT_MINUTES = 3
IN_MINUTES = 15
IN_BELOW = 0.9

REQUESTS = "ALBRequestCountPerTarget"  # per minute and target
CPU = "ECSServiceAverageCPUUtilization"  # percent of what the tasks may use
# What a laptop's process holds in memory says nothing about a task's limit: not acted on.
_NOT_ACTED_ON = frozenset({"ECSServiceAverageMemoryUtilization"})

Minutes = Sequence[float | None]
"""A metric minute by minute, the newest last; None for one without a data point."""


@dataclass(frozen=True)
class Tracking:
    """`metric` is held at `target`; cooldowns in seconds. `scale_in` False: others may scale in,
    this one doesn't. `target_group`: the end of its ARN, where requests are counted."""

    metric: str
    target: float
    out_cooldown: float
    in_cooldown: float
    scale_in: bool = True
    target_group: str | None = None


@dataclass(frozen=True)
class Bounds:
    minimum: int
    maximum: int


def read_policy(where: str, properties: Any) -> Tracking | None:
    """Reads a scaling policy; None for one that the emulator accepts and doesn't act on."""
    kind = properties.get("PolicyType")
    if kind != "TargetTrackingScaling":
        raise EmulatorError(f"{where}: policy type {kind} is not supported locally: track a target")
    config = properties["TargetTrackingScalingPolicyConfiguration"]
    if "CustomizedMetricSpecification" in config:
        return None  # what it measures under load says nothing about one on AWS
    specification = config.get("PredefinedMetricSpecification", {})
    metric = specification.get("PredefinedMetricType")
    if metric in _NOT_ACTED_ON:
        return None
    if metric not in (REQUESTS, CPU):
        raise EmulatorError(
            f"{where}: the metric {metric or 'of its own'} is not supported locally: "
            f"track {REQUESTS} or {CPU}"
        )
    # app/<balancer>/<id>/targetgroup/<group>/<id>
    _, found, group = str(specification.get("ResourceLabel", "")).partition("targetgroup/")
    return Tracking(
        metric=metric,
        target=float(config["TargetValue"]),
        out_cooldown=float(config.get("ScaleOutCooldown", 300)),
        in_cooldown=float(config.get("ScaleInCooldown", 300)),
        scale_in=str(config.get("DisableScaleIn", False)).lower() != "true",
        target_group=f"{found}{group}" if found else None,
    )


@dataclass(frozen=True)
class Before:
    """The last actions of autoscaling: the seconds `since_out` and `since_in` it scaled out and in,
    and how many tasks there were, `out_from`, when it scaled out."""

    since_out: float
    since_in: float
    out_from: int


def next_desired(
    policies: Sequence[tuple[Tracking, Minutes]], bounds: Bounds, desired: int, before: Before
) -> int:
    """The number of tasks by all policies.

    Out if any policy wants it, and as far as the one that wants most; in only if all that may
    scale in agree, and as far as the most careful of them.
    """
    wishes = [
        (policy, capacity_for(policy, minutes, desired, before)) for policy, minutes in policies
    ]
    most = max((wanted for _, wanted in wishes), default=desired)
    if most > desired:
        return max(desired, min(most, bounds.maximum))
    agreeing = [wanted for policy, wanted in wishes if policy.scale_in]
    if agreeing and max(agreeing) < desired:
        return min(desired, max(*agreeing, bounds.minimum))
    return desired


def capacity_for(policy: Tracking, minutes: Minutes, desired: int, before: Before) -> int:
    """The number of tasks by one policy, not yet within bounds. Where a minute has no data point
    the policy changes nothing: on AWS its alarm has insufficient data then."""
    latest = _without_gap(minutes, OUT_MINUTES)
    if latest and min(latest) > policy.target:
        if before.since_out < policy.out_cooldown:
            # "unless either a larger scale out is triggered or the cooldown period ends": what
            # was added then is a part of what would be added now
            return max(desired, math.ceil(before.out_from * latest[-1] / policy.target))
        return math.ceil(desired * latest[-1] / policy.target)
    latest = _without_gap(minutes, IN_MINUTES)
    if latest and max(latest) < IN_BELOW * policy.target:
        if min(before.since_in, before.since_out) < policy.in_cooldown:
            return desired
        return math.ceil(desired * max(latest) / policy.target)
    return desired


def _without_gap(minutes: Minutes, count: int) -> list[float]:
    latest = [minute for minute in minutes[-count:] if minute is not None]
    return latest if len(latest) == count else []


def utilization(tasks: Sequence[tuple[float, float]], vcpus: float) -> float | None:
    """Percent of their share that tasks use on average, from (seconds of CPU taken, seconds in
    which they were) of each; None without tasks. A laptop doesn't hold a process to its share, so
    it can be more than 100."""
    used = [taken / passed / vcpus * 100 for taken, passed in tasks if passed > 0]
    return sum(used) / len(used) if used else None
