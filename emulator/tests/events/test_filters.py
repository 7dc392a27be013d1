from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rows import rows

from emulator.events.filters import compile_filters
from emulator.providers import EmulatorError

MESSAGE = {
    "eventName": "INSERT",
    "dynamodb": {
        "Keys": {"item": {"S": "message#000000000001"}},
        "NewImage": {"sent_at": {"N": "5"}, "members": {"SS": ["ravi", "raju"]}},
        "SizeBytes": 120,
    },
    "empty": [],
    "nothing": None,
    "yes": True,
    "one": 1,
    "list": [{"a": "x"}, {"a": "y"}],
    "address": "10.0.0.7",
    "dotted.name.of": 1,
}


def wanted(*patterns: Any, record: Any = MESSAGE) -> bool:
    filters = [{"Pattern": json.dumps(pattern)} for pattern in patterns]
    return compile_filters({"Filters": filters})(record)


def key(*conditions: Any) -> dict[str, Any]:
    return {"dynamodb": {"Keys": {"item": {"S": list(conditions)}}}}


# Names are joined with dots on the way to a field, of objects in arrays as well: event-ruler's
# Event flattens what it gets, and its JsonRuleCompiler what a pattern says.
@rows(
    ("pattern", "record", "expected"),
    [
        ({"a.b": ["x"]}, {"a": [{"b": "x"}]}, True),
        ({"a.b": [{"exists": False}]}, {"a": [{"b": "x"}]}, False),
        ({"a.b": ["x"]}, {"a": [{"b": "y"}, [{"b": "x"}]]}, True),
        ({"a": {"b": ["x"]}}, {"a": {"c": 1}, "a.b": "x"}, True),
        ({"a": {"b": ["x"], "c": [1]}}, {"a": {"c": 1}, "a.b": "x"}, True),
        ({"a": {"b": ["x"], "c": [1]}}, {"a": [{"c": 1}], "a.b": "x"}, True),
        ({"a.b.c": ["x"]}, {"a.b": {"c": "x"}}, True),
        ({"a.b.c": ["x"]}, {"a": {"b.c": "x"}}, True),
        ({"a": {"b.c": ["x"]}}, {"a.b": [{"c": "x"}]}, True),
        ({"a": {"b": ["x"]}}, {"a": 1, "a.b": "x"}, True),
        ({"a": [1], "a.b": ["x"]}, {"a": 1, "a.b": "x"}, True),
        ({"a.b": ["x"]}, {"a": "b"}, False),
        ({"a.b": ["x"], "a.c": ["y"]}, {"a": [{"b": "x"}, {"c": "y"}]}, False),  # of one element
        ({"a.b": ["x"], "a.c": ["y"]}, {"a": [{"b": "x", "c": "y"}]}, True),
        ({"a.b": ["x"], "a": {"c": ["y"]}}, {"a": [{"b": "x"}, {"c": "y"}]}, False),
        ({"a": {"$or": [{"b.c": ["x"]}, {"d": ["y"]}]}}, {"a": {"b": {"c": "x"}}}, True),
        ({"a": {"$or": [{"b.c": ["x"]}, {"d": ["y"]}]}}, {"a.d": "z"}, False),
    ],
)
def test_a_dot_leads_into_an_object(pattern: Any, record: Any, expected: bool) -> None:
    assert wanted(pattern, record=record) is expected


@rows(
    ("pattern", "expected"),
    [
        # event-ruler joins names with dots, in patterns and in events
        ({"dynamodb.SizeBytes": [120]}, True),
        ({"dynamodb": {"NewImage.sent_at": {"N": ["5"]}}}, True),
        ({"dynamodb.NewImage": {"sent_at.N": ["6"]}}, False),
        ({"dotted": {"name": {"of": [1]}}}, True),
        ({"dotted.name": {"of": [{"exists": False}]}}, False),
        ({"dotted": {"other": [{"exists": True}]}}, False),
        ({"eventName": ["INSERT", "REMOVE"]}, True),
        ({"eventName": ["MODIFY"]}, False),
        ({"eventName": ["insert"]}, False),
        ({"eventName": [{"equals-ignore-case": "insert"}]}, True),
        (key({"prefix": "message#"}), True),
        (key({"prefix": "member#"}), False),
        (key({"suffix": "1"}), True),
        (key({"prefix": "member#"}, {"prefix": "message#"}), True),
        ({"eventName": ["INSERT"], **key({"prefix": "member#"})}, False),
        (key({"anything-but": ["head"]}), True),
        (key({"anything-but": {"prefix": "message#"}}), False),
        ({"dynamodb": {"OldImage": [{"exists": False}]}}, True),
        ({"dynamodb": {"NewImage": {"sent_at": {"N": [{"exists": True}]}}}}, True),
        ({"dynamodb": {"NewImage": {"none": {"N": [{"exists": True}]}}}}, False),
        ({"dynamodb": {"NewImage": {"none": {"N": [{"anything-but": "x"}]}}}}, False),
        ({"dynamodb": {"SizeBytes": [{"numeric": [">", 100, "<=", 120]}]}}, True),
        ({"dynamodb": {"SizeBytes": [{"numeric": ["<", 100]}]}}, False),
        ({"dynamodb": {"SizeBytes": [120]}}, True),
        ({"dynamodb": {"SizeBytes": ["120"]}}, False),
        ({"dynamodb": {"SizeBytes": [123456789012]}}, False),  # equality takes any number
        (
            {
                "dynamodb": {
                    "SizeBytes": [
                        {
                            "numeric": [
                                "<=",
                                5e9,
                            ]
                        }
                    ]
                }
            },
            True,
        ),
        ({"dynamodb": {"SizeBytes": [120.0]}}, True),
        ({"dynamodb": {"SizeBytes": [{"numeric": ["=", 120]}]}}, True),
        ({"dynamodb": {"SizeBytes": [{"anything-but": 120}]}}, False),
        ({"dynamodb": {"SizeBytes": [{"anything-but": [1, 2]}]}}, True),
        ({"dynamodb": {"SizeBytes": [{"anything-but": "120"}]}}, True),
        (key({"prefix": {"equals-ignore-case": "MESSAGE#"}}), True),
        (key({"suffix": {"equals-ignore-case": "X"}}), False),
        (key({"anything-but": {"prefix": ["member#", "message#"]}}), False),
        (key({"anything-but": {"suffix": "2"}}), True),
        (key({"anything-but": {"equals-ignore-case": ["MESSAGE#000000000001"]}}), False),
        (key({"anything-but": {"wildcard": "*#*1"}}), False),
        (key({"anything-but": {"wildcard": ["a*", "*2"]}}), True),
        (key({"wildcard": "mess*#*1"}), True),
        (key({"wildcard": r"mess\*#*1"}), False),
        (key({"exactly": "message#000000000001"}), True),
        (key({"cidr": "10.0.0.0/8"}), False),
        # "Exists match only works on leaf nodes."
        ({"dynamodb": [{"exists": True}]}, False),
        ({"dynamodb": [{"exists": False}]}, True),
        ({"dynamodb": {"Keys": [{"exists": True}]}}, False),
        ({"empty": [{"exists": True}]}, False),
        ({"nothing": [None]}, True),
        ({"nothing": [{"exists": True}]}, True),
        ({"yes": [True]}, True),
        ({"yes": [1]}, False),
        ({"one": [True]}, False),
        ({"list": {"a": ["y"]}}, True),
        ({"list": {"a": ["z"]}}, False),
        ({"address": [{"cidr": "10.0.0.0/24"}]}, True),
        ({"address": [{"cidr": "10.0.1.0/24"}]}, False),
        ({"dynamodb": {"NewImage": {"members": {"SS": ["raju"]}}}}, True),
        ({"$or": [{"eventName": ["MODIFY"]}, key({"prefix": "message#"})]}, True),
        ({"$or": [{"eventName": ["MODIFY"]}, {"eventName": ["REMOVE"]}]}, False),
    ],
)
def test_a_pattern_matches_as_event_patterns_do(pattern: Any, expected: bool) -> None:
    assert wanted(pattern) is expected


def test_one_of_several_filters_is_enough_and_none_lets_everything_through() -> None:
    assert wanted({"eventName": ["MODIFY"]}, {"eventName": ["INSERT"]})
    assert compile_filters(None)(MESSAGE)
    assert compile_filters({"Filters": []})(MESSAGE)


# What event-ruler's JsonRuleCompiler rejects, so that a mapping with it can't be made on AWS.
INVALID = {
    "{}": "empty objects",
    '{"a": {}}': "empty objects",
    '{"a": []}': "empty arrays",
    '{"a": "b"}': "'a' must be an object or an array, got 'b'",
    '{"a": null}': "must be an object or an array",
    '{"a": [["b"]]}': "a value to match",
    '{"a": [{}]}': "one operator",
    '{"a": [{"prefix": "b", "suffix": "c"}]}': "one operator",
    '{"a": [{"contains": "b"}]}': "'contains' is not known",
    '{"a": [{"$or": ["b", "c"]}]}': "is not known",
    '{"a": [{"prefix": 5}]}': "prefix takes a string",
    '{"a": [{"prefix": ["b"]}]}': "prefix takes a string",
    '{"a": [{"prefix": {"suffix": "b"}}]}': "prefix takes equals-ignore-case",
    '{"a": [{"prefix": {"equals-ignore-case": 5}}]}': "equals-ignore-case takes a string",
    '{"a": [{"suffix": null}]}': "suffix takes a string",
    '{"a": [{"suffix": {}}]}': "suffix takes equals-ignore-case",
    '{"a": [{"equals-ignore-case": 5}]}': "equals-ignore-case takes a string",
    '{"a": [{"equals-ignore-case": ["b"]}]}': "equals-ignore-case takes a string",
    '{"a": [{"exactly": 5}]}': "exactly takes a string",
    '{"a": [{"numeric": 5}]}': "array of 2 or 4",
    '{"a": [{"numeric": []}]}': "array of 2 or 4",
    '{"a": [{"numeric": [">"]}]}': "array of 2 or 4",
    '{"a": [{"numeric": [">", 5, "<"]}]}': "array of 2 or 4",
    '{"a": [{"numeric": [">", 5, "<", 6, "<", 7]}]}': "array of 2 or 4",
    '{"a": [{"numeric": ["!", 5]}]}': "numeric takes =",
    '{"a": [{"numeric": ["!=", 5]}]}': "numeric takes =",
    '{"a": [{"numeric": [5, ">"]}]}': "compares with numbers",
    '{"a": [{"numeric": [">", "5"]}]}': "compares with numbers",
    '{"a": [{"numeric": ["=", true]}]}': "compares with numbers",
    '{"a": [{"numeric": ["<", 5, ">", 1]}]}': "numeric takes =",
    '{"a": [{"numeric": ["=", 5, "<", 6]}]}': "numeric takes =",
    '{"a": [{"numeric": [">", 5, ">", 6]}]}': "numeric takes =",
    '{"a": [{"numeric": [">", 5, "<", 5]}]}': "not below",
    '{"a": [{"numeric": [[], 5]}]}': "numeric takes =",
    '{"a": [{"numeric": ["=", NaN]}]}': "a JSON object",
    '{"a": [{"numeric": ["=", 5000000001]}]}': "is not from -5e9 to 5e9",
    '{"a": [{"numeric": [">", -1e10, "<", 5]}]}': "is not from -5e9 to 5e9",
    '{"a": [{"anything-but": [1, 6e9]}]}': "is not from -5e9 to 5e9",
    '{"a": [{"anything-but": {"prefix": []}}]}': "empty arrays",
    '{"a": [{"anything-but": {"equals-ignore-case": []}}]}': "empty arrays",
    '{"a": [{"exists": "true"}]}': "exists takes true or false",
    '{"a": [{"exists": 1}]}': "exists takes true or false",
    '{"a": [{"exists": null}]}': "exists takes true or false",
    '{"a": [{"exists": {}}]}': "exists takes true or false",
    '{"a": [{"anything-but": []}]}': "strings or numbers alone",
    '{"a": [{"anything-but": ["b", 5]}]}': "strings or numbers alone",
    '{"a": [{"anything-but": null}]}': "strings or numbers alone",
    '{"a": [{"anything-but": [true]}]}': "strings or numbers alone",
    '{"a": [{"anything-but": {}}]}': "anything-but takes one of",
    '{"a": [{"anything-but": {"numeric": [">", 5]}}]}': "anything-but takes one of",
    '{"a": [{"anything-but": {"exists": true}}]}': "anything-but takes one of",
    '{"a": [{"anything-but": [{"wildcard": "b*"}]}]}': "strings or numbers alone",
    '{"a": [{"anything-but": {"prefix": ""}}]}': "empty prefix",
    '{"a": [{"anything-but": {"prefix": 5}}]}': "prefix takes a string",
    '{"a": [{"anything-but": {"suffix": ["b", ""]}}]}': "empty suffix",
    '{"a": [{"anything-but": {"wildcard": "a**"}}]}': "two wildcards",
    '{"a": [{"anything-but": {"prefix": {"equals-ignore-case": "b"}}}]}': "prefix takes a string",
    '{"a": [{"wildcard": 5}]}': "wildcard takes a string",
    '{"a": [{"wildcard": "a**b"}]}': "two wildcards",
    '{"a": [{"wildcard": "a\\\\b"}]}': "an escape",
    '{"a": [{"cidr": 5}]}': "cidr takes a string",
    '{"a": [{"cidr": "10.0.0.0"}]}': "cidr takes an address",
    '{"a": [{"cidr": "10.0.0.0/32"}]}': "cidr takes an address",
    '{"a": [{"cidr": "10.0.0/8"}]}': "cidr takes an address",
    '{"a": [{"cidr": "10.0.0.0/x"}]}': "cidr takes an address",
    '{"$or": []}': "at least 2 objects",
    '{"$or": [{"a": ["b"]}]}': "at least 2 objects",
    '{"$or": {"a": ["b"]}}': "at least 2 objects",
    '{"$or": ["a", "b"]}': "must be an object",
    '{"$or": [{"a": ["b"]}, {}]}': "empty objects",
    '{"$or": [{"a": ["b"]}, {"prefix": ["c"]}]}': "is reserved",
    "{": "a JSON object",
    "": "a JSON object",
    "[]": "it must be an object",
    "null": "it must be an object",
}  # fmt: skip


@rows("pattern", INVALID)
def test_a_pattern_that_aws_rejects_is_rejected_at_start(pattern: str) -> None:
    with pytest.raises(EmulatorError, match=re.escape(INVALID[pattern])):
        compile_filters({"Filters": [{"Pattern": pattern}]})


TEXT = 'ab*?:\\"\u00e9\u2028\U0001f600\0'
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(TEXT, max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from("ab") | st.sampled_from(["prefix", "$or"]), inner, max_size=2
        )
    ),
    max_leaves=8,
)
OPERATORS = ["prefix", "suffix", "equals-ignore-case", "anything-but", "numeric", "exists"]
OPERATORS += ["wildcard", "cidr", "exactly"]


@given(st.sampled_from(OPERATORS), VALUES, VALUES)
def test_a_filter_that_is_accepted_takes_every_record(
    operator: str, operand: Any, value: Any
) -> None:
    try:
        matches = compile_filters(
            {"Filters": [{"Pattern": json.dumps({"a": [{operator: operand}]})}]}
        )
    except EmulatorError:
        return
    for record in ({"a": value}, {}, {"a": [value, {"a": value}]}):
        assert matches(record) in (True, False)


def test_five_filters_of_4096_characters_are_the_most() -> None:
    pattern = '{"a": ["%s"]}'
    longest = pattern % ("x" * (4096 - len(pattern) + 2))
    assert len(longest) == 4096
    compile_filters({"Filters": [{"Pattern": longest}] * 5})
    wrong: list[list[dict[str, Any]]] = [[{"Pattern": longest}] * 6, [{"Pattern": longest + " "}]]
    for filters in [*wrong, [{}], [{"Pattern": {"a": ["b"]}}]]:
        with pytest.raises(EmulatorError):
            compile_filters({"Filters": filters})
