"""Listings of what moto holds come in pages, and a walk through them finds everything once."""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

WALKS = [
    ("s3", "list_buckets", "Buckets", "MaxBuckets", "ContinuationToken", "ContinuationToken"),
    ("kms", "list_keys", "Keys", "Limit", "Marker", "NextMarker"),
    ("kms", "list_aliases", "Aliases", "Limit", "Marker", "NextMarker"),
    (
        "dynamodb",
        "list_tables",
        "TableNames",
        "Limit",
        "ExclusiveStartTableName",
        "LastEvaluatedTableName",
    ),
    (
        "dynamodbstreams",
        "list_streams",
        "Streams",
        "Limit",
        "ExclusiveStartStreamArn",
        "LastEvaluatedStreamArn",
    ),
]


def client(service: Any, aws: str) -> Any:
    return boto3.client(service, endpoint_url=aws)


def make_three(service: str, aws: str) -> None:
    for _ in range(3):
        name = f"n-{uuid.uuid4()}"
        if service == "s3":
            client("s3", aws).create_bucket(Bucket=name)
        elif service == "kms":
            key = client("kms", aws).create_key()["KeyMetadata"]["KeyId"]
            client("kms", aws).create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
        else:
            client("dynamodb", aws).create_table(
                TableName=name,
                KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
                StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            )


@pytest.mark.parametrize(("service", "operation", "field", "limit", "token", "next_token"), WALKS)
def test_pages_of_two_have_everything_once(
    aws: str, service: str, operation: str, field: str, limit: str, token: str, next_token: str
) -> None:
    make_three(service, aws)
    call = getattr(client(service, aws), operation)
    whole, found, given = call()[field], [], {limit: 2}
    assert len(whole) > 2
    while True:
        page = call(**given)
        assert len(page[field]) <= 2
        found += page[field]
        if next_token not in page:
            break
        given[token] = page[next_token]
    assert found == whole


@pytest.mark.parametrize(
    ("service", "operation", "given", "code"),
    [
        ("s3", "list_buckets", {"ContinuationToken": "%"}, "InvalidArgument"),
        ("kms", "list_keys", {"Marker": "%"}, "InvalidMarkerException"),
        ("kms", "list_aliases", {"Marker": "%"}, "InvalidMarkerException"),
    ],
)
def test_a_token_that_no_page_had_is_an_error(
    aws: str, service: str, operation: str, given: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as failed:
        getattr(client(service, aws), operation)(**given)
    assert failed.value.response["Error"]["Code"] == code


def test_tables_are_listed_after_a_name_that_none_has(aws: str) -> None:
    """As dynalite's tests of ListTables have it, which run against the service as well."""
    make_three("dynamodb", aws)
    tables = client("dynamodb", aws)
    names = tables.list_tables()["TableNames"]
    assert names == sorted(names)
    after = names[1] + "-"
    assert tables.list_tables(ExclusiveStartTableName=after)["TableNames"] == names[2:]
