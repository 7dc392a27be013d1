"""Which cases of a sampled table run where."""

from __future__ import annotations

import itertools

import pytest

from tests.support.sampling import marks


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ([], []),
        ([{}], [""]),
        # one parameter: each value is the first of its kind
        ([{"a": each} for each in range(7)], ["", "slow", "slow", "slow", "slow", "", "slow"]),
        # rows: the third and the last have nothing that an earlier one did not have
        (
            [{"a": a, "b": b} for a, b in ("11", "12", "11", "21", "31", "41", "42")],
            ["", "slow", "deep", "slow", "slow", "", "deep"],
        ),
        # the same value of another parameter is another one
        ([{"a": 1, "b": 2}, {"a": 2, "b": 1}, {"a": 1, "b": 1}], ["", "slow", "deep"]),
        # values of other types, and those that can't be hashed
        ([{"a": "1"}, {"a": 1}, {"a": b"1"}, {"a": {}}, {"a": {}}], ["", "slow", "slow", "slow", "deep"]),
    ],
)  # fmt: skip
def test_the_mark_of_each_case(cases: list[dict[str, object]], expected: list[str]) -> None:
    assert marks(cases) == expected


@pytest.mark.parametrize("sizes", [(5, 5), (2, 2, 5), (3, 10), (4, 1, 3)])
def test_each_value_of_each_parameter_runs_before_the_deep_ones(sizes: tuple[int, ...]) -> None:
    names = "abc"[: len(sizes)]
    cases = [
        dict(zip(names, values, strict=True)) for values in itertools.product(*map(range, sizes))
    ]
    kept = [case for case, mark in zip(cases, marks(cases), strict=True) if mark != "deep"]
    for name, size in zip(names, sizes, strict=True):
        assert {case[name] for case in kept} == set(range(size))
