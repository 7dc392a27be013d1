"""A target group and its targets, as the console shows them."""

from __future__ import annotations

from typing import Any

from emulator.balancer.network.target_group import NetworkSettings, as_described
from emulator.balancer.targets.target_group import Target, TargetGroup


def described(
    group: TargetGroup,
    weight: int | None,
    network: NetworkSettings | None,
    now: float,
    real_now: float,
) -> dict[str, Any]:
    """`weight` None for a group that no rule forwards to; `network` for one of a network load
    balancer. `now` in template seconds, `real_now` the same moment in real ones.

    `{name, pool, balancer: "application" | "network", algorithm (None for a function's), weight,
    stickiness, minimum_healthy_count, minimum_healthy_percentage, targets: [...]}`, for a target
    `{id, address, state, reason, description, in_flight, requests, recent, share, anomalous}`.
    A network load balancer counts connections where the other counts requests.
    """
    algorithm = None if group.kind == "lambda" else group.settings.algorithm
    return {
        "name": group.name,
        "pool": group.pool,
        "balancer": "application" if network is None else "network",
        "algorithm": algorithm if network is None else "flow_hash",
        "weight": weight,
        "stickiness": _stickiness(group, network),
        "minimum_healthy_count": group.settings.minimum_count,
        "minimum_healthy_percentage": group.settings.minimum_percentage,
        "targets": [
            _target(group, target, network is not None, now, real_now)
            for target in group.targets.values()
        ],
    }


def _stickiness(group: TargetGroup, network: NetworkSettings | None) -> str | None:
    if network is not None:
        return "source_ip" if network.sticky else None
    return None if group.settings.stickiness is None else group.settings.stickiness.kind


def _target(
    group: TargetGroup, target: Target, network: bool, now: float, real_now: float
) -> dict[str, Any]:
    health = as_described(target.health) if network else target.health
    return {
        "id": target.id,
        "address": target.address,
        "state": health.state,
        "reason": health.reason,
        "description": health.description,
        "in_flight": target.in_flight,
        "requests": target.requests,
        "recent": target.recent.seconds(real_now),
        "share": round(group.share_of(target, now), 3),
        "anomalous": target.anomalous,
    }
