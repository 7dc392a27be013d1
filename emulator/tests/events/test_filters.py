from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.events.filters import compile_filters
from emulator.providers import EmulatorError

MESSAGE = {
    "eventName": "INSERT",
    "dynamodb": {
        "Keys": {"item": {"S": "message#000000000001"}},
        "NewImage": {"sent_at": {"N": "5"}, "members": {"SS": ["ravi", "raju"]}},
        "SizeBytes": 120,
    },
}


def wanted(*patterns: Any, record: Any = MESSAGE) -> bool:
    filters = [{"Pattern": json.dumps(pattern)} for pattern in patterns]
    return compile_filters({"Filters": filters})(record)


def key(*conditions: Any) -> dict[str, Any]:
    return {"dynamodb": {"Keys": {"item": {"S": list(conditions)}}}}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({}, True),
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


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("{", "a filter pattern is a JSON object"),
        ("[]", "a filter pattern is a JSON object"),
        ('{"a": "b"}', "a filter pattern has lists of values; 'a' has 'b'"),
        ('{"a": [{"wildcard": "x*"}]}', r"operator \['wildcard'\] is not known"),
    ],
)
def test_a_pattern_that_is_not_understood_is_rejected(pattern: str, sentence: str) -> None:
    with pytest.raises(EmulatorError, match=sentence):
        compile_filters({"Filters": [{"Pattern": pattern}]})
