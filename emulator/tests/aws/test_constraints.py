"""Single values, as the services' models bound them, and attributes of messages and queues.

Sources: the API references of DynamoDB, Cognito, KMS and Secrets Manager; SQS API reference,
CreateQueue and SendMessage; "Amazon SQS message metadata", developer guide.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from tests.rows import rows

from emulator.aws.checks import constraints, sqs
from emulator.aws.checks.rejection import Rejection

COGNITO, DYNAMODB = "AWSCognitoIdentityProviderService", "DynamoDB_20120810"
LONG = "Value at 'username' failed to satisfy constraint: Member must have length "


def base64_of(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


@rows(
    ("target", "given", "sentence"),
    [
        (f"{COGNITO}.SignUp", {"Username": ""}, LONG + "greater than or equal to 1"),
        (f"{COGNITO}.SignUp", {"Username": "x" * 129}, LONG + "less than or equal to 128"),
        (f"{COGNITO}.SignUp", {"Username": "a b"}, "at 'username' failed to satisfy constraint: "),
        (f"{COGNITO}.SignUp", {"Username": "a\x07"}, "regular expression pattern"),
        (f"{COGNITO}.SignUp", {"Username": "a\u200bb"}, "regular expression pattern"),
        (f"{COGNITO}.SignUp", {"Username": "a\ue000"}, "regular expression pattern"),
        (f"{COGNITO}.SignUp", {"Password": "x" * 257}, "at 'password'"),
        (f"{COGNITO}.SignUp", {"Password": "word "}, r"pattern: ^[\S]+.*[\S]+$"),
        (f"{COGNITO}.ChangePassword", {"ProposedPassword": " word"}, "at 'proposedPassword'"),
        (f"{COGNITO}.ConfirmSignUp", {"ConfirmationCode": "12 34"}, "at 'confirmationCode'"),
        (f"{COGNITO}.ListUsers", {"Limit": 61}, "Value '61' at 'limit' failed to satisfy"),
        (f"{COGNITO}.ListUsers", {"UserPoolId": "x"}, "at 'userPoolId'"),
        (f"{COGNITO}.InitiateAuth", {"AuthFlow": "MAGIC"}, "Value 'MAGIC' at 'authFlow'"),
        (f"{COGNITO}.SignUp", {"UserAttributes": [{"Name": ""}]}, "'userAttributes.1.member.name'"),
        (f"{DYNAMODB}.ListTables", {"Limit": 0}, "Member must have value greater than or equal to 1"),
        (f"{DYNAMODB}.ListTables", {"Limit": 101}, "less than or equal to 100"),
        (f"{DYNAMODB}.PutItem", {"ReturnValuesOnConditionCheckFailure": "SOME"}, "[ALL_OLD, NONE]"),
        (f"{DYNAMODB}.Query", {"Select": "SOME"}, "satisfy enum value set"),
        (f"{DYNAMODB}.GetItem", {"TableName": ""}, "at 'tableName'"),
        ("DynamoDBStreams_20120810.GetShardIterator", {"ShardIteratorType": "NEXT"}, "'shardIteratorType'"),
        ("AmazonSSM.PutParameter", {"Type": "Text"}, "Value 'Text' at 'type'"),
        ("TrentService.DescribeKey", {"KeyId": ""}, "at 'keyId'"),
        ("TrentService.Encrypt", {"Plaintext": base64_of(4_097)}, "at 'plaintext'"),
        ("TrentService.Decrypt", {"CiphertextBlob": ""}, "greater than or equal to 1"),
        ("secretsmanager.GetSecretValue", {"SecretId": "x" * 2049}, "at 'secretId'"),
        ("secretsmanager.PutSecretValue", {"SecretBinary": base64_of(65_537)}, "at 'secretBinary'"),
    ],
)  # fmt: skip
def test_a_value_out_of_its_bounds_is_rejected(
    target: str, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Rejection) as found:
        constraints.check(target, given)
    assert sentence in found.value.message
    assert re.match("[12] validation errors? detected: ", found.value.message)
    expected = "InvalidParameterException" if COGNITO in target else "ValidationException"
    assert found.value.code == expected


@rows(
    ("target", "given"),
    [
        (f"{COGNITO}.SignUp", {"Username": "Radha-ராதா_1.ü", "Password": "Correct"}),
        (f"{COGNITO}.SignUp", {"Username": "x" * 128}),
        (f"{COGNITO}.SignUp", {"Password": "correct horse Battery1!"}),
        (f"{COGNITO}.ChangePassword", {"PreviousPassword": "pä ss", "ProposedPassword": "a b"}),
        (f"{COGNITO}.ConfirmForgotPassword", {"Password": "correct horse Battery1!"}),
        ("TrentService.Encrypt", {"Plaintext": base64_of(4_096)}),
        ("TrentService.Sign", {"Message": base64_of(3_500)}),
        ("secretsmanager.PutSecretValue", {"SecretBinary": base64_of(65_536)}),
        (f"{COGNITO}.ListUsers", {"Limit": 60, "UserPoolId": "us-east-1_1aa53cd8"}),
        (f"{DYNAMODB}.PutItem", {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}),
        (f"{DYNAMODB}.Unknown", {"Limit": 0}),
        ("AmazonSQS.SendMessage", {"MessageBody": ""}),
    ],
)  # fmt: skip
def test_a_value_within_its_bounds_is_taken(target: str, given: dict[str, Any]) -> None:
    constraints.check(target, given)


def test_two_values_out_of_bounds_are_reported_together_and_no_secret_is() -> None:
    with pytest.raises(Rejection, match=r"^2 validation errors detected: ") as found:
        constraints.check(f"{COGNITO}.SignUp", {"Username": "my name", "Password": "my word "})
    assert "my" not in found.value.message


def text(value: str = "v", kind: str = "String") -> dict[str, str]:
    return {"DataType": kind, "StringValue": value}


@rows(
    "attributes",
    [
        {"AWS.a": text()},
        {"amazon.a": text()},
        {".a": text()},
        {"a.": text()},
        {"a..b": text()},
        {"a b": text()},
        {"a" * 257: text()},
        {"": text()},
        {"a": text("\x00")},
        {"a": text("abc", "Number")},
        {"a": text("1_0", "Number")},
        {"a": text("v", "Text")},
        {"a": {"DataType": "String", "BinaryValue": "Yg=="}},
        {"a": {"DataType": "Binary", "StringValue": "b"}},
    ],
)
def test_a_message_attribute_that_sqs_rejects(attributes: Any) -> None:
    with pytest.raises(Rejection) as found:
        sqs.check("SendMessage", {"MessageBody": "x", "MessageAttributes": attributes})
    assert found.value.code == "InvalidParameterValue"


def test_message_attributes_that_sqs_takes() -> None:
    attributes = {
        "a.b-c_D": text("1e5", "Number.int"),
        "a" * 256: text("-.5", "Number"),
        "awsome": {"DataType": "Binary.gif", "BinaryValue": "Yg=="},
    }
    sqs.check("SendMessage", {"MessageBody": "x", "MessageAttributes": attributes})
    trace = {"AWSTraceHeader": text("Root=1-5759e988-bd862e3fe1be46a994272793")}
    sqs.check("SendMessage", {"MessageBody": "x", "MessageSystemAttributes": trace})
    with pytest.raises(Rejection, match="'Other' is invalid"):
        sqs.check("SendMessage", {"MessageBody": "x", "MessageSystemAttributes": {"Other": text()}})


@pytest.mark.parametrize("excess", [0, 1])
def test_a_message_is_measured_in_the_bytes_of_its_attributes(excess: int) -> None:
    body = "x" * 1_000
    data = sqs.MOST_BYTES - len(body) - len("a") - len("Binary") + excess
    attribute = {"DataType": "Binary", "BinaryValue": base64_of(data)}
    message = {"MessageBody": body, "MessageAttributes": {"a": attribute}}
    if not excess:
        sqs.check("SendMessage", message)
        return
    with pytest.raises(Rejection, match="must be shorter"):
        sqs.check("SendMessage", message)


@rows(
    ("operation", "given", "code"),
    [
        ("ReceiveMessage", {"AttributeNames": ["Other"]}, "InvalidAttributeName"),
        ("ReceiveMessage", {"MessageSystemAttributeNames": ["Other"]}, "InvalidAttributeName"),
        ("ReceiveMessage", {"ReceiveRequestAttemptId": "a b"}, "InvalidParameterValue"),
        ("CreateQueue", {"Attributes": {"Other": "1"}}, "InvalidAttributeName"),
        ("CreateQueue", {"Attributes": {"VisibilityTimeout": "43201"}}, "InvalidAttributeValue"),
        ("SetQueueAttributes", {"Attributes": {"VisibilityTimeout": "x"}}, "InvalidAttributeValue"),
        ("SetQueueAttributes", {"Attributes": {"DelaySeconds": "-1"}}, "InvalidAttributeValue"),
        ("CreateQueue", {"Attributes": {"MessageRetentionPeriod": "59"}}, "InvalidAttributeValue"),
        ("CreateQueue", {"Attributes": {"MaximumMessageSize": "1023"}}, "InvalidAttributeValue"),
        ("CreateQueue", {"Attributes": {"FifoQueue": "yes"}}, "InvalidAttributeValue"),
        ("CreateQueue", {"Attributes": {"DeduplicationScope": "all"}}, "InvalidAttributeValue"),
        ("CreateQueue", {"Attributes": {"RedrivePolicy": "x"}}, "InvalidParameterValue"),
        (
            "CreateQueue",
            {"Attributes": {"RedrivePolicy": '{"deadLetterTargetArn": "a", "maxReceiveCount": 0}'}},
            "InvalidParameterValue",
        ),
    ],
)  # fmt: skip
def test_a_queues_attribute_that_sqs_rejects(operation: str, given: Any, code: str) -> None:
    with pytest.raises(Rejection) as found:
        sqs.check(operation, given)
    assert found.value.code == code


def test_a_queues_attributes_that_sqs_takes() -> None:
    attributes = {
        "FifoQueue": "true",
        "VisibilityTimeout": "0",
        "DelaySeconds": "900",
        "RedrivePolicy": '{"deadLetterTargetArn": "a", "maxReceiveCount": "5"}',
        "Policy": "",
    }
    sqs.check("CreateQueue", {"Attributes": attributes})
    sqs.check("ReceiveMessage", {"AttributeNames": ["All", "SentTimestamp", "Policy"]})
