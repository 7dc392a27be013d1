"""Target groups without a socket, read from properties as the provider reads them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from emulator.balancer.listener.actions import Forward
from emulator.balancer.listener.rules import Rule, Seen
from emulator.balancer.routing import Choice, Router
from emulator.balancer.targets.health import HEALTHY, Health
from emulator.balancer.targets.target_group import Target, TargetGroup, read_target_group


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wall = 1_700_000_000.0

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds


def group(
    name: str = "api", attributes: Mapping[str, Any] | None = None, **properties: Any
) -> TargetGroup:
    entries = [{"Key": key, "Value": str(value)} for key, value in (attributes or {}).items()]
    given = {"TargetType": "ip", "TargetGroupAttributes": entries, **properties}
    return read_target_group(f"group {name}", f"arn:{name}", name, name, given)


def healthy(group: TargetGroup, *names: str, now: float = 0.0) -> list[Target]:
    """Registers them and has them pass their first check, one after the other."""
    targets = [group.add(name, "127.0.0.1", 8000, now=now) for name in names]
    for target in targets:
        group.note_health(target, Health(HEALTHY), now)
    return targets


def turn(group: TargetGroup) -> Target | None:
    """The target whose turn it is, at the time 0 and with the random number 0."""
    return group.choose(0.0, lambda: 0.0)


def seen(cookies: Mapping[str, str] | None = None, **headers: str) -> Seen:
    lines = {name.replace("_", "-"): [value] for name, value in headers.items()}
    if cookies:
        lines["cookie"] = ["; ".join(f"{name}={value}" for name, value in cookies.items())]
    return Seen("GET", "api.example.com", "/", "", lines, "127.0.0.1")


class Client:
    """A browser: it keeps the cookies that it gets and sends them back. It ignores Expires."""

    def __init__(self, router: Router, rule: Rule) -> None:
        self.router = router
        self.rule = rule
        self.cookies: dict[str, str] = {}
        self.last: list[str] = []

    def request(self, *response_headers: tuple[str, str], **headers: str) -> str | None:
        """The target's id; None for a 503."""
        choice = self.choice(**headers)
        if choice is None:
            return None
        choice.target.in_flight -= 1
        self.last = choice.set_cookies(response_headers)
        own = [value for name, value in response_headers if name.lower() == "set-cookie"]
        for line in [*self.last, *own]:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return choice.target.id

    def choice(self, **headers: str) -> Choice | None:
        forward = self.rule.action
        assert isinstance(forward, Forward)
        return self.router.choose(self.rule, forward, seen(self.cookies, **headers))


def router(time: Time, *groups: TargetGroup, seed: int = 1) -> Router:
    generator = random.Random(seed)
    return Router(
        {each.arn: each for each in groups},
        now=lambda: time.now,
        wall=lambda: time.wall,
        random=generator.random,
        random_bytes=generator.randbytes,
    )


def forward(*groups: TargetGroup, weights: Any = None, sticky: int | None = None) -> Rule:
    given = weights or [1] * len(groups)
    arns = {each.arn: weight for each, weight in zip(groups, given, strict=True)}
    return Rule(10, (), Forward(arns, sticky))
