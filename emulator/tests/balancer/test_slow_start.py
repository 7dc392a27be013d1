"""Slow start: which targets enter it, how their share grows, and which leave it."""

from collections import Counter
from typing import Any

import pytest
from tests.balancer.groups import group, healthy

from emulator.balancer.targets import shares
from emulator.balancer.targets.health import HEALTHY, UNHEALTHY, Health, draining

SLOW = {"slow_start.duration_seconds": 100}


@pytest.mark.parametrize(
    ("in_slow_start", "company"),
    [([], False), ([False], True), ([True], False), ([True, False], True), ([True, True], False)],
)
def test_slow_start_needs_another_healthy_target_that_takes_the_traffic(
    in_slow_start: Any, company: Any
) -> None:
    assert shares.has_company(in_slow_start) is company


@pytest.mark.parametrize(
    ("now", "share"), [(50, 0), (75, 0.25), (100, 0.5), (149, 0.99), (150, 1), (9999, 1), (49, 0)]
)
def test_the_share_grows_linearly(now: float, share: float) -> None:
    assert shares.slow_start_share(100, now, 50) == share


def test_the_first_targets_of_an_empty_group_get_their_full_share() -> None:
    api = group(attributes=SLOW)
    healthy(api, "a", "b", "c")
    assert [api.share_of(target, 0) for target in api.targets.values()] == [1, 1, 1]


def test_one_that_was_registered_before_anybody_was_healthy_gets_its_full_share_later() -> None:
    api = group(attributes=SLOW)
    late = api.add("late", "127.0.0.1", 8000, now=0)
    healthy(api, "a")
    api.note_health(late, Health(HEALTHY), 500)
    assert api.share_of(late, 500) == 1
    api.note_health(late, Health(UNHEALTHY), 600)
    api.note_health(late, Health(HEALTHY), 700)  # "it enters slow start mode again"
    assert api.share_of(late, 700) == 0


def test_one_that_becomes_healthy_when_everybody_else_is_gone_gets_its_full_share() -> None:
    api = group(attributes=SLOW)
    (first,) = healthy(api, "a")
    late = api.add("late", "127.0.0.1", 8000, now=10)
    api.note_health(first, Health(UNHEALTHY), 20)
    api.note_health(late, Health(HEALTHY), 30)
    assert api.share_of(late, 30) == 1


def counts(api: Any, now: float, requests: int = 300) -> Counter[str]:
    chosen: Counter[str] = Counter()
    for _ in range(requests):
        target = api.choose(now, lambda: 0.0)
        chosen[target.id] += 1
    return chosen


def test_a_new_target_gets_nothing_then_half_then_all_of_a_share() -> None:
    api = group(attributes=SLOW)
    healthy(api, "a", "b")
    healthy(api, "c", now=1000)
    assert counts(api, 1000) == {"a": 150, "b": 150}
    assert counts(api, 1050) == {"a": 120, "b": 120, "c": 60}
    assert counts(api, 1100) == {"a": 100, "b": 100, "c": 100}


def test_over_the_whole_ramp_it_gets_half_of_a_share() -> None:
    api = group(attributes=SLOW)
    healthy(api, "a")
    healthy(api, "b", now=0)
    chosen: Counter[str] = Counter()
    while chosen["a"] < 1000:  # one round each tenth of a second
        chosen[api.choose(chosen["a"] / 10, lambda: 0.0).id] += 1  # type: ignore[union-attr]
    assert abs(chosen["b"] - 500) <= 1


def test_an_unhealthy_target_leaves_it_and_begins_anew() -> None:
    api = group(attributes=SLOW)
    healthy(api, "a")
    (late,) = healthy(api, "b", now=0)
    api.note_health(late, Health(UNHEALTHY), 60)
    assert late.slow_since is None
    assert api.share_of(late, 60) == 1  # of a fail-open, where it has it in full
    api.note_health(late, Health(HEALTHY), 90)
    assert api.share_of(late, 115) == 0.25


def test_checks_that_pass_on_the_way_do_not_begin_it_anew() -> None:
    api = group(attributes=SLOW)
    healthy(api, "a")
    (late,) = healthy(api, "b", now=0)
    api.note_health(late, Health(HEALTHY, streak=2), 50)
    assert api.share_of(late, 75) == 0.75


def test_a_target_whose_time_is_over_counts_as_one_that_is_not_in_it() -> None:
    api = group(attributes=SLOW)
    (first,) = healthy(api, "a")
    healthy(api, "b", now=0)
    api.note_health(first, draining(), 150)
    (third,) = healthy(api, "c", now=150)
    assert third.slow_since == 150


def test_while_all_that_is_left_is_in_it_they_share_by_how_far_they_are() -> None:
    api = group(attributes=SLOW)
    (first,) = healthy(api, "a")
    healthy(api, "b", now=0)
    healthy(api, "c", now=20)
    api.note_health(first, draining(), 40)
    assert counts(api, 40) == {"b": 200, "c": 100}


def test_without_slow_start_a_new_target_gets_its_share_at_once() -> None:
    api = group()
    healthy(api, "a")
    healthy(api, "b", now=500)
    assert counts(api, 500) == {"a": 150, "b": 150}
