"""The weights of pools, as forward actions have them: read, and changed while it runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from emulator.balancer.listener.actions import HEAVIEST, Forward
from emulator.balancer.listener.rules import Rule
from emulator.balancer.targets.target_group import TargetGroup


class UnknownPool(LookupError):
    """No pool of that name, or none that anything is forwarded to by weight."""


class BadWeight(ValueError):
    """An invalid weight; the text has the reason."""


def weight_of(rules: Iterable[Rule], arn: str) -> int | None:
    """The pool's weight in the forward action that names most groups, where weights have an
    effect."""
    named = [forward.weights for forward in _forwards(rules) if arn in forward.weights]
    return max(named, key=len)[arn] if named else None


def set_weight(
    rules: Sequence[Rule], groups: Collection[TargetGroup], pool: str, weight: int
) -> None:
    """Sets the weight in every forward action that names the pool's target group. Raises
    UnknownPool, BadWeight."""
    arns = {group.arn for group in groups if group.pool == pool}
    changed = [
        (forward, arn) for forward in _forwards(rules) for arn in arns & set(forward.weights)
    ]
    if not changed:
        known = sorted({group.pool for group in groups if weight_of(rules, group.arn) is not None})
        raise UnknownPool(f"no pool {pool!r} with a weight: there are {', '.join(known) or 'none'}")
    if not 0 <= weight <= HEAVIEST:
        raise BadWeight(f"a weight is a number from 0 to {HEAVIEST}, got {weight}")
    for forward, arn in changed:
        if weight == 0 and not any(its for other, its in forward.weights.items() if other != arn):
            raise BadWeight(
                f"with weight 0 for {pool} a rule that forwards to it would be left without any "
                "pool: give another one a weight first"
            )
    for forward, arn in changed:
        forward.weights[arn] = weight


def _forwards(rules: Iterable[Rule]) -> list[Forward]:
    return [rule.action for rule in rules if isinstance(rule.action, Forward)]
