"""What the checks reject and correct, as a caller of the AWS server sees it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


def keys(count: int) -> list[dict[str, Any]]:
    return [{"pk": {"S": "a"}, "sk": {"S": str(n)}} for n in range(count)]


Client = Callable[[str], Any]


@pytest.fixture
def client(aws: str) -> Client:
    config = Config(parameter_validation=False, retries={"max_attempts": 0})

    def make(service: Any) -> Any:
        return boto3.client(service, endpoint_url=aws, config=config)

    return make


@pytest.fixture
def table(client: Client) -> tuple[Any, str]:
    made, name = client("dynamodb"), f"t-{uuid.uuid4()}"
    made.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return made, name


def test_an_update_with_a_key_alone_makes_the_item(table: tuple[Any, str]) -> None:
    dynamo, name = table
    dynamo.update_item(TableName=name, Key=KEY)
    assert dynamo.get_item(TableName=name, Key=KEY)["Item"] == KEY


def test_numbers_and_their_sums_come_back_as_they_are_stored(table: tuple[Any, str]) -> None:
    dynamo, name = table
    dynamo.put_item(TableName=name, Item={**KEY, "n": {"N": "1.50"}, "s": {"NS": ["02", "1e1"]}})
    values = {":v": {"N": "0.50"}}
    dynamo.update_item(
        TableName=name,
        Key=KEY,
        UpdateExpression="ADD n :v SET m = n - :v",
        ExpressionAttributeValues=values,
    )
    item = dynamo.get_item(TableName=name, Key=KEY)["Item"]
    assert (item["n"], item["m"]) == ({"N": "2"}, {"N": "1"})
    assert sorted(item["s"]["NS"]) == ["10", "2"]


def test_an_item_of_400_kb_fits_and_one_byte_more_does_not(table: tuple[Any, str]) -> None:
    dynamo, name = table
    others = len("pk") + len("sk") + len("v") + 2  # the names, and the keys' values
    longest = 400 * 1024 - others
    dynamo.put_item(TableName=name, Item={**KEY, "v": {"S": "x" * longest}})
    dynamo.put_item(TableName=name, Item={**KEY, "v": {"B": bytes(longest)}})
    with pytest.raises(ClientError, match="Item size"):
        dynamo.put_item(TableName=name, Item={**KEY, "v": {"S": "x" * (longest + 1)}})
    with pytest.raises(ClientError, match="Item size"):
        dynamo.put_item(TableName=name, Item={**KEY, "v": {"B": bytes(longest + 1)}})
    with pytest.raises(ClientError, match="Item size"):
        dynamo.update_item(
            TableName=name,
            Key=KEY,
            UpdateExpression="SET v = :v",
            ExpressionAttributeValues={":v": {"S": "x" * (longest + 1)}},
        )


def test_a_transaction_with_a_token_is_written_once(table: tuple[Any, str]) -> None:
    dynamo, name = table
    token = str(uuid.uuid4())

    def add(by: str) -> None:
        update = {
            "TableName": name,
            "Key": KEY,
            "UpdateExpression": "ADD n :v",
            "ExpressionAttributeValues": {":v": {"N": by}},
        }
        dynamo.transact_write_items(TransactItems=[{"Update": update}], ClientRequestToken=token)

    add("1")
    add("1")
    assert dynamo.get_item(TableName=name, Key=KEY)["Item"]["n"] == {"N": "1"}
    with pytest.raises(dynamo.exceptions.IdempotentParameterMismatchException):
        add("2")


def test_a_rejection_reaches_the_caller_as_aws_writes_it(table: tuple[Any, str]) -> None:
    dynamo, name = table
    writes = [{"DeleteRequest": {"Key": key}} for key in keys(26)]
    with pytest.raises(ClientError) as found:
        dynamo.batch_write_item(RequestItems={name: writes})
    assert found.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "Too many items requested for the BatchWriteItem call",
    }


def test_sequence_numbers_of_a_group_grow(client: Client) -> None:
    queues = client("sqs")
    made = queues.create_queue(QueueName=f"{uuid.uuid4()}.fifo", Attributes={"FifoQueue": "true"})
    numbers = [
        queues.send_message(
            QueueUrl=made["QueueUrl"],
            MessageBody="x",
            MessageGroupId="g",
            MessageDeduplicationId=str(n),
        )["SequenceNumber"]
        for n in range(20)
    ]
    assert numbers == sorted(set(numbers))
    assert {len(each) for each in numbers} == {20}
    received = queues.receive_message(
        QueueUrl=made["QueueUrl"], AttributeNames=["All"], MaxNumberOfMessages=10
    )["Messages"]
    assert [each["Attributes"]["SequenceNumber"] for each in received] == numbers[:10]
    with pytest.raises(queues.exceptions.InvalidMessageContents):
        queues.send_message(
            QueueUrl=made["QueueUrl"],
            MessageBody="\x01",
            MessageGroupId="g",
            MessageDeduplicationId="x",
        )
