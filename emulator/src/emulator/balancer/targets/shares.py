"""A target's share of what its peers get: less in slow start, and while it fails more than they.

Slow start: a new target's share grows from nothing to its full one. The guide's further rule, that
targets which are healthy when slow start is turned on don't enter it, has nothing to act on here: a
template's attributes are there before its targets.

Automatic target weights: targets that fail more than their peers get less to do. AWS doesn't
publish how it detects and how it weighs. What it documents is followed: it looks at 5xx responses
and connection errors, compares a target with its peers, needs three healthy targets, takes traffic
away step by step down to a negligible amount and gives it back step by step. The figures below are
an approximation made for a laptop's short windows, so a target may be found sooner or later, or at
another ratio, than on AWS.

Source: "Slow start mode" and "Automatic Target Weights" in "Edit target group attributes for your
Application Load Balancer", user guide of Application Load Balancers, and AWS's blog post "Improving
availability with Application Load Balancer automatic target weights".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

SHORTEST_SLOW_START, LONGEST_SLOW_START = 30, 900  # seconds of the duration, unless it is 0: off

FEWEST_TARGETS = 3
FEWEST_ERRORS = 3  # within the window: one or two mean nothing
MARGIN = 0.05  # of all responses: by how much the error rate is above twice that of the peers
LESS, MORE = 0.5, 1.25  # each judgement multiplies the share by one of them
NEGLIGIBLE = 1 / 32  # of a share: enough to see that the target has recovered
INTERVAL = 1.0  # real seconds between judgements


def has_company(in_slow_start: Iterable[bool]) -> bool:
    """Whether one of the healthy targets isn't in slow start itself, to leave the traffic to.

    Asked when a target is registered and when it becomes healthy; it enters slow start if both
    times there was such a target. So the first targets of an empty group, which are registered
    together and become healthy one after the other, get their full share.
    """
    return not all(in_slow_start)


def slow_start_share(duration: float, now: float, since: float | None) -> float:
    """The target's share, from 0 to 1 of a full one, `now - since` seconds into slow start; it
    grows linearly."""
    if since is None or now - since >= duration:
        return 1.0
    return max(now - since, 0.0) / duration


class Seen(NamedTuple):
    """The responses of a healthy target within the window."""

    responses: int
    errors: int


def anomalous(seen: Sequence[Seen]) -> list[bool]:
    """For each healthy target of a group, whether it fails more than the others together do."""
    if len(seen) < FEWEST_TARGETS:
        return [False] * len(seen)
    responses = sum(each.responses for each in seen)
    errors = sum(each.errors for each in seen)
    return [
        each.errors >= FEWEST_ERRORS
        and _rate(each.errors, each.responses)
        > 2 * _rate(errors - each.errors, responses - each.responses) + MARGIN
        for each in seen
    ]


def _rate(errors: int, responses: int) -> float:
    return errors / responses if responses else 0.0


def next_share(share: float, is_anomalous: bool) -> float:
    """The target's share after one more judgement."""
    return max(share * LESS, NEGLIGIBLE) if is_anomalous else min(share * MORE, 1.0)
