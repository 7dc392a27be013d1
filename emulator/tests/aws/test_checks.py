"""What DynamoDB, SQS and SNS reject, and how numbers are stored: the checks alone, then a server.

Sources: DynamoDB developer guide, "Constraints in Amazon DynamoDB"; the API references.
"""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rows import rows

from emulator.aws.checks import dynamodb, sqs
from emulator.aws.checks.dynamodb import Schema
from emulator.aws.checks.rejection import Rejection
from emulator.aws.checks.values import checked, number

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
TABLE = Schema(
    ("pk", "sk"),
    {"pk": "S", "sk": "S", "g": "S"},
    {"by_g": ("g",)},
)


@rows(
    ("text", "stored"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("-0", "0"),
        ("0.000", "0"),
        ("007", "7"),
        ("+5", "5"),
        ("5.", "5"),
        (".5", "0.5"),
        ("0.10", "0.1"),
        ("-1.500", "-1.5"),
        ("1e2", "100"),
        ("1E-5", "0.00001"),
        ("1" * 38, "1" * 38),
        ("1" * 38 + "000", "1" * 38 + "000"),
        ("9" * 38 + "e88", "9" * 38 + "0" * 88),
        ("1e125", "1" + "0" * 125),
        ("1e-130", "0." + "0" * 129 + "1"),
    ],
)
def test_a_number_is_stored_without_needless_zeros_and_exponents(text: str, stored: str) -> None:
    assert number(text) == stored


@rows(
    ("text", "sentence"),
    [
        *((text, "cannot be converted") for text in ("", "abc", "NaN", "Infinity", " 5", "5 ")),
        *((text, "cannot be converted") for text in ("1_0", "0x1", "١", "1e", "--1", ".", "1,5")),
        ("1" * 39, "more than 38 significant digits"),
        ("1e126", "Number overflow"),
        ("-1e126", "Number overflow"),
        ("1e-131", "Number underflow"),
    ],
)
def test_what_is_no_number_of_dynamodb_is_rejected(text: str, sentence: str) -> None:
    with pytest.raises(Rejection, match=sentence):
        number(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, max_value=10**12))
def test_a_stored_number_is_the_same_number_and_stays_as_it_is(value: Decimal) -> None:
    stored = number(str(value))
    assert Decimal(stored) == value
    assert number(stored) == stored


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "x"}
    for _ in range(levels):
        value = {"M": {"a": value}}
    return value


@rows(
    ("value", "sentence"),
    [
        ({}, "is empty"),
        ({"X": "a"}, "is empty"),
        ({"S": "a", "N": "1"}, "more than one datatypes"),
        ({"SS": []}, "may not be empty"),
        ({"NS": []}, "may not be empty"),
        ({"BS": []}, "may not be empty"),
        ({"SS": ["a", "a"]}, r"Input collection \[a, a\] contains duplicates"),
        ({"NS": ["1", "1.0"]}, r"Input collection \[1, 1\] contains duplicates"),
        ({"NS": ["x"]}, "cannot be converted"),
        ({"NULL": False}, "must have the value of true"),
        ({"L": [{"N": "x"}]}, "cannot be converted"),
        ({"M": {"a": {"SS": []}}}, "may not be empty"),
        *(({kind: None}, "Unexpected value") for kind in ("S", "N", "B", "BOOL", "L", "M", "SS")),
        ({"BOOL": "x"}, "Unexpected value"),
        ({"L": {}}, "Unexpected value"),
        ({"M": []}, "Unexpected value"),
        ({"S": 5}, "Unexpected value"),
        ("a", "Unexpected value"),
        (nested(33), "Nesting Levels"),
    ],
)
def test_a_value_of_another_form_is_rejected(value: Any, sentence: str) -> None:
    with pytest.raises(Rejection, match=sentence):
        checked(value)


def test_a_value_within_the_limits_is_taken() -> None:
    values: list[Any] = [{"S": ""}, {"B": ""}, {"L": []}, {"M": {}}, {"NULL": True}, nested(32)]
    assert [checked(value) for value in values] == values


def rejection(operation: str, **given: Any) -> str:
    with pytest.raises(Rejection) as found:
        dynamodb.check(operation, {"TableName": "t", **given}, lambda _name: TABLE)
    return found.value.message


def keys(count: int) -> list[dict[str, Any]]:
    return [{"pk": {"S": "a"}, "sk": {"S": str(n)}} for n in range(count)]


ASKED = {"KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}}
PUT, DELETE = {"PutRequest": {"Item": KEY}}, {"DeleteRequest": {"Key": KEY}}


@rows(
    ("operation", "given", "sentence"),
    [
        ("BatchWriteItem", {"RequestItems": {"t": [{"DeleteRequest": {"Key": key}} for key in keys(26)]}}, "Too many items"),
        ("BatchWriteItem", {"RequestItems": {}}, "greater than or equal to 1"),
        ("BatchWriteItem", {"RequestItems": {"t": []}}, "greater than or equal to 1"),
        ("BatchWriteItem", {"RequestItems": {"t": [PUT, PUT]}}, "contains duplicates"),
        ("BatchWriteItem", {"RequestItems": {"t": [PUT, DELETE]}}, "contains duplicates"),
        ("BatchGetItem", {"RequestItems": {"t": {"Keys": keys(101)}}}, "Too many items"),
        ("BatchGetItem", {"RequestItems": {"t": {"Keys": []}}}, "greater than or equal to 1"),
        ("BatchGetItem", {"RequestItems": {"t": {"Keys": [KEY, KEY]}}}, "contains duplicates"),
        ("TransactWriteItems", {"TransactItems": []}, "greater than or equal to 1"),
        ("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "t", "Item": key}} for key in keys(101)]}, "less than or equal to 100"),
        ("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "t", "Item": KEY}}], "ClientRequestToken": "t" * 37}, "less than or equal to 36"),
        ("GetItem", {"Key": {"pk": {"S": "a"}}}, "does not match the schema"),
        ("GetItem", {"Key": {**KEY, "x": {"S": "a"}}}, "does not match the schema"),
        ("GetItem", {"Key": {**KEY, "pk": {"N": "1"}}}, "does not match the schema"),
        ("GetItem", {"Key": {**KEY, "pk": {"S": "x" * 2049}}}, "limit of2048 bytes"),
        ("DeleteItem", {"Key": {**KEY, "sk": {"S": "ä" * 513}}}, "limit of1024 bytes"),
        ("PutItem", {"Item": {**KEY, "g": {"N": "5"}}}, "Type mismatch for Index Key g"),
        ("PutItem", {"Item": {**KEY, "g": {"S": "x" * 2049}}}, "limit of2048 bytes IndexName: by_g"),
        ("Query", {**ASKED, "Limit": 0}, "'limit'"),
        ("Scan", {"Limit": 0}, "'limit'"),
        ("Query", {**ASKED, "ExclusiveStartKey": {"pk": {"S": "a"}}}, "starting key is invalid"),
        ("Query", {**ASKED, "ExclusiveStartKey": {**KEY, "x": {"S": "a"}}}, "starting key is invalid"),
        ("Query", {**ASKED, "ExclusiveStartKey": {**KEY, "sk": {"N": "1"}}}, "starting key is invalid"),
        ("Query", {**ASKED, "ExclusiveStartKey": {**KEY, "pk": {"S": "b"}}}, "outside query boundaries"),
        ("Query", {**ASKED, "IndexName": "by_g", "ExclusiveStartKey": KEY}, "starting key is invalid"),
        ("Query", {**ASKED, "FilterExpression": "sk = :a"}, "Primary key attribute: sk"),
        ("Query", {**ASKED, "FilterExpression": "a = :a AND #k = :a", "ExpressionAttributeNames": {"#k": "pk"}}, "Primary key attribute: pk"),
        ("UpdateItem", {"Key": KEY, "UpdateExpression": "SET a = :v" + " " * 4096}, "expression size: 4106"),
        ("UpdateItem", {"Key": KEY, "UpdateExpression": ""}, "can not be empty"),
        ("PutItem", {"Item": KEY, "ConditionExpression": " "}, "can not be empty"),
        ("UpdateItem", {"Key": KEY, "UpdateExpression": "SET #a = :v"}, "attribute name: #a"),
        ("UpdateItem", {"Key": KEY, "UpdateExpression": "SET a = :v", "ExpressionAttributeNames": {}}, "must not be empty"),
        ("PutItem", {"Item": KEY, "ConditionExpression": "attribute_exists(a)", "Expected": {"a": {}}}, "Can not use both"),
        ("PutItem", {"Item": KEY, "ConditionExpression": f"a IN ({', '.join([':v'] * 101)})", "ExpressionAttributeValues": {":v": {"S": "a"}}}, "number of operands: 101"),
        ("PutItem", {"Item": KEY, "ConditionExpression": "begins_with(a, :n)", "ExpressionAttributeValues": {":n": {"N": "1"}}}, "operand type: N"),
        ("Query", {"KeyConditionExpression": "pk = :a AND sk BETWEEN :b AND :a", "ExpressionAttributeValues": {":a": {"S": "a"}, ":b": {"S": "b"}}}, "upper bound"),
        ("PutItem", {"Item": KEY, "ConditionExpression": "a BETWEEN :a AND :b", "ExpressionAttributeValues": {":a": {"S": "a"}, ":b": {"N": "1"}}}, "same data type"),
        ("PutItem", {"Item": KEY, "ConditionExpression": "contains(a, a)"}, "must be distinct"),
        ("PutItem", {"Item": KEY, "ConditionExpression": "a = :a"}, "attribute value: :a"),
        ("PutItem", {"Item": KEY, "ConditionExpression": "attribute_exists(a)", "ExpressionAttributeValues": {":a": {"S": "a"}}}, "unused in expressions: keys: {:a}"),
        ("PutItem", {"Item": KEY, "ExpressionAttributeValues": {":a": {"S": "a"}}}, "only be specified when using expressions"),
        ("GetItem", {"Key": KEY, "ProjectionExpression": "a", "ExpressionAttributeNames": {"#a": "b"}}, "unused in expressions: keys: {#a}"),
        ("GetItem", {"Key": KEY, "ProjectionExpression": "a.b, a"}, "path one: [a, b], path two: [a]"),
        ("GetItem", {"Key": KEY, "ProjectionExpression": "#l, l[0]", "ExpressionAttributeNames": {"#l": "l"}}, "path one: [l], path two: [l, [0]]"),
        ("Query", {**ASKED, "KeyConditionExpression": "pk = :a AND sk <> :a"}, "KeyConditionExpression: <>"),
        ("Query", {**ASKED, "KeyConditionExpression": "pk = :a or sk = :a"}, "KeyConditionExpression: OR"),
        ("Query", {**ASKED, "KeyConditionExpression": "(pk = :a)or(sk = :a)"}, "KeyConditionExpression: OR"),
        ("Query", {**ASKED, "KeyConditionExpression": "NOT pk = :a"}, "KeyConditionExpression: NOT"),
        ("Query", {**ASKED, "KeyConditionExpression": "pk = :a AND sk IN(:a)"}, "KeyConditionExpression: IN"),
        ("Query", {**ASKED, "KeyConditionExpression": "pk = :a AND sk > :a AND sk < :a"}, "one condition per key"),
        ("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "t", "Item": KEY, "ConditionExpression": "a = :a"}}]}, "attribute value: :a"),
    ],
)  # fmt: skip
def test_a_request_that_dynamodb_rejects(operation: str, given: Any, sentence: str) -> None:
    assert sentence in rejection(operation, **given)


@rows(
    ("operation", "given"),
    [
        ("BatchWriteItem", {"RequestItems": {"t": [{"DeleteRequest": {"Key": key}} for key in keys(25)]}}),
        ("BatchGetItem", {"RequestItems": {"t": {"Keys": keys(100)}}}),
        ("Query", {**ASKED, "FilterExpression": "a.sk = :a AND contains(members, :a)", "ExclusiveStartKey": KEY}),
        ("Query", {**ASKED, "IndexName": "by_g", "ExclusiveStartKey": {**KEY, "g": {"S": "a"}}}),
        ("PutItem", {"Item": {**KEY, "g": {"S": "x"}}, "ConditionExpression": "a BETWEEN :b AND :a", "ExpressionAttributeValues": {":a": {"N": "10"}, ":b": {"N": "9"}}}),
        ("GetItem", {"Key": {"pk": {"S": "x" * 2048}, "sk": {"S": "y" * 1024}}}),
        ("GetItem", {"Key": KEY, "ProjectionExpression": "a.b, a.c, l[0], l[1], ab"}),
        ("Query", {**ASKED, "KeyConditionExpression": "pk = :a AND begins_with(#k, :a)", "ExpressionAttributeNames": {"#k": "sk"}}),
        ("Query", {**ASKED, "KeyConditionExpression": "(pk = :a) AND (sk between :a and :a)"}),
        ("Query", {"KeyConditionExpression": "pk = :in AND sk > :not", "ExpressionAttributeValues": {":in": {"S": "a"}, ":not": {"S": "a"}}}),
        ("Query", {**ASKED, "KeyConditionExpression": "#in = :a AND #or = :a", "ExpressionAttributeNames": {"#in": "pk", "#or": "sk"}}),
        ("PutItem", {"Item": KEY, "ConditionExpression": "contains(a, :a) OR :a = a", "ExpressionAttributeValues": {":a": {"S": "a"}}}),
    ],
)  # fmt: skip
def test_a_request_within_the_limits_is_taken(operation: str, given: Any) -> None:
    dynamodb.check(operation, {"TableName": "t", **given}, lambda _name: TABLE)


@pytest.mark.parametrize(("count", "fits"), [(2048, True), (2049, False)])
def test_bytes_are_measured_as_bytes_and_not_as_base64(count: int, fits: bool) -> None:
    data = base64.b64encode(bytes(count)).decode()
    key, schema = {"b": {"B": data}}, Schema(("b",), {"b": "B"}, {})
    assert dynamodb.size({"M": {"B": {"B": data}}}) == dynamodb.size({"BS": [data]}) == count
    if fits:
        dynamodb.check("GetItem", {"TableName": "t", "Key": key}, lambda _name: schema)
        return
    with pytest.raises(Rejection, match="limit of2048 bytes"):
        dynamodb.check("GetItem", {"TableName": "t", "Key": key}, lambda _name: schema)


def attributes(count: int, value: str) -> dict[str, Any]:
    return {f"a{n}": {"DataType": "String", "StringValue": value} for n in range(count)}


@rows(
    ("message", "code"),
    [
        ({"MessageBody": ""}, "MissingParameter"),
        ({"MessageBody": "a\x00"}, "InvalidMessageContents"),
        ({"MessageBody": "\ufffe"}, "InvalidMessageContents"),
        ({"MessageBody": "x" * 1_048_577}, "InvalidParameterValue"),
        ({"MessageBody": "ä" * 524_289}, "InvalidParameterValue"),
        ({"MessageBody": "x", "MessageGroupId": ""}, "InvalidParameterValue"),
        ({"MessageBody": "x", "MessageGroupId": "a b"}, "InvalidParameterValue"),
        ({"MessageBody": "x", "MessageGroupId": "ä"}, "InvalidParameterValue"),
        ({"MessageBody": "x", "MessageGroupId": "x" * 129}, "InvalidParameterValue"),
        ({"MessageBody": "x", "MessageDeduplicationId": "a\n"}, "InvalidParameterValue"),
        ({"MessageBody": "x", "DelaySeconds": -1}, "InvalidParameterValue"),
        ({"MessageBody": "x", "DelaySeconds": 901}, "InvalidParameterValue"),
        ({"MessageBody": "x", "MessageAttributes": attributes(11, "v")}, "InvalidParameterValue"),
        ({"MessageBody": "x", "MessageAttributes": attributes(1, "")}, "InvalidParameterValue"),
    ],
)
def test_a_message_that_sqs_rejects(message: Any, code: str) -> None:
    with pytest.raises(Rejection) as found:
        sqs.check("SendMessage", message)
    assert found.value.code == code


@pytest.mark.parametrize("operation", ["ReceiveMessage", "ChangeMessageVisibility"])
@pytest.mark.parametrize("seconds", [-1, 43_201])
def test_a_visibility_timeout_has_bounds(operation: str, seconds: int) -> None:
    with pytest.raises(Rejection):
        sqs.check(operation, {"VisibilityTimeout": seconds})
    sqs.check(operation, {"VisibilityTimeout": 0})


def test_a_message_within_the_limits_is_taken() -> None:
    sqs.check("SendMessage", {"MessageBody": "x", "MessageAttributes": attributes(10, "v")})
    signs = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~azAZ09"
    sqs.check("SendMessage", {"MessageBody": "\t\r\n\U0001f600", "MessageGroupId": signs})
    sqs.check("SendMessage", {"MessageBody": "x" * 1_048_576})
