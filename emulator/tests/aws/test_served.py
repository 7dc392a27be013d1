"""Which services and regions the AWS endpoint serves."""

from __future__ import annotations

import gzip
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.rows import rows

from emulator.aws.served import DESCRIBED, MOTO, Scope, rejection, scope_of, uncompressed
from emulator.describe.api import SERVICES


def signed(region: str, service: str) -> dict[str, str]:
    scope = f"Credential=local/20260101/{region}/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=x"}


def test_a_scope_is_read_from_the_header_or_the_query() -> None:
    assert scope_of(signed("eu-west-1", "sqs"), "") == Scope("eu-west-1", "sqs")
    query = "X-Amz-Credential=local%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=x"
    assert scope_of({}, query) == Scope("us-east-1", "s3")
    assert scope_of({}, "a=b") is None
    assert scope_of({"Authorization": "Bearer x"}, "") is None


@rows(
    ("scope", "region", "sentence"),
    [
        (None, "us-east-1", None),
        (Scope("us-east-1", "sqs"), "us-east-1", None),
        (Scope("eu-west-1", "sqs"), "", None),
        (Scope("eu-west-1", "s3"), "us-east-1", None),
        (Scope("eu-west-1", "sqs"), "us-east-1", "is in us-east-1, not in eu-west-1"),
        (Scope("eu-west-1", "lambda"), "us-east-1", "is in us-east-1, not in eu-west-1"),
        (Scope("us-east-1", "ec2"), "us-east-1", "does not serve ec2; it has apigateway"),
        (Scope("us-east-1", "events"), "", "does not serve events"),
        (Scope("us-east-1", "iam"), "us-east-1", "does not serve iam"),
    ],
)
def test_what_is_not_served_gets_a_sentence(
    scope: Scope | None, region: str, sentence: str | None
) -> None:
    found = rejection(scope, region)
    assert found is None if sentence is None else sentence in str(found)


def test_every_service_is_served_in_one_way() -> None:
    assert SERVICES.keys() == DESCRIBED
    assert not MOTO & DESCRIBED


def test_only_the_calls_that_sdks_compress_are_read_uncompressed() -> None:
    compressed, headers = gzip.compress(b"{}"), {"Content-Encoding": "gzip"}
    metrics = Scope("us-east-1", "monitoring")
    assert uncompressed(headers, metrics, compressed) == b"{}"
    assert uncompressed(headers, metrics, compressed[:-9]) == compressed[:-9]
    assert uncompressed(headers, metrics, b"{}") == b"{}"
    assert uncompressed({}, metrics, compressed) == compressed
    assert uncompressed(headers, Scope("us-east-1", "s3"), compressed) == compressed
    assert uncompressed(headers, None, compressed) == compressed


@pytest.mark.parametrize("service", ["ec2", "cloudwatch", "events", "lambda", "elbv2", "logs"])
def test_an_sdk_shows_the_sentence(aws: str, service: Any) -> None:
    client = boto3.client(service, endpoint_url=aws)
    call = {
        "ec2": "describe_instances",
        "cloudwatch": "list_metrics",
        "events": "list_rules",
        "lambda": "list_functions",
        "elbv2": "describe_load_balancers",
        "logs": "describe_log_groups",
    }[service]
    with pytest.raises(ClientError, match=r"does not serve|nothing runs here"):
        getattr(client, call)()


@rows(
    ("service", "operation", "given"),
    [
        ("dynamodb", "get_resource_policy", {"ResourceArn": "arn:aws:dynamodb:x:1:table/t"}),
        ("kms", "get_key_policy", {"KeyId": "x"}),
        ("secretsmanager", "get_resource_policy", {"SecretId": "x"}),
        ("s3", "get_bucket_policy", {"Bucket": "policies"}),
        ("s3", "put_bucket_policy", {"Bucket": "policies", "Policy": "{}"}),
    ],
)
def test_policies_of_resources_are_not_shown_as_absent(
    aws: str, service: Any, operation: str, given: dict[str, str]
) -> None:
    """What checks calls has those of the template; moto has none."""
    boto3.client("s3", endpoint_url=aws).create_bucket(Bucket="policies")
    with pytest.raises(ClientError, match=r"NotServedByTheEmulator.*does not serve"):
        getattr(boto3.client(service, endpoint_url=aws), operation)(**given)
