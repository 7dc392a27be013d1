"""CreateTable and UpdateTable, and keys that do not fit a table in a transaction or a batch.

Sources: DynamoDB API reference, CreateTable, UpdateTable; of keys, what
github.com/paritysuite/dynamodb-conformance/pull/46 and /pull/60 have recorded of the service.
"""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.rows import rows

KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
G = {"AttributeName": "g", "KeyType": "HASH"}
CAPACITY = {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}
DEFINITIONS = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "g")]

VECTORS = {
    "IndexName": "near",
    "VectorAttribute": {"AttributeName": "v"},
    "Projection": {"ProjectionType": "ALL"},
    "Dimensions": 2,
    "DistanceFunction": "COSINE",
}


def index(name: str, key: str = "g") -> dict[str, Any]:
    schema = [{"AttributeName": key, "KeyType": "HASH"}]
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}


def created(dynamodb: Any, **more: Any) -> str:
    name = f"t-{uuid.uuid4()}"
    given = {
        "KeySchema": KEYS,
        "AttributeDefinitions": DEFINITIONS,
        "GlobalSecondaryIndexes": [index("by-g")],
        **more,
    }
    present = {each: value for each, value in given.items() if value is not None}
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **present)
    return name


@pytest.fixture(scope="module")
def dynamodb(aws: str) -> Any:
    return boto3.client("dynamodb", endpoint_url=aws)


@pytest.fixture(scope="module")
def table(dynamodb: Any) -> str:
    return created(dynamodb)


def rejected(call: Any, *args: Any, **given: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as found:
        call(*args, **given)
    error = found.value.response["Error"]
    return error["Code"], error["Message"]


@rows(
    ("given", "text"),
    [
        ({"KeySchema": None}, "Value null at 'keySchema' failed to satisfy constraint"),
        ({"AttributeDefinitions": None}, "Value null at 'attributeDefinitions' failed"),
        (
            {"KeySchema": None, "AttributeDefinitions": None, "GlobalTableSourceArn": "arn:t"},
            "GlobalTableSourceArn is not supported here",
        ),
        ({"VectorIndexes": [VECTORS]}, "VectorIndexes is not supported here"),
        ({"GlobalSecondaryIndexes": [index(f"g{n:02d}") for n in range(21)]}, "limit of 20"),
        ({"KeySchema": KEYS[::-1]}, "The first KeySchemaElement is not a HASH key type"),
        ({"KeySchema": [KEYS[0], {**KEYS[1], "KeyType": "HASH"}]}, "The second KeySchemaElement"),
        ({"KeySchema": [KEYS[0], {**KEYS[0], "KeyType": "RANGE"}]}, "have the same name"),
        ({"GlobalSecondaryIndexes": [{**index("by-g"), "KeySchema": KEYS[::-1]}]}, "The first"),
        ({"GlobalSecondaryIndexes": [index("by-g"), index("by-g")]}, "Duplicate index name: by-g"),
        ({"GlobalSecondaryIndexes": [index("a b")]}, "regular expression pattern"),
        (
            {"GlobalSecondaryIndexes": [{**index("by-g"), "KeySchema": [G, KEYS[0]]}]},
            "several attributes in a key of an index are not supported here",
        ),
        *(
            ({"GlobalSecondaryIndexes": [{**index("by-g"), "Projection": projection}]}, text)
            for projection, text in (
                ({}, "Unknown ProjectionType: null"),
                ({"ProjectionType": "SOME"}, "enum value set"),
                ({"ProjectionType": "INCLUDE"}, "NonKeyAttributes is not specified"),
                ({"ProjectionType": "ALL", "NonKeyAttributes": ["v"]}, "is ALL, but NonKey"),
            )
        ),
        ({"GlobalSecondaryIndexes": [{**index("by-g"), **CAPACITY}]}, "for index: by-g when"),
        (
            {"KeySchema": KEYS[:1], "LocalSecondaryIndexes": [{**index("lsi"), "KeySchema": KEYS}]},
            "does not have a range key, which is required",
        ),
        ({"LocalSecondaryIndexes": [index("lsi", "pk")]}, "not have a range key for index: lsi"),
        (
            {"LocalSecondaryIndexes": [{**index("lsi"), "KeySchema": [G, KEYS[1]]}]},
            "index hash key: g, table hash key: pk",
        ),
        ({"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "L"}]}, "[S, N, B]"),
        ({"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "ALL"}}, "enum value"),
        ({"StreamSpecification": {"StreamEnabled": True}}, "StreamViewType"),
    ],
)
def test_a_table_that_dynamodb_does_not_make(
    dynamodb: Any, given: dict[str, Any], text: str
) -> None:
    code, message = rejected(created, dynamodb, **given)
    assert code == "ValidationException" and text in message


INDEXES = "GlobalSecondaryIndexUpdates"
UPDATES: list[tuple[dict[str, Any], str]] = [
    ({}, "ValidationException"),
    ({"BillingMode": "PROVISIONED"}, "ValidationException"),
    ({INDEXES: [{"Delete": {"IndexName": "none"}}]}, "ResourceNotFoundException"),
    ({INDEXES: [{"Create": index("by-g")}]}, "ValidationException"),
    ({INDEXES: [{"Create": index("by-h", "h")}]}, "ValidationException"),
    ({INDEXES: [{"Create": index("one")}, {"Create": index("two")}]}, "LimitExceededException"),
]


@pytest.mark.parametrize(("given", "code"), UPDATES)
def test_an_update_that_dynamodb_rejects(
    dynamodb: Any, table: str, given: dict[str, Any], code: str
) -> None:
    assert rejected(dynamodb.update_table, TableName=table, **given)[0] == code


def test_an_update_that_defines_an_attribute_keeps_the_others(dynamodb: Any) -> None:
    name = created(dynamodb)
    dynamodb.update_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "h", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index("by-h", "h")}],
    )
    found = dynamodb.describe_table(TableName=name)["Table"]["AttributeDefinitions"]
    assert {each["AttributeName"] for each in found} == {"pk", "sk", "g", "h"}


def texts(**given: str) -> dict[str, Any]:
    return {name: {"S": value} for name, value in given.items()}


NUMBER = {"N": "1"}
ITEM = texts(pk="a", sk="b")
UNFIT: list[tuple[dict[str, Any], str]] = [
    ({"Put": {"Item": {**ITEM, "g": NUMBER}}}, "Type mismatch for Index Key g"),
    ({"Put": {"Item": {**ITEM, "sk": NUMBER}}}, "Type mismatch for key sk expected: S actual: N"),
    ({"Put": {"Item": texts(pk="a")}}, "Missing the key sk in the item"),
    ({"Delete": {"Key": {**ITEM, "pk": NUMBER}}}, "key element does not match the schema"),
    ({"Delete": {"Key": texts(pk="a")}}, "key element does not match the schema"),
]


@pytest.mark.parametrize(("action", "text"), UNFIT)
def test_a_key_of_another_type_cancels_its_transaction(
    dynamodb: Any, table: str, action: dict[str, Any], text: str
) -> None:
    ((kind, part),) = action.items()
    fits = {"Put": {"TableName": table, "Item": texts(pk="fits", sk="b")}}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as found:
        dynamodb.transact_write_items(TransactItems=[fits, {kind: {"TableName": table, **part}}])
    first, second = found.value.response["CancellationReasons"]
    assert (first["Code"], second["Code"]) == ("None", "ValidationError")
    assert text in second["Message"]
    assert "[None, ValidationError]" in found.value.response["Error"]["Message"]


@pytest.mark.parametrize("item", [{**ITEM, "g": {"S": ""}}, texts(pk="", sk="b")])
def test_an_empty_key_rejects_its_transaction(
    dynamodb: Any, table: str, item: dict[str, Any]
) -> None:
    put = {"Put": {"TableName": table, "Item": item}}
    code, message = rejected(dynamodb.transact_write_items, TransactItems=[put])
    assert code == "ValidationException" and "empty string" in message


@pytest.mark.parametrize("item", [{**ITEM, "sk": NUMBER}, texts(pk="a")])
def test_an_item_of_a_batch_with_another_key_does_not_match(
    dynamodb: Any, table: str, item: dict[str, Any]
) -> None:
    requests = {table: [{"PutRequest": {"Item": item}}]}
    code, message = rejected(dynamodb.batch_write_item, RequestItems=requests)
    assert (code, message) == (
        "ValidationException",
        "The provided key element does not match the schema",
    )
