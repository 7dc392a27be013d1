"""Target tracking on requests per target: when a service gets more or fewer tasks.

Source: "How target tracking scaling works", Application Auto Scaling user guide; the alarms it
makes look at 3 minutes to scale out and at 15 to scale in, below 90 % of the target value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from local.providers import LocalModeError

OUT_MINUTES = 3
IN_MINUTES = 15
IN_BELOW = 0.9

# A laptop's CPU and memory say nothing about a Fargate task's: accepted, not acted on.
_NOT_ACTED_ON = frozenset({"ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization"})


@dataclass(frozen=True)
class Tracking:
    """`requests`: per minute and target; cooldowns in seconds."""

    requests: float
    out_cooldown: float
    in_cooldown: float


@dataclass(frozen=True)
class Bounds:
    minimum: int
    maximum: int


def read_policy(where: str, properties: Any) -> Tracking | None:
    """None for a policy that local mode accepts and doesn't act on."""
    kind = properties.get("PolicyType")
    if kind != "TargetTrackingScaling":
        raise LocalModeError(f"{where}: policy type {kind} is not played locally: track a target")
    config = properties["TargetTrackingScalingPolicyConfiguration"]
    metric = config.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    if metric in _NOT_ACTED_ON:
        return None
    if metric != "ALBRequestCountPerTarget":
        raise LocalModeError(
            f"{where}: the metric {metric or 'of its own'} is not played locally: track "
            "ALBRequestCountPerTarget"
        )
    return Tracking(
        requests=float(config["TargetValue"]),
        out_cooldown=float(config.get("ScaleOutCooldown", 300)),
        in_cooldown=float(config.get("ScaleInCooldown", 300)),
    )


def next_desired(
    tracking: Tracking,
    bounds: Bounds,
    desired: int,
    minutes: Sequence[float],
    since_out: float,
    since_in: float,
) -> int:
    """`minutes`: requests per target of the last minutes with any, the newest last;
    `since_...`: seconds since the service was last scaled out, and in.

    A minute without requests has no data point, and without data nothing is scaled in.
    """
    latest = minutes[-OUT_MINUTES:]
    if len(latest) == OUT_MINUTES and min(latest) > tracking.requests:
        if since_out < tracking.out_cooldown:
            return desired
        wanted = math.ceil(desired * latest[-1] / tracking.requests)
        return max(desired, min(wanted, bounds.maximum))
    latest = minutes[-IN_MINUTES:]
    if len(latest) == IN_MINUTES and max(latest) < IN_BELOW * tracking.requests:
        if min(since_in, since_out) < tracking.in_cooldown:
            return desired
        wanted = math.ceil(desired * max(latest) / tracking.requests)
        return min(desired, max(wanted, bounds.minimum))
    return desired
