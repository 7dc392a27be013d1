"""The Condition element: every operator against values that match, that do not, and none.

UG is docs.aws.amazon.com/IAM/latest/UserGuide/.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.rows import rows

from emulator.iam import conditions, documents

KEY = "aws:Some"


class Operator(NamedTuple):
    """A value in the policy, and values of requests that match it and that do not."""

    name: str
    wanted: str
    matching: tuple[str, ...]
    others: tuple[str, ...]


# UG reference_policies_elements_condition_operators.html
OPERATORS = [
    Operator("StringEquals", "Ravi", ("Ravi",), ("ravi", "Rav", "")),
    Operator("StringEquals", "R*", ("R*",), ("Ravi",)),
    Operator("StringEqualsIgnoreCase", "Ravi", ("ravi", "RAVI"), ("raju",)),
    Operator("StringLike", "R*v?", ("Ravi", "Rv1"), ("ravi", "Rav")),
    Operator("StringLike", "", ("",), ("a",)),
    Operator("NumericEquals", "10", ("10", "10.0", "1e1"), ("11", "ten", "1_0", "\u0661\u0660")),
    Operator("NumericLessThan", "10", ("-.5",), ("-inf", "nan", "")),
    Operator("NumericLessThan", "10", ("9", "-1"), ("10", "11", "ten")),
    Operator("NumericLessThanEquals", "10", ("9", "10"), ("10.5",)),
    Operator("NumericGreaterThan", "10", ("11",), ("10", "9")),
    Operator("NumericGreaterThanEquals", "10", ("10", "11"), ("9",)),
    Operator("DateEquals", "2026-01-01T00:00:00Z", ("2026-01-01T00:00:00Z", "1767225600"), ("2026-01-02T00:00:00Z", "never")),
    Operator("DateLessThan", "2026-01-01", ("2025-12-31T23:59:59Z",), ("2026-01-01T00:00:00Z",)),
    Operator("DateLessThanEquals", "2026-01-01", ("2026-01-01T00:00:00Z",), ("2026-01-01T00:00:01Z",)),
    Operator("DateGreaterThan", "2026-01-01T00:00:00+01:00", ("2025-12-31T23:00:01Z",), ("2025-12-31T23:00:00Z",)),
    Operator("DateLessThan", "2026-02", ("2026-01-31T23:59:59Z",), ("2026-02-01T00:00:00Z",)),
    Operator("DateGreaterThanEquals", "1767225600", ("2026-01-01T00:00:00Z",), ("2025-12-31T00:00:00Z",)),
    Operator("Bool", "true", ("true", "True"), ("false", "")),
    Operator("BinaryEquals", "QmluYXJ5", ("QmluYXJ5",), ("Qmlu",)),
    Operator("IpAddress", "203.0.113.0/24", ("203.0.113.5",), ("203.0.114.5", "none")),
    Operator("IpAddress", "203.0.113.5", ("203.0.113.5",), ("203.0.113.6",)),
    Operator("IpAddress", "2001:db8::/32", ("2001:db8::1",), ("2001:db9::1", "203.0.113.5")),
    Operator("ArnEquals", "arn:aws:sns:*:1:t*", ("arn:aws:sns:us-east-1:1:topic",), ("arn:aws:sns:us-east-1:1:q", "arn:aws:sns:us-east-1:1")),
    Operator("ArnLike", "arn:aws:execute-api:us-east-1:1:api/*$connect", ("arn:aws:execute-api:us-east-1:1:api/dev/$connect",), ("arn:aws:execute-api:us-east-1:1:other/dev/$connect",)),
    Operator("ArnLike", "arn:aws:s*:t", ("arn:aws:sns:t",), ("arn:aws:sns:us-east-1:1:t",)),
]  # fmt: skip
NEGATED = {
    "StringEquals": "StringNotEquals",
    "StringEqualsIgnoreCase": "StringNotEqualsIgnoreCase",
    "StringLike": "StringNotLike",
    "NumericEquals": "NumericNotEquals",
    "DateEquals": "DateNotEquals",
    "IpAddress": "NotIpAddress",
    "ArnEquals": "ArnNotEquals",
    "ArnLike": "ArnNotLike",
}


def met(operator: str, wanted: list[str], *given: str) -> bool:
    return conditions.read(operator, KEY, wanted).met({KEY.lower(): given} if given else {})


@rows("row", OPERATORS, ids=[f"{row.name} {row.wanted}" for row in OPERATORS])
def test_an_operator_compares_as_it_is_documented(row: Operator) -> None:
    for value in row.matching:
        assert met(row.name, [row.wanted], value), value
        assert met(row.name, ["00000000", row.wanted], value), "values of one key are joined by OR"
    for value in row.others:
        assert not met(row.name, [row.wanted], value), value


def test_every_operator_is_in_the_table() -> None:
    named = {row.name.lower() for row in OPERATORS}
    assert named | {each.lower() for each in NEGATED.values()} == set(conditions.COMPARISONS)


@rows("row", [row for row in OPERATORS if row.name in NEGATED])
def test_a_negated_operator_holds_where_no_value_matches(row: Operator) -> None:
    negated = NEGATED[row.name]
    for value in row.others:
        assert met(negated, [row.wanted], value), value
    for value in row.matching:
        assert not met(negated, [row.wanted], value), value
        assert not met(negated, ["00000000", row.wanted], value), "joined by NOR"


@rows("name", sorted({row.name for row in OPERATORS}))
def test_a_key_that_is_not_there_matches_nothing(name: str) -> None:
    """UG: "the values do not match and the condition is false. If the policy condition requires
    that the key is not matched, … the condition is true"."""
    assert not met(name, ["1"])
    assert met(f"{name}IfExists", ["1"])
    assert met(f"ForAllValues:{name}", ["1"])
    assert not met(f"ForAnyValue:{name}", ["1"])
    if name in NEGATED:
        assert met(NEGATED[name], ["1"])
        assert met(f"{NEGATED[name]}IfExists", ["1"])
        assert not met(f"ForAnyValue:{NEGATED[name]}", ["1"])


def test_null_asks_whether_a_key_is_there() -> None:
    assert met("Null", ["true"]) and not met("Null", ["true"], "x")
    assert met("Null", ["false"], "x") and not met("Null", ["false"])
    assert met("Null", ["true", "false"], "x") and met("Null", ["false", "true"], "x"), "OR"
    assert not met("Null", [], "x")


@rows(
    ("operator", "wanted", "given", "expected"),
    [
        # UG reference_policies_condition-single-vs-multi-valued-context-keys.html
        ("ForAllValues:StringEquals", ["a", "b"], ["a"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
        ("ForAllValues:StringNotEquals", ["a", "b"], ["c", "d"], True),
        ("ForAllValues:StringNotEquals", ["a", "b"], ["c", "a"], False),
        ("ForAnyValue:StringEquals", ["a", "b"], ["c", "a"], True),
        ("ForAnyValue:StringEquals", ["a", "b"], ["c", "d"], False),
        ("ForAnyValue:StringNotEquals", ["a", "b"], ["c", "a"], True),
        ("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "b"], False),
        ("ForAnyValue:StringLike", ["a*"], ["b", "ab"], True),
        ("ForAllValues:StringLikeIfExists", ["a*"], ["ab"], True),
        # an empty text counts as no value
        ("ForAllValues:StringEquals", ["a"], [""], True),
        ("ForAllValues:StringEquals", ["a"], ["", "b"], False),
        ("ForAnyValue:StringLike", ["*"], [""], False),
        ("ForAnyValue:StringNotEquals", ["a"], [""], False),
        # without a quantifier: one that matches is enough, and too much for a negated operator
        ("StringEquals", ["a"], ["b", "a"], True),
        ("StringNotEquals", ["a"], ["b", "a"], False),
    ],
)
def test_keys_of_many_values_are_quantified(
    operator: str, wanted: list[str], given: list[str], expected: bool
) -> None:
    assert met(operator, wanted, *given) is expected


def test_keys_and_operators_are_in_any_case_and_variables_are_replaced() -> None:
    context = {"aws:principaltag/team": ["r*d"], "s3:prefix": ["r*d"]}
    condition = conditions.read("STRINGLIKE", "S3:Prefix", ["${aws:PrincipalTag/Team}"])
    assert condition.met(context)
    assert not condition.met({**context, "s3:prefix": ["reed"]}), "a value's wildcards are literal"
    assert condition.keys == {"s3:prefix", "aws:principaltag/team"}


def test_a_variable_without_a_value_matches_nothing_and_its_absence_neither() -> None:
    for operator in ("StringEquals", "StringNotEquals"):
        assert not conditions.read(operator, KEY, ["${aws:PrincipalTag/no}"]).met(
            {"aws:some": ["x"]}
        )


def test_without_the_newer_version_a_variable_is_text() -> None:
    """UG reference_policies_elements_version.html: "variables such as ${aws:username} aren't
    recognized as variables and are instead treated as literal strings"."""
    context = {"aws:username": ["ravi"]}
    for version, given, expected in (
        ("2012-10-17", "ravi", True),
        ("2012-10-17", "${aws:username}", False),
        ("2008-10-17", "ravi", False),
        ("2008-10-17", "${aws:username}", True),
    ):
        statement = {
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:Some": "${aws:username}"}},
        }
        (found,) = documents.read("p", {"Version": version, "Statement": statement})
        asked = {**context, "aws:some": [given]}
        assert found.applies("s3:GetObject", "arn:aws:s3:::b/k", asked) is expected
        assert ("aws:username" in found.keys) is (version == "2012-10-17")
