"""Resources as the templates have them, made on the AWS server."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.aws.created import clients_of, create

from emulator.addresses import Addresses
from emulator.providers import EmulatorError, Provider, Resource
from emulator.resources.buckets import BucketProvider, is_name
from emulator.resources.clients import Clients
from emulator.resources.queues import QueueProvider, TopicProvider
from emulator.resources.secrets import KeyProvider, SecretProvider
from emulator.resources.tables import TableProvider
from emulator.resources.user_pools import UserPoolProvider


@pytest.fixture
def clients(aws: str) -> Clients:
    return clients_of(aws)


def test_a_table_has_its_keys_its_expiry_and_its_stream(clients: Clients) -> None:
    provider = TableProvider(clients)
    made = create(
        provider,
        "AWS::DynamoDB::Table",
        AttributeDefinitions=[{"AttributeName": "chat", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "chat", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"SSEEnabled": True},
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"},
        TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True},
    )
    client = clients("dynamodb")
    table = client.describe_table(TableName=made.ref)["Table"]
    expiry = client.describe_time_to_live(TableName=made.ref)["TimeToLiveDescription"]
    assert made.attributes == {"Arn": table["TableArn"], "StreamArn": table["LatestStreamArn"]}
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    assert provider.state() == {"tables": [{"name": made.ref, "items": 0}]}


@pytest.mark.parametrize("expiry", [{}, {"AttributeName": "expires_at", "Enabled": True}])
def test_a_table_with_a_name_expires_its_items_or_does_not(
    clients: Clients, expiry: dict[str, Any]
) -> None:
    name = f"named-{uuid.uuid4().hex[:6]}"
    made = create(
        TableProvider(clients),
        "AWS::DynamoDB::Table",
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "chat", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "chat", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        **({"TimeToLiveSpecification": expiry} if expiry else {}),
    )
    assert made.ref == name
    found = clients("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert found["TimeToLiveStatus"] == ("ENABLED" if expiry else "DISABLED")


def test_the_own_policies_of_tables_and_keys_are_passed_on(clients: Clients) -> None:
    found: dict[str, Any] = {}

    def add(_where: str, arn: str, document: Any) -> None:
        found[arn] = document

    table = {
        "AttributeDefinitions": [{"AttributeName": "chat", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "chat", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    of_table, of_replica, elsewhere = (
        {"PolicyDocument": {"Id": each}} for each in ("table", "replica", "elsewhere")
    )
    tables, keys = TableProvider(clients, add), KeyProvider(clients, add)
    one = create(tables, "AWS::DynamoDB::Table", **table, ResourcePolicy=of_table)
    replicas = [
        {"Region": region, "ResourcePolicy": policy}
        for region, policy in (("us-east-1", of_replica), ("eu-west-1", elsewhere))
    ]
    two = create(tables, "AWS::DynamoDB::GlobalTable", **table, Replicas=replicas)
    key = create(keys, "AWS::KMS::Key", KeyPolicy={"Id": "key"})
    create(keys, "AWS::KMS::Alias", AliasName=f"alias/{key.ref}", TargetKeyId=key.ref)
    create(tables, "AWS::DynamoDB::Table", **table)
    assert {arn: each["Id"] for arn, each in found.items()} == {
        one.attributes["Arn"]: "table",
        two.attributes["Arn"]: "replica",
        key.attributes["Arn"]: "key",
    }


def test_a_table_has_the_capacity_that_its_billing_mode_asks_for(clients: Clients) -> None:
    """AWS::DynamoDB::Table BillingMode: "If not specified, the default is PROVISIONED"."""
    table: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": "chat", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "chat", "KeyType": "HASH"}],
    }
    capacity = {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}
    provider, kind = TableProvider(clients), "AWS::DynamoDB::Table"
    assert create(provider, kind, **table, **capacity).ref
    for wrong in ({}, {"BillingMode": "PAY_PER_REQUEST", **capacity}):
        with pytest.raises(ClientError, match=r"BillingMode is (PROVISIONED|PAY_PER_REQUEST)"):
            create(provider, kind, **table, **wrong)


def test_numbers_and_booleans_of_a_table_may_be_texts(clients: Clients) -> None:
    """As those of parameters are: AWS CloudFormation user guide, "Parameters", "Number"."""
    capacity = {"ReadCapacityUnits": "5", "WriteCapacityUnits": "6"}
    keys = [{"AttributeName": "chat", "KeyType": "HASH"}]
    everything = {"ProjectionType": "ALL"}
    index = {"IndexName": "by-chat", "KeySchema": keys, "Projection": everything}
    made = create(
        TableProvider(clients),
        "AWS::DynamoDB::Table",
        AttributeDefinitions=[{"AttributeName": "chat", "AttributeType": "S"}],
        KeySchema=keys,
        ProvisionedThroughput=capacity,
        GlobalSecondaryIndexes=[{**index, "ProvisionedThroughput": capacity}],
        TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": "false"},
    )
    client = clients("dynamodb")
    table = client.describe_table(TableName=made.ref)["Table"]
    for each in (table, *table["GlobalSecondaryIndexes"]):
        given = each["ProvisionedThroughput"]
        assert (given["ReadCapacityUnits"], given["WriteCapacityUnits"]) == (5, 6)
    expiry = client.describe_time_to_live(TableName=made.ref)["TimeToLiveDescription"]
    assert expiry["TimeToLiveStatus"] == "DISABLED"


def test_rules_that_only_change_the_storage_class_are_left_out(clients: Clients) -> None:
    provider, kind = BucketProvider(clients, "us-east-1"), "AWS::S3::Bucket"
    moves = [{"StorageClass": "STANDARD_IA", "TransitionInDays": 30}]
    cheaper = {"Id": "cheaper", "Status": "Enabled", "Transitions": moves}
    gone = {"Id": "gone", "Status": "Enabled", "Transitions": moves, "ExpirationInDays": 60}
    one = create(provider, kind, LifecycleConfiguration={"Rules": [cheaper, gone]})
    rules = clients("s3").get_bucket_lifecycle_configuration(Bucket=one.ref)["Rules"]
    assert [each["ID"] for each in rules] == ["gone"]
    two = create(provider, kind, LifecycleConfiguration={"Rules": [cheaper]})
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        clients("s3").get_bucket_lifecycle_configuration(Bucket=two.ref)


def test_a_user_pool_has_the_address_of_its_partition(aws: str) -> None:
    sovereign = Addresses("eusc-de-east-1", aws, "api", "ws://127.0.0.1:1", "http://127.0.0.1:2")
    made = create(UserPoolProvider(Clients(sovereign)), "AWS::Cognito::UserPool")
    end = f"cognito-idp.eusc-de-east-1.amazonaws.eu/{made.ref}"
    assert made.attributes["ProviderName"] == end
    assert made.attributes["ProviderURL"] == f"https://{end}"


def test_a_fifo_queue_has_its_attributes_and_its_dead_letters(clients: Clients) -> None:
    provider = QueueProvider(clients)
    dead = create(provider, "AWS::SQS::Queue", FifoQueue=True)
    made = create(
        provider,
        "AWS::SQS::Queue",
        FifoQueue=True,
        DeduplicationScope="messageGroup",
        FifoThroughputLimit="perMessageGroupId",
        VisibilityTimeout=180,
        SqsManagedSseEnabled=True,
        RedrivePolicy={"deadLetterTargetArn": dead.attributes["Arn"], "maxReceiveCount": 5},
    )
    assert made.attributes["QueueName"].endswith("-Thing0A1B2C3D.fifo")
    found = clients("sqs").get_queue_attributes(QueueUrl=made.ref, AttributeNames=["All"])
    assert found["Attributes"]["VisibilityTimeout"] == "180"
    assert json.loads(found["Attributes"]["RedrivePolicy"])["maxReceiveCount"] == 5
    assert [each["dead_letters"] for each in provider.state()["queues"]] == [True, False]
    assert provider.state()["queues"][1] == {
        "name": made.attributes["QueueName"],
        "dead_letters": False,
        "visible": 0,
        "in_flight": 0,
        "delayed": 0,
    }


LONG = "MessagesDeliveryNotificationsPushSenderDeadLettersOfTheWholeProductionOfTheDay"


@pytest.mark.parametrize(
    ("kind", "longest", "properties"),
    [
        ("AWS::S3::Bucket", 63, {}),
        ("AWS::SQS::Queue", 80, {}),
        ("AWS::SQS::Queue", 80, {"FifoQueue": True}),
    ],
)
def test_things_whose_long_names_begin_alike_stay_two(
    clients: Clients, kind: str, longest: int, properties: Any
) -> None:
    queues, buckets = QueueProvider(clients), BucketProvider(clients, "us-east-1")
    provider: Provider = queues if kind.endswith("Queue") else buckets
    names = set()
    for suffix in ("1A2B3C4D", "5E6F7A8B"):
        resource = Resource("s", f"{LONG}{suffix}", kind)
        made = asyncio.run(provider.create(resource, properties))
        names.add(made.ref.rpartition("/")[2])
    assert [len(each) for each in names] == [longest, longest]


def test_users_can_sign_up_and_in_at_a_user_pool_made_from_a_template(clients: Clients) -> None:
    provider = UserPoolProvider(clients)
    policy = {"MinimumLength": 10, "RequireLowercase": True, "RequireNumbers": "true"}
    pool = create(
        provider,
        "AWS::Cognito::UserPool",
        Policies={"PasswordPolicy": policy},
        AdminCreateUserConfig={"AllowAdminCreateUserOnly": False},
        UsernameConfiguration={"CaseSensitive": False},
        UserPoolTags={"project": "x"},
        DeletionProtection="INACTIVE",
    )
    app = create(
        provider,
        "AWS::Cognito::UserPoolClient",
        UserPoolId=pool.ref,
        AccessTokenValidity=60,
        TokenValidityUnits={"AccessToken": "minutes"},
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        GenerateSecret=False,
    )
    assert (
        pool.attributes["ProviderURL"] == f"https://cognito-idp.us-east-1.amazonaws.com/{pool.ref}"
    )
    client = clients("cognito-idp")
    with pytest.raises(client.exceptions.InvalidPasswordException):
        client.sign_up(ClientId=app.ref, Username="ravi", Password="short")
    client.sign_up(ClientId=app.ref, Username="ravi", Password="Long-enough-1")
    client.admin_confirm_sign_up(UserPoolId=pool.ref, Username="ravi")
    signed_in = client.initiate_auth(
        ClientId=app.ref,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ravi", "PASSWORD": "Long-enough-1"},
    )
    assert signed_in["AuthenticationResult"]["ExpiresIn"] == 3600


def test_a_secret_has_the_templates_value_a_generated_one_or_none(clients: Clients) -> None:
    provider = SecretProvider(clients)
    client = clients("secretsmanager")
    given = create(provider, "AWS::SecretsManager::Secret", SecretString="given")
    assert client.get_secret_value(SecretId=given.ref)["SecretString"] == "given"
    generated = create(
        provider,
        "AWS::SecretsManager::Secret",
        GenerateSecretString={
            "SecretStringTemplate": '{"user": "ravi"}',
            "GenerateStringKey": "password",
            "PasswordLength": 20,
            "ExcludePunctuation": True,
        },
    )
    secret = json.loads(client.get_secret_value(SecretId=generated.ref)["SecretString"])
    assert secret["user"] == "ravi"
    assert len(secret["password"]) == 20
    empty = create(provider, "AWS::SecretsManager::Secret")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_secret_value(SecretId=empty.ref)
    for value in ("first", "second"):
        asyncio.run(provider.fill(empty.ref, value))
    assert client.get_secret_value(SecretId=empty.ref)["SecretString"] == "first"


def test_keys_aliases_and_topics_exist(clients: Clients) -> None:
    key = create(KeyProvider(clients), "AWS::KMS::Key", Description="tables")
    name = f"alias/{uuid.uuid4()}"
    create(
        KeyProvider(clients),
        "AWS::KMS::Alias",
        AliasName=name,
        TargetKeyId=key.attributes["Arn"],
    )
    assert clients("kms").describe_key(KeyId=name)["KeyMetadata"]["KeyId"] == key.ref
    topic = create(TopicProvider(clients), "AWS::SNS::Topic")
    assert clients("sns").get_topic_attributes(TopicArn=topic.ref)["Attributes"]


def test_a_bucket_has_a_name_that_s3_takes(clients: Clients) -> None:
    """docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
    names = dict.fromkeys(("abc", "a.b-c", "0bc", "x" * 63), True) | dict.fromkeys(
        (
            *("ab", "x" * 64, "Abc", "a_b", "a..b", "-ab", "ab-", ".ab", "192.168.1.1"),
            *("xn--abc", "sthree-abc", "amzn-s3-demo-abc", "abc-s3alias", "abc--ol-s3", "abc.mrap"),
        ),
        False,
    )
    assert {name: is_name(name) for name in names} == names
    with pytest.raises(EmulatorError, match="no bucket's name such as 'a_b'"):
        create(BucketProvider(clients, "us-east-1"), "AWS::S3::Bucket", BucketName="a_b")


def test_a_key_that_is_disabled_and_a_fifo_topic_are_made_so(clients: Clients) -> None:
    key = create(KeyProvider(clients), "AWS::KMS::Key", Enabled="false")
    assert clients("kms").describe_key(KeyId=key.ref)["KeyMetadata"]["KeyState"] == "Disabled"
    rotated = {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}
    with pytest.raises(EmulatorError, match="EnableKeyRotation is for KeySpec SYMMETRIC_DEFAULT"):
        create(KeyProvider(clients), "AWS::KMS::Key", EnableKeyRotation=True, **rotated)
    fifo = {"FifoTopic": True, "ContentBasedDeduplication": "true"}
    topic = create(TopicProvider(clients), "AWS::SNS::Topic", **fifo)
    attributes = clients("sns").get_topic_attributes(TopicArn=topic.ref)["Attributes"]
    assert topic.attributes["TopicName"].endswith(".fifo")
    assert {name: attributes[name] for name in fifo} == dict.fromkeys(fifo, "true")


def test_a_dead_letter_queue_takes_those_of_the_queues_that_its_template_allows(
    clients: Clients,
) -> None:
    """RedriveAllowPolicy: AWS::SQS::Queue, CloudFormation template reference."""
    provider = QueueProvider(clients)
    denied = {"RedriveAllowPolicy": {"redrivePermission": "denyAll"}}
    dead = create(provider, "AWS::SQS::Queue", **denied).attributes["Arn"]
    policy = {"deadLetterTargetArn": dead, "maxReceiveCount": 5}
    with pytest.raises(ClientError, match="RedriveAllowPolicy"):
        create(provider, "AWS::SQS::Queue", RedrivePolicy=policy)
