"""Alarm states: the tables of AWS's guide, M out of N, and the rules of composite alarms."""

from __future__ import annotations

import operator

import pytest
from tests.rows import rows

from emulator.metrics.evaluation import ALARM, INSUFFICIENT, OK, Condition
from emulator.metrics.expressions import Unsupported
from emulator.metrics.rules import rule

BEFORE = "the state before"
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")

# "Configuring how CloudWatch alarms treat missing data": 0 is not breaching, X is, - is missing.
# Points, datapoints to alarm, the state by treatment; all with three evaluation periods.
GUIDE = [
    ("0 - X - X", 3, (OK, OK, OK, OK)),
    ("0 - - - -", 3, (OK, OK, OK, OK)),
    ("- - - - -", 3, (INSUFFICIENT, BEFORE, ALARM, OK)),
    ("0 X X - X", 3, (ALARM, ALARM, ALARM, ALARM)),
    ("- - X - -", 3, (ALARM, BEFORE, ALARM, OK)),
    ("0 - X - X", 2, (ALARM, ALARM, ALARM, ALARM)),
    ("0 0 X 0 X", 2, (ALARM, ALARM, ALARM, ALARM)),
    ("0 - X - -", 2, (OK, OK, ALARM, OK)),
    ("- - - - 0", 2, (OK, OK, ALARM, OK)),
    ("- - - X -", 2, (ALARM, BEFORE, ALARM, OK)),
]


@rows(("points", "datapoints", "states"), GUIDE)
def test_states_are_those_of_the_guide(
    points: str, datapoints: int, states: tuple[str, ...]
) -> None:
    values: list[float | None] = [{"0": 0.0, "X": 1.0, "-": None}[each] for each in points.split()]
    for treatment, expected in zip(TREATMENTS, states, strict=True):
        condition = Condition(operator.ge, 1, 3, datapoints, treatment)
        assert condition.state(values, BEFORE) == expected, treatment


@pytest.mark.parametrize("points", [[None, None, None, None, 1.0], [None, None, None, 1.0, None]])
def test_a_breach_that_is_too_young_is_no_alarm_yet(points: list[float | None]) -> None:
    assert Condition(operator.ge, 1, 3, 3, "missing").state(points, OK) == OK


STATES = {"a": ALARM, "b": OK, "arn:c": INSUFFICIENT}


@rows(
    ("text", "on"),
    [
        ('ALARM("a")', True),
        ("ALARM(b)", False),
        ('(ALARM("b") OR ALARM("a"))', True),
        ("ALARM(a) AND OK(b) AND NOT ALARM(arn:c)", True),
        ("INSUFFICIENT_DATA(arn:c) AND (ALARM(b) OR FALSE)", False),
        ("ALARM(b) OR ALARM(a) AND TRUE", True),
        ("NOT (ALARM(a) OR ALARM(b))", False),
        ("ALARM(nobody)", False),
    ],
)
def test_a_composite_alarm_follows_its_rule(text: str, on: bool) -> None:
    assert rule(text)(STATES) is on


@pytest.mark.parametrize("text", ["", "ALARM(a) OR", "(ALARM(a)", "a", "ALARM(a) ALARM(b)", "NOT"])
def test_a_rule_that_can_not_be_read_is_named(text: str) -> None:
    with pytest.raises(Unsupported, match="the alarm rule"):
        rule(text)
