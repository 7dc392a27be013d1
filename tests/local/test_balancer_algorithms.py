"""Round robin and weighted forwards: exact over every prefix."""

import itertools
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.balancer.algorithms import RoundRobin, SmoothWeighted


@dataclass(frozen=True)
class Candidate:
    order: int
    in_flight: int = 0


def test_round_robin_gives_1000_requests_to_three_as_333_333_334() -> None:
    turn, candidates = RoundRobin(), [Candidate(n) for n in range(3)]
    counts: Counter[int] = Counter()
    for _ in range(1000):
        counts[turn.choose(candidates).order] += 1
        assert max(counts.values()) - min(counts[n] for n in range(3)) <= 1
    assert sorted(counts.values()) == [333, 333, 334]


def test_round_robin_keeps_the_turn_when_targets_come_and_go() -> None:
    turn = RoundRobin()
    a, b, c, d = (Candidate(n) for n in range(4))
    assert [turn.choose([a, b, c]) for _ in range(2)] == [a, b]
    assert turn.choose([a, c]) == c  # b left: nobody is asked twice
    assert turn.choose([a, c, d]) == d  # d came: its turn is next
    assert turn.choose([a, c, d]) == a
    assert turn.choose([d]) == d
    assert turn.choose([a, b, c, d]) == a


@given(st.lists(st.sets(st.integers(0, 9), min_size=1), min_size=1, max_size=60))
def test_round_robin_always_chooses_a_candidate_and_the_next_in_order(rounds: Any) -> None:
    turn, last = RoundRobin(), -1
    for present in rounds:
        chosen = turn.choose([Candidate(n) for n in sorted(present)]).order
        assert chosen == next((n for n in sorted(present) if n > last), min(present))
        last = chosen


def test_smooth_weighted_has_nginxs_sequence() -> None:
    weighted: SmoothWeighted[str] = SmoothWeighted()
    sequence = [weighted.choose({"a": 5, "b": 1, "c": 1}) for _ in range(7)]
    assert "".join(str(key) for key in sequence) == "aabacaa"


def test_700_requests_at_5_to_2_are_500_and_200_and_every_prefix_is_within_1() -> None:
    weighted: SmoothWeighted[str] = SmoothWeighted()
    counts: Counter[str] = Counter()
    for n in range(1, 701):
        counts[str(weighted.choose({"large": 5, "small": 2}))] += 1
        assert abs(counts["large"] - n * 5 / 7) <= 1
    assert counts == {"large": 500, "small": 200}


@given(st.dictionaries(st.sampled_from("abcde"), st.integers(0, 999), min_size=1))
def test_a_whole_turn_is_exact_for_any_weights(weights: Any) -> None:
    weighted: SmoothWeighted[str] = SmoothWeighted()
    whole = sum(weights.values())
    counts = Counter(weighted.choose(weights) for _ in range(whole))
    assert counts == {key: weight for key, weight in weights.items() if weight}


def test_a_weight_of_0_gets_nothing_and_only_zeros_choose_nobody() -> None:
    weighted: SmoothWeighted[str] = SmoothWeighted()
    assert {weighted.choose({"a": 0, "b": 3}) for _ in range(20)} == {"b"}
    assert weighted.choose({"a": 0, "b": 0}) is None


@pytest.mark.parametrize("seed", range(5))
def test_weights_that_change_on_the_way_stay_within_a_turn_of_their_share(seed: int) -> None:
    generator = random.Random(seed)
    weighted: SmoothWeighted[str] = SmoothWeighted()
    for _ in range(20):
        weights = {key: generator.randint(1, 9) for key in "abc"}
        whole = sum(weights.values())
        counts = Counter(weighted.choose(weights) for _ in range(whole * 10))
        for key, weight in weights.items():
            assert abs(counts[key] - weight * 10) <= 9


def test_orders_are_never_looked_at_as_positions() -> None:
    turn = RoundRobin()
    far = [Candidate(100), Candidate(2000)]
    expected = itertools.cycle(far)
    assert all(turn.choose(far) == next(expected) for _ in range(6))
