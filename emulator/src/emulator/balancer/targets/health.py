"""Target health: states, thresholds, and which targets get requests.

Source: "Health checks for Application Load Balancer target groups" and "Target group health",
user guide of Application Load Balancers; CreateTargetGroup and TargetHealth in the API reference.
An address of a laptop is never another zone's, stopped or a load balancer's own, and a target that
is deregistered is gone, so Target.InvalidState, Target.IpUnusable and Target.NotRegistered can't
come up. DNS failover has no meaning here either.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from emulator.balancer.properties import Properties, number_within, unsupported
from emulator.providers import EmulatorError

INITIAL, HEALTHY, UNHEALTHY, DRAINING = "initial", "healthy", "unhealthy", "draining"
UNAVAILABLE = "unavailable"  # health checks are off: gets requests like a healthy one
UNUSED = "unused"  # no listener forwards to the group: it isn't even checked

REGISTERING = "Elb.RegistrationInProgress"
CHECKING = "Elb.InitialHealthChecking"
DEREGISTERING = "Target.DeregistrationInProgress"
DISABLED = "Target.HealthCheckDisabled"
MISMATCH = "Target.ResponseCodeMismatch"
TIMEOUT = "Target.Timeout"
FAILED = "Target.FailedHealthChecks"
INTERNAL = "Elb.InternalError"
NOT_IN_USE = "Target.NotInUse"


_LONGEST_PATH = 1024


class Kind(NamedTuple):
    """A kind of target group: what the template may leave out of its health check, and which codes
    its matcher may hold. `protocols`: the first is the default."""

    protocols: tuple[str, ...] = ("HTTP",)
    interval: int = 30
    timeout: int = 5
    unhealthy_threshold: int = 2
    matcher: str = "200"
    highest_code: int = 499


BY_ADDRESS = Kind()
FUNCTION = Kind(interval=35, timeout=30, unhealthy_threshold=5)


@dataclass(frozen=True)
class HealthCheck:
    """Times in template seconds; `matcher` as ranges of status codes, both ends included."""

    enabled: bool
    path: str
    interval: float
    timeout: float
    healthy_threshold: int
    unhealthy_threshold: int
    matcher: tuple[tuple[int, int], ...]


class Health(NamedTuple):
    """`streak` counts the equal outcomes up to now: passed above 0, failed below."""

    state: str
    reason: str | None = None
    description: str | None = None
    streak: int = 0


class Outcome(NamedTuple):
    """The outcome of one check; a failed one has the reason, as a code of the API and in words."""

    passed: bool
    reason: str | None = None
    description: str | None = None


PASSED = Outcome(True)
TIMED_OUT = Outcome(False, TIMEOUT, "Request timed out")
CONNECTION_FAILED = Outcome(False, FAILED, "Health checks failed")
INTERNAL_ERROR = Outcome(False, INTERNAL, "Health checks failed due to an internal error")


def read_health_check(where: str, properties: Properties, kind: Kind) -> HealthCheck:
    """CloudFormation's properties with the defaults of the kind. Raises EmulatorError for what
    isn't supported, and for what AWS rejects."""
    protocol = properties.get("HealthCheckProtocol", kind.protocols[0])
    if protocol not in kind.protocols:
        instead = f"use {' or '.join(kind.protocols)}"
        raise unsupported(where, f"a health check over {protocol}", instead)
    if properties.get("HealthCheckPort", "traffic-port") != "traffic-port":
        raise unsupported(where, "a health check port of its own", "use traffic-port")
    is_function = kind is FUNCTION
    enabled = str(properties.get("HealthCheckEnabled", not is_function)).lower() == "true"
    if not enabled and not is_function:
        raise EmulatorError(
            f"{where}: HealthCheckEnabled is false, and only a Lambda function's target group can "
            "be without health checks: remove it"
        )
    path = properties.get("HealthCheckPath", "/")
    if not path.startswith("/") or len(path) > _LONGEST_PATH:
        raise EmulatorError(
            f"{where}: HealthCheckPath {path!r:.80} does not begin with /, or has over "
            f"{_LONGEST_PATH} characters"
        )

    def number(name: str, usual: int, least: int, most: int) -> int:
        return number_within(where, name, properties.get(name, usual), least, most)

    # CreateTargetGroup, API reference
    interval = number("HealthCheckIntervalSeconds", kind.interval, 5, 300)
    timeout = number("HealthCheckTimeoutSeconds", kind.timeout, 2, 120)
    # "Health check interval must be greater than the timeout", of an Application Load Balancer
    if interval <= timeout and "TCP" not in kind.protocols:
        raise EmulatorError(
            f"{where}: HealthCheckIntervalSeconds {interval} is not greater than "
            f"HealthCheckTimeoutSeconds {timeout}"
        )
    return HealthCheck(
        enabled=enabled,
        path=path,
        interval=float(interval),
        timeout=float(timeout),
        healthy_threshold=number("HealthyThresholdCount", 5, 2, 10),
        unhealthy_threshold=number("UnhealthyThresholdCount", kind.unhealthy_threshold, 2, 10),
        matcher=parse_matcher(where, properties.get("Matcher", {}), kind),
    )


def parse_matcher(where: str, matcher: Any, kind: Kind) -> tuple[tuple[int, int], ...]:
    """`{"HttpCode": "200,204-299"}` -> ((200, 200), (204, 299))."""
    if "GrpcCode" in matcher:
        raise unsupported(where, "a gRPC matcher", "use HttpCode")
    ranges = []
    for part in str(matcher.get("HttpCode", kind.matcher)).split(","):
        match = re.fullmatch(r"\s*(\d{3})(?:-(\d{3}))?\s*", part)
        if match is None:
            raise unsupported(where, f"the matcher {part!r}", 'write codes as "200" or "200-299"')
        low, high = int(match[1]), int(match[2] or match[1])
        if not 200 <= low <= high <= kind.highest_code:
            raise EmulatorError(
                f"{where}: the matcher {part!r} is not within 200 to {kind.highest_code}, low "
                'before high: write codes as "200" or "200-299"'
            )
        ranges.append((low, high))
    return tuple(ranges)


def outcome_of(check: HealthCheck, status: int) -> Outcome:
    if any(low <= status <= high for low, high in check.matcher):
        return PASSED
    return Outcome(False, MISMATCH, f"Health checks failed with these codes: [{status}]")


def registered(check: HealthCheck, in_use: bool = True) -> Health:
    """`in_use`: a listener forwards to the target's group."""
    if not in_use:
        return Health(
            UNUSED,
            NOT_IN_USE,
            "Target group is not configured to receive traffic from the load balancer",
        )
    if not check.enabled:
        return Health(UNAVAILABLE, DISABLED, "Health checks are disabled")
    return Health(INITIAL, REGISTERING, "Target registration is in progress")


def after(check: HealthCheck, health: Health, outcome: Outcome) -> Health:
    """The first passed check makes a new target healthy; from then on the thresholds count."""
    if health.state in (DRAINING, UNAVAILABLE, UNUSED):
        return health
    if outcome.passed:
        streak = max(health.streak, 0) + 1
        if health.state == INITIAL or streak >= check.healthy_threshold:
            return Health(HEALTHY, streak=streak)
        return health._replace(streak=streak)
    streak = min(health.streak, 0) - 1
    if -streak >= check.unhealthy_threshold:
        return Health(UNHEALTHY, outcome.reason, outcome.description, streak)
    if health.state == INITIAL:
        return Health(INITIAL, CHECKING, "Initial health checks in progress", streak)
    return health._replace(streak=streak)


def draining() -> Health:
    return Health(DRAINING, DEREGISTERING, "Target deregistration is in progress")


class Checked(Protocol):
    @property
    def health(self) -> Health: ...


AnyChecked = TypeVar("AnyChecked", bound=Checked)


def routable(
    targets: Sequence[AnyChecked], minimum_count: int = 1, minimum_percentage: float | None = None
) -> Sequence[AnyChecked]:
    """The healthy ones; all that aren't draining, where too few are healthy (fail open)."""
    for target in targets:
        if target.health.state != HEALTHY:
            break
    else:  # the usual case, in the way of every request
        return targets
    present = [target for target in targets if target.health.state != DRAINING]
    healthy = [target for target in present if target.health.state in (HEALTHY, UNAVAILABLE)]
    too_few = len(healthy) < minimum_count
    if minimum_percentage is not None and present:
        too_few = too_few or len(healthy) * 100 < minimum_percentage * len(present)
    return present if too_few else healthy
