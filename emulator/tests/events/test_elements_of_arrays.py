"""Patterns on fields of arrays' elements: as all pairs of elements have it, without looking at them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.rows import rows

from emulator.events.filters import compile_filters

MANY = 50_000  # all pairs of so many take hours
ABSENT = [{"exists": False}]


def wanted(pattern: Any, record: Any) -> bool:
    return compile_filters({"Filters": [{"Pattern": json.dumps(pattern)}]})(record)


def elements(*each: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(one) for _, one in zip(range(MANY), itertools.cycle(each), strict=False)]


@rows(
    ("pattern", "items", "expected"),
    [
        ({"kind": ["a"], "state": ["b"]}, elements({"kind": "a", "state": "b"}), True),
        ({"kind": ["a"], "state": ["b"]}, elements({"kind": "a"}, {"state": "b"}), False),
        ({"kind": ["a"], "state": ABSENT}, elements({"kind": "a", "state": "b"}), False),
        ({"kind": ["a"], "state": ABSENT}, elements({"kind": "a"}, {"state": "b"}), True),
        ({"kind": ABSENT, "state": ["b"]}, elements({"kind": "a", "state": "b"}), False),
        (
            {"tags": {"k": ["a"], "v": ["b"]}},
            elements({"tags": [{"k": "a", "v": "x"}, {"v": "b"}]}),
            False,
        ),
        (
            {"kind": ["a"], "tags": {"k": ["a"], "v": ["b"]}},
            elements({"tags": [{"k": "a", "v": "b"}, {}]}, {"kind": "a"}),
            False,
        ),
    ],
    ids=range(7),
)
def test_the_elements_of_a_long_array_are_not_compared_each_with_each(
    pattern: Any, items: Any, expected: bool
) -> None:
    assert wanted({"body": {"items": pattern}}, {"body": {"items": items}}) is expected


NAMES = ("a.p", "a.q.x", "a.q.y", "a.r", "b.x")
VALUES = st.sampled_from([1, 2])
INNER = st.lists(st.dictionaries(st.sampled_from("xy"), VALUES), max_size=3) | VALUES
ELEMENT = st.fixed_dictionaries({}, optional={"p": VALUES, "q": INNER, "r": VALUES | INNER})
RECORDS = st.fixed_dictionaries(
    {}, optional={"a": st.lists(ELEMENT, max_size=4) | ELEMENT, "b": INNER}
)
CONDITIONS = st.sampled_from([(1,), (2,), (1, 2), (None,), (1, None)])  # None: exists false
PATTERNS = st.dictionaries(st.sampled_from(NAMES), CONDITIONS, min_size=1)


def values(value: Any, path: tuple[str, ...], at: str = "") -> Iterator[tuple[Any, frozenset[Any]]]:
    """Each value that the path leads to, with the elements that it is in."""
    if isinstance(value, list):
        for place, each in enumerate(value):
            alone = len(value) == 1 or not isinstance(each, dict | list)
            inside = frozenset() if alone else frozenset({(at, place)})
            for found, member in values(each, path, f"{at}{place}"):
                yield found, member | inside
    elif path and isinstance(value, dict) and path[0] in value:
        yield from values(value[path[0]], path[1:], f"{at}.{path[0]}.")
    elif not path and not isinstance(value, dict):
        yield value, frozenset()


def as_all_pairs_have_it(pattern: dict[str, tuple[Any, ...]], record: Any) -> bool:
    def agree(one: frozenset[Any], other: frozenset[Any]) -> bool:
        return len({array for array, _ in one | other}) == len(one | other)

    found: set[frozenset[Any]] = {frozenset()}
    for name, conditions in sorted(pattern.items()):
        there = list(values(record, tuple(name.split("."))))
        fit = [member for value, member in there if value in conditions]
        joined = {one | other for one in found for other in fit if agree(one, other)}
        if None in conditions:
            joined |= {one for one in found if not any(agree(one, other) for _, other in there)}
        found = joined
    return bool(found)


@given(PATTERNS, RECORDS)
def test_fields_are_joined_as_all_pairs_of_elements_have_it(
    pattern: dict[str, tuple[Any, ...]], record: Any
) -> None:
    written = {
        name: [{"exists": False} if each is None else each for each in conditions]
        for name, conditions in pattern.items()
    }
    assert wanted(written, record) is as_all_pairs_have_it(pattern, record)
