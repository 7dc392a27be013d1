"""Event patterns in texts that a JSON object of Python can't hold, and what they match, as the
library event-ruler of AWS has it (github.com/aws/event-ruler)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.rows import rows

from emulator.events.filters import compile_filters
from emulator.providers import EmulatorError


def wanted(pattern: str, record: Any, *, source: str = "") -> bool:
    return compile_filters({"Filters": [{"Pattern": pattern}]}, source)(record)


# "Amazon EventBridge event patterns": of a field that a pattern has twice the last one counts, which
# LocalStack has recorded (complex_multi_key_event_pattern.json); JsonRuleCompiler.writeRules puts
# the rules of a field by its joined name, for each alternative of $or.
@rows(
    ("pattern", "record", "expected"),
    [
        ('{"a": [{"prefix": "us-"}], "a": [{"anything-but": "us-e"}]}', {"a": "eu"}, True),
        ('{"a": ["x"], "a": ["y"]}', {"a": "x"}, False),
        ('{"a": {"b": ["x"]}, "a": {"c": ["y"]}}', {"a": {"c": "y"}}, False),
        ('{"a": {"b": ["x"]}, "a": {"c": ["y"]}}', {"a": {"b": "x", "c": "y"}}, True),
        ('{"a": {"b": ["x"]}, "a.b": ["y"]}', {"a": {"b": "y"}}, True),
        ('{"a.b": ["y"], "a": {"b": ["x"]}}', {"a": {"b": "y"}}, False),
        ('{"a": ["x"], "$or": [{"a": ["y"]}, {"b": [1]}]}', {"a": "y"}, True),
        ('{"a": ["x"], "$or": [{"a": ["y"]}, {"b": [1]}]}', {"a": "x"}, False),
        ('{"$or": [{"a": ["y"]}, {"b": [1]}], "a": ["x"]}', {"a": "x"}, True),
        ('{"$or": [{"a": [1]}, {"b": [1]}], "$or": [{"c": [1]}, {"d": [1]}]}', {"a": 1}, False),
        ('{"$or": [{"a": [1]}, {"b": [1]}], "$or": [{"c": [1]}, {"d": [1]}]}', {"b": 1, "c": 1}, True),
    ],
)  # fmt: skip
def test_of_a_field_that_a_pattern_has_twice_the_last_one_counts(
    pattern: str, record: Any, expected: bool
) -> None:
    assert wanted(pattern, record) is expected


# NameState.getNameTransitions: a field is absent where no element has it that may be the one that the
# fields before it, by their joined names, were found in. ArrayMembership has the rule of elements.
@rows(
    ("pattern", "record", "expected"),
    [
        ({"a": {"b": [{"exists": False}]}}, {"a": [{"b": 1}, {"c": 2}]}, False),
        ({"a": {"b": [{"exists": False}]}}, {"a": [{"c": 1}, {"c": 2}]}, True),
        ({"a": {"b": [{"exists": False}]}}, {"a": [{"b": 1}, 5]}, False),
        ({"a": {"b": [2], "z": [{"exists": False}]}}, {"a": [{"b": 1, "z": 1}, {"b": 2}]}, True),
        ({"a": {"b": [1], "z": [{"exists": False}]}}, {"a": [{"b": 1, "z": 1}, {"b": 2}]}, False),
        ({"a": {"b": [{"exists": False}, 7]}}, {"a": [{"b": 1}, {"c": 2}]}, False),
        ({"a": {"b": [{"exists": False}, 7]}}, {"a": [{"b": 7}, {"c": 2}]}, True),
        ({"a": [{"exists": False}]}, {"a": [{"b": 1}]}, True),
        ({"a": [{"exists": False}]}, {"a": [{"b": 1}, 5]}, False),
        ({"a": {"b": [1], "c": [2]}}, {"a": [{"b": 1}, {"c": 2}]}, False),
        ({"a": {"b": [1], "c": [2]}}, {"a": [[{"b": 1}], [{"b": 1, "c": 2}]]}, True),
        ({"a": {"b": [1], "c": [2]}}, {"a": [[{"b": 1}, {"c": 2}]]}, False),
        ({"a": {"b": [1], "c": {"d": [2]}}}, {"a": [{"b": 1, "c": [{"d": 1}, {"d": 2}]}]}, True),
        ({"a": {"b": [1]}, "c": {"d": [2]}}, {"a": [{"b": 2}, {"b": 1}], "c": [{"d": 2}]}, True),
    ],
)
def test_fields_are_those_of_one_element_and_absent_is_what_no_such_element_has(
    pattern: Any, record: Any, expected: bool
) -> None:
    assert wanted(json.dumps(pattern), record) is expected


# EqualsIgnoreCaseParser takes each character's lower and upper case; WildcardParser reads escapes from
# the left; JsonRuleCompiler compares a value that is an IP address as one.
@rows(
    ("condition", "value", "expected"),
    [
        ({"wildcard": r"*\**"}, "a*b", True),
        ({"wildcard": r"*\**"}, "ab", False),
        ({"wildcard": r"a\\*"}, "a\\b", True),
        ({"wildcard": r"*a*b"}, "xa\nyab", True),
        ({"wildcard": r"a*a"}, "a", False),
        ({"wildcard": "*"}, "", True),
        ({"equals-ignore-case": "k"}, "\u212a", False),  # the Kelvin sign, whose lower case is k
        ({"equals-ignore-case": "\u212a"}, "k", True),
        ({"equals-ignore-case": "stra\u00dfe"}, "STRASSE", True),
        ({"prefix": {"equals-ignore-case": "\u00df"}}, "SSa", True),
        ({"suffix": {"equals-ignore-case": ".PnG"}}, "a.pNg", True),
        ({"suffix": {"equals-ignore-case": ".png"}}, "a.pngs", False),
        ({"anything-but": {"equals-ignore-case": ["a", "B"]}}, "b", False),
        ({"anything-but": {"suffix": [".a", ".b"]}}, "x.B", True),
        ({"prefix": ""}, "", True),
        ({"prefix": ""}, 5, False),
        ("::1", "0:0:0:0:0:0:0:1", True),
        ("2001:DB8::", "2001:db8:0:0:0:0:0:0", True),
        ("10.0.0.1", "10.0.0.1", True),
        ("a:b", "a:b", True),  # of the form of an address, and none
        ("1.2.3.400", "1.2.3.400", True),
        ({"exactly": "::1"}, "0:0:0:0:0:0:0:1", False),
        ({"cidr": "2001:db8::/32"}, "2001:DB8::5", True),
        ({"cidr": "10.0.0.0/8"}, "10.0.0.0/8", False),
        (1, 1.0, True),
        (1.5e1, 15, True),
        (1, "1", False),
        (None, "", False),
        ("", None, False),
        ({"anything-but": 5}, None, True),
        ({"anything-but": [5, 6.0]}, 6, False),
        ({"anything-but": {"prefix": "5"}}, 5, True),
        ({"numeric": ["=", 3.018e2]}, 301.8, True),
        ({"numeric": [">=", -1, "<", 0]}, -1, True),
        ({"numeric": [">=", -1, "<", 0]}, 0, False),
        ({"numeric": [">", 0]}, True, False),
    ],
)  # fmt: skip
def test_a_condition_is_met_as_event_ruler_has_it(
    condition: Any, value: Any, expected: bool
) -> None:
    assert wanted(json.dumps({"a": [condition]}), {"a": value}) is expected


REJECTED = {
    r'{"a": [{"wildcard": "\\\\**"}]}': "two wildcards",
    '{"a": [{"prefix": "b", "prefix": "c"}]}': "one operator",
    '{"a": [{"anything-but": {"prefix": "b", "prefix": "c"}}]}': "anything-but takes one of",
    '{"$or": [{"a": [1]}, {"regex": [1]}]}': "is reserved",
    '{"$or": [{"a": [1]}, {"b": {"date-after": [1]}}]}': "is reserved",
    '{"$or": [{"a": [1]}, {"ip-address-in-range": [1]}]}': "is reserved",
    '{"a": [{"cidr": "::ffff:10.0.0.1/100"}]}': "cidr takes an address",
    '{"a": [{"cidr": "fe80::1%eth0/64"}]}': "cidr takes an address",
    "{" + ",".join(['"$or": [{"a": [1]}, {"b": [1]}]'] * 11) + "}": "alternatives",
}  # fmt: skip


@rows("pattern", REJECTED)
def test_what_event_ruler_rejects_is_rejected(pattern: str) -> None:
    with pytest.raises(EmulatorError, match=re.escape(REJECTED[pattern])):
        wanted(pattern, {})


def test_the_error_begins_with_what_lambda_says() -> None:
    """As LocalStack has recorded CreateEventSourceMapping."""
    with pytest.raises(EmulatorError, match=r"Invalid filter pattern definition\."):
        wanted('{"a": "b"}', {})


QUEUE = "arn:aws:sqs:us-east-1:123456789012:jobs"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/chats/stream/now"


# Lambda developer guide, "Using event filtering with an Amazon SQS event source", the table of formats:
# where the format of the body and of the filter for it differ, Lambda drops the message.
@rows(
    ("pattern", "body", "expected"),
    [
        ({"body": ["plain"]}, "plain", True),
        ({"body": [{"prefix": "pl"}]}, "plain", True),
        ({"body": ["plain"]}, "other", False),
        ({"body": {"a": ["b"]}}, '{"a": "b"}', True),
        ({"body.a": ["b"]}, '{"a": "b"}', True),
        ({"body": {"a": [{"exists": False}]}}, "plain", False),
        ({"body": {"a": [{"exists": False}]}}, '{"b": 1}', True),
        ({"body": [{"exists": False}]}, '{"a": "b"}', False),
        ({"body": [5]}, "5", False),
        ({"body": ["5"]}, "5", False),
        ({"body": [{"anything-but": "x"}]}, "[1, 2]", False),
        ({"body": [None]}, "null", False),
        ({"body": ["NaN"]}, "NaN", True),  # no JSON, as RFC 8259 has it
        ({"body": {"a": [1]}}, '[{"a": 1}]', True),
        ({"messageId": ["1"]}, "plain", True),
        ({"messageId": ["1"]}, '{"a": "b"}', True),
        ({"messageId": ["2"]}, "plain", False),
        ({"$or": [{"body": ["plain"]}, {"body": {"a": ["b"]}}]}, "plain", True),
        ({"$or": [{"body": ["plain"]}, {"body": {"a": ["b"]}}]}, '{"a": "b"}', True),
        ({"attributes": {"MessageGroupId": ["g"]}, "body": {"a": [1]}}, '{"a": 1}', True),
    ],
)
def test_a_body_of_another_format_than_its_filter_is_dropped(
    pattern: Any, body: str, expected: bool
) -> None:
    record = {"messageId": "1", "body": body, "attributes": {"MessageGroupId": "g"}}
    assert wanted(json.dumps(pattern), record, source=QUEUE) is expected


# "Using event filtering with a DynamoDB event source", the same table: the mapping is not made.
@rows("pattern", [{"dynamodb": ["x"]}, {"dynamodb": [{"exists": True}], "eventName": ["INSERT"]}])
def test_a_filter_of_a_stream_takes_its_data_as_an_object(pattern: Any) -> None:
    with pytest.raises(EmulatorError, match="dynamodb"):
        wanted(json.dumps(pattern), {}, source=TABLE)


def test_a_field_below_many_arrays_and_objects_is_found_without_recursion() -> None:
    deep: Any = {"b": "x"}
    for _ in range(400):
        deep = {"c": [deep], "d": 1}
    assert not wanted('{"a": {"b": ["x"]}}', {"a": deep})
    nested: Any = {"b": "x"}
    for _ in range(5_000):
        nested = [nested]
    assert wanted('{"a": {"b": ["x"]}}', {"a": nested})
