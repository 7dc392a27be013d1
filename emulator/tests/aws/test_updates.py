"""UpdateItem by every route of the emulator: moto's tree, the direct assignments, the old parameters.

Source: "Constraints in Amazon DynamoDB", developer guide: an item has at most 400 KB.
"""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.rows import rows

KEY = {"pk": {"S": "a"}}
HALF, WHOLE = {"S": "y" * 250_000}, {"S": "y" * 420_000}


class Table:
    """One table with a stream."""

    def __init__(self, url: str) -> None:
        self.client: Any = boto3.client("dynamodb", endpoint_url=url)
        self.streams: Any = boto3.client("dynamodbstreams", endpoint_url=url)
        self.name = f"t-{uuid.uuid4()}"
        made = self.client.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self._stream = made["TableDescription"]["LatestStreamArn"]

    def put(self, **attributes: Any) -> None:
        self.client.put_item(TableName=self.name, Item={**KEY, **attributes})

    def update(self, expression: str, **values: Any) -> None:
        named = {"ExpressionAttributeValues": {f":{name}": v for name, v in values.items()}}
        self.client.update_item(
            TableName=self.name,
            Key=KEY,
            UpdateExpression=expression,
            **(named if values else {}),
        )

    def item(self) -> Any:
        return self.client.get_item(TableName=self.name, Key=KEY).get("Item")

    def records(self) -> int:
        stream = self.streams.describe_stream(StreamArn=self._stream)["StreamDescription"]
        iterator = self.streams.get_shard_iterator(
            StreamArn=self._stream,
            ShardId=stream["Shards"][0]["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]
        return len(self.streams.get_records(ShardIterator=iterator)["Records"])


@pytest.fixture
def table(aws: str) -> Table:
    return Table(aws)


@pytest.mark.parametrize(
    "expression",
    [
        "SET big = :v",
        "SET big = :v REMOVE gone",
        "REMOVE big SET second_one = :v",
        "SET second_one = :v REMOVE big",  # whichever stands first
        "SET nested.inner_one = :v REMOVE big",
    ],
)
def test_an_update_whose_result_fits_is_done(table: Table, expression: str) -> None:
    table.put(big={"S": "x" * 250_000}, gone={"S": "1"}, nested={"M": {}})
    table.update(expression, v=HALF)
    item = table.item()
    assert HALF in (item.get("big"), item.get("second_one"), item["nested"]["M"].get("inner_one"))


@pytest.mark.parametrize("there", [True, False], ids=["an item", "a new key"])
@pytest.mark.parametrize(
    "expression",
    [
        "SET big = :v",
        "SET n = :v REMOVE gone",
        "SET n = n + :v",
        "SET second_one = :v, nested.inner_one = :v",
        "SET n = :v ADD gone :v",
    ],
)
def test_a_rejected_update_leaves_all_as_it_was(table: Table, expression: str, there: bool) -> None:
    if there:
        table.put(gone={"S": "1"}, n={"N": "1"}, nested={"M": {"inner_one": {"S": "1"}}})
    before, records = table.item(), table.records()
    with pytest.raises(ClientError):
        table.update(expression, v=WHOLE)
    assert (table.item(), table.records()) == (before, records)


def test_the_old_parameters_have_the_same_limit(table: Table) -> None:
    table.put(big={"S": "x" * 250_000})

    def put(value: Any) -> None:
        changes = {"big": {"Action": "PUT", "Value": value}}
        table.client.update_item(TableName=table.name, Key=KEY, AttributeUpdates=changes)

    put(HALF)
    assert table.item()["big"] == HALF
    with pytest.raises(ClientError, match="size"):
        put(WHOLE)
    assert table.item()["big"] == HALF


@pytest.mark.parametrize(
    "expression",
    [
        "SET a = b",
        "SET a = b REMOVE c",
        "SET a = if_not_exists(b, :v)",
        "SET a = if_not_exists(b, :v) REMOVE c",
    ],
)
@pytest.mark.parametrize(
    ("value", "change", "changed"),
    [
        ({"M": {"x": {"N": "1"}}}, "SET a.x = :to", {"M": {"x": {"N": "2"}}}),
        ({"L": [{"N": "1"}]}, "SET a[0] = :to", {"L": [{"N": "2"}]}),
        ({"M": {"y": {"M": {}}}}, "SET a.y.x = :to", {"M": {"y": {"M": {"x": {"N": "2"}}}}}),
        ({"NS": ["1"]}, "ADD a :set", {"NS": ["1", "2"]}),
    ],
)
def test_an_attribute_that_was_set_to_another_changes_alone(
    table: Table, expression: str, value: Any, change: str, changed: Any
) -> None:
    table.put(b=value, c={"N": "1"})
    table.update(expression, **({"v": {"N": "0"}} if ":v" in expression else {}))
    table.update(change, **({"set": {"NS": ["2"]}} if ":set" in change else {"to": {"N": "2"}}))
    assert (table.item()["a"], table.item()["b"]) == (changed, value)


def test_attributes_that_are_set_to_one_value_change_alone(table: Table) -> None:
    one, two = {"SS": ["x"]}, {"SS": ["x", "y"]}
    table.put(l={"L": [{"N": "1"}]})
    table.update("SET a = :s, b = :s", s=one)
    table.update("ADD a :z REMOVE l[0]", z={"SS": ["y"]})
    assert (table.item()["a"], table.item()["b"]) == (two, one)


def test_parts_of_a_list_that_was_appended_to_change_alone(table: Table) -> None:
    table.put(b={"L": [{"M": {}}]})
    table.update("SET a = list_append(b, :v)", v={"L": []})
    table.update("SET a[0].x = :v", v={"N": "2"})
    assert table.item()["b"] == {"L": [{"M": {}}]}


@pytest.mark.parametrize(
    "expression",
    ["SET n.x = :v", "SET l.x = :v", "SET m[0] = :v", "REMOVE n.x", "REMOVE l.x", "ADD m.y.z :v"],
)
def test_a_path_that_does_not_fit_the_item_is_rejected(table: Table, expression: str) -> None:
    """docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html: "the
    document path provided in the update expression is invalid for update"."""
    table.put(n={"N": "1"}, l={"L": []}, m={"M": {"y": {"N": "1"}}})
    with pytest.raises(ClientError, match=r"document path .* is invalid"):
        table.update(expression, **({"v": {"N": "1"}} if ":v" in expression else {}))


@pytest.mark.parametrize(
    "expression", ["SET n = (n + :v)", "SET n = (if_not_exists(n, :v)) + (:v)"]
)
def test_a_sum_may_stand_in_parentheses(table: Table, expression: str) -> None:
    table.put(n={"N": "1"})
    table.update(expression, v={"N": "2"})
    assert table.item()["n"] == {"N": "3"}


@rows(
    ("expression", "name", "is_then"),
    [
        ("SET l[9] = :v", "l", {"L": [{"N": "1"}, {"B": b"x"}, {"N": "2"}]}),
        ("SET m.n = :v", "m", {"M": {"b": {"B": b"x"}, "n": {"N": "2"}}}),
        ("REMOVE l[0]", "l", {"L": [{"B": b"x"}]}),
    ],
)
def test_a_path_is_changed_beside_bytes(
    table: Table, expression: str, name: str, is_then: Any
) -> None:
    table.put(b={"B": b"x"}, l={"L": [{"N": "1"}, {"B": b"x"}]}, m={"M": {"b": {"B": b"x"}}})
    table.update(expression, **({"v": {"N": "2"}} if ":v" in expression else {}))
    assert table.item()[name] == is_then
