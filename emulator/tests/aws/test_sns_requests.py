"""What SNS rejects of a request, with its own codes.

Sources: Publish, PublishBatch and CreatePlatformApplication, API reference; codes and messages as
LocalStack has recorded them of SNS (github.com/localstack/localstack,
tests/aws/services/sns/test_sns.snapshot.json).
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.rows import rows

CREDENTIAL = {"PlatformCredential": json.dumps({"type": "service_account", "project_id": "p"})}


@pytest.fixture(scope="module")
def client(aws: str) -> Any:
    return boto3.client("sns", endpoint_url=aws, config=Config(parameter_validation=False))


@pytest.fixture(scope="module")
def topic(client: Any) -> str:
    return str(client.create_topic(Name="requests")["TopicArn"])


@pytest.fixture(scope="module")
def application(client: Any) -> str:
    made = client.create_platform_application(
        Name="requests", Platform="GCM", Attributes=CREDENTIAL
    )
    return str(made["PlatformApplicationArn"])


def rejects(code: str, message: str = "") -> Any:
    return pytest.raises(ClientError, match=rf"\({re.escape(code)}\).*{re.escape(message)}")


@pytest.mark.parametrize(
    ("operation", "name", "more"),
    [
        ("publish", "TopicArn", {"Message": "x"}),
        ("publish", "TargetArn", {"Message": "x"}),
        ("get_topic_attributes", "TopicArn", {}),
        ("get_endpoint_attributes", "EndpointArn", {}),
        ("create_platform_endpoint", "PlatformApplicationArn", {"Token": "x"}),
        ("delete_platform_application", "PlatformApplicationArn", {}),
        ("delete_topic", "TopicArn", {}),
        ("set_topic_attributes", "TopicArn", {"AttributeName": "DisplayName"}),
        ("subscribe", "TopicArn", {"Protocol": "sqs"}),
    ],
)
def test_an_arn_has_six_elements(client: Any, operation: str, name: str, more: Any) -> None:
    for text, number in (("text", 1), ("two:parts", 2)):
        message = f"{name} Reason: An ARN must have at least 6 elements, not {number}"
        with rejects("InvalidParameter", message):
            getattr(client, operation)(**{name: text}, **more)
    with rejects("InvalidParameter", "no value for required parameter"):
        getattr(client, operation)(**more)


@pytest.mark.parametrize(
    ("operation", "given", "field"),
    [
        ("create_topic", {}, "name"),
        ("create_platform_application", {"Platform": "GCM", "Attributes": CREDENTIAL}, "name"),
        ("create_platform_application", {"Name": "x", "Attributes": CREDENTIAL}, "platform"),
        ("unsubscribe", {}, "subscriptionArn"),
    ],
)
def test_a_required_text_is_there(client: Any, operation: str, given: Any, field: str) -> None:
    with rejects("ValidationError", f"Value null at '{field}' failed to satisfy"):
        getattr(client, operation)(**given)


def test_an_application_is_deleted_with_its_endpoints_and_once_more(client: Any) -> None:
    made = client.create_platform_application(Name="gone", Platform="GCM", Attributes=CREDENTIAL)
    arn = made["PlatformApplicationArn"]
    endpoint = client.create_platform_endpoint(PlatformApplicationArn=arn, Token="gone")
    client.delete_platform_application(PlatformApplicationArn=arn)
    with rejects("NotFound"):
        client.get_endpoint_attributes(EndpointArn=endpoint["EndpointArn"])
    client.delete_platform_application(PlatformApplicationArn=arn)


def test_a_message_has_one_target_that_is_there(client: Any, topic: str, application: str) -> None:
    endpoint = client.create_platform_endpoint(PlatformApplicationArn=application, Token="gone")
    arn = endpoint["EndpointArn"]
    with rejects("InvalidParameter"):
        client.publish(TargetArn=arn, TopicArn=topic, Message="x")
    client.delete_endpoint(EndpointArn=arn)
    client.delete_endpoint(EndpointArn=arn)
    with rejects("InvalidParameter", "No endpoint found for the target arn specified"):
        client.publish(TargetArn=arn, Message="x")
    with rejects("NotFound", "Topic does not exist"):
        client.publish(TopicArn=f"{topic}-other", Message="x")
    with rejects("InvalidParameter", "+1a234 is not valid to publish to"):
        client.publish(PhoneNumber="+1a234", Message="x")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("a", {"DataType": "String", "StringValue": ""}, "non-empty message attribute value"),
        ("a", {"DataType": "String"}, "non-empty message attribute value"),
        ("a", {"DataType": "String", "BinaryValue": b"x"}, "with type 'String' must use field 'St"),
        ("a", {"DataType": "Binary", "StringValue": "x"}, "with type 'Binary' must use field 'Bi"),
        ("a", {"DataType": "Text", "StringValue": "x"}, "the set of supported type prefixes is"),
        ("a", {"DataType": "Number", "StringValue": "x"}, "Could not cast message attribute 'a'"),
        ("^a", {"DataType": "String", "StringValue": "x"}, "Invalid non-alphanumeric character"),
        (".a", {"DataType": "String", "StringValue": "x"}, "starting with character '.'"),
        ("a.", {"DataType": "String", "StringValue": "x"}, "ending with character '.'"),
        ("a..b", {"DataType": "String", "StringValue": "x"}, "successive '.' character"),
        ("a" * 257, {"DataType": "String", "StringValue": "x"}, "must be less than 256 bytes"),
    ],
)
def test_an_attribute_has_a_name_and_a_value(
    client: Any, topic: str, name: str, value: Any, message: str
) -> None:
    attributes = {name: value}
    with rejects("ParameterValueInvalid", message):
        client.publish(TopicArn=topic, Message="x", MessageAttributes=attributes)
    entry = {"Id": "1", "Message": "x", "MessageAttributes": attributes}
    with rejects("ParameterValueInvalid", message):
        client.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[entry])


def test_attributes_count_and_have_types(client: Any, topic: str) -> None:
    attribute = {"a": {"DataType": "String", "StringValue": "x"}}
    longest = "x" * (262_144 - len("aStringx"))
    client.publish(TopicArn=topic, Message=longest, MessageAttributes=attribute)
    with rejects("InvalidParameter", "Message too long"):
        client.publish(TopicArn=topic, Message=f"{longest}x", MessageAttributes=attribute)
    with rejects("ValidationError", "'messageAttributes.a.member.dataType' failed to satisfy"):
        client.publish(TopicArn=topic, Message="x", MessageAttributes={"a": {"StringValue": "x"}})


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ('{"http": "x"}', "No default entry in JSON message body"),
        ('{"default": {"a": 1}}', "No default entry in JSON message body"),
        ('{"default": ', "JSON message body failed to parse"),
    ],
)
def test_a_message_by_protocol_has_a_default(
    client: Any, topic: str, message: str, why: str
) -> None:
    with rejects("InvalidParameter", why):
        client.publish(TopicArn=topic, Message=message, MessageStructure="json")


def test_a_batch_is_taken_or_rejected_whole(client: Any, topic: str) -> None:
    def send(*entries: dict[str, Any]) -> Any:
        return client.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)

    right = {"Id": "right", "Message": "x"}
    assert [each["Id"] for each in send(right)["Successful"]] == ["right"]
    for id_ in ("a.b", "a" * 81, ""):
        with rejects("InvalidBatchEntryId"):
            send(right, {"Id": id_, "Message": "x"})
    with rejects("EmptyBatchRequest"):
        send()
    with rejects("BatchRequestTooLong"):
        send(right, {"Id": "long", "Message": "x" * 262_144})
    for lacks, entry in (("id", {"Message": "x"}), ("message", {"Id": "a"})):
        with rejects("ValidationError", f"publishBatchRequestEntries.2.member.{lacks}"):
            send(right, entry)


@pytest.mark.parametrize(
    ("fifo", "entry", "why"),
    [
        (False, {"Message": "{}", "MessageStructure": "json"}, "No default entry"),
        (False, {"Message": ""}, "Empty message"),
        (False, {"Message": "x", "Subject": "a\nb"}, "Subject"),
        (False, {"Message": "x", "MessageDeduplicationId": "d"}, "not valid for this topic type"),
        (True, {"Message": "x"}, "MessageGroupId parameter is required for FIFO topics"),
        (True, {"Message": "x", "MessageGroupId": "g"}, "or MessageDeduplicationId"),
    ],
)
def test_a_batch_with_one_entry_that_is_wrong_sends_none(
    aws: str, client: Any, fifo: bool, entry: dict[str, str], why: str
) -> None:
    name = f"{uuid.uuid4()}{'.fifo' if fifo else ''}"
    topic = client.create_topic(Name=name, Attributes={"FifoTopic": "true"} if fifo else {})
    sqs: Any = boto3.client("sqs", endpoint_url=aws)
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"} if fifo else {})
    queue = {"QueueUrl": url["QueueUrl"], "AttributeNames": ["All"]}
    arn = sqs.get_queue_attributes(**queue)["Attributes"]["QueueArn"]
    client.subscribe(TopicArn=topic["TopicArn"], Protocol="sqs", Endpoint=arn)
    right = {"Id": "right", "Message": "x"}
    if fifo:
        right |= {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    batch = {"TopicArn": topic["TopicArn"], "PublishBatchRequestEntries": [right]}
    with rejects("InvalidParameter", why):
        client.publish_batch(
            **{**batch, "PublishBatchRequestEntries": [right, {"Id": "wrong", **entry}]}
        )
    waiting = "ApproximateNumberOfMessages"
    assert sqs.get_queue_attributes(**queue)["Attributes"][waiting] == "0"
    client.publish_batch(**batch)
    assert sqs.get_queue_attributes(**queue)["Attributes"][waiting] == "1"


def test_a_fifo_topic_asks_for_its_ids(client: Any) -> None:
    name = f"{uuid.uuid4()}.fifo"
    arn = client.create_topic(Name=name, Attributes={"FifoTopic": "true"})["TopicArn"]
    with rejects("InvalidParameter", "MessageGroupId parameter is required for FIFO topics"):
        client.publish(TopicArn=arn, Message="x")
    with rejects("InvalidParameter", "ContentBasedDeduplication enabled or MessageDeduplicationId"):
        client.publish(TopicArn=arn, Message="x", MessageGroupId="g")


@pytest.mark.parametrize(
    ("name", "platform", "attributes"),
    [
        ("with space", "GCM", CREDENTIAL),
        ("right", "FOO", CREDENTIAL),
        ("right", "GCM", {}),
        ("right", "APNS", {"PlatformCredential": "x"}),
    ],
)
def test_an_application_has_a_platform_and_its_credentials(
    client: Any, name: str, platform: str, attributes: dict[str, str]
) -> None:
    with rejects("InvalidParameter"):
        client.create_platform_application(Name=name, Platform=platform, Attributes=attributes)


def test_an_application_is_enabled(client: Any, application: str) -> None:
    found = client.get_platform_application_attributes(PlatformApplicationArn=application)
    assert found["Attributes"] == {"Enabled": "true"}


@rows(
    ("given", "why"),
    [
        ({"Protocol": "carrier"}, "does not support this protocol string: carrier"),
        ({"Protocol": "https", "Endpoint": "http://a"}, "Endpoint must match the specified"),
        ({"Protocol": "lambda"}, "Endpoint"),
        ({"Attributes": {"FilterPolicy": "{"}}, "failed to parse JSON"),
        ({"Attributes": {"FilterPolicy": '{"a": 5}'}}, "must be an object or an array"),
        ({"Attributes": {"FilterPolicy": "5"}}, "must be an object"),
        ({"Attributes": {"FilterPolicy": "[]"}}, "must be an object"),
        ({"Attributes": {"FilterPolicy": '{"$or": [5]}'}}, "FilterPolicy: malformed"),
        ({"Attributes": {"FilterPolicy": '{"a": [{}]}'}}, "FilterPolicy: malformed"),
        ({"Attributes": {"FilterPolicy": '{"a": [{"numeric": 5}]}'}}, "FilterPolicy: malformed"),
        ({"Attributes": {"RedrivePolicy": "{"}}, "failed to parse JSON"),
        ({"Attributes": {"DeliveryPolicy": "[]"}}, "must be an object"),
        ({"Attributes": {"Color": "x"}}, "AttributeName"),
    ],
)
def test_a_subscription_that_is_rejected_is_not_made(
    client: Any, topic: str, given: dict[str, Any], why: str
) -> None:
    """docs.aws.amazon.com/sns/latest/api/API_Subscribe.html"""
    queue = "arn:aws:sqs:us-east-1:123456789012:none"
    endpoint = {} if "Protocol" in given else {"Endpoint": queue}
    with rejects("InvalidParameter", why):
        client.subscribe(**{"TopicArn": topic, "Protocol": "sqs", **endpoint, **given})
    found = client.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (found["SubscriptionsConfirmed"], found["SubscriptionsPending"]) == ("0", "0")


def test_a_subscription_that_is_rejected_leaves_the_one_that_is_there(client: Any) -> None:
    asked = {
        "TopicArn": client.create_topic(Name=str(uuid.uuid4()))["TopicArn"],
        "Protocol": "sqs",
        "Endpoint": "arn:aws:sqs:us-east-1:123456789012:none",
    }
    attributes = {"FilterPolicy": '{"a": ["b"]}', "RawMessageDelivery": "false"}
    made = client.subscribe(**asked, Attributes=attributes, ReturnSubscriptionArn=True)
    with rejects("InvalidParameter", "failed to parse JSON"):
        client.subscribe(**asked, Attributes={"RawMessageDelivery": "true", "FilterPolicy": "{"})
    named = {"SubscriptionArn": made["SubscriptionArn"]}
    found = client.get_subscription_attributes(**named)["Attributes"]
    assert {name: found[name] for name in attributes} == attributes


def test_a_subscription_that_is_there_is_not_changed_by_another_one(client: Any) -> None:
    """As recorded: test_subscribe_idempotency."""
    asked = {
        "TopicArn": client.create_topic(Name=str(uuid.uuid4()))["TopicArn"],
        "Protocol": "sqs",
        "Endpoint": "arn:aws:sqs:us-east-1:123456789012:none",
    }
    made = client.subscribe(**asked, Attributes={"RawMessageDelivery": "True"})["SubscriptionArn"]
    raw, scope = {"RawMessageDelivery": "true"}, {"FilterPolicyScope": "MessageAttributes"}
    for same in (raw, {**raw, **scope}, scope, {}):
        assert client.subscribe(**asked, Attributes=same)["SubscriptionArn"] == made
    before = client.get_subscription_attributes(SubscriptionArn=made)["Attributes"]
    for other in (
        {"RawMessageDelivery": "false"},
        {**raw, "FilterPolicyScope": "MessageBody"},
        {**raw, "FilterPolicy": '{"a": ["b"]}'},
        {"RedrivePolicy": '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:x"}'},
    ):
        with rejects("InvalidParameter", "Subscription already exists with different attributes"):
            client.subscribe(**asked, Attributes=other)
        assert client.get_subscription_attributes(SubscriptionArn=made)["Attributes"] == before


def test_a_topic_that_is_there_is_made_again_with_its_attributes_and_tags_alone(
    client: Any,
) -> None:
    """As recorded: test_create_topic_different_attrs, test_create_duplicate_topic_with_more_tags
    and test_create_duplicate_topic_check_idempotency."""
    name, tags = str(uuid.uuid4()), [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    given = {"DisplayName": "x", "Policy": '{"Version": "2012-10-17"}'}
    made = client.create_topic(Name=name, Attributes=given, Tags=tags)["TopicArn"]
    for same in (
        {"Attributes": given, "Tags": tags},
        {"Attributes": {"DisplayName": "x", "FifoTopic": "false"}},
        {"Tags": tags[:1]},
        {},
    ):
        assert client.create_topic(Name=name, **same)["TopicArn"] == made
    for attributes in ({"DisplayName": "y"}, {"DisplayName": "x", "SignatureVersion": "2"}):
        with rejects("InvalidParameter", "Topic already exists with different attributes"):
            client.create_topic(Name=name, Attributes=attributes)
    for other in ({"Key": "a", "Value": "2"}, {"Key": "c", "Value": "1"}):
        with rejects("InvalidParameter", "Topic already exists with different tags"):
            client.create_topic(Name=name, Tags=[other])


@rows("name", ["Policy", "DeliveryPolicy"])
@rows(("value", "why"), [("{", "failed to parse JSON"), ("5", "must be an object")])
def test_a_policy_is_a_document(client: Any, topic: str, name: str, value: str, why: str) -> None:
    """docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html"""
    with rejects("InvalidParameter", why):
        client.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)
    with rejects("InvalidParameter", why):
        client.create_topic(Name=str(uuid.uuid4()), Attributes={name: value})
