"""Expectations of the tour's steps, and whether they were met. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

EXACT = "round_robin"
# of an even share: under the other algorithms every target gets at least this part
LEAST_PART = 0.5


class Verdict(NamedTuple):
    met: bool
    expected: str
    seen: str


class Sample(NamedTuple):
    """A target as the console showed it; state None while its process starts and the load
    balancer does not know it yet."""

    state: str | None
    requests: int


class Outcome(NamedTuple):
    """A request as its sender saw it, in seconds on one clock."""

    lost: bool
    began: float
    ended: float


def even(counts: Sequence[int], total: int, algorithm: str) -> Verdict:
    """`counts`: how many of `total` requests each target served."""
    seen = " / ".join(map(str, sorted(counts)))
    if algorithm == EXACT:
        wanted = even_split(total, len(counts))
        met = bool(counts) and sorted(counts) == wanted
        return Verdict(met, " / ".join(map(str, wanted)), seen)
    least = int(LEAST_PART * total / max(1, len(counts)))
    name = algorithm.replace("_", " ")
    met = sum(counts) == total and min(counts, default=0) >= least
    return Verdict(met, f"at least {least} each, as {name} is not exact", seen)


def even_split(total: int, targets: int) -> list[int]:
    """Ascending; no two differ by more than one. 1000 over 3: 333, 333, 334."""
    if targets == 0:
        return []
    share, rest = divmod(total, targets)
    return [share] * (targets - rest) + [share + 1] * rest


def by_weight(counts: Mapping[str, int], weights: Mapping[str, int]) -> Verdict:
    """`counts`: how many requests each pool served. Whole turns are exact; a turn that was
    begun before may move one request."""
    total, turn = sum(counts.values()), sum(weights.values())
    wanted = {pool: total * weight / turn for pool, weight in weights.items()}
    met = total > 0 and set(counts) <= set(weights)
    met = met and all(abs(counts.get(pool, 0) - wanted[pool]) <= 1 for pool in weights)
    return Verdict(
        met,
        ", ".join(f"{pool} {count:.0f}" for pool, count in wanted.items()),
        ", ".join(f"{pool} {count}" for pool, count in counts.items()) or "nothing",
    )


def all_succeeded(statuses: Mapping[str, int]) -> Verdict:
    others = {code: count for code, count in statuses.items() if code != "200"}
    seen = ", ".join(f"{code} ×{count}" for code, count in sorted(statuses.items()))
    return Verdict(not others and bool(statuses), "every response is 200", seen)


def lost_within(outcomes: Sequence[Outcome], killed: float, detected: float) -> Verdict:
    """Requests may be lost from the kill until the load balancer knows; each one that was lost
    was under way at some time between."""
    lost = [outcome for outcome in outcomes if outcome.lost]
    outside = [o for o in lost if o.ended < killed or o.began > detected]
    window = f"the {detected - killed:.1f} s until the load balancer knew"
    part = 100 * len(lost) / max(1, len(outcomes))
    seen = f"{len(lost)} of {len(outcomes)} lost ({part:.1f} %)"
    if outside:
        return Verdict(False, f"losses only in {window}", f"{seen}, {len(outside)} outside of it")
    after = sum(outcome.began > detected for outcome in outcomes)
    where = ", all in that time" if lost else ""
    return Verdict(
        after > 0, f"losses only in {window}", f"{seen}{where}; none of the {after} after it"
    )


def nothing_before_the_first_check(samples: Sequence[Sample]) -> Verdict:
    """`samples` of one new target, from the start of its process until it is healthy."""
    waiting = [sample for sample in samples if sample.state in (None, "initial")]
    early = max((sample.requests for sample in waiting), default=0)
    became_healthy = bool(samples) and samples[-1].state == "healthy"
    times = f"looked at {len(waiting)} times while it started"
    if not became_healthy:
        seen = "it did not become healthy"
    elif early:
        seen = f"{early} requests while it was still starting"
    else:
        seen = f"no request, {times}"
    return Verdict(
        became_healthy and not early and bool(waiting),
        "nothing for the new target before its first passed check",
        seen if waiting else "it was healthy at the first look",
    )
