"""Automatic target weights, as far as they are emulated: which target is anomalous, and its
share."""

import random
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.balancer.groups import group, healthy
from tests.rows import rows

from emulator.balancer.targets.health import UNHEALTHY, Health
from emulator.balancer.targets.shares import NEGLIGIBLE, Seen, anomalous, next_share

MITIGATED = {
    "load_balancing.algorithm.type": "weighted_random",
    "load_balancing.algorithm.anomaly_mitigation": "on",
}


@rows(
    ("seen", "found"),
    [
        ([(10, 10), (10, 0)], [False, False]),  # with two there are no peers to speak of
        ([(10, 10), (10, 0), (10, 0)], [True, False, False]),
        ([(10, 2), (10, 0), (10, 0)], [False, False, False]),  # two errors say nothing
        ([(10, 3), (10, 0), (10, 0)], [True, False, False]),
        ([(100, 4), (100, 0), (100, 0)], [False, False, False]),  # 4 %
        ([(100, 6), (100, 0), (100, 0)], [True, False, False]),
        ([(10, 10), (10, 10), (10, 10)], [False, False, False]),  # the database is down
        ([(10, 5), (10, 3), (10, 3)], [False, False, False]),
        ([(10, 9), (10, 3), (10, 3)], [True, False, False]),
        ([(0, 0), (0, 0), (0, 0)], [False, False, False]),
        ([(10, 10), (0, 0), (0, 0)], [True, False, False]),
    ],
)
def test_a_target_that_fails_more_than_its_peers_is_anomalous(seen: Any, found: Any) -> None:
    assert anomalous([Seen(*each) for each in seen]) == found


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1)), min_size=3, max_size=6))
def test_never_are_all_of_them_anomalous(drawn: Any) -> None:
    assert not all(anomalous([Seen(responses, int(responses * rate)) for responses, rate in drawn]))


def test_traffic_is_taken_away_step_by_step_and_given_back_step_by_step() -> None:
    share, steps = 1.0, 0
    while share > NEGLIGIBLE:
        share, steps = next_share(share, True), steps + 1
    assert steps == 5
    assert next_share(share, True) == NEGLIGIBLE
    while share < 1:
        share, steps = next_share(share, False), steps + 1
    assert steps == 5 + 16
    assert next_share(share, False) == 1.0


def responses(api: Any, second: float, failing: Any, requests: int, generator: Any) -> Counter[str]:
    """One second's requests, each with its response before the next one comes."""
    chosen: Counter[str] = Counter()
    for _ in range(requests):
        target = api.choose(second, generator.random)
        target.in_flight -= 1
        target.recent.note(second, 500 if target.id in failing else 200)
        api.compare_responses(second)
        chosen[target.id] += 1
    return chosen


def test_a_failing_target_loses_nearly_all_traffic_and_gets_it_back_when_it_recovers() -> None:
    api, generator = group(attributes=MITIGATED), random.Random(5)
    healthy(api, "a", "b", "c")
    for second in range(20):
        responses(api, second, {"b"}, 60, generator)
    assert api.targets["b"].anomalous
    assert api.targets["b"].share <= 4 * NEGLIGIBLE  # it is tried again and again
    assert sum(responses(api, 20, {"b"}, 60, generator)[name] for name in "ac") >= 52
    for second in range(21, 60):
        responses(api, second, {}, 60, generator)
    assert not api.targets["b"].anomalous
    assert api.targets["b"].share == 1
    assert responses(api, 60, {}, 300, generator)["b"] > 70


def test_without_mitigation_an_anomaly_is_shown_and_nothing_else() -> None:
    api, generator = group(), random.Random(5)
    healthy(api, "a", "b", "c")
    for second in range(5):
        chosen = responses(api, second, {"b"}, 60, generator)
    assert api.targets["b"].anomalous
    assert chosen == {"a": 20, "b": 20, "c": 20}
    assert api.share_of(api.targets["b"], 5) == 1


def test_with_two_healthy_targets_nothing_is_taken_away() -> None:
    api, generator = group(attributes=MITIGATED), random.Random(5)
    _, _, third = healthy(api, "a", "b", "c")
    api.note_health(third, Health(UNHEALTHY), 0)
    for second in range(10):
        responses(api, second, {"b"}, 60, generator)
    assert api.targets["b"].share == 1


def test_a_target_that_becomes_unhealthy_begins_anew() -> None:
    api, generator = group(attributes=MITIGATED), random.Random(5)
    _, failing, _ = healthy(api, "a", "b", "c")
    for second in range(20):
        responses(api, second, {"b"}, 60, generator)
    api.note_health(failing, Health(UNHEALTHY), 20)
    assert (failing.anomalous, failing.share) == (False, 1.0)


def test_responses_are_compared_once_a_second() -> None:
    api = group(attributes=MITIGATED)
    targets = healthy(api, "a", "b", "c")
    for target in targets:
        for _ in range(10):
            target.recent.note(0.0, 500 if target.id == "b" else 200)
    for now in (0.0, 0.3, 0.9):
        api.compare_responses(now)
    assert targets[1].share == 0.5
    api.compare_responses(1.0)
    assert targets[1].share == 0.25
