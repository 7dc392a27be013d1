"""How a target is chosen, and a target group where a rule forwards to several.

No sockets, no clock, no randomness of their own: each choice is a function of what came before
and of the candidates. Further algorithms are further classes with `choose`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Candidate(Protocol):
    """A target that may be chosen."""

    @property
    def order(self) -> int:
        """Rises with each registration in the target group; never used twice."""

    @property
    def in_flight(self) -> int:
        """Requests sent to it and not yet answered in full."""


AnyCandidate = TypeVar("AnyCandidate", bound=Candidate)


class Algorithm(Protocol):
    """One target group's algorithm, with what it remembers from choice to choice."""

    def choose(self, candidates: Sequence[AnyCandidate]) -> AnyCandidate:
        """One of the candidates, of which there is at least one, in ascending order."""


class RoundRobin:
    """The next in order of registration after the last one chosen.

    Going by order rather than by position keeps the turn when targets come and go: nobody is
    passed over and nobody is asked twice because a neighbour left.
    """

    def __init__(self) -> None:
        self._last = -1

    def choose(self, candidates: Sequence[AnyCandidate]) -> AnyCandidate:
        chosen = next((c for c in candidates if c.order > self._last), candidates[0])
        self._last = chosen.order
        return chosen


class SmoothWeighted(Generic[Key]):
    """nginx's smooth weighted round robin: counts are exact over each whole turn, and the heavy
    are spread among the light rather than sent in a row (5:1:1 gives a a b a c a a)."""

    def __init__(self) -> None:
        self._credit: dict[Key, int] = {}

    def choose(self, weights: Mapping[Key, int]) -> Key | None:
        """None where no weight is above 0. Weights may change from call to call."""
        present = {key: weight for key, weight in weights.items() if weight > 0}
        if not present:
            return None
        credit = {key: self._credit.get(key, 0) + weight for key, weight in present.items()}
        chosen = max(credit, key=credit.__getitem__)
        credit[chosen] -= sum(present.values())
        self._credit = credit
        return chosen


ALGORITHMS: Mapping[str, type[Algorithm]] = {"round_robin": RoundRobin}
