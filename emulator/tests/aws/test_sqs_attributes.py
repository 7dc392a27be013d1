"""Attributes of queues that depend on each other, and sizes that a queue is given.

Sources: CreateQueue, SetQueueAttributes, SendMessage and ReceiveMessage, API reference; codes and
messages as LocalStack has recorded them of SQS (github.com/localstack/localstack,
tests/aws/services/sqs/test_sqs.snapshot.json).
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.rows import rows

from emulator.aws.checks.sqs_queues import same

FIFO = {"FifoQueue": "true"}


@pytest.fixture(scope="module")
def client(aws: str) -> Any:
    options = Config(parameter_validation=False)
    return boto3.client("sqs", endpoint_url=aws, config=options)


def made(client: Any, **attributes: str) -> str:
    name = f"q-{uuid.uuid4()}" + (".fifo" if "FifoQueue" in attributes else "")
    return str(client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def arn(client: Any, url: str) -> str:
    found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(found["Attributes"]["QueueArn"])


def redrive(target: str, receives: Any = 3) -> dict[str, str]:
    policy = {"deadLetterTargetArn": target, "maxReceiveCount": receives}
    return {"RedrivePolicy": json.dumps(policy)}


def rejects(code: str, message: str) -> Any:
    return pytest.raises(ClientError, match=rf"\({re.escape(code)}\).*{re.escape(message)}")


@rows(
    ("attributes", "code", "message"),
    [
        ({"FifoQueue": "false"}, "InvalidAttributeName", "Unknown Attribute FifoQueue."),
        ({"ContentBasedDeduplication": "true"}, "InvalidAttributeName", "Unknown Attribute Con"),
        ({"DeduplicationScope": "queue"}, "InvalidAttributeName", "only when FifoQueue is set"),
        ({"FifoThroughputLimit": "perQueue"}, "InvalidAttributeName", "only when FifoQueue is"),
        ({"Policy": "no JSON"}, "InvalidAttributeValue", "for the parameter Policy"),
        ({"DelaySeconds": ""}, "InvalidAttributeValue", "for the parameter DelaySeconds"),
        ({"QueueArn": "q"}, "InvalidAttributeName", "Unknown Attribute QueueArn."),
        ({"ApproximateNumberOfMessages": "1"}, "InvalidAttributeName", "Unknown Attribute"),
    ],
)
def test_an_attribute_that_a_standard_queue_has_not_is_rejected(
    client: Any, attributes: dict[str, str], code: str, message: str
) -> None:
    with rejects(code, message):
        client.create_queue(QueueName=f"q-{uuid.uuid4()}", Attributes=attributes)


def test_a_queue_stays_of_its_kind(client: Any) -> None:
    standard, fifo = made(client), made(client, **FIFO)
    with rejects("InvalidAttributeName", "Unknown Attribute FifoQueue."):
        client.set_queue_attributes(QueueUrl=standard, Attributes=FIFO)
    with rejects("InvalidAttributeValue", "Modifying queue type is not supported."):
        client.set_queue_attributes(QueueUrl=fifo, Attributes={"FifoQueue": "false"})
    client.set_queue_attributes(QueueUrl=fifo, Attributes=FIFO)
    with rejects("InvalidParameterValue", "1 to 80 in length"):
        client.create_queue(QueueName="name.fifo")
    with rejects("InvalidAttributeValue", "perMessageGroupId value is allowed only when"):
        client.set_queue_attributes(
            QueueUrl=fifo, Attributes={"FifoThroughputLimit": "perMessageGroupId"}
        )


def test_a_dead_letter_queue_exists_is_of_the_same_kind_and_allows_its_source(client: Any) -> None:
    standard, fifo = made(client), made(client, **FIFO)
    wrong: list[tuple[dict[str, str], str]] = [
        (redrive("arn:aws:sqs:us-east-1:123456789012:none"), "target does not exist"),
        (redrive(arn(client, fifo)), "same type of queue"),
        (redrive(arn(client, standard)) | FIFO, "same type of queue"),
        (redrive(arn(client, standard), 1001), "valid values are from 1 to 1000"),
        ({"RedrivePolicy": '{"maxReceiveCount": 1}'}, "mandatory attribute: deadLetterTargetArn"),
        ({"RedrivePolicy": json.dumps({"deadLetterTargetArn": "a"})}, "attribute: maxReceiveCount"),
        ({"RedrivePolicy": "[]"}, "not a valid JSON map"),
    ]
    for attributes, message in wrong:
        with rejects("InvalidParameterValue", message):
            made(client, **attributes)
    assert made(client, **redrive(arn(client, standard), "3"))
    denied = {"RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})}
    client.set_queue_attributes(QueueUrl=standard, Attributes=denied)
    with rejects("InvalidParameterValue", "RedriveAllowPolicy"):
        made(client, **redrive(arn(client, standard)))


def test_a_queue_is_made_again_with_the_same_values_in_another_form(client: Any) -> None:
    target, name = arn(client, made(client)), f"q-{uuid.uuid4()}"
    url = client.create_queue(QueueName=name, Attributes=redrive(target, "3"))["QueueUrl"]
    for receives in ("3", 3, "03"):
        again = client.create_queue(QueueName=name, Attributes=redrive(target, receives))
        assert again["QueueUrl"] == url
    with rejects("QueueAlreadyExists", "RedrivePolicy"):
        client.create_queue(QueueName=name, Attributes=redrive(target, 4))


@rows(
    ("there", "given", "expected"),
    [
        ('{"a": "3"}', '{"a": 3}', True),
        ('{"a": [{"b": "true"}]}', '{"a": [{"b": true}]}', True),
        ('{"a": "x"}', '{"a": "X"}', False),
        ("perQueue", "perqueue", True),
        ("030", "30", True),
        ("0", None, False),
        ("false", None, False),
        ("{}", "", True),
        (None, "", True),
    ],
)
def test_an_attribute_has_the_same_value_in_several_forms(
    there: Any, given: Any, expected: bool
) -> None:
    assert same(there, given) is expected


def test_an_empty_redrive_policy_takes_it_away(client: Any) -> None:
    for empty in ("{}", ""):
        url = made(client, **redrive(arn(client, made(client))))
        client.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": empty})
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        assert "RedrivePolicy" not in found["Attributes"]


ARNS = [f"arn:aws:sqs:us-east-1:123456789012:q{number}" for number in range(11)]


@pytest.mark.parametrize(
    ("policy", "right"),
    [
        ({"redrivePermission": "maybe"}, False),
        ({"redrivePermission": ["allowAll"]}, False),
        ({"redrivePermission": "byQueue"}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": []}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": ARNS}, False),
        ({"redrivePermission": "denyAll", "sourceQueueArns": ARNS[:1]}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": ARNS[:10]}, True),
        ({"redrivePermission": "allowAll"}, True),
        ({"redrivePermission": "denyAll"}, True),
    ],
)
def test_a_dead_letter_queue_says_whose_it_is(client: Any, policy: Any, right: bool) -> None:
    """Source: SetQueueAttributes, API reference, RedriveAllowPolicy."""
    attributes = {"RedriveAllowPolicy": json.dumps(policy)}
    if right:
        client.set_queue_attributes(QueueUrl=made(client), Attributes=attributes)
        return
    with rejects("InvalidAttributeValue", "for the parameter RedriveAllowPolicy"):
        client.set_queue_attributes(QueueUrl=made(client), Attributes=attributes)


def test_an_attribute_that_is_set_leaves_the_policy(client: Any) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    url = made(client, Policy=policy)
    client.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
    found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    assert json.loads(found["Attributes"]["Policy"]) == json.loads(policy)


def test_a_policy_that_a_queue_has_not_makes_no_queue_again(client: Any) -> None:
    name, policy = f"q-{uuid.uuid4()}", json.dumps({"redrivePermission": "denyAll"})
    client.create_queue(QueueName=name)
    client.create_queue(QueueName=name, Attributes={"RedriveAllowPolicy": ""})
    with rejects("QueueAlreadyExists", "a different value for attribute RedriveAllowPolicy"):
        client.create_queue(QueueName=name, Attributes={"RedriveAllowPolicy": policy})


def test_a_queue_is_made_again_with_the_same_attributes_alone(client: Any) -> None:
    name = f"q-{uuid.uuid4()}"
    for attributes in ({"DelaySeconds": "1"}, {"DelaySeconds": "1"}, {"DelaySeconds": "01"}, {}):
        client.create_queue(QueueName=name, Attributes=attributes)
    with rejects("QueueAlreadyExists", "a different value for attribute DelaySeconds"):
        client.create_queue(QueueName=name, Attributes={"DelaySeconds": "2"})
    for _ in range(2):
        client.create_queue(QueueName=f"{name}-again", Attributes={"VisibilityTimeout": "030"})


def test_a_size_is_in_bytes_and_of_the_attributes_too(client: Any) -> None:
    url = made(client, MaximumMessageSize="1024")
    client.send_message(QueueUrl=url, MessageBody="x" * 1024)
    attribute = {"a": {"DataType": "String", "StringValue": "x" * 20}}
    for message in (
        {"MessageBody": "x" * 1025},
        {"MessageBody": "ä" * 513},
        {"MessageBody": "x" * 1000, "MessageAttributes": attribute},
    ):
        with rejects("InvalidParameterValue", "Message must be shorter than 1024 bytes."):
            client.send_message(QueueUrl=url, **message)
        entries = [{"Id": "long", **message}, {"Id": "short", "MessageBody": "x"}]
        response = client.send_message_batch(QueueUrl=url, Entries=entries)
        assert [each["Id"] for each in response["Failed"]] == ["long"]
        assert [each["Id"] for each in response["Successful"]] == ["short"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"MaxNumberOfMessages": 11}, "Must be between 1 and 10, if provided."),
        ({"MaxNumberOfMessages": 0}, "Must be between 1 and 10, if provided."),
        ({"WaitTimeSeconds": 21}, "Must be >= 0 and <= 20, if provided."),
        ({"WaitTimeSeconds": -1}, "Must be >= 0 and <= 20, if provided."),
    ],
)
def test_what_is_asked_for_is_within_bounds(client: Any, asked: Any, message: str) -> None:
    with rejects("InvalidParameterValue", message):
        client.receive_message(QueueUrl=made(client), **asked)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"DataType": "String", "StringValue": ""}, "must contain a non-empty value of type 'Str"),
        ({"DataType": "Number", "StringValue": "x"}, "Can't cast the value of message (user) attr"),
        ({"DataType": "Text", "StringValue": "x"}, "supported type prefixes: Binary, Number, Stri"),
    ],
)
def test_an_attribute_has_a_value_of_its_type(client: Any, value: Any, message: str) -> None:
    with rejects("InvalidParameterValue", message):
        client.send_message(QueueUrl=made(client), MessageBody="x", MessageAttributes={"a": value})


def test_a_call_without_its_queue_says_so(client: Any) -> None:
    with rejects("MissingParameter", "must contain the parameter QueueUrl."):
        client.send_message(MessageBody="x")


def test_times_of_a_queue_are_whole_seconds(client: Any) -> None:
    """docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html"""
    names = ["CreatedTimestamp", "LastModifiedTimestamp"]
    found = client.get_queue_attributes(QueueUrl=made(client), AttributeNames=names)["Attributes"]
    assert all(found[name].isdigit() for name in names)


def least(shape: Any) -> Any:
    """What satisfies the shape of a request: what it requires alone."""
    if shape.type_name == "structure":
        return {name: least(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [least(shape.member)]
    return {"map": {}, "integer": 1}.get(shape.type_name, "x")


def of_queues(client: Any) -> dict[str, Any]:
    """The least request to each operation that has a QueueUrl."""
    model = client.meta.service_model
    inputs = {name: model.operation_model(name).input_shape for name in model.operation_names}
    return {
        name: least(shape)
        for name, shape in inputs.items()
        if shape and "QueueUrl" in shape.members
    }


def test_a_queue_of_another_account_is_none(client: Any, subtests: pytest.Subtests) -> None:
    """docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueUrl.html,
    QueueOwnerAWSAccountId"""
    url = made(client)
    other = re.sub("/[0-9]{12}/", "/999999999999/", url)
    for operation, given in of_queues(client).items():
        with subtests.test(operation), pytest.raises(client.exceptions.QueueDoesNotExist):
            getattr(client, xform_name(operation))(**given | {"QueueUrl": other})
    owner = {"QueueName": url.rpartition("/")[2], "QueueOwnerAWSAccountId": "999999999999"}
    with pytest.raises(client.exceptions.QueueDoesNotExist):
        client.get_queue_url(**owner)
