"""A target group: its targets, and the choice among them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from emulator.balancer.properties import Properties, unsupported
from emulator.balancer.targets import health, shares
from emulator.balancer.targets.algorithms import ALGORITHMS, Algorithm, Random
from emulator.balancer.targets.group_settings import GroupSettings, read_settings
from emulator.balancer.targets.health import Health, HealthCheck
from emulator.balancer.targets.recent import Recent
from emulator.providers import EmulatorError
from emulator.resource import attributes_of


@dataclass(eq=False)
class Target:
    """A container's address or, with `function`, a Lambda function. `share` is what it gets of
    its peers' share; `slow_since` when slow start began, in template seconds; `ramps`, whether it
    enters slow start when it becomes healthy."""

    id: str
    order: int
    host: str
    port: int
    health: Health
    function: str | None = None
    in_flight: int = 0
    requests: int = 0
    recent: Recent = field(default_factory=Recent)
    share: float = 1.0
    slow_since: float | None = None
    ramps: bool = True
    anomalous: bool = False

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
    requests: int = 0  # requests taken, by targets that may be gone by now
    in_use: bool = True  # a listener forwards to it
    _orders: itertools.count[int] = field(default_factory=itertools.count)
    _judged: float = -math.inf  # when the targets' responses were last compared, in real seconds

    def add(
        self,
        target_id: str,
        host: str,
        port: int,
        function: str | None = None,
        now: float = math.inf,
    ) -> Target:
        """Raises EmulatorError if the id is registered already. `now` in template seconds."""
        if target_id in self.targets:
            raise EmulatorError(f"{self.name}: target {target_id} is registered already")
        registered = health.registered(self.check, self.in_use)
        target = Target(target_id, next(self._orders), host, port, registered, function)
        target.ramps = shares.has_company(self._in_slow_start(now))
        self.targets[target_id] = target
        return target

    def choose(self, now: float, random: Random, wanted: str | None = None) -> Target | None:
        """The target whose turn it is, at `now` in template seconds; `wanted`, the id of the target
        in the client's sticky session, where that may have requests. None where no target is
        registered. Counts the request."""
        candidates = self.routable()
        if not candidates:
            return None
        chosen = None
        if wanted is not None:
            chosen = next((target for target in candidates if target.id == wanted), None)
        if chosen is None:  # a client with a sticky session takes no turn
            for target in candidates:
                if target.slow_since is not None:
                    target.share = self.share_of(target, now)
            chosen = self.algorithm.choose(candidates, random)
        chosen.in_flight += 1
        chosen.requests += 1
        self.requests += 1
        return chosen

    def routable(self) -> Sequence[Target]:
        """The targets that may have requests now."""
        return health.routable(
            tuple(self.targets.values()),
            self.settings.minimum_count,
            self.settings.minimum_percentage,
        )

    def note_health(self, target: Target, new: Health, now: float) -> None:
        """Stores the health after a check or a deregistration, at `now` in template seconds. A
        target enters slow start when it becomes healthy, and leaves it when it no longer is."""
        old, target.health = target.health, new
        if new.state != health.HEALTHY:
            target.slow_since, target.anomalous, target.share = None, False, 1.0
        elif old.state != health.HEALTHY:
            others = self._in_slow_start(now, target)
            ramps = target.ramps and shares.has_company(others)
            target.slow_since = now if ramps and self.settings.slow_start else None
            target.ramps = True  # and will when it becomes healthy again

    def share_of(self, target: Target, now: float) -> float:
        """The target's share, from 0 to 1: less than 1 in slow start, and while an anomaly is
        mitigated."""
        if target.slow_since is None:
            return target.share
        return shares.slow_start_share(self.settings.slow_start, now, target.slow_since)

    def compare_responses(self, real_now: float) -> None:
        """Finds the anomalous among the healthy targets, at most once in `shares.INTERVAL`.
        AWS does so with any algorithm; traffic is taken away only where mitigation is on."""
        if self.kind == "lambda" or real_now - self._judged < shares.INTERVAL:
            return
        self._judged = real_now
        healthy = self._healthy()
        found = shares.anomalous(
            [shares.Seen(*target.recent.totals(real_now)) for target in healthy]
        )
        for target, is_anomalous in zip(healthy, found, strict=True):
            target.anomalous = is_anomalous
            if self.settings.anomaly_mitigation:
                target.share = shares.next_share(target.share, is_anomalous)

    def _in_slow_start(self, now: float, but: Target | None = None) -> list[bool]:
        """Whether each healthy target is in slow start."""
        return [self.share_of(each, now) < 1 for each in self._healthy() if each is not but]

    def _healthy(self) -> list[Target]:
        return [each for each in self.targets.values() if each.health.state == health.HEALTHY]


def read_target_group(
    where: str, arn: str, name: str, pool: str, properties: Properties
) -> TargetGroup:
    """Raises EmulatorError for what isn't supported, and for what AWS rejects."""
    kind = properties.get("TargetType", "instance")
    if kind not in ("ip", "instance", "lambda"):
        raise unsupported(where, f"target type {kind}", "use ip or lambda")
    protocol = properties.get("Protocol", "HTTP")
    if protocol != "HTTP" or properties.get("ProtocolVersion", "HTTP1") != "HTTP1":
        version = properties.get("ProtocolVersion", "")
        raise unsupported(
            where, f"protocol {protocol} {version}".strip(), "use HTTP, version HTTP1"
        )
    if "TargetControlPort" in properties:
        raise unsupported(where, "the target optimizer", "remove TargetControlPort")
    attributes = attributes_of(properties, "TargetGroupAttributes")
    settings = read_settings(where, attributes, kind == "lambda")
    return TargetGroup(
        arn=arn,
        name=name,
        kind=kind,
        settings=settings,
        check=health.read_health_check(
            where, properties, health.FUNCTION if kind == "lambda" else health.BY_ADDRESS
        ),
        algorithm=ALGORITHMS[settings.algorithm](),
        pool=pool,
    )
