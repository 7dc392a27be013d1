"""The choice of the target group for a forwarded request, then of the target within it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from emulator.balancer import stickiness
from emulator.balancer.listener.actions import Forward
from emulator.balancer.listener.rules import Rule, Seen
from emulator.balancer.stickiness import Seal, StickySession, StickySessions
from emulator.balancer.targets.algorithms import SmoothWeighted
from emulator.balancer.targets.target_group import Target, TargetGroup
from emulator.providers import EmulatorError

Pair = tuple[str, str]


def check_stickiness(rules: Iterable[Rule], groups: Mapping[str, TargetGroup]) -> None:
    """Raises EmulatorError for a forward to several groups whose targets are sticky, where AWS
    rejects it or doesn't keep clients where they were."""
    for rule in rules:
        forward = rule.action
        if not isinstance(forward, Forward) or len(forward.weights) < 2:
            continue
        for group in (groups[arn] for arn in forward.weights if arn in groups):
            sticky = group.settings.stickiness
            if sticky is None:
                continue
            where = f"the forward to {len(forward.weights)} target groups, priority {rule.priority}"
            if sticky.kind == "app_cookie":
                raise EmulatorError(
                    f"{where}: {group.name} has stickiness of type app_cookie, which does not work "
                    "with weighted target groups: use lb_cookie, or forward to one group"
                )
            if forward.sticky_seconds is None:
                raise EmulatorError(
                    f"{where}: {group.name} is sticky, so the forward must be too: enable "
                    "TargetGroupStickinessConfig"
                )


class Choice:
    """The target that a forward chose. Its `in_flight` counts the request: whoever has the choice
    calls `Registrar.responded` when the request has ended, however that was."""

    def __init__(
        self,
        group: TargetGroup,
        target: Target,
        set_cookies: Callable[[Sequence[Pair]], list[str]] | None,
    ) -> None:
        self.group = group
        self.target = target
        self._set_cookies = set_cookies

    def set_cookies(self, response_headers: Sequence[Pair]) -> list[str]:
        """Values of Set-Cookie to add to the target's response, which has these headers: the
        application's own cookie may be among them, which app_cookie waits for."""
        return self._set_cookies(response_headers) if self._set_cookies is not None else []


class Router:
    """`groups` by ARN is the registrar's own mapping. `now` gives template seconds
    (`Clock.now`), `wall` the real time of day in epoch seconds, `random` a float in [0, 1) and
    `random_bytes` that many bytes nobody can guess."""

    def __init__(
        self,
        groups: Mapping[str, TargetGroup],
        *,
        now: Callable[[], float],
        wall: Callable[[], float],
        random: Callable[[], float],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._groups = groups
        self._now = now
        self._wall = wall
        self._random = random
        self._seal = Seal(random_bytes)
        self._turns: dict[int, SmoothWeighted[str]] = {}

    def choose(self, rule: Rule, forward: Forward, seen: Seen) -> Choice | None:
        """Chooses a target; None where the group whose turn it is has no registered target: 503."""
        now = self._now()
        arn = self._sticky_group(forward, seen, now)
        if arn is None:  # a client with a sticky session takes no turn of others
            arn = self._next_group(rule, forward)
        if arn is None:
            return None
        group = self._groups[arn]
        sessions = self._sticky_sessions(group, seen, now)
        session = sessions.get(arn)
        target = group.choose(now, self._random, session.target if session is not None else None)
        if target is None:
            return None
        if forward.sticky_seconds is None and group.settings.stickiness is None:
            return Choice(group, target, None)

        def set_cookies(response_headers: Sequence[Pair]) -> list[str]:
            return self._cookies(forward, group, target, seen, sessions, response_headers)

        return Choice(group, target, set_cookies)

    def _next_group(self, rule: Rule, forward: Forward) -> str | None:
        if len(forward.weights) == 1:
            ((arn, weight),) = forward.weights.items()
            return arn if weight > 0 else None
        turns = self._turns.get(rule.priority)
        if turns is None:
            turns = self._turns[rule.priority] = SmoothWeighted()
        return turns.choose(forward.weights)

    def _sticky_group(self, forward: Forward, seen: Seen, now: float) -> str | None:
        """The group that the client is bound to, if the forward names it. Its weight doesn't
        count: with 0 it gets no new clients, and keeps those it has."""
        if forward.sticky_seconds is None:
            return None
        sessions = stickiness.sessions_of(
            self._seal, stickiness.GROUP, stickiness.cookies_of(seen.headers)
        )
        valid = _valid(sessions, forward.sticky_seconds, now)
        return next((arn for arn in valid if arn in forward.weights and arn in self._groups), None)

    def _sticky_sessions(self, group: TargetGroup, seen: Seen, now: float) -> StickySessions:
        """The client's to targets of groups with the same kind of stickiness, while they last."""
        sticky = group.settings.stickiness
        if sticky is None:
            return {}
        cookies = stickiness.cookies_of(seen.headers)
        if sticky.cookie is None:
            sessions = stickiness.sessions_of(self._seal, stickiness.TARGET, cookies)
            return _valid(sessions, sticky.seconds, now)
        sessions = stickiness.application_sessions(self._seal, cookies)
        own = sessions.pop(group.arn, None)
        if own is not None and sticky.cookie in cookies:  # both cookies or none
            sessions |= _valid({group.arn: own}, sticky.seconds, now)
        return sessions

    def _cookies(
        self,
        forward: Forward,
        group: TargetGroup,
        target: Target,
        seen: Seen,
        sessions: StickySessions,
        response_headers: Sequence[Pair],
    ) -> list[str]:
        wall, session = self._wall(), StickySession(target.id, self._now())
        values = []
        if forward.sticky_seconds is not None:
            value = self._seal.close(stickiness.GROUP, {group.arn: session._replace(target="")})
            values += stickiness.cookie_pair(stickiness.GROUP, value, wall)
        sticky = group.settings.stickiness
        if sticky is None:
            return values
        if sticky.cookie is None:
            value = self._seal.close(stickiness.TARGET, {group.arn: session})
            return values + stickiness.cookie_pair(stickiness.TARGET, value, wall)
        if group.arn in sessions or stickiness.sets_cookie(response_headers, sticky.cookie):
            sessions = {**sessions, group.arn: session}
        sealed = self._fitting(sessions) if sessions else None
        cross_origin = stickiness.needs_same_site(seen.headers)
        return values + stickiness.shards(sealed, wall, cross_origin)

    def _fitting(self, sessions: StickySessions) -> str:
        """Sealed for AWSALBAPP; without the oldest ones where it would be too long."""
        fitting = dict(sessions)
        while True:
            sealed = self._seal.close(stickiness.APPLICATION, fitting)
            if stickiness.fits(sealed) or len(fitting) == 1:
                return sealed
            del fitting[min(fitting, key=lambda arn: fitting[arn].since)]


def _valid(sessions: StickySessions, seconds: float, now: float) -> StickySessions:
    return {arn: session for arn, session in sessions.items() if now - session.since <= seconds}
