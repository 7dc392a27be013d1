"""Automatic target weights: targets that fail more than their peers get less to do.

AWS doesn't publish how it detects and how it weighs. What it documents is followed: it looks at 5xx
responses and connection errors, compares a target with its peers, needs three healthy targets,
takes traffic away step by step down to a negligible amount and gives it back step by step. The
figures below are an approximation made for a laptop's short windows, so a target may be found
sooner or later, or at another ratio, than on AWS.

Source: "Automatic Target Weights" in "Edit target group attributes", user guide of Application
Load Balancers, and AWS's blog post "Improving availability with Application Load Balancer
automatic target weights".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

FEWEST_TARGETS = 3
FEWEST_ERRORS = 3  # within the window: one or two mean nothing
MARGIN = 0.05  # of all responses: by how much the error rate is above twice that of the peers
LESS, MORE = 0.5, 1.25  # each judgement multiplies the share by one of them
NEGLIGIBLE = 1 / 32  # of a share: enough to see that the target has recovered
INTERVAL = 1.0  # real seconds between judgements


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
    """After one more judgement."""
    return max(share * LESS, NEGLIGIBLE) if is_anomalous else min(share * MORE, 1.0)
