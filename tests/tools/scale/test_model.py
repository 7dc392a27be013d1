"""The scale model: what it must be true of, whatever the constants are."""

import math
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from typing import Any

import pytest

from tests.support.rows import rows
from tools.scale import costs, tables
from tools.scale.__main__ import report
from tools.scale.acts import ACTS
from tools.scale.behaviour import Behaviour
from tools.scale.limits import LIMITS, in_order, users_at
from tools.scale.model import DAY, PARTITIONS_AT_FIRST, Load, to_group
from tools.scale.storm import storm


def test_twice_as_many_users_are_twice_the_load_and_nearly_twice_the_dollars() -> None:
    one, two = Load(1_000_000), Load(2_000_000)
    for of in ("requests", "writes", "reads", "posts", "sent"):
        assert two.peak(of) == pytest.approx(2 * one.peak(of))
    assert (two.concurrency, two.connections) == pytest.approx(
        (2 * one.concurrency, 2 * one.connections)
    )
    # those whom Cognito has for nothing do not double
    free = 10_000 * 0.0055
    assert sum(two.dollars().values()) == pytest.approx(2 * sum(one.dollars().values()) + free)


def test_a_message_alone_costs_what_its_acts_cost() -> None:
    quiet = replace(
        Behaviour(), receipts=0, typing=0, sessions=0, hours_online=0, sign_ins=0, files=0
    )
    alone = Load(1_000, replace(quiet, group_share=0, online_share=1, messages=1))
    month = 365 / 12 * 1_000 / 1e6
    each = sum(costs.row({"a text to somebody online": 1}).values())
    assert alone.dollars()["messages"] == pytest.approx(month * each)
    assert alone.peak("requests") == pytest.approx(2 * 3 * 1_000 / DAY)  # a frame and a post
    assert alone.dollars()["pushes"] == 0


@pytest.mark.parametrize(
    "more", ["messages", "receipts", "typing", "sessions", "hours_online", "files", "sign_ins"]
)
def test_who_does_more_costs_more(more: str) -> None:
    be = Behaviour()
    doubled = replace(be, **{more: 2 * getattr(be, more)})
    assert sum(Load(1_000, doubled).dollars().values()) > sum(Load(1_000, be).dollars().values())


def test_a_group_of_ten_is_the_act_that_was_measured() -> None:
    measured, made = ACTS["a text to a group of ten online"], to_group(10)
    for of in ("writes", "reads", "posts", "rounds", "frames", "received"):
        assert getattr(made, of) == getattr(measured, of), of
    assert made.sent == pytest.approx(measured.sent, rel=0.1)


OF_USERS = [each for each in LIMITS if "in the biggest group" not in each.name]


@rows("limit", OF_USERS, ids=lambda limit: limit.name)
def test_a_limit_is_over_just_above_its_users_and_not_below(limit: object) -> None:
    be = Behaviour()
    (found,) = (each for each in LIMITS if each is limit)
    at = users_at(found, be)
    below, above = Load(int(at * 0.99), be), Load(int(at * 1.01) + 1, be)
    assert found.used(below) <= found.most(below)
    assert found.used(above) > found.most(above)


def test_limits_come_in_the_order_in_which_they_are_hit() -> None:
    users = [at for at, _ in in_order(Behaviour())]
    assert users == sorted(users) and len(users) == len(LIMITS)
    assert all(limit.remedy and limit.source.startswith("https://docs.aws") for limit in LIMITS)


@pytest.mark.parametrize(
    ("busiest", "biggest", "users"),
    [
        (5.0, 1024, math.inf),
        (66.0, 1024, math.inf),
        (67.0, 1024, 0),
        (67.0, 256, math.inf),
        (501.0, 10, 0),
    ],
)
def test_a_chat_is_too_busy_for_its_partition_with_any_number_of_users_or_with_none(
    busiest: float, biggest: int, users: float
) -> None:
    (hot,) = (each for each in LIMITS if each not in OF_USERS)
    behaviour = replace(Behaviour(), busiest_chat=busiest, biggest_group=biggest)
    assert users_at(hot, behaviour) == pytest.approx(users)
    over = [limit for at, limit in in_order(behaviour) if at < 1_000]
    assert (hot in over) is (users == 0)
    row = next(each for each in tables.limits(behaviour).splitlines() if hot.name in each)
    assert row.startswith("| 0 |" if users == 0 else "| none |")


@pytest.mark.sampled
@pytest.mark.parametrize("name", [each.name for each in fields(Behaviour)])
def test_every_option_has_an_effect(name: str) -> None:
    be = Behaviour()
    # the values from which on these two decide anything
    enough: dict[str, Any] = {"token_hours": 12.0, "busiest_chat": 100.0}
    default = getattr(be, name)
    less = default // 2 if isinstance(default, int) else default * 0.9
    changed = replace(be, **{name: enough.get(name, less)})
    assert report(1_000_000, changed) != usual()


@cache
def usual() -> object:
    """The report of the defaults, made once: it takes longer than most tests."""
    return report(1_000_000, Behaviour())


@pytest.fixture(autouse=True, scope="module")
def storms_once() -> Iterator[None]:
    """Most options change nothing about the storm, whose simulation takes longest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "storm", cache(storm))
        yield


def test_tables_have_as_many_partitions_as_their_writes_need() -> None:
    assert Load(1).partitions == PARTITIONS_AT_FIRST
    many = Load(3_000_000)
    assert (many.partitions - 1) * 1_000 < many.peak("writes") <= many.partitions * 1_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"online_share": 1.1},
        {"messages": -1.0},
        {"group_size": 1},
        {"group_size": 2_000},
        {"hours_online": 25.0},
        {"peak": 0.5},
        {"token_hours": 0.0},
    ],
    ids=str,
)
def test_a_behaviour_that_nobody_can_have_is_rejected(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"share|members|day"):
        replace(Behaviour(), **wrong)
    assert wrong.keys() <= {each.name for each in fields(Behaviour)}


def test_hosted_tiers_are_charged_one_after_another() -> None:
    expected = {200: 0, 300: 5, 5_000: 240, 10_000: 477.5, 20_000: 927.5}
    assert {users: tables.twilio(users) for users in expected} == pytest.approx(expected)
