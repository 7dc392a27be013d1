from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError


class Chats:
    """One table with a stream, seen through boto3."""

    def __init__(self, url: str) -> None:
        self.client: Any = boto3.client("dynamodb", endpoint_url=url)
        self.streams: Any = boto3.client("dynamodbstreams", endpoint_url=url)
        self.name = f"chats-{uuid.uuid4()}"
        self.client.create_table(
            TableName=self.name,
            KeySchema=[
                {"AttributeName": "chat", "KeyType": "HASH"},
                {"AttributeName": "item", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "chat", "AttributeType": "S"},
                {"AttributeName": "item", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        described = self.client.describe_table(TableName=self.name)["Table"]
        self.arn = described["TableArn"]
        stream = self.streams.describe_stream(StreamArn=described["LatestStreamArn"])
        shard = stream["StreamDescription"]["Shards"][0]["ShardId"]
        self._iterator = self.streams.get_shard_iterator(
            StreamArn=described["LatestStreamArn"],
            ShardId=shard,
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]

    def named(self, how: str) -> tuple[str, str]:
        """What to call the table in two places of a request."""
        names = {"by name": (self.name, self.name), "by ARN": (self.arn, self.arn)}
        return names.get(how, (self.name, self.arn))

    def put(self, item: str, **attributes: Any) -> None:
        self.client.put_item(TableName=self.name, Item={**key(item), **attributes})

    def update(self, item: str, **request: Any) -> Any:
        return self.client.update_item(TableName=self.name, Key=key(item), **request)

    def records(self) -> list[Any]:
        """What the stream has that was not read before."""
        response = self.streams.get_records(ShardIterator=self._iterator)
        self._iterator = response["NextShardIterator"]
        return list(response["Records"])


def key(item: str) -> dict[str, Any]:
    return {"chat": {"S": "c1"}, "item": {"S": item}}


@pytest.fixture
def chats(aws: str) -> Chats:
    return Chats(aws)


def test_what_names_no_place_of_a_stream_is_rejected(chats: Chats) -> None:
    """GetShardIterator and GetRecords, DynamoDB Streams API reference."""
    chats.put("a")
    stream = chats.client.describe_table(TableName=chats.name)["Table"]["LatestStreamArn"]
    shard = chats.streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]
    (first,) = chats.records()
    at = first["dynamodb"]["SequenceNumber"]

    def error(call: Any, **given: Any) -> str:
        with pytest.raises(ClientError) as found:
            call(**given)
        return str(found.value.response["Error"]["Code"])

    def begin(**given: Any) -> Any:
        asked = {"StreamArn": stream, "ShardId": shard["ShardId"], **given}
        return chats.streams.get_shard_iterator(**asked)["ShardIterator"]

    for kind, expected in (("AT_SEQUENCE_NUMBER", 1), ("AFTER_SEQUENCE_NUMBER", 0)):
        assert error(begin, ShardIteratorType=kind) == "ValidationException"
        iterator = begin(ShardIteratorType=kind, SequenceNumber=at)
        assert len(chats.streams.get_records(ShardIterator=iterator)["Records"]) == expected
        assert error(chats.streams.get_records, ShardIterator=iterator, Limit=1001) == (
            "ValidationException"
        )
    assert error(begin, ShardIteratorType="NEXT") == "ValidationException"
    other = {"ShardIteratorType": "LATEST", "ShardId": f"{shard['ShardId']}-other"}
    assert error(begin, **other) == "ResourceNotFoundException"
    no_stream = {"ShardIteratorType": "LATEST", "StreamArn": stream.replace("table/", "table/x")}
    assert error(begin, **no_stream) == "ResourceNotFoundException"
    assert error(chats.streams.get_records, ShardIterator="none") == "ValidationException"


def test_an_iterator_that_is_not_known_any_more_has_expired(chats: Chats) -> None:
    """GetRecords, DynamoDB Streams API reference. What is forgotten has another end than the 1,000
    that are known."""
    stream = chats.client.describe_table(TableName=chats.name)["Table"]["LatestStreamArn"]
    shard = chats.streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]
    asked = {"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "LATEST"}
    live = chats.streams.get_shard_iterator(**asked)["ShardIterator"]
    chats.streams.get_records(ShardIterator=live)
    begin, _, token = live.rpartition("|")
    old = f"{begin}|{token[::-1]}"
    with pytest.raises(chats.streams.exceptions.ExpiredIteratorException):
        chats.streams.get_records(ShardIterator=old)
    for other in (old[:-1], old.replace(chats.name, "x"), old.partition("|")[0]):
        with pytest.raises(ClientError, match="ValidationException"):
            chats.streams.get_records(ShardIterator=other)


def test_concurrent_conditional_updates_are_taken_one_by_one(chats: Chats) -> None:
    chats.put("head", seq={"N": "0"}, members={"SS": ["ravi", "raju"]})

    def take(_: int) -> int:
        response = chats.update(
            "head",
            UpdateExpression="SET seq = seq + :one",
            ConditionExpression="contains(members, :user)",
            ExpressionAttributeValues={":one": {"N": "1"}, ":user": {"S": "ravi"}},
            ReturnValues="UPDATED_NEW",
        )
        return int(response["Attributes"]["seq"]["N"])

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(take, range(80))) == list(range(1, 81))


def test_an_expired_item_is_removed_by_the_service(chats: Chats) -> None:
    chats.client.update_time_to_live(
        TableName=chats.name,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
    )
    chats.put("old", expires_at={"N": str(int(time.time()) - 5)})
    chats.put("young", expires_at={"N": str(int(time.time()) + 3600)})
    chats.put("ancient", expires_at={"N": "12"})
    records: list[Any] = []
    deadline = time.monotonic() + 20
    removals: list[Any] = []
    while time.monotonic() < deadline and not removals:
        records += chats.records()
        removals = [each for each in records if each["eventName"] == "REMOVE"]
        time.sleep(0.05)
    (removed,) = removals
    assert removed["dynamodb"]["Keys"]["item"] == {"S": "old"}
    assert removed["userIdentity"] == {
        "PrincipalId": "dynamodb.amazonaws.com",
        "Type": "Service",
    }


def test_an_update_of_a_new_key_is_one_insertion(chats: Chats) -> None:
    chats.update(
        "member#ravi",
        UpdateExpression="SET delivered = :n",
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    (record,) = chats.records()
    assert record["eventName"] == "INSERT"
    assert record["dynamodb"]["NewImage"]["delivered"] == {"N": "1"}
    assert "OldImage" not in record["dynamodb"]


def test_a_write_that_changes_nothing_leaves_no_record(chats: Chats) -> None:
    chats.put("head", seq={"N": "1"})
    chats.put("head", seq={"N": "1"})
    chats.update(
        "head", UpdateExpression="SET seq = :n", ExpressionAttributeValues={":n": {"N": "1"}}
    )
    assert [record["eventName"] for record in chats.records()] == ["INSERT"]


@pytest.mark.parametrize("named", ["by name", "by ARN", "by both"])
def test_a_canceled_transaction_leaves_items_and_stream_as_they_were(
    chats: Chats, named: str
) -> None:
    first, second = chats.named(named)
    chats.put("head", seq={"N": "1"})
    chats.put("gone", seq={"N": "7"})
    chats.records()
    with pytest.raises(chats.client.exceptions.TransactionCanceledException) as caught:
        chats.client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": first, "Item": {**key("new"), "a": {"S": "b"}}}},
                {"Delete": {"TableName": second, "Key": key("gone")}},
                {
                    "Update": {
                        "TableName": first,
                        "Key": key("head"),
                        "UpdateExpression": "SET seq = :n",
                        "ExpressionAttributeValues": {":n": {"N": "9"}},
                    }
                },
                {
                    "ConditionCheck": {
                        "TableName": second,
                        "Key": key("nothing"),
                        "ConditionExpression": "attribute_exists(chat)",
                    }
                },
            ]
        )
    codes = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert codes == ["None", "None", "None", "ConditionalCheckFailed"]
    assert chats.records() == []
    items = chats.client.scan(TableName=chats.name)["Items"]
    assert {item["item"]["S"]: item["seq"]["N"] for item in items} == {"gone": "7", "head": "1"}
    chats.put("after")
    assert [record["eventName"] for record in chats.records()] == ["INSERT"]


def test_two_actions_on_one_item_are_rejected_however_its_table_is_named(chats: Chats) -> None:
    puts = [{"Put": {"TableName": name, "Item": key("a")}} for name in chats.named("by both")]
    with pytest.raises(chats.client.exceptions.ClientError, match="multiple operations"):
        chats.client.transact_write_items(TransactItems=puts)


def test_a_transaction_that_holds_is_written_and_recorded(chats: Chats) -> None:
    chats.client.transact_write_items(
        TransactItems=[{"Put": {"TableName": chats.name, "Item": key(item)}} for item in ("a", "b")]
    )
    assert [record["eventName"] for record in chats.records()] == ["INSERT", "INSERT"]


EVERY_TYPE: dict[str, Any] = {
    "text": {"S": 'h\u00e9 \U0001f600 " \\ \u2028'},
    "empty": {"S": ""},
    "number": {"N": "-12.5"},
    "large": {"N": "99999999999999999999999999999999999999"},
    "binary": {"B": b"\x00\xff\x10"},
    "yes": {"BOOL": True},
    "nothing": {"NULL": True},
    "texts": {"SS": ["a"]},
    "numbers": {"NS": ["1"]},
    "binaries": {"BS": [b"\x01\x02"]},
    "list": {"L": [{"N": "1"}, {"B": b"\x03"}, {"L": []}]},
    "map": {"M": {"S": {"S": "a field may be called as a type"}, "inner": {"M": {}}}},
}


def test_an_item_of_every_type_is_read_as_it_was_put_in_each_way(chats: Chats) -> None:
    chats.put("i1", **EVERY_TYPE)
    item = {**key("i1"), **EVERY_TYPE}
    client, name = chats.client, chats.name
    asked = {
        "KeyConditionExpression": "chat = :chat",
        "ExpressionAttributeValues": {":chat": {"S": "c1"}},
    }
    page = client.query(TableName=name, **asked)
    assert (page["Items"], page["Count"], page["ScannedCount"]) == ([item], 1, 1)
    assert client.scan(TableName=name)["Items"] == [item]
    assert client.get_item(TableName=name, Key=key("i1"))["Item"] == item
    found = client.batch_get_item(RequestItems={name: {"Keys": [key("i1"), key("i2")]}})
    assert found["Responses"] == {name: [item]} and found["UnprocessedKeys"] == {}


def test_a_page_says_where_the_next_begins_and_a_count_has_no_items(chats: Chats) -> None:
    for number in range(3):
        chats.put(f"i{number}")
    asked = {
        "TableName": chats.name,
        "KeyConditionExpression": "chat = :chat",
        "ExpressionAttributeValues": {":chat": {"S": "c1"}},
    }
    page = chats.client.query(**asked, Limit=2)
    assert page["Items"] == [key("i0"), key("i1")] and page["LastEvaluatedKey"] == key("i1")
    counted = chats.client.query(**asked, Select="COUNT")
    assert "Items" not in counted and counted["Count"] == 3
