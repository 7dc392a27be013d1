"""What describing calls show of resources: tags, encryption, protection, as the template has them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.aws.created import clients_of, create
from tests.rows import rows

from emulator.resources.buckets import BucketProvider
from emulator.resources.clients import Clients
from emulator.resources.queues import QueueProvider, TopicProvider
from emulator.resources.secrets import KeyProvider, SecretProvider
from emulator.resources.tables import TableProvider
from emulator.resources.user_pools import UserPoolProvider


@pytest.fixture
def clients(aws: str) -> Clients:
    return clients_of(aws)


TAGS = [{"Key": "team", "Value": "chat"}]


def test_describing_calls_show_what_has_no_effect_here(clients: Clients) -> None:
    """As the template has it: an empty list, or a default, would be wrong."""
    keys = [{"AttributeName": "chat", "KeyType": "HASH"}]
    table: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": "chat", "AttributeType": "S"}],
        "KeySchema": keys,
        "BillingMode": "PAY_PER_REQUEST",
    }
    own: dict[str, Any] = {
        "Tags": TAGS,
        "DeletionProtectionEnabled": "true",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    }
    dynamodb = clients("dynamodb")
    for kind, more in (
        ("Table", own),
        ("GlobalTable", {"Replicas": [{"Region": "eu-west-1"}, {"Region": "us-east-1", **own}]}),
    ):
        made = create(TableProvider(clients), f"AWS::DynamoDB::{kind}", **table, **more)
        described = dynamodb.describe_table(TableName=made.ref)["Table"]
        assert described["DeletionProtectionEnabled"] is True
        arn = described["TableArn"]
        assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == TAGS
        backups = dynamodb.describe_continuous_backups(TableName=made.ref)
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_queue_a_topic_a_key_and_a_secret_have_their_tags(clients: Clients) -> None:
    encrypted = {"KmsMasterKeyId": "alias/aws/sqs", "KmsDataKeyReusePeriodSeconds": 600}
    queue = create(QueueProvider(clients), "AWS::SQS::Queue", Tags=TAGS, **encrypted)
    sqs = clients("sqs")
    assert sqs.list_queue_tags(QueueUrl=queue.ref)["Tags"] == {"team": "chat"}
    attributes = sqs.get_queue_attributes(QueueUrl=queue.ref, AttributeNames=["All"])["Attributes"]
    assert {name: attributes[name] for name in encrypted} == {
        **encrypted,
        "KmsDataKeyReusePeriodSeconds": "600",
    }
    topic = create(TopicProvider(clients), "AWS::SNS::Topic", Tags=TAGS, DisplayName="Alarms")
    sns = clients("sns")
    assert sns.list_tags_for_resource(ResourceArn=topic.ref)["Tags"] == TAGS
    assert sns.get_topic_attributes(TopicArn=topic.ref)["Attributes"]["DisplayName"] == "Alarms"
    key = create(KeyProvider(clients), "AWS::KMS::Key", Tags=TAGS, EnableKeyRotation=True)
    kms = clients("kms")
    assert kms.list_resource_tags(KeyId=key.ref)["Tags"] == [{"TagKey": "team", "TagValue": "chat"}]
    assert kms.get_key_rotation_status(KeyId=key.ref)["KeyRotationEnabled"] is True
    secret = create(SecretProvider(clients), "AWS::SecretsManager::Secret", Tags=TAGS)
    assert clients("secretsmanager").describe_secret(SecretId=secret.ref)["Tags"] == TAGS


@rows(("given", "text"), [(8080, "8080"), (0.5, "0.5"), (True, "true")])
def test_a_tag_of_a_number_or_a_boolean_is_a_text(clients: Clients, given: Any, text: str) -> None:
    """As CloudFormation passes it."""
    written: Any = {"Tags": [{"Key": "team", "Value": given}]}
    tags = [{"Key": "team", "Value": text}]
    queue = create(QueueProvider(clients), "AWS::SQS::Queue", **written)
    assert clients("sqs").list_queue_tags(QueueUrl=queue.ref)["Tags"] == {"team": text}
    topic = create(TopicProvider(clients), "AWS::SNS::Topic", **written)
    assert clients("sns").list_tags_for_resource(ResourceArn=topic.ref)["Tags"] == tags
    key = create(KeyProvider(clients), "AWS::KMS::Key", Description=given, **written)
    kms = clients("kms")
    assert kms.list_resource_tags(KeyId=key.ref)["Tags"][0]["TagValue"] == text
    assert kms.describe_key(KeyId=key.ref)["KeyMetadata"]["Description"] == text
    of_secret = {"Description": given, "SecretString": given, **written}
    secret = create(SecretProvider(clients), "AWS::SecretsManager::Secret", **of_secret)
    secrets = clients("secretsmanager")
    found = secrets.describe_secret(SecretId=secret.ref)
    assert (found["Description"], found["Tags"]) == (text, tags)
    assert secrets.get_secret_value(SecretId=secret.ref)["SecretString"] == text
    bucket = create(BucketProvider(clients, "us-east-1"), "AWS::S3::Bucket", **written)
    assert clients("s3").get_bucket_tagging(Bucket=bucket.ref)["TagSet"] == tags
    pool = create(UserPoolProvider(clients), "AWS::Cognito::UserPool", UserPoolTags={"team": given})
    described = clients("cognito-idp").describe_user_pool(UserPoolId=pool.ref)["UserPool"]
    assert described["UserPoolTags"] == {"team": text}
    table: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": "chat", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "chat", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    arn = create(TableProvider(clients), "AWS::DynamoDB::Table", **table, **written).attributes[
        "Arn"
    ]
    assert clients("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"] == tags


@pytest.mark.parametrize("given", [True, False])
def test_a_bucket_has_its_encryption_its_blocks_and_its_tags(clients: Clients, given: bool) -> None:
    """docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html and
    .../access-control-block-public-access.html for the defaults; .../about-object-ownership.html."""
    rule = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    properties: dict[str, Any] = {
        "Tags": TAGS,
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]},
        "PublicAccessBlockConfiguration": {"BlockPublicPolicy": "false"},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
    }
    name = create(
        BucketProvider(clients, "us-east-1"), "AWS::S3::Bucket", **(properties if given else {})
    ).ref
    s3 = clients("s3")
    rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    algorithm = rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
    assert algorithm == ("aws:kms" if given else "AES256")
    blocks = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert [blocks["BlockPublicAcls"], blocks["BlockPublicPolicy"]] == [True, not given]
    (owned,) = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    owner = "BucketOwnerPreferred" if given else "BucketOwnerEnforced"
    assert owned["ObjectOwnership"] == owner
    assert s3.put_object(Bucket=name, Key="k", Body=b"x")["ServerSideEncryption"] == algorithm
    if given:
        assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == TAGS


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        ("get_bucket_logging", "server access logs"),
        ("get_bucket_policy", "policies"),
        ("get_bucket_abac", "attribute-based access control"),
        ("list_bucket_analytics_configurations", "analytics"),
        ("list_bucket_intelligent_tiering_configurations", "Intelligent-Tiering"),
        ("list_bucket_inventory_configurations", "inventory"),
        ("list_bucket_metrics_configurations", "metrics"),
    ],
)
def test_what_a_bucket_may_have_and_nobody_shows_is_an_error(
    clients: Clients, operation: str, what: str
) -> None:
    name = create(BucketProvider(clients, "us-east-1"), "AWS::S3::Bucket").ref
    with pytest.raises(ClientError, match=f"does not serve {what}"):
        getattr(clients("s3"), operation)(Bucket=name)
