"""Calls on which moto fails: they get AWS's error, and never a 5xx, which SDKs would repeat.

Found by random calls of all operations. Sources: the errors of each operation in the API references
(docs.aws.amazon.com/kms/latest/APIReference/, .../secretsmanager/latest/apireference/,
.../systems-manager/latest/APIReference/, .../AWSSimpleQueueService/latest/APIReference/,
.../sns/latest/api/, .../cognito-user-identity-pools/latest/APIReference/,
.../amazondynamodb/latest/APIReference/); "Error responses", S3 API reference.
"""

from __future__ import annotations

import json
import uuid
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.rows import rows

from emulator.aws.checks import failures

ONCE = Config(
    retries={"total_max_attempts": 1},
    parameter_validation=False,
    s3={"addressing_style": "path"},
)
POOL = "us-east-1_none"
TOPIC = "arn:aws:sns:us-east-1:123456789012:none"
QUEUE = "http://127.0.0.1/123456789012/"
VALUE, NOT_SERVED = "ValidationException", "NotServedByTheEmulator"
OF_NONE = AttributeError("'NoneType' object has no attribute 'parts'", name="parts", obj=None)


@cache  # reading a service's model takes longer than its calls
def client(url: str, service: Any) -> Any:
    return boto3.client(service, endpoint_url=url, config=ONCE)


@pytest.mark.parametrize(
    ("service", "operation", "given", "code"),
    [
        ("kms", "EnableKey", {}, VALUE),
        ("kms", "GenerateRandom", {}, VALUE),
        ("kms", "RetireGrant", {}, VALUE),
        ("kms", "ListGrants", {"KeyId": "none"}, "NotFoundException"),
        ("kms", "ListGrants", {"KeyId": "\t"}, "NotFoundException"),
        ("kms", "RevokeGrant", {"KeyId": "none", "GrantId": "g"}, "NotFoundException"),
        ("kms", "RetireGrant", {"KeyId": "none"}, "NotFoundException"),
        ("secretsmanager", "GetSecretValue", {}, VALUE),
        ("secretsmanager", "TagResource", {"SecretId": "s", "Tags": [{}]}, VALUE),
        ("secretsmanager", "ListSecretVersionIds", {"SecretId": "none"}, "ResourceNotFoundException"),
        ("secretsmanager", "ListSecrets", {"NextToken": "x"}, "InvalidNextTokenException"),
        ("ssm", "GetParametersByPath", {}, VALUE),
        ("ssm", "DescribeParameters", {"NextToken": "x"}, "InvalidNextToken"),
        ("ssm", "ListDocuments", {}, NOT_SERVED),
        ("ssm", "SendCommand", {"DocumentName": "x"}, NOT_SERVED),
        ("cognito-idp", "ListResourceServers", {"UserPoolId": POOL, "MaxResults": 1}, "ResourceNotFoundException"),
        ("sts", "AssumeRoleWithWebIdentity", {"RoleArn": "x" * 20, "RoleSessionName": "s", "WebIdentityToken": "t"}, NOT_SERVED),
        ("sns", "ListTopics", {"NextToken": "x"}, "InvalidParameter"),
        ("dynamodb", "ExecuteStatement", {"Statement": "SELECT"}, VALUE),
        ("dynamodb", "ExecuteStatement", {"Statement": "EXISTS(SELECT * FROM none)"}, VALUE),
        ("dynamodb", "BatchExecuteStatement", {"Statements": [{"Statement": "SELECT"}]}, VALUE),
        ("dynamodb", "ExecuteTransaction", {"TransactStatements": [{"Statement": "SELECT"}]}, VALUE),
        ("dynamodbstreams", "DescribeStream", {}, VALUE),
        ("dynamodbstreams", "DescribeStream", {"StreamArn": "x" * 40}, VALUE),
    ],
)  # fmt: skip
def test_a_call_that_moto_can_not_read_gets_the_services_error(
    aws: str, service: str, operation: str, given: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as found:
        client(aws, service)._make_api_call(operation, given)
    status = found.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert (found.value.response["Error"]["Code"], status) == (code, 400)


def test_a_user_has_a_password_and_a_flow_its_parameters(aws: str) -> None:
    """docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignUp.html."""
    pools = client(aws, "cognito-idp")
    pool = pools.create_user_pool(PoolName="p")["UserPool"]["Id"]
    flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    made = pools.create_user_pool_client(UserPoolId=pool, ClientName="c", ExplicitAuthFlows=flows)
    app = made["UserPoolClient"]["ClientId"]
    with pytest.raises(pools.exceptions.InvalidParameterException, match="Password is required"):
        pools.sign_up(ClientId=app, Username="ravi")
    flow = {"UserPoolId": pool, "ClientId": app, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH"}
    with pytest.raises(pools.exceptions.InvalidParameterException, match="parameter USERNAME"):
        pools.admin_initiate_auth(**flow)


def test_a_region_that_a_service_is_not_in_is_named(aws: str) -> None:
    """docs.aws.amazon.com/general/latest/gr/cognito_identity.html: user pools are in no region of
    China."""
    pools: Any = boto3.client("cognito-idp", "cn-north-1", endpoint_url=aws, config=ONCE)
    with pytest.raises(ClientError, match=r"there is no cognito-idp in cn-north-1"):
        pools.create_user_pool(PoolName="p")


def test_a_key_is_found_by_its_arn_in_every_operation(aws: str) -> None:
    """docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html: "the key ID or key ARN"."""
    kms = client(aws, "kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.disable_key(KeyId=arn)
    kms.enable_key(KeyId=arn)
    assert kms.list_grants(KeyId=arn)["Grants"] == []
    kms.schedule_key_deletion(KeyId=arn)
    kms.cancel_key_deletion(KeyId=arn)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "Disabled"


def test_a_queues_prefix_is_no_pattern_and_an_entry_needs_its_timeout(aws: str) -> None:
    """docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html."""
    sqs, name = client(aws, "sqs"), f"q-{uuid.uuid4()}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert len(sqs.list_queues(QueueNamePrefix=name[:-1])["QueueUrls"]) == 1
    for prefix in ("*", "q.", ".*"):
        assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=prefix)
    entries = [{"Id": "a", "ReceiptHandle": "x"}]
    (failed,) = sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)["Failed"]
    assert failed["Code"] == "MissingParameter"


KEYS = ["%20", "a?b", "x&y=z", "ü/+c", "ü/a b", "日本/é"]


def test_keys_and_prefixes_of_any_characters_are_found(aws: str) -> None:
    """docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html: "a sequence of Unicode
    characters"."""
    s3, name = client(aws, "s3"), f"b-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name)
    for key in KEYS:
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
        assert s3.get_object(Bucket=name, Key=key)["Body"].read().decode() == key
    for prefix in ("", "ü/", "ü/+", "%", "x&", "a?", "日本/"):
        listed = s3.list_objects_v2(Bucket=name, Prefix=prefix)["Contents"]
        assert [each["Key"] for each in listed] == [key for key in KEYS if key.startswith(prefix)]
    found = s3.list_objects_v2(Bucket=name, Delimiter="ü")
    assert found["CommonPrefixes"] == [{"Prefix": "ü"}]
    assert s3.list_objects_v2(Bucket=name, MaxKeys=5_000)["MaxKeys"] == 1_000


@pytest.mark.parametrize(
    ("operation", "given", "code"),
    [
        ("UploadPart", {"Key": "k", "UploadId": "none", "PartNumber": 1}, "NoSuchUpload"),
        ("CompleteMultipartUpload", {"Key": "k", "UploadId": "none"}, "NoSuchUpload"),
        # docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html and the like
        ("CompleteMultipartUpload", {"Key": "k", "UploadId": "<upload>"}, "MalformedXML"),
        ("CompleteMultipartUpload", {"Key": "k", "UploadId": "<upload>", "MultipartUpload": {"Parts": [{"ETag": "x"}]}}, "MalformedXML"),
        ("UploadPart", {"Key": "k", "UploadId": "<upload>", "PartNumber": "x"}, "InvalidArgument"),
        ("ListParts", {"Key": "k", "UploadId": "<upload>", "MaxParts": "x"}, "InvalidArgument"),
        ("PutObjectAcl", {"Key": "k", "ACL": "none"}, "InvalidArgument"),
        ("PutBucketTagging", {"Tagging": {"TagSet": [{}]}}, "MalformedXML"),
        ("PutObjectTagging", {"Key": "k", "Tagging": {}}, "MalformedXML"),
        ("ListObjectsV2", {"MaxKeys": -1}, "InvalidArgument"),
        ("ListObjectsV2", {"ContinuationToken": "x"}, "InvalidArgument"),
        ("PutBucketTagging", {}, "MalformedXML"),
        ("DeleteObjectTagging", {"Key": "none"}, "NoSuchKey"),
        ("DeleteObjects", {"Delete": {"Objects": [{"Key": str(n)} for n in range(1_001)]}}, "MalformedXML"),
        ("PutObject", {"Key": "k", "IfNoneMatch": '"x"'}, "NotImplemented"),
    ],
)  # fmt: skip
def test_s3_rejects_what_moto_can_not_read(
    aws: str, operation: str, given: dict[str, Any], code: str
) -> None:
    s3, name = client(aws, "s3"), f"b-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k")
    if given.get("UploadId") == "<upload>":
        given["UploadId"] = s3.create_multipart_upload(Bucket=name, Key="k")["UploadId"]
    with pytest.raises(ClientError) as found:
        s3._make_api_call(operation, {"Bucket": name, **given})
    assert found.value.response["Error"]["Code"] == code


@rows(
    ("method", "query", "error"),
    [
        ("PUT", "cors", AttributeError("FakeBucket", name="rules", obj="bucket")),
        ("PUT", "cors", AttributeError("raised by moto itself")),
        ("PUT", "cors", KeyError("CORSRule")),
        ("PUT", "cors", KeyError(7)),
        ("PUT", "cors", RuntimeError("in a line of its own:\nKeyError: 'AllowedMethod'")),
        ("PUT", "x-id=PutObject", KeyError("Owner")),
        ("PUT", "partNumber=1&uploadId=u", KeyError("Owner")),
        ("PUT", "partNumber=1&uploadId=u", TypeError("unhashable type: 'list'")),
        ("PUT", "partNumber=1&uploadId=u", ValueError("too many values to unpack")),
        ("POST", "uploadId=u", OF_NONE),
        ("GET", "", OF_NONE),
        ("GET", "list-type=2", KeyError("k")),
        ("GET", "list-type=2&continuation-token=t", IndexError()),
        ("GET", "list-type=2", ValueError("invalid literal for int() with base 10: 'x'")),
    ],
)
def test_a_defect_of_moto_in_s3_is_an_internal_error(
    method: str, query: str, error: Exception
) -> None:
    """Errors are known by their class and what they carry, not by a text that looks like another
    one. docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html: InternalError."""
    body = b"<CORSConfiguration><CORSRule><ID>a</ID></CORSRule></CORSConfiguration>"
    found = failures.of_s3(method, "/b/k", query, body, error)
    assert (found.status, found.code) == (500, "InternalError")


@rows(
    ("target", "given", "error"),
    [
        ("secretsmanager.GetSecretValue", {"SecretId": "secret-a"}, KeyError("secret")),
        ("secretsmanager.PutSecretValue", {"SecretId": "a", "SecretString": "x"}, KeyError("x")),
        ("secretsmanager.GetSecretValue", {"SecretId": "a"}, KeyError("RotationRules")),
        (
            "secretsmanager.TagResource",
            {"SecretId": "a", "Tags": [{"Key": "k"}]},
            KeyError("Key"),
        ),
        ("TrentService.ListGrants", {"KeyId": "key-a"}, KeyError("a")),
        ("TrentService.ListGrants", {"KeyId": "a"}, KeyError("KeyId")),
        ("AmazonSSM.GetParameter", {"Name": "n"}, KeyError("Overwrite")),
    ],
)
def test_a_defect_of_moto_is_not_the_callers(target: str, given: Any, error: Exception) -> None:
    """The members of each operation are those of the API references."""
    headers = {"X-Amz-Target": target}
    assert failures.explained(headers, json.dumps(given).encode(), error) is None


@rows(
    ("given", "error", "code"),
    [
        ({"KeyId": "arn:aws:kms:us-east-1:1:key/a"}, KeyError("a"), "NotFoundException"),
        ({"KeyId": "a'b"}, KeyError("a'b"), "NotFoundException"),
        ({"KeyId": "a"}, KeyError("GrantId"), VALUE),
    ],
)
def test_what_is_not_there_is_named_by_the_request(given: Any, error: Exception, code: str) -> None:
    headers = {"X-Amz-Target": "TrentService.ListGrants"}
    found = failures.explained(headers, json.dumps(given).encode(), error)
    assert found is not None
    assert found.code == code
