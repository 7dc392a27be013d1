from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.rows import rows


@pytest.fixture
def sns(aws: str) -> Any:
    return boto3.client("sns", endpoint_url=aws)


def application(sns: Any, platform: str = "GCM") -> str:
    created = sns.create_platform_application(
        Name=f"app-{uuid.uuid4()}",
        Platform=platform,
        Attributes={"PlatformCredential": "{}", "PlatformPrincipal": "k"},
    )
    return str(created["PlatformApplicationArn"])


def endpoint(sns: Any, app: str, token: str, **attributes: Any) -> str:
    created = sns.create_platform_endpoint(
        PlatformApplicationArn=app, Token=token, Attributes=attributes
    )
    return str(created["EndpointArn"])


def test_the_same_token_is_another_endpoint_in_another_application(sns: Any) -> None:
    first, second = application(sns), application(sns)
    known = endpoint(sns, first, "token")
    assert endpoint(sns, first, "token") == known
    assert endpoint(sns, second, "token") != known


def test_a_refreshed_token_is_the_endpoint_it_was_set_on(sns: Any) -> None:
    app = application(sns)
    known = endpoint(sns, app, "old")
    sns.set_endpoint_attributes(EndpointArn=known, Attributes={"Token": "new"})
    assert endpoint(sns, app, "new") == known
    assert endpoint(sns, app, "old") != known
    with pytest.raises(ClientError, match="already exists with the same Token"):
        sns.set_endpoint_attributes(EndpointArn=known, Attributes={"Token": "old"})


def test_a_disabled_endpoint_rejects_publishes_and_its_token(sns: Any) -> None:
    app = application(sns)
    known = endpoint(sns, app, "token")
    sns.set_endpoint_attributes(EndpointArn=known, Attributes={"Enabled": "false"})
    assert sns.get_endpoint_attributes(EndpointArn=known)["Attributes"]["Enabled"] == "false"
    with pytest.raises(sns.exceptions.EndpointDisabledException):
        sns.publish(TargetArn=known, Message="x")
    with pytest.raises(ClientError, match=f"Endpoint {known} already exists"):
        endpoint(sns, app, "token")
    sns.set_endpoint_attributes(EndpointArn=known, Attributes={"Enabled": "true"})
    assert endpoint(sns, app, "token") == known
    assert sns.publish(TargetArn=known, Message="x")["MessageId"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("{", "failed to parse"),
        ("[]", "failed to parse"),
        ('{"APNS": "{}"}', "JSON must contain an entry for 'default' or 'GCM'."),
        ('{"GCM": {"data": {}}}', "JSON must contain an entry for 'default' or 'GCM'."),
    ],
)
def test_a_message_by_platform_needs_a_text_for_its_own_or_a_default(
    sns: Any, message: str, reason: str
) -> None:
    """As SNS responded: github.com/aws/aws-sdk-net/issues/180,
    github.com/aws/aws-sdk-kotlin/issues/426."""
    known = endpoint(sns, application(sns), "token")
    with pytest.raises(sns.exceptions.InvalidParameterException, match=reason):
        sns.publish(TargetArn=known, Message=message, MessageStructure="json")


@rows("message", ['{"GCM": "{}"}', '{"default": "x"}', '{"default": 1, "GCM": "{}"}'])
def test_a_message_by_platform_has_one_entry_at_least(sns: Any, message: str) -> None:
    known = endpoint(sns, application(sns), "token")
    assert sns.publish(TargetArn=known, Message=message, MessageStructure="json")["MessageId"]


def test_an_unknown_endpoint_is_not_found(sns: Any) -> None:
    arn = "arn:aws:sns:us-east-1:123456789012:endpoint/GCM/app/none"
    with pytest.raises(sns.exceptions.InvalidParameterException, match="No endpoint found"):
        sns.publish(TargetArn=arn, Message="x")


def test_credentials_are_not_shown(sns: Any) -> None:
    shown = sns.get_platform_application_attributes(PlatformApplicationArn=application(sns))
    assert "PlatformCredential" not in shown.get("Attributes", {})


@pytest.mark.parametrize(
    ("platform", "token", "attributes", "sentence"),
    [
        ("GCM", "", {}, "Token Reason"),
        ("APNS", "", {}, "Token Reason"),
        ("APNS", "no hexadecimal", {}, "no more than 400 hexadecimal"),
        ("APNS_SANDBOX", "a" * 401, {}, "no more than 400 hexadecimal"),
        ("GCM", "token", {"Color": "red"}, "Invalid attribute name: Color"),
        ("GCM", "token", {"CustomUserData": "x" * 2049}, "at most 2048 bytes"),
        ("GCM", "token", {"CustomUserData": "ä" * 1025}, "at most 2048 bytes"),
    ],
)
def test_what_is_no_endpoint_is_rejected(
    sns: Any, platform: str, token: str, attributes: dict[str, str], sentence: str
) -> None:
    app = application(sns, platform)
    with pytest.raises(sns.exceptions.InvalidParameterException, match=sentence):
        endpoint(sns, app, token, **attributes)
    known = endpoint(sns, app, "ab")
    with pytest.raises(sns.exceptions.InvalidParameterException, match=sentence):
        sns.set_endpoint_attributes(EndpointArn=known, Attributes={"Token": token, **attributes})


def test_an_attribute_that_is_not_given_stays(sns: Any) -> None:
    app = application(sns)
    first, second = endpoint(sns, app, "a"), endpoint(sns, app, "b")
    for known in (first, second):
        sns.set_endpoint_attributes(EndpointArn=known, Attributes={"Enabled": "false"})
        sns.set_endpoint_attributes(EndpointArn=known, Attributes={"Enabled": "true"})
    tokens = [
        sns.get_endpoint_attributes(EndpointArn=known)["Attributes"]["Token"]
        for known in (first, second)
    ]
    assert tokens == ["a", "b"]


def test_a_deleted_endpoint_is_not_found(sns: Any) -> None:
    known = endpoint(sns, application(sns), "token")
    sns.delete_endpoint(EndpointArn=known)
    sns.delete_endpoint(EndpointArn=known)  # "This action is idempotent."
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.get_endpoint_attributes(EndpointArn=known)
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.set_endpoint_attributes(EndpointArn=known, Attributes={"Enabled": "true"})
    with pytest.raises(sns.exceptions.InvalidParameterException, match="No endpoint found"):
        sns.publish(TargetArn=known, Message="x")


@pytest.mark.parametrize(
    ("message", "reason"), [("", "Empty message"), ("ä" * 131_073, "Message too long")]
)
def test_a_message_has_at_most_256_kb_and_at_least_a_byte(
    sns: Any, message: str, reason: str
) -> None:
    known = endpoint(sns, application(sns), "token")
    with pytest.raises(ClientError, match=reason):
        sns.publish(TargetArn=known, Message=message)
    assert sns.publish(TargetArn=known, Message="ä" * 131_072)["MessageId"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"TargetArn": None},
        {"MessageStructure": "xml"},
        {"Subject": "x" * 101},
        {"Subject": "a\nb"},
        {"Subject": ""},
        {"MessageAttributes": {"AWS.SNS.MOBILE.FCM.TTL": {"DataType": "String", "StringValue": "x"}}},
        {"MessageAttributes": {"AWS.SNS.MOBILE.APNS.TTL": {"DataType": "Number", "StringValue": "2419201"}}},
    ],
)  # fmt: skip
def test_a_publish_that_sns_rejects(sns: Any, wrong: dict[str, Any]) -> None:
    """Source: Publish, API reference; "Amazon SNS TTL", developer guide."""
    known = endpoint(sns, application(sns), "token")
    given = {"TargetArn": known, "Message": "x", **wrong}
    with pytest.raises(sns.exceptions.InvalidParameterException):
        sns.publish(**{name: value for name, value in given.items() if value is not None})
