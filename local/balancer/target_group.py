"""A target group: its attributes, its targets, and whose turn it is."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from local.balancer import health
from local.balancer.algorithms import ALGORITHMS, Algorithm
from local.balancer.health import Health, HealthCheck
from local.balancer.refusals import Properties, attributes_of, not_played, require_known
from local.providers import LocalModeError

LONGEST_DELAY = 3600
DEFAULT_DELAY = 300

# On AWS these act on zones and on DNS, which a laptop has one of.
_ZONES = {
    "load_balancing.cross_zone.enabled",
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
_FAIL_OPEN = "target_group_health.unhealthy_state_routing.minimum_healthy_targets"
_KNOWN = (
    _ZONES
    | _STICKINESS
    | {
        "deregistration_delay.timeout_seconds",
        "slow_start.duration_seconds",
        "load_balancing.algorithm.type",
        "load_balancing.algorithm.anomaly_mitigation",
        "lambda.multi_value_headers.enabled",
        f"{_FAIL_OPEN}.count",
        f"{_FAIL_OPEN}.percentage",
    }
)


@dataclass(frozen=True)
class GroupSettings:
    """`deregistration_delay` in template seconds; fail-open thresholds as in `health.routable`."""

    algorithm: str
    deregistration_delay: float
    multi_value_headers: bool
    minimum_count: int
    minimum_percentage: float | None


@dataclass(eq=False)
class Target:
    """A container's address or, with `function`, a Lambda function."""

    id: str
    order: int
    host: str
    port: int
    health: Health
    function: str | None = None
    in_flight: int = 0
    requests: int = 0

    @property
    def address(self) -> str:
        return self.function if self.function is not None else f"{self.host}:{self.port}"


@dataclass(eq=False)
class TargetGroup:
    arn: str
    name: str
    kind: str  # ip | instance | lambda
    settings: GroupSettings
    check: HealthCheck
    algorithm: Algorithm
    pool: str
    targets: dict[str, Target] = field(default_factory=dict)
    answered: int = 0  # requests taken, by targets that may be gone by now
    _orders: itertools.count[int] = field(default_factory=itertools.count)

    def add(self, target_id: str, host: str, port: int, function: str | None = None) -> Target:
        """Raises LocalModeError if the id is registered already."""
        if target_id in self.targets:
            raise LocalModeError(f"{self.name}: target {target_id} is registered already")
        target = Target(
            target_id, next(self._orders), host, port, health.registered(self.check), function
        )
        self.targets[target_id] = target
        return target

    def choose(self) -> Target | None:
        """Whose turn it is; None where no target is registered. Counts the request."""
        candidates = health.routable(
            tuple(self.targets.values()),
            self.settings.minimum_count,
            self.settings.minimum_percentage,
        )
        if not candidates:
            return None
        chosen = self.algorithm.choose(candidates)
        chosen.in_flight += 1
        chosen.requests += 1
        self.answered += 1
        return chosen


def read_target_group(
    where: str, arn: str, name: str, pool: str, properties: Properties
) -> TargetGroup:
    """Raises LocalModeError for what isn't played, and for what AWS refuses."""
    kind = properties.get("TargetType", "instance")
    if kind not in ("ip", "instance", "lambda"):
        raise not_played(where, f"target type {kind}", "use ip or lambda")
    protocol = properties.get("Protocol", "HTTP")
    if protocol != "HTTP" or properties.get("ProtocolVersion", "HTTP1") != "HTTP1":
        version = properties.get("ProtocolVersion", "")
        raise not_played(where, f"protocol {protocol} {version}".strip(), "use HTTP, version HTTP1")
    attributes = attributes_of(properties, "TargetGroupAttributes")
    settings = read_settings(where, attributes)
    return TargetGroup(
        arn=arn,
        name=name,
        kind=kind,
        settings=settings,
        check=health.read_health_check(where, properties, kind == "lambda"),
        algorithm=ALGORITHMS[settings.algorithm](),
        pool=pool,
    )


def read_settings(where: str, attributes: Mapping[str, str]) -> GroupSettings:
    require_known(where, attributes, _KNOWN)
    algorithm = attributes.get("load_balancing.algorithm.type", "round_robin")
    if algorithm not in ALGORITHMS:
        raise not_played(where, f"the algorithm {algorithm}", f"use {', '.join(ALGORITHMS)}")
    if attributes.get("stickiness.enabled", "false") == "true":
        raise not_played(where, "stickiness", "turn it off in this environment")
    if float(attributes.get("slow_start.duration_seconds", "0")) > 0:
        raise not_played(where, "slow start", "set slow_start.duration_seconds to 0")
    if attributes.get("load_balancing.algorithm.anomaly_mitigation", "off") == "on":
        raise not_played(where, "anomaly mitigation", "turn it off in this environment")
    delay = float(attributes.get("deregistration_delay.timeout_seconds", DEFAULT_DELAY))
    if not 0 <= delay <= LONGEST_DELAY:
        raise LocalModeError(f"{where}: deregistration delay {delay:g} is not within 0 to 3600 s")
    percentage = attributes.get(f"{_FAIL_OPEN}.percentage", "off")
    return GroupSettings(
        algorithm=algorithm,
        deregistration_delay=delay,
        multi_value_headers=attributes.get("lambda.multi_value_headers.enabled") == "true",
        minimum_count=int(attributes.get(f"{_FAIL_OPEN}.count", "1")),
        minimum_percentage=None if percentage == "off" else float(percentage),
    )
