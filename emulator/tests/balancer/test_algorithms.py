"""The algorithms over targets, and weighted forwards over groups: exact over every prefix."""

import itertools
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.balancer.targets.algorithms import (
    LeastOutstanding,
    RoundRobin,
    SmoothWeighted,
    WeightedRandom,
)


@dataclass(frozen=True)
class Candidate:
    order: int
    in_flight: int = 0
    share: float = 1.0


def never() -> float:
    raise AssertionError("this algorithm leaves nothing to chance")


def test_round_robin_gives_1000_requests_to_three_as_333_333_334() -> None:
    turn, candidates = RoundRobin(), [Candidate(n) for n in range(3)]
    counts: Counter[int] = Counter()
    for _ in range(1000):
        counts[turn.choose(candidates, never).order] += 1
        assert max(counts.values()) - min(counts[n] for n in range(3)) <= 1
    assert sorted(counts.values()) == [333, 333, 334]


def test_round_robin_keeps_the_turn_when_targets_come_and_go() -> None:
    turn = RoundRobin()
    a, b, c, d = (Candidate(n) for n in range(4))
    assert [turn.choose([a, b, c], never) for _ in range(2)] == [a, b]
    assert turn.choose([a, c], never) == c  # b left: nobody is asked twice
    assert turn.choose([a, c, d], never) == d  # d came: its turn is next
    assert turn.choose([a, c, d], never) == a
    assert turn.choose([d], never) == d
    assert turn.choose([a, b, c, d], never) == a


@given(st.lists(st.sets(st.integers(0, 9), min_size=1), min_size=1, max_size=60))
def test_round_robin_always_chooses_a_candidate_and_the_next_in_order(rounds: Any) -> None:
    turn, last = RoundRobin(), -1
    for present in rounds:
        chosen = turn.choose([Candidate(n) for n in sorted(present)], never).order
        assert chosen == next((n for n in sorted(present) if n > last), min(present))
        last = chosen


def test_a_fraction_of_a_share_is_collected_turn_by_turn() -> None:
    turn = RoundRobin()
    candidates = [Candidate(0), Candidate(1, share=0.25), Candidate(2)]
    sequence = [turn.choose(candidates, never).order for _ in range(18)]
    assert sequence == [0, 2, 0, 2, 0, 2, 0, 1, 2, 0, 2, 0, 2, 0, 2, 0, 1, 2]


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=5),
    st.integers(1, 3),
    st.integers(1, 300),
)
def test_every_prefix_of_round_robin_follows_the_shares(
    partial: Any, full: int, requests: int
) -> None:
    turn = RoundRobin()
    candidates = [Candidate(n) for n in range(full)]
    candidates += [Candidate(full + n, share=share) for n, share in enumerate(partial)]
    counts: Counter[int] = Counter()
    for _ in range(requests):
        counts[turn.choose(candidates, never).order] += 1
        rounds = [counts[n] for n in range(full)]
        assert max(rounds) - min(rounds) <= 1
        for candidate in candidates[full:]:
            expected = max(rounds) * candidate.share
            assert expected - 2 < counts[candidate.order] <= expected + 1e-6


def test_shares_count_among_those_who_have_less_than_a_whole_one() -> None:
    turn = RoundRobin()
    alone = [Candidate(0, share=0.2), Candidate(1, share=0.1)]
    counts = Counter(turn.choose(alone, never).order for _ in range(300))
    assert counts == {0: 200, 1: 100}
    nobody = [Candidate(0, share=0.0), Candidate(1, share=0.0)]
    assert Counter(turn.choose(nobody, never).order for _ in range(10)) == {0: 5, 1: 5}


def test_least_outstanding_goes_round_robin_among_equals() -> None:
    turn = LeastOutstanding()
    idle = [Candidate(n) for n in range(3)]
    assert [turn.choose(idle, never).order for _ in range(5)] == [0, 1, 2, 0, 1]
    busy = [Candidate(0, 2), Candidate(1, 1), Candidate(2, 1)]
    assert [turn.choose(busy, never).order for _ in range(3)] == [2, 1, 2]
    assert turn.choose([Candidate(0, 1), Candidate(1, 2)], never).order == 0


def test_two_hung_requests_send_the_next_ten_elsewhere() -> None:
    turn, in_flight = LeastOutstanding(), [1, 1, 0, 0]
    chosen = []
    for _ in range(10):
        order = turn.choose([Candidate(n, busy) for n, busy in enumerate(in_flight)], never).order
        chosen.append(order)  # it has responded before the next one comes
    assert Counter(chosen) == {2: 5, 3: 5}


@given(
    st.lists(
        st.dictionaries(st.integers(0, 9), st.integers(0, 5), min_size=1), min_size=1, max_size=40
    )
)
def test_least_outstanding_never_chooses_a_busier_one_and_passes_nobody_over(rounds: Any) -> None:
    turn, last = LeastOutstanding(), -1
    for busy in rounds:
        candidates = [Candidate(n, busy[n]) for n in sorted(busy)]
        chosen = turn.choose(candidates, never)
        equals = [n for n in sorted(busy) if busy[n] == min(busy.values())]
        assert chosen.in_flight == min(busy.values())
        assert chosen.order == next((n for n in equals if n > last), equals[0])
        last = chosen.order


@pytest.mark.parametrize(
    ("point", "chosen"),
    [(0.0, 0), (0.39, 0), (0.41, 1), (0.59, 1), (0.61, 2), (0.99, 2), (1.0, 2)],
)
def test_weighted_random_is_even_over_the_shares(point: float, chosen: int) -> None:
    candidates = [Candidate(0), Candidate(1, share=0.5), Candidate(2)]
    assert WeightedRandom().choose(candidates, lambda: point).order == chosen


def test_weighted_random_gives_nothing_to_one_without_a_share() -> None:
    candidates = [Candidate(0, share=0.0), Candidate(1)]
    assert WeightedRandom().choose(candidates, lambda: 0.0).order == 1


def test_weighted_random_gives_each_its_share_of_many() -> None:
    candidates = [Candidate(0), Candidate(1, share=1 / 32), Candidate(2)]
    generator = random.Random(7)
    counts = Counter(
        WeightedRandom().choose(candidates, generator.random).order for _ in range(6500)
    )
    assert abs(counts[0] - 3200) < 200
    assert abs(counts[2] - 3200) < 200
    assert 50 < counts[1] < 150


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


WEIGHTS = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 999), min_size=1)


@given(WEIGHTS, st.integers(1, 2000))
def test_nobody_is_ever_ahead_by_a_request_nor_behind_by_more_than_the_bound(
    weights: Any, requests: int
) -> None:
    weighted: SmoothWeighted[str] = SmoothWeighted()
    counts: Counter[str] = Counter()
    present = {key: weight for key, weight in weights.items() if weight}
    whole = sum(present.values())
    behind = sum(1 / n for n in range(2, len(present) + 1))
    for n in range(1, min(requests, whole) + 1):
        counts[str(weighted.choose(weights))] += 1
        for key, weight in present.items():
            assert -behind - 1e-9 <= counts[key] - n * weight / whole < 1


@given(st.lists(WEIGHTS.filter(lambda weights: any(weights.values())), min_size=2, max_size=6))
def test_changed_weights_hold_from_the_next_request_on(phases: Any) -> None:
    weighted: SmoothWeighted[str] = SmoothWeighted()
    for weights in phases:
        whole = sum(weights.values())
        counts: Counter[str] = Counter()
        for n in range(1, 31):
            counts[str(weighted.choose(weights))] += 1
            for key, weight in weights.items():
                # What was due before the change is at most a request or two, either way.
                assert abs(counts[key] - n * weight / whole) < 3


def test_a_change_from_999_to_1_into_1_to_1_is_even_at_once() -> None:
    weighted: SmoothWeighted[str] = SmoothWeighted()
    for _ in range(500):
        weighted.choose({"a": 999, "b": 1})
    counts = Counter(weighted.choose({"a": 1, "b": 1}) for _ in range(20))
    assert counts == {"a": 10, "b": 10}


def test_a_group_that_comes_back_gets_no_extra_turns_for_the_time_it_was_away() -> None:
    weighted: SmoothWeighted[str] = SmoothWeighted()
    both, alone = {"a": 1, "b": 1}, {"a": 1}
    for _ in range(3):
        weighted.choose(both)
    for _ in range(50):
        assert weighted.choose(alone) == "a"
    counts = Counter(weighted.choose(both) for _ in range(20))
    assert abs(counts["a"] - counts["b"]) <= 2


def test_many_changes_do_not_add_up() -> None:
    weighted: SmoothWeighted[str] = SmoothWeighted()
    generator = random.Random(3)
    for _ in range(2000):
        keys = generator.sample("abcde", generator.randint(1, 5))
        weighted.choose({key: generator.randint(1, 999) for key in keys})
    counts = Counter(weighted.choose(dict.fromkeys("abcde", 1)) for _ in range(50))
    assert all(abs(count - 10) <= 2 for count in counts.values())
    assert len(counts) == 5


def test_orders_are_never_looked_at_as_positions() -> None:
    turn = RoundRobin()
    far = [Candidate(100), Candidate(2000)]
    expected = itertools.cycle(far)
    assert all(turn.choose(far, never) == next(expected) for _ in range(6))
