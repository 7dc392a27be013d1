"""Slow start: a new target's share grows from nothing to its full one.

Source: "Slow start mode" in "Edit target group attributes for your Application Load Balancer",
user guide of Application Load Balancers. The guide's further rule, that targets which are healthy
when slow start is turned on don't enter it, has nothing to act on here: a template's attributes
are there before its targets.
"""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST, LONGEST = 30, 900  # seconds of the duration, unless it is 0: off


def has_company(in_slow_start: Iterable[bool]) -> bool:
    """Whether one of the healthy targets isn't in slow start itself, to leave the traffic to.

    Asked when a target is registered and when it becomes healthy; it enters slow start if both
    times somebody was there. So the first targets of an empty group, which are registered together
    and become healthy one after the other, get their full share.
    """
    return not all(in_slow_start)


def share(duration: float, now: float, since: float | None) -> float:
    """Of a full share, from 0 to 1, `now - since` seconds into slow start; it grows linearly."""
    if since is None or now - since >= duration:
        return 1.0
    return max(now - since, 0.0) / duration
