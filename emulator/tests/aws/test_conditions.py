"""Conditions, filters and the parameters that were there before expressions, over every type.

Sources: "Comparison operator and function reference" and "Legacy DynamoDB conditional parameters",
developer guide; the cases are of the kinds that dynalite's tests (github.com/architect/dynalite),
which run against DynamoDB as well, have for Scan, Query, PutItem and UpdateItem.
"""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.rows import rows

VALUES: dict[str, dict[str, Any]] = {
    "text": {"S": "abc"},
    "number": {"N": "3"},
    "bytes": {"B": b"abc"},
    "true": {"BOOL": True},
    "null": {"NULL": True},
    "texts": {"SS": ["abc", "d"]},
    "numbers": {"NS": ["3", "10"]},
    "list": {"L": [{"S": "abc"}, {"N": "3"}, {"BOOL": True}]},
    "map": {"M": {"x": {"N": "3"}}},
}
# (filter, its value, the items that pass it)
FILTERS: list[tuple[str, dict[str, Any], str]] = [
    ("v < :x", {"N": "10"}, "number"),
    ("v <= :x", {"N": "3.0"}, "number"),
    ("v > :x", {"S": "abb"}, "text"),
    ("v >= :x", {"B": b"abc"}, "bytes"),
    ("v = :x", {"N": "1"}, ""),  # true is no 1
    ("v = :x", {"BOOL": True}, "true"),
    ("v = :x", {"S": "YWJj"}, ""),  # nor are bytes their base64
    ("v = :x", {"NULL": True}, "null"),  # what is not there is no NULL
    ("v = :x", {"NS": ["10.0", "3"]}, "numbers"),
    ("v = :x", {"M": {"x": {"N": "3"}}}, "map"),
    ("v <> :x", {"N": "3"}, "text bytes true null texts numbers list map absent"),
    ("v BETWEEN :x AND :x", {"S": "abc"}, "text"),
    ("v IN (:x)", {"B": b"abc"}, "bytes"),
    ("contains(v, :x)", {"S": "abc"}, "text texts list"),
    ("contains(v, :x)", {"S": "b"}, "text"),
    ("contains(v, :x)", {"N": "3"}, "numbers list"),
    ("contains(v, :x)", {"BOOL": True}, "list"),
    ("contains(v, :x)", {"B": b"bc"}, "bytes"),
    ("begins_with(v, :x)", {"S": "ab"}, "text"),
    ("begins_with(v, :x)", {"B": b"ab"}, "bytes"),
    ("size(v) = :x", {"N": "3"}, "text bytes list"),
    ("size(v) = :x", {"N": "1"}, "map"),
    ("size(v) >= :x", {"N": "0"}, "text bytes texts numbers list map"),
]
# (ComparisonOperator, its values, the items that pass it)
OLD: list[tuple[str, list[dict[str, Any]], str]] = [
    ("LT", [{"N": "10"}], "number"),
    ("CONTAINS", [{"S": "abc"}], "text texts list"),
    ("NOT_CONTAINS", [{"S": "abc"}], "number bytes true null numbers map absent"),
    ("IN", [{"S": "abc"}, {"S": "d"}], "text"),
    ("BETWEEN", [{"N": "1"}, {"N": "4"}], "number"),
    ("NULL", [], "absent"),
    ("NOT_NULL", [], " ".join(VALUES)),
]


class Table:
    def __init__(self, url: str) -> None:
        options = Config(parameter_validation=False, retries={"total_max_attempts": 1})
        self.client: Any = boto3.client("dynamodb", endpoint_url=url, config=options)
        self.client.create_table(
            TableName="conditions",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for name, value in (*VALUES.items(), ("absent", None)):
            item = {"pk": {"S": name}} | ({"v": value} if value else {})
            self.client.put_item(TableName="conditions", Item=item)

    def passing(self, **options: Any) -> set[str]:
        items = self.client.scan(TableName="conditions", **options)["Items"]
        return {item["pk"]["S"] for item in items}


@pytest.fixture(scope="module")
def table(aws: str) -> Table:
    return Table(aws)


@pytest.mark.parametrize(("filter_", "value", "passing"), FILTERS)
def test_a_comparison_is_of_one_type(
    table: Table, filter_: str, value: dict[str, Any], passing: str
) -> None:
    asked = {"FilterExpression": filter_, "ExpressionAttributeValues": {":x": value}}
    assert table.passing(**asked) == set(passing.split())
    if passing:
        request = {"TableName": "conditions", "ConditionExpression": filter_}
        for name in (*VALUES, "absent"):
            item = {"pk": {"S": name}} | ({"v": VALUES[name]} if name in VALUES else {})
            put = {**request, "Item": item, "ExpressionAttributeValues": {":x": value}}
            if name in passing.split():
                table.client.put_item(**put)
            else:
                with pytest.raises(ClientError, match="ConditionalCheckFailedException"):
                    table.client.put_item(**put)


@pytest.mark.parametrize(("operator", "values", "passing"), OLD)
def test_an_old_filter_says_what_its_expression_would(
    table: Table, operator: str, values: list[dict[str, Any]], passing: str
) -> None:
    condition = {"ComparisonOperator": operator, "AttributeValueList": values}
    assert table.passing(ScanFilter={"v": condition}) == set(passing.split())


def test_old_conditions_count_one_or_all(table: Table) -> None:
    item = {"pk": {"S": "old"}, "a": {"N": "1"}}
    table.client.put_item(TableName="conditions", Item=item)
    right, wrong = {"Value": {"N": "1"}}, {"Exists": True, "Value": {"N": "2"}}
    either: dict[str, Any] = {"Expected": {"a": right, "pk": wrong}}
    put = {"TableName": "conditions", "Item": item}
    table.client.put_item(**put, **either, ConditionalOperator="OR")
    with pytest.raises(ClientError, match="ConditionalCheckFailedException"):
        table.client.put_item(**put, **either)
    with pytest.raises(ClientError, match="ConditionalCheckFailedException"):
        absent = {"TableName": "conditions", "Key": {"pk": {"S": "nobody"}}}
        table.client.delete_item(**absent, Expected={"a": right})
    table.client.delete_item(TableName="conditions", Key={"pk": {"S": "old"}})


def test_old_updates_do_what_their_expression_would(table: Table) -> None:
    key = {"TableName": "conditions", "Key": {"pk": {"S": "updated"}}}

    def updated(**updates: dict[str, Any]) -> Any:
        asked = {"AttributeUpdates": updates, "ReturnValues": "ALL_NEW"}
        found = table.client.update_item(**key, **asked)["Attributes"]
        return {name: value for name, value in found.items() if name != "pk"}

    first = updated(
        n={"Action": "ADD", "Value": {"N": "1"}},
        b={"Action": "ADD", "Value": {"BS": [b"a", b"b"]}},
        li={"Action": "ADD", "Value": {"L": [{"N": "1"}]}},
        s={"Value": {"S": "x"}},
    )
    assert first == {
        "n": {"N": "1"},
        "b": {"BS": [b"a", b"b"]},
        "li": {"L": [{"N": "1"}]},
        "s": {"S": "x"},
    }
    second = updated(
        b={"Action": "DELETE", "Value": {"BS": [b"a"]}},
        li={"Action": "ADD", "Value": {"L": [{"N": "2"}]}},
        s={"Action": "DELETE"},
    )
    assert second == {"n": {"N": "1"}, "b": {"BS": [b"b"]}, "li": {"L": [{"N": "1"}, {"N": "2"}]}}
    table.client.delete_item(**key)


# Source: Alternator's test_update_item_non_existent, which runs against the service as well.
@pytest.mark.parametrize(
    ("update", "made"),
    [
        ({"AttributeUpdates": {"v": {"Action": "DELETE"}}}, False),
        ({"AttributeUpdates": {"v": {"Action": "DELETE", "Value": {"SS": ["x"]}}}}, False),
        ({"UpdateExpression": "REMOVE v"}, False),
        ({"UpdateExpression": "remove #set", "ExpressionAttributeNames": {"#set": "v"}}, False),
        ({"AttributeUpdates": {}}, True),
        ({}, True),
        ({"AttributeUpdates": {"v": {"Action": "ADD", "Value": {"N": "1"}}}}, True),
        (
            {
                "UpdateExpression": "REMOVE v set w = :n",
                "ExpressionAttributeValues": {":n": {"N": "1"}},
            },
            True,
        ),
    ],
)
def test_an_update_that_only_removes_makes_no_item(
    table: Table, update: dict[str, Any], made: bool
) -> None:
    key = {"TableName": "conditions", "Key": {"pk": {"S": "removed"}}}
    found = table.client.update_item(**key, **update, ReturnValues="ALL_NEW")
    assert ("Attributes" in found) is made
    assert ("Item" in table.client.get_item(**key)) is made
    table.client.delete_item(**key)


@pytest.mark.parametrize(
    "update",
    [
        {"Action": "ADD", "Value": {"N": "1"}},
        {"Action": "ADD", "Value": {"SS": ["x"]}},
        {"Action": "ADD", "Value": {"L": []}},
        {"Action": "DELETE", "Value": {"SS": ["x"]}},
    ],
)
def test_an_old_update_of_an_attribute_of_another_type_is_rejected(
    table: Table, update: dict[str, Any]
) -> None:
    key: dict[str, Any] = {"TableName": "conditions", "Key": {"pk": {"S": "typed"}}}
    table.client.put_item(TableName="conditions", Item={**key["Key"], "v": {"S": "x"}})
    with pytest.raises(
        ClientError, match=r"ValidationException.*Type mismatch for attribute to update"
    ):
        table.client.update_item(**key, AttributeUpdates={"v": update})
    table.client.delete_item(**key)


@rows(
    ("condition", "message"),
    [
        ({}, "Value must be provided when Exists is null for Attribute: v"),
        ({"Exists": False, "Value": {"N": "1"}}, "Value cannot be used when Exists is false"),
        ({"Exists": True, "ComparisonOperator": "EQ"}, "Exists and ComparisonOperator cannot be"),
        ({"AttributeValueList": [{"N": "1"}]}, "can only be used with a ComparisonOperator"),
        ({"Value": {"N": "1"}, "AttributeValueList": []}, "Value and AttributeValueList cannot be"),
        ({"ComparisonOperator": "EQ"}, r"Invalid number of argument\(s\) for the EQ Comp"),
        ({"ComparisonOperator": "BETWEEN", "Value": {"N": "1"}}, "for the BETWEEN ComparisonOp"),
        ({"ComparisonOperator": "LT", "Value": {"BOOL": True}}, "LT is not valid for BOOL"),
        ({"ComparisonOperator": "IN", "AttributeValueList": [{"N": "1"}, {"S": "1"}]}, "same type"),
        ({"ComparisonOperator": "EQ", "Value": {"N": "x"}}, "cannot be converted to a numeric"),
        ({"ComparisonOperator": "LIKE", "Value": {"N": "1"}}, "enum value set"),
    ],
)
def test_an_invalid_old_condition_is_rejected(
    table: Table, condition: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=rf"ValidationException.*{message}"):
        table.client.delete_item(
            TableName="conditions", Key={"pk": {"S": "x"}}, Expected={"v": condition}
        )


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"v": ("EQ", {"N": "1"})}, "missed key schema element: pk"),
        ({"pk": ("GT", {"S": "a"})}, "Query key condition not supported"),
        ({"pk": ("NE", {"S": "a"})}, "not an indexable operation"),
        ({"pk": ("EQ", {"S": "a"}), "v": ("EQ", {"N": "1"})}, "Query key condition not supported"),
    ],
)
def test_old_key_conditions_are_of_keys(
    table: Table, conditions: dict[str, tuple[str, Any]], message: str
) -> None:
    given = {
        name: {"ComparisonOperator": operator, "AttributeValueList": [value]}
        for name, (operator, value) in conditions.items()
    }
    with pytest.raises(ClientError, match=rf"ValidationException.*{message}"):
        table.client.query(TableName="conditions", KeyConditions=given)


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"Action": "PUT"}, "Only DELETE action is allowed when no attribute value"),
        ({"Action": "DELETE", "Value": {"S": "x"}}, "DELETE action with value is not supported"),
        ({"Action": "ADD", "Value": {"S": "x"}}, "ADD action is not supported for the type S"),
    ],
)
def test_an_invalid_old_update_is_rejected(
    table: Table, update: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=rf"ValidationException.*{message}"):
        table.client.update_item(
            TableName="conditions", Key={"pk": {"S": "x"}}, AttributeUpdates={"v": update}
        )
