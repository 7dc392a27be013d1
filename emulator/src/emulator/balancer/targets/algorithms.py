"""The algorithms that choose a target, and a target group where a rule forwards to several.

No sockets, no clock, no chance of their own: each choice is a function of what came before, of
the candidates and of `random`. Source: "Routing algorithms" in "Edit target group attributes for
your Application Load Balancer", user guide of Application Load Balancers.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

Key = TypeVar("Key", bound=Hashable)
Random = Callable[[], float]
"""A float in [0, 1)."""

WHOLE = 1 - 1e-9  # a request made of fractions, which floats don't add up to 1 exactly


class Candidate(Protocol):
    """A target that may be chosen."""

    @property
    def order(self) -> int:
        """Rises with each registration in the target group; never used twice."""

    @property
    def in_flight(self) -> int:
        """Requests sent to it and whose response is not yet whole."""

    @property
    def share(self) -> float:
        """The candidate's share of what its peers get: 1, less in slow start and while it is
        anomalous; never below 0."""


AnyCandidate = TypeVar("AnyCandidate", bound=Candidate)


class Algorithm(Protocol):
    """One target group's algorithm, with what it remembers from choice to choice."""

    def choose(self, candidates: Sequence[AnyCandidate], random: Random) -> AnyCandidate:
        """One of the candidates, of which there is at least one, in ascending order."""


class RoundRobin:
    """The next in order of registration after the last one chosen.

    Going by order rather than by position keeps the turn when targets come and go: none is
    passed over and none is chosen twice because a neighbour left. A candidate with less than the
    largest share collects it turn by turn and is passed over until a whole request has come
    together.
    """

    def __init__(self) -> None:
        self._last = -1
        self._collected: dict[int, float] = {}

    def choose(self, candidates: Sequence[AnyCandidate], random: Random) -> AnyCandidate:
        for candidate in candidates:
            if candidate.share != 1.0:
                break
        else:  # nobody is in slow start, and every request asks: no more than is needed
            self._collected = {}
            candidate = _next(candidates, self._last)
            self._last = candidate.order
            return candidate
        largest = max(candidate.share for candidate in candidates)
        walk = _in_turn(candidates, self._last)
        collected = {c.order: self._collected.get(c.order, 0.0) for c in walk if c.share < largest}
        for candidate in walk:  # ends within one round: somebody has the largest share
            if candidate.share == largest:
                break
            collected[candidate.order] += candidate.share / largest
            if collected[candidate.order] >= WHOLE:
                collected[candidate.order] -= 1
                break
        self._collected = collected
        self._last = candidate.order
        return candidate


class LeastOutstanding:
    """One of those with the fewest requests under way; among equals it goes round robin."""

    def __init__(self) -> None:
        self._last = -1

    def choose(self, candidates: Sequence[AnyCandidate], random: Random) -> AnyCandidate:
        fewest = min(candidate.in_flight for candidate in candidates)
        chosen = _next([c for c in candidates if c.in_flight == fewest], self._last)
        self._last = chosen.order
        return chosen


class WeightedRandom:
    """Any of them, each as likely as its share: evenly, unless one is anomalous."""

    def choose(self, candidates: Sequence[AnyCandidate], random: Random) -> AnyCandidate:
        point = random() * sum(candidate.share for candidate in candidates)
        for candidate in candidates:
            point -= candidate.share
            if point < 0:
                return candidate
        return candidates[-1]  # the sum's own rounding, or nobody has a share


def _next(candidates: Sequence[AnyCandidate], last: int) -> AnyCandidate:
    for candidate in candidates:
        if candidate.order > last:
            return candidate
    return candidates[0]


def _in_turn(candidates: Sequence[AnyCandidate], last: int) -> list[AnyCandidate]:
    later = [c for c in candidates if c.order > last]
    return later + [c for c in candidates if c.order <= last]


class SmoothWeighted(Generic[Key]):
    """nginx's smooth weighted round robin: counts are exact over each whole turn, and the heavy
    are spread among the light rather than sent in a row (5:1:1 gives a a b a c a a).

    Nobody is ever a whole request ahead of its share. How far one may be behind is a sum: 1/2
    with two keys, 1/2 + 1/3 with three, + 1/4 with four, + 1/5 with the five that a forward may
    have. Constant weights stay below that: under 1 with four, just over 1 with five.
    """

    def __init__(self) -> None:
        # A request that is due, times the sum of the weights: integers, so that nothing rounds.
        self._credit: dict[Key, int] = {}
        self._weights: dict[Key, int] = {}

    def choose(self, weights: Mapping[Key, int]) -> Key | None:
        """Chooses a key; None where no weight is above 0. Weights may change from call to call, and
        keys may come and go: what was due before stays due, in requests."""
        present = {key: weight for key, weight in weights.items() if weight > 0}
        if not present:
            return None
        whole = sum(present.values())
        if present != self._weights:
            self._carry_over(present, whole)
        credit = self._credit
        for key, weight in present.items():
            credit[key] += weight
        chosen = max(credit, key=credit.__getitem__)
        credit[chosen] -= whole
        return chosen

    def _carry_over(self, present: dict[Key, int], whole: int) -> None:
        """Scaled to the new sum: with the old figures a change from 999:1 to 1:1 would give
        hundreds in a row to one of them."""
        before = sum(self._weights.values()) or 1
        self._credit = {key: round(self._credit.get(key, 0) * whole / before) for key in present}
        self._weights = present


ALGORITHMS: Mapping[str, type[Algorithm]] = {
    "round_robin": RoundRobin,
    "least_outstanding_requests": LeastOutstanding,
    "weighted_random": WeightedRandom,
}
