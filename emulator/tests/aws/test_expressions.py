"""Expressions of DynamoDB that AWS rejects before it looks at an item, and those that it takes.

Source: DynamoDB developer guide, "Condition and filter expressions, operators, and functions".
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.rows import rows

from emulator.aws.checks import dynamodb
from emulator.aws.checks.dynamodb import Schema
from emulator.aws.checks.rejection import Rejection

KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
TABLE = Schema(("pk", "sk"), {"pk": "S", "sk": "N", "g": "S"}, {"by_g": ("g",)})
VALUES = {
    ":s": {"S": "a"},
    ":x": {"S": "X"},
    ":n": {"N": "1"},
    ":b": {"BOOL": True},
    ":m": {"M": {}},
    ":e": {"S": ""},
}


def given(name: str, text: str) -> dict[str, Any]:
    values = {value: VALUES[value] for value in VALUES if value in text}
    found: dict[str, Any] = {name: text, "TableName": "t"}
    return found | ({"ExpressionAttributeValues": values} if values else {})


def check(operation: str, name: str, text: str, **more: Any) -> None:
    dynamodb.check(operation, {**given(name, text), **more}, lambda _name: TABLE)


WRONG_CONDITIONS = {
    "a = = :s": 'Syntax error; token: "="',
    "a =": 'Syntax error; token: "<EOF>"',
    "a": 'Syntax error; token: "<EOF>"',
    "(a = :s": 'token: "<EOF>"',
    "a = :s)": 'token: ")"',
    "a = :s AND AND a = :s": 'token: "AND"',
    "a = :s b": 'token: "b"',
    "a = 5": 'token: "5"',
    "a..b = :s": 'token: "."',
    "a[b] = :s": 'token: "b"',
    "a-b = :s": 'token: "-"',
    "a IN :s": 'token: ":s"',
    "a BETWEEN :s, :s": 'token: ","',
    "exists(a)": "Invalid function name; function: exists",
    "ATTRIBUTE_EXISTS(a)": "Invalid function name",
    "if_not_exists(a, :s)": "not allowed in a condition expression; function: if_not_exists",
    "size(a)": "not allowed to be used this way in an expression; function: size",
    "a = attribute_exists(b)": "used this way in an expression; function: attribute_exists",
    "begins_with(a)": "operator or function: begins_with, number of operands: 1",
    "contains(a, :s, :s)": "number of operands: 3",
    "attribute_exists(size(a))": "requires a document path; operator or function: attribute_exists",
    "attribute_exists(:s)": "requires a document path",
    "attribute_type(a, :x)": "Invalid attribute type name found; type: X",
    "attribute_type(a, :n)": "attribute_type, operand type: N",
    "a < :b": "operator or function: <, operand type: BOOL",
    "a >= :m": "operator or function: >=, operand type: M",
    "a BETWEEN :b AND :b": "operator or function: BETWEEN, operand type: BOOL",
    "size(:n) = :n": "operator or function: size, operand type: N",
    "begins_with(a, :n)": "begins_with, operand type: N",
    ":s = :s": "must be distinct",
    "a = a": "operator: =, first operand: [a]",
    "name = :s": "reserved keyword: name",
    "a.status = :s": "reserved keyword: status",
    # of dynalite's tests, which run against the service as well
    "((a = :s))": "has redundant parentheses",
    "a > ((b))": "has redundant parentheses",
    "(a) BETWEEN (((b.c)).d) AND (c)": "has redundant parentheses",
    "a = :s AND ((a = :s AND (a = :s AND a = :s)))": "has redundant parentheses",
    "(a) = :s)": 'token: ")"',
    "a = (:s": 'token: "<EOF>"',
    # of Scylla's tests, which run against the service as well: test/alternator/test_limits.py
    " AND ".join(["a<b"] * 151): "contains too many operators; operator count: 301",
    "a<b " + "or (a<b " * 454 + ")" * 454: "contains too many operators; operator count: 301",
    "not " * 1000 + "a<b": "contains too many operators; operator count: 301",
    "(" * 4000: "Syntax error; ",
}


@rows("text", WRONG_CONDITIONS, ids=lambda text: text[:60])
def test_a_condition_that_aws_rejects(text: str) -> None:
    for operation, name in (("PutItem", "ConditionExpression"), ("Scan", "FilterExpression")):
        with pytest.raises(Rejection) as found:
            check(operation, name, text, **({"Item": KEY} if operation == "PutItem" else {}))
        assert found.value.message.startswith(f"Invalid {name}: ")
        assert WRONG_CONDITIONS[text] in found.value.message


@rows(
    "text",
    [
        "a = :s",
        ":s = a",
        "a.b[0].c[1][2] <> :s",
        "NOT a = :s",
        "not (a = :s or b <> :n) and attribute_not_exists(c)",
        "a = :b OR a = :m",
        "size(a) > :n",
        "size(:s) = size(a)",
        "a BETWEEN :n AND :n AND b IN (:s, :n, c)",
        "begins_with(a, :s) AND contains(a, b)",
        "attribute_type(a, :s)".replace(":s", ":t"),
        "a_b = :s AND _c = :s",
        # "a total of 299 `<` and `or` operators": Scylla, test/alternator/test_limits.py
        " AND ".join(["a<b"] * 150),
        "a<b " + "or (a<b " * 149 + ")" * 149,
        " OR ".join(["a BETWEEN b AND c"] * 150),
    ],
    ids=lambda text: text[:60],
)
def test_a_condition_that_aws_takes(text: str) -> None:
    request = {**given("ConditionExpression", text), "Item": KEY}
    if ":t" in text:
        request["ExpressionAttributeValues"] = {":t": {"S": "SS"}}
    dynamodb.check("PutItem", request, lambda _name: TABLE)


# parentheses: dynalite, db/projectionParser.pegjs
@pytest.mark.parametrize(
    "text", ["a,,b", "a b", ",a", "a,", "a(b)", "a, name", "(a)", "(m).x", "(m.x)", "b, ((m)[0])"]
)
def test_a_projection_that_aws_rejects(text: str) -> None:
    with pytest.raises(Rejection, match="Invalid ProjectionExpression: "):
        check("GetItem", "ProjectionExpression", text, Key=KEY)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("pk = :n", "type does not match schema type"),
        ("pk = :s AND sk > :s", "type does not match schema type"),
        ("pk = :s AND sk BETWEEN :s AND :s", "type does not match schema type"),
        ("pk = :s AND begins_with(sk, :s)", "type does not match schema type"),
        ("pk = :s AND begins_with(sk, :n)", "operand type: N"),
        ("pk = :e", "cannot contain an empty string value. Key: pk"),
        # of dynalite's tests
        ("pk = :s AND size(sk) > :n", "cannot contain nested operations"),
        ("pk = :s AND :n < size(sk)", "cannot contain nested operations"),
    ],
)
def test_a_key_condition_has_values_of_the_keys_types(text: str, sentence: str) -> None:
    with pytest.raises(Rejection, match=sentence):
        check("Query", "KeyConditionExpression", text)
    check("Query", "KeyConditionExpression", "pk = :s AND sk > :n")
    check("Query", "KeyConditionExpression", "g = :s", IndexName="by_g")


# docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
WRONG_UPDATES = {
    "SET a = a + :n + :n": 'token: "+"',
    "SET a = (a + :n) + :n": 'token: "+"',
    "SET a = (((a)))": 'token: "("',
    "SET (a) = :n": 'token: "("',
    "REMOVE (a)": 'token: "("',
    "ADD a (:n)": 'token: "("',
    "ADD a b": 'token: "b"',
    "ADD a = :n": 'token: "="',
    "SET a": 'token: "<EOF>"',
    "SET a = :n,": 'token: "<EOF>"',
    "SET a = :n; SET b = :n": 'token: ";"',
    "a = :n": 'token: "a"',
    "SET a = :n SET b = :n": 'The "SET" section can only be used once',
    "SET a = size(b)": "Invalid function name; function: size",
    "SET a = list_append(a)": "operator or function: list_append, number of operands: 1",
    "SET a = status": "reserved keyword: status",
    "SET " + ", ".join(f"a{n}=b+c" for n in range(301)): "operator count: 301",
}


@rows("text", WRONG_UPDATES, ids=lambda text: text[:40])
def test_an_update_that_aws_rejects(text: str) -> None:
    with pytest.raises(Rejection) as found:
        check("UpdateItem", "UpdateExpression", text, Key=KEY)
    assert found.value.message.startswith("Invalid UpdateExpression: ")
    assert WRONG_UPDATES[text] in found.value.message


@rows(
    ("name", "text", "plain"),
    [
        # the parentheses of dynalite's grammars
        ("ConditionExpression", "(size(a)) = :n", "size(a) = :n"),
        ("ConditionExpression", "(a)between(:n)and(:n)", "a between :n and :n"),
        ("ConditionExpression", "a = (:s) OR (a) IN (:n, (:s))", "a = :s OR a IN (:n, :s)"),
        ("ConditionExpression", "contains((a), (:s))", "contains(a, :s)"),
        ("ConditionExpression", "((a.b)[0].c) = :n", "a.b[0].c = :n"),
        ("ConditionExpression", "NOT ((a = :s) OR (b) = :s)", "NOT ((a = :s) OR b = :s)"),
        ("UpdateExpression", "SET a = (b + :n)", "SET a = b + :n"),
        ("UpdateExpression", "SET a = (b) - (:n), b = ((c))", "SET a = b - :n, b = c"),
        ("UpdateExpression", "SET a = (if_not_exists((a), (:n)))", "SET a = if_not_exists(a, :n)"),
        ("UpdateExpression", "SET a = :n\n\tREMOVE  b", "SET a = :n REMOVE b"),
        ("UpdateExpression", "SET a=b+:n,c[0].d=:n", "SET a=b+:n,c[0].d=:n"),
        # "attribute = :a" and its like may be turned
        ("KeyConditionExpression", ":s = pk", "pk = :s"),
        ("KeyConditionExpression", "(:n) <= sk AND pk = :s", "sk >= :n AND pk = :s"),
        (
            "KeyConditionExpression",
            ":s = pk AND sk BETWEEN :n AND (:n)",
            "pk = :s AND sk BETWEEN :n AND :n",
        ),
    ],
)
def test_an_expression_is_written_without_what_says_nothing(
    name: str, text: str, plain: str
) -> None:
    operation = {"U": "UpdateItem", "C": "DeleteItem", "K": "Query"}[name[0]]
    request = {**given(name, text), **({} if operation == "Query" else {"Key": KEY})}
    dynamodb.check(operation, request, lambda _name: TABLE)
    assert request[name] == plain


PUT = {"Put": {"TableName": "t", "Item": KEY}}
SAME = {"TableName": "t", "Key": {"pk": {"S": "a"}, "sk": {"N": "1.0"}}}
LARGE = {"pk": {"S": "a"}, "v": {"S": "x" * 390_000}}


@rows(
    ("operation", "request_", "sentence"),
    [
        ("TransactWriteItems", {"TransactItems": [PUT, {"Delete": SAME}]}, "multiple operations"),
        ("TransactGetItems", {"TransactItems": [{"Get": SAME}] * 2}, "multiple operations"),
        ("TransactWriteItems", {"TransactItems": [{**PUT, "Delete": SAME}]}, "only contain one of"),
        ("TransactWriteItems", {"TransactItems": [{}]}, "only contain one of"),
        ("TransactWriteItems", {"TransactItems": [{"ConditionCheck": SAME}]}, "must not be null"),
        (
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"Item": {**LARGE, "sk": {"N": str(n)}}}} for n in range(11)]},
            "has exceeded 4 MB",
        ),
        ("BatchWriteItem", {"RequestItems": {"t": [{}]}}, "either a PutRequest or a DeleteRequest"),
        ("BatchGetItem", {"RequestItems": {"t": {"Keys": [{**KEY, "pk": {"S": ""}}]}}}, "Key: pk"),
        ("GetItem", {"Key": {**KEY, "pk": {"S": ""}}}, "empty string value. Key: pk"),
        ("PutItem", {"Item": {**KEY, "": {"S": "a"}}}, "length of an attribute name"),
        ("PutItem", {"Item": {**KEY, "a" * 65_536: {"S": "a"}}}, "length of an attribute name"),
        (
            "UpdateItem",
            {"Key": KEY, "AttributeUpdates": {"a": {"Action": "SET", "Value": {"N": "1"}}}},
            "enum value set: [ADD, PUT, DELETE]",
        ),
        (
            "UpdateItem",
            {"Key": KEY, "AttributeUpdates": {"pk": {"Value": {"S": "b"}}}},
            "Cannot update attribute pk",
        ),
    ],
)  # fmt: skip
def test_a_request_that_aws_rejects(operation: str, request_: Any, sentence: str) -> None:
    with pytest.raises(Rejection) as found:
        dynamodb.check(operation, {"TableName": "t", **request_}, lambda _name: TABLE)
    assert sentence in found.value.message
