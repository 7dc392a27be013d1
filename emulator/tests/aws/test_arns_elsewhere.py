"""An ARN of another region, or another account, names nothing that is here."""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

CALLS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("secretsmanager", "get_secret_value", "SecretId", {}),
    ("secretsmanager", "put_secret_value", "SecretId", {"SecretString": "y"}),
    ("kms", "describe_key", "KeyId", {}),
    ("kms", "encrypt", "KeyId", {"Plaintext": b"x"}),
    ("kms", "list_resource_tags", "KeyId", {}),
    ("kms", "list_aliases", "KeyId", {}),
    ("kms", "get_key_rotation_status", "KeyId", {}),
    (
        "kms",
        "create_grant",
        "KeyId",
        {"GranteePrincipal": "arn:aws:iam::123456789012:role/r", "Operations": ["Decrypt"]},
    ),
    ("kms", "list_grants", "KeyId", {}),
    ("kms", "revoke_grant", "KeyId", {"GrantId": "g"}),
    ("kms", "retire_grant", "KeyId", {"GrantId": "g"}),
    ("alias", "describe_key", "KeyId", {}),
    ("dynamodbstreams", "describe_stream", "StreamArn", {}),
    (
        "dynamodbstreams",
        "get_shard_iterator",
        "StreamArn",
        {"ShardIteratorType": "LATEST"},
    ),
    ("dynamodb", "put_item", "TableName", {"Item": {"a": {"S": "x"}}}),
    ("dynamodb", "list_tags_of_resource", "ResourceArn", {}),
    ("sns", "get_topic_attributes", "TopicArn", {}),
    ("sns", "publish", "TopicArn", {"Message": "x"}),
    ("ssm", "get_parameter", "Name", {}),
]


@pytest.fixture(scope="module")
def arns(aws: str) -> dict[str, str]:
    def client(service: Any) -> Any:
        return boto3.client(service, endpoint_url=aws)

    name = f"n-{uuid.uuid4()}"
    key = client("kms").create_key()["KeyMetadata"]
    client("kms").create_alias(AliasName=f"alias/{name}", TargetKeyId=key["KeyId"])
    table = client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    client("ssm").put_parameter(Name=f"/{name}", Value="x", Type="String")
    return {
        "secretsmanager": client("secretsmanager").create_secret(Name=name, SecretString="x")[
            "ARN"
        ],
        "kms": key["Arn"],
        "alias": f"arn:aws:kms:us-east-1:123456789012:alias/{name}",
        "dynamodb": table["TableArn"],
        "dynamodbstreams": table["LatestStreamArn"],
        "sns": client("sns").create_topic(Name=name)["TopicArn"],
        "ssm": client("ssm").get_parameter(Name=f"/{name}")["Parameter"]["ARN"],
    }


@pytest.mark.parametrize(
    ("part", "other"), [(":us-east-1:", ":eu-west-1:"), (":123456789012:", ":999999999999:")]
)
@pytest.mark.parametrize(("service", "operation", "member", "more"), CALLS)
def test_an_arn_of_elsewhere_names_nothing(
    aws: str,
    arns: dict[str, str],
    service: Any,
    operation: str,
    member: str,
    more: dict[str, Any],
    part: str,
    other: str,
) -> None:
    client: Any = boto3.client("kms" if service == "alias" else service, endpoint_url=aws)
    given = {member: arns[service], **more}
    if operation == "get_shard_iterator":
        found = client.describe_stream(StreamArn=arns[service])["StreamDescription"]["Shards"]
        given["ShardId"] = found[0]["ShardId"]
    if "GrantId" in given:
        principal = "arn:aws:iam::123456789012:role/r"
        granted = client.create_grant(
            KeyId=arns[service], GranteePrincipal=principal, Operations=["Decrypt"]
        )
        given["GrantId"] = granted["GrantId"]
    with pytest.raises(ClientError, match=r"(?i)not found|not exist|can't find|Invalid arn"):
        getattr(client, operation)(**{**given, member: arns[service].replace(part, other)})
    getattr(client, operation)(**given)


def test_a_table_has_the_stream_of_its_last_specification_alone(
    aws: str, arns: dict[str, str]
) -> None:
    streams: Any = boto3.client("dynamodbstreams", endpoint_url=aws)
    earlier = arns["dynamodbstreams"].replace("/stream/20", "/stream/19")
    with pytest.raises(ClientError, match="not found"):
        streams.describe_stream(StreamArn=earlier)
