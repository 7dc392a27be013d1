"""Requests that are not as the service's model has them: they get a 400, and never a 5xx, which
SDKs would repeat.

Source: DynamoDB developer guide, "Error handling with DynamoDB" (status codes); the services' models.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from tests.rows import rows

HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request,"
    " SignedHeaders=host, Signature=x",
}
KEY = {"pk": {"S": "a"}}
SHAPE, VALUE = "SerializationException", "ValidationException"


def sent(url: str, target: str, body: bytes) -> tuple[int, str]:
    request = urllib.request.Request(url, body, {**HEADERS, "X-Amz-Target": target})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, ""
    except urllib.error.HTTPError as error:
        text = error.read()
        assert text.startswith(b"{"), text
        return error.code, json.loads(text).get("__type", "").rpartition("#")[2]


@pytest.fixture(scope="module")
def url(aws: str) -> str:
    table = {
        "TableName": "malformed",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    assert sent(aws, "DynamoDB_20120810.CreateTable", json.dumps(table).encode())[0] == 200
    return aws


T = {"TableName": "malformed"}
ROWS: list[tuple[str, Any, str]] = [
    ("BatchWriteItem", {"RequestItems": {"malformed": [{"PutRequest": {}}]}}, VALUE),
    ("BatchWriteItem", {"RequestItems": {"malformed": [{"DeleteRequest": {}}]}}, VALUE),
    ("BatchWriteItem", {"RequestItems": {"malformed": ["x"]}}, SHAPE),
    ("BatchWriteItem", {"RequestItems": {"malformed": 5}}, SHAPE),
    ("BatchWriteItem", {"RequestItems": []}, SHAPE),
    ("BatchGetItem", {"RequestItems": {"malformed": {"Keys": ["x"]}}}, SHAPE),
    ("BatchGetItem", {"RequestItems": {"malformed": []}}, SHAPE),
    ("GetItem", {**T, "Key": {"pk": []}}, SHAPE),
    ("GetItem", T, VALUE),
    ("GetItem", {"TableName": ["malformed"], "Key": KEY}, SHAPE),
    ("GetItem", {"Key": KEY}, VALUE),
    ("PutItem", {**T, "Item": "x"}, SHAPE),
    ("PutItem", T, VALUE),
    ("UpdateItem", {**T, "UpdateExpression": "SET a = :v"}, VALUE),
    ("UpdateItem", {**T, "Key": KEY, "UpdateExpression": ["SET a = :v"]}, SHAPE),
    ("DeleteItem", {**T, "Key": 5}, SHAPE),
    ("Query", {**T, "Limit": "x"}, SHAPE),
    ("Query", {**T, "Limit": [1]}, SHAPE),
    ("Scan", {**T, "Limit": {}}, SHAPE),
    ("Scan", {**T, "ExclusiveStartKey": "x"}, SHAPE),
    ("TransactWriteItems", {"TransactItems": [["x"]]}, SHAPE),
    ("TransactWriteItems", {"TransactItems": [{"Put": "x"}]}, SHAPE),
    ("TransactWriteItems", {"TransactItems": [{"Put": T}]}, VALUE),
    ("TransactWriteItems", {"TransactItems": {"Put": T}}, SHAPE),
    ("TransactWriteItems", {"TransactItems": [{"Put": T}], "ClientRequestToken": 5}, SHAPE),
    ("TransactGetItems", {"TransactItems": [5]}, SHAPE),
]


@rows(("operation", "body", "code"), ROWS)
def test_a_malformed_request_to_dynamodb_is_the_callers_fault(
    url: str, operation: str, body: Any, code: str
) -> None:
    found = sent(url, f"DynamoDB_20120810.{operation}", json.dumps(body).encode())
    assert found == (400, code)


@rows("target", ["DynamoDB_20120810.GetItem", "AmazonSQS.SendMessage"])
@rows("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_of_json_is_the_callers_fault(
    url: str, target: str, body: bytes
) -> None:
    assert sent(url, target, body) == (400, SHAPE)


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("SendMessage", {"QueueUrl": 5, "MessageBody": "x"}),
        ("SendMessage", {"QueueUrl": "q", "MessageBody": "x", "MessageAttributes": ["x"]}),
        ("SendMessageBatch", {"QueueUrl": "q", "Entries": ["x"]}),
        ("SendMessageBatch", {"QueueUrl": "q", "Entries": 5}),
        ("ReceiveMessage", {"QueueUrl": ["q"]}),
        ("DeleteMessageBatch", {"QueueUrl": "q", "Entries": ["x"]}),
    ],
)
def test_a_malformed_request_to_sqs_is_the_callers_fault(
    url: str, operation: str, body: Any
) -> None:
    status, _ = sent(url, f"AmazonSQS.{operation}", json.dumps(body).encode())
    assert status == 400
