"""Calls that go past moto's server, and the replacements in moto, change no response."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from tests.aws.compared import Server

from emulator.aws import dynamodb_updated
from emulator.aws.checks import constraints, dynamodb
from emulator.aws.checks.dynamodb import Schema
from emulator.aws.checks.rejection import Rejection
from emulator.aws.direct import Direct

ITEMS = 6  # keys, so that operations meet
CONDITIONS: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("attribute_exists(chat)", {}, {}),
    ("attribute_not_exists(#n)", {"#n": "n"}, {}),
    ("contains(members, :one)", {}, {":one": {"S": "ravi"}}),
    ("n < :low AND NOT (n = :zero)", {}, {":low": {"N": "3"}, ":zero": {"N": "0"}}),
    ("size(members) > :low OR #m.phone = :low", {"#m": "map"}, {":low": {"N": "1"}}),
    ("n BETWEEN :low AND :high", {}, {":low": {"N": "0"}, ":high": {"N": "2"}}),
    ("n <", {}, {}),
    ("name = :low", {}, {":low": {"N": "1"}}),
    ("n = :unknown", {}, {":other": {"N": "1"}}),
]
UPDATES: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("SET n = n + :one", {}, {":one": {"N": "1"}}),
    ("SET n = if_not_exists(n, :zero) + :one", {}, {":one": {"N": "1"}, ":zero": {"N": "0"}}),
    (
        "SET #t = :text, n = :one REMOVE gone",
        {"#t": "text"},
        {":text": {"S": "é"}, ":one": {"N": "1"}},
    ),
    ("SET #m.#d = :entry", {"#m": "map", "#d": "phone"}, {":entry": {"M": {"a": {"N": "1"}}}}),
    ("SET l = list_append(l, :more)", {}, {":more": {"L": [{"S": "x"}, {"NULL": True}]}}),
    ("REMOVE #m.phone, l[0]", {"#m": "map"}, {}),
    ("ADD members :new", {}, {":new": {"SS": ["raju", "radha"]}}),
    ("DELETE members :old", {}, {":old": {"SS": ["ravi"]}}),
    ("SET #m.phone.n = n, #m.new = :one", {"#m": "map"}, {":one": {"N": "1"}}),
    ("SET n = #m.phone.n + :one REMOVE #m.old", {"#m": "map"}, {":one": {"N": "1"}}),
    ("SET #m.#t = if_not_exists(#m.n, :one)", {"#m": "map", "#t": "t"}, {":one": {"N": "1"}}),
    ("ADD n :one, #m.phone.n :one", {"#m": "map"}, {":one": {"N": "1"}}),
    (
        "ADD #m.#s :new, n :one",
        {"#m": "map", "#s": "s"},
        {":new": {"SS": ["a"]}, ":one": {"N": "2"}},
    ),
    ("DELETE members :all REMOVE l", {}, {":all": {"SS": ["ravi", "raju", "x"]}}),
    ("ADD members :new DELETE members :new", {}, {":new": {"SS": ["ravi"]}}),
    ("SET #m.phone = :one REMOVE #m.phone.n", {"#m": "map"}, {":one": {"N": "1"}}),
    ("ADD members :one", {}, {":one": {"N": "1"}}),
    ("ADD #t :one", {"#t": "text"}, {":one": {"M": {}}}),
    ("SET n = n - :one, #t = :text", {"#t": "text"}, {":one": {"N": "1.5"}, ":text": {"S": "é"}}),
    ("SET t = n, gone = if_not_exists(absent, :zero)", {}, {":zero": {"N": "0"}}),
    ("SET n = if_not_exists(#t, :zero)", {"#t": "text"}, {":zero": {"N": "0"}}),
    ("SET n = :text + :one", {}, {":text": {"S": "x"}, ":one": {"N": "1"}}),
    ("SET n = :one, n = :one", {}, {":one": {"N": "1"}}),
    ("SET #a = :one", {}, {":one": {"N": "1"}}),
    ("SET size = :one", {}, {":one": {"N": "1"}}),
    ("SET n = absent", {}, {}),
    ("SET n=n+:one , copy=map", {}, {":one": {"N": "1"}}),
    ("SET n = :big", {}, {":big": {"S": "x" * 410_000}}),
    ("SET chat = :text", {}, {":text": {"S": "other"}}),
    ("SET n = :missing", {}, {}),
    ("CHANGE n", {}, {}),
    ("", {}, {}),
]


class Calls:
    """Random calls of DynamoDB's item operations on one table."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.table = f"calls-{seed}"

    def create(self) -> dict[str, Any]:
        names = {"chat": "HASH", "item": "RANGE"}
        return {
            "TableName": self.table,
            "KeySchema": [{"AttributeName": n, "KeyType": kind} for n, kind in names.items()],
            "AttributeDefinitions": [{"AttributeName": n, "AttributeType": "S"} for n in names],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {
                "StreamEnabled": True,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        }

    def any(self) -> tuple[str, dict[str, Any]]:
        return self.random.choice(
            [
                self.put,
                self.update,
                self.update,
                self.delete,
                self.get,
                self.query,
                self.batch_get,
                self.batch_write,
                self.transact,
            ]
        )()

    def put(self) -> tuple[str, dict[str, Any]]:
        body = {"TableName": self._name(), "Item": self._item()}
        return "PutItem", self._conditional(body, ["NONE", "ALL_OLD", "ALL_NEW"])

    def update(self) -> tuple[str, dict[str, Any]]:
        expression, names, values = self.random.choice(UPDATES)
        body = {"TableName": self._name(), "Key": self._key(), "UpdateExpression": expression}
        returned = ["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"]
        return "UpdateItem", self._conditional(body, returned, names, values)

    def delete(self) -> tuple[str, dict[str, Any]]:
        body = {"TableName": self._name(), "Key": self._key()}
        return "DeleteItem", self._conditional(body, ["NONE", "ALL_OLD"])

    def get(self) -> tuple[str, dict[str, Any]]:
        key = self._key() if self.random.random() < 0.9 else {"chat": {"S": "c"}}
        body: dict[str, Any] = {"TableName": self._name(), "Key": key}
        if self.random.random() < 0.4:
            body["ProjectionExpression"] = "n, #m.phone"
            body["ExpressionAttributeNames"] = {"#m": "map"}
        if self.random.random() < 0.3:
            body["ReturnConsumedCapacity"] = self.random.choice(["TOTAL", "INDEXES", "SOME"])
        return "GetItem", body

    def query(self) -> tuple[str, dict[str, Any]]:
        body: dict[str, Any] = {
            "TableName": self._name(),
            "KeyConditionExpression": "#c = :c",
            "ExpressionAttributeNames": {"#c": "chat"},
            "ExpressionAttributeValues": {":c": {"S": self.random.choice("cd")}},
            "ScanIndexForward": self.random.random() < 0.5,
        }
        if self.random.random() < 0.5:
            body["KeyConditionExpression"] += " AND begins_with(item, :p)"
            body["ExpressionAttributeValues"][":p"] = {"S": self.random.choice(["i", "i3", "x"])}
        if self.random.random() < 0.3:
            body["FilterExpression"] = "n > :n"
            body["ExpressionAttributeValues"][":n"] = {"N": "1"}
        if self.random.random() < 0.5:
            body["Limit"] = self.random.randint(1, 4)
        if self.random.random() < 0.3:
            body["ExclusiveStartKey"] = self._key()
        if self.random.random() < 0.2:
            body["Select"] = "COUNT"
        return "Query", body

    def batch_get(self) -> tuple[str, dict[str, Any]]:
        body: dict[str, Any] = {"Keys": [self._key() for _ in range(self.random.randint(1, 4))]}
        if self.random.random() < 0.4:
            body["ProjectionExpression"] = "#0, #1, absent"
            body["ExpressionAttributeNames"] = {"#0": "n", "#1": "map"}
        return "BatchGetItem", {"RequestItems": {self._name(): body}}

    def batch_write(self) -> tuple[str, dict[str, Any]]:
        requests = [
            self.random.choice(
                [{"PutRequest": {"Item": self._item()}}, {"DeleteRequest": {"Key": self._key()}}]
            )
            for _ in range(self.random.randint(1, 4))
        ]
        return "BatchWriteItem", {"RequestItems": {self._name(): requests}}

    def transact(self) -> tuple[str, dict[str, Any]]:
        actions: list[dict[str, Any]] = []
        for _ in range(self.random.randint(1, 3)):
            expression, names, values = self.random.choice(UPDATES[:8])
            update = {"TableName": self.table, "Key": self._key(), "UpdateExpression": expression}
            if names:
                update["ExpressionAttributeNames"] = names
            if values:
                update["ExpressionAttributeValues"] = values
            condition, names, values = CONDITIONS[self.random.randint(0, 2)]
            check: dict[str, Any] = {"TableName": self.table, "ConditionExpression": condition}
            if names:
                check["ExpressionAttributeNames"] = names
            if values:
                check["ExpressionAttributeValues"] = values
            actions.append(
                self.random.choice(
                    [
                        {"Update": update},
                        {"Put": {**check, "Item": self._item()}},
                        {"ConditionCheck": {**check, "Key": self._key()}},
                        {"Delete": {"TableName": self.table, "Key": self._key()}},
                    ]
                )
            )
        return "TransactWriteItems", {"TransactItems": actions}

    def _conditional(
        self,
        body: dict[str, Any],
        returned: list[str],
        names: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        names, values = dict(names or {}), dict(values or {})
        if self.random.random() < 0.5:
            body["ConditionExpression"], more, others = self.random.choice(CONDITIONS)
            names, values = {**names, **more}, {**others, **values}
            if self.random.random() < 0.5:
                body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if names or self.random.random() < 0.05:
            body["ExpressionAttributeNames"] = names
        if values or self.random.random() < 0.05:
            body["ExpressionAttributeValues"] = values
        if self.random.random() < 0.7:
            body["ReturnValues"] = self.random.choice(returned)
        return body

    def _name(self) -> str:
        return self.table if self.random.random() < 0.97 else "no-such-table"

    def _key(self) -> dict[str, Any]:
        item = f"i{self.random.randint(0, ITEMS)}"
        return {"chat": {"S": self.random.choice("cd")}, "item": {"S": item}}

    def _item(self) -> dict[str, Any]:
        possible: dict[str, Any] = {
            "n": {"N": str(self.random.randint(0, 3))},
            "text": {"S": self.random.choice(["", "é😀", "x" * 100])},
            "members": {"SS": ["ravi", "raju"]},
            "map": {"M": {"phone": {"M": {"n": {"N": "1.50"}}}, "old": {"BOOL": False}}},
            "l": {"L": [{"S": "a"}, {"L": [{"N": "2"}]}]},
            "bytes": {"B": "AP8="},
            "empty": {"NULL": True},
            "large": {"S": "x" * self.random.choice([10, 410_000])},
            "none": {"SS": []},
        }
        weights = {"bytes": 0.1, "large": 0.05, "none": 0.05}
        chosen = {
            name: value
            for name, value in possible.items()
            if self.random.random() < weights.get(name, 0.5)
        }
        return {**self._key(), **chosen}


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(1, 4))]
)
def test_any_call_of_dynamodb_gives_what_moto_gives(
    servers: tuple[Server, Server], seed: int
) -> None:
    calls = Calls(seed)
    for server in servers:
        assert server.call("dynamodb", "CreateTable", calls.create()).status == 200
    keys = {"chat": "S", "item": "S"}
    schema = Schema(tuple(keys), keys)
    for _ in range(200):
        operation, body = calls.any()
        try:
            constraints.check(f"DynamoDB_20120810.{operation}", body)
            dynamodb.check(operation, body, lambda _name: schema)
        except Rejection:  # which moto doesn't
            continue
        if _makes_none(servers[0], operation, body):
            continue
        ours, motos = (server.call("dynamodb", operation, body) for server in servers)
        assert ours == motos, (operation, body)
        if operation == "UpdateItem" and ours.status >= 400:
            _undo(servers, _key_of(body))
    scan = {"TableName": calls.table}
    ours, motos = (server.call("dynamodb", "Scan", scan) for server in servers)
    assert ours == motos


def _makes_none(server: Server, operation: str, body: Mapping[str, Any]) -> bool:
    """Whether an update only removes, where there is no item: moto makes one, which AWS does not.
    tests/aws/test_conditions.py has these."""
    updates = [body] if operation == "UpdateItem" else []
    updates += [each["Update"] for each in body.get("TransactItems", ()) if "Update" in each]
    return any(
        dynamodb_updated.only_removes(each.get("UpdateExpression"))
        and "Item" not in server.call("dynamodb", "GetItem", _key_of(each)).body
        for each in updates
    )


def _key_of(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in ("TableName", "Key")}


def _undo(servers: tuple[Server, Server], asked: dict[str, Any]) -> None:
    """moto leaves what a rejected update had changed by then, which AWS does not."""
    ours, motos = servers
    item = ours.call("dynamodb", "GetItem", asked).body.get("Item")
    if item is None:
        motos.call("dynamodb", "DeleteItem", asked)
    else:
        motos.call("dynamodb", "PutItem", {"TableName": asked["TableName"], "Item": item})


def test_records_are_the_same_on_both_ways(servers: tuple[Server, Server]) -> None:
    server, _ = servers
    calls = Calls(99)
    created = server.call("dynamodb", "CreateTable", calls.create())
    for _ in range(100):
        server.call("dynamodb", *calls.any())
    arn = created.body["TableDescription"]["LatestStreamArn"]
    shards = server.call("dynamodbstreams", "DescribeStream", {"StreamArn": arn})
    (shard,) = shards.body["StreamDescription"]["Shards"]
    asked = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = server.call("dynamodbstreams", "GetShardIterator", asked).body["ShardIterator"]
    read = {"ShardIterator": iterator, "Limit": 50}
    ours, motos = (
        server.call("dynamodbstreams", "GetRecords", read, long_way=way) for way in (False, True)
    )
    assert len(ours.body["Records"]) > 10
    for response in (ours, motos):
        del response.body["NextShardIterator"]
    assert ours == motos


FREQUENT: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "dynamodb": [
        ("get_item", {"TableName": "t", "Key": {"k": {"S": "x"}}}),
        ("put_item", {"TableName": "t", "Item": {"k": {"S": "x"}}}),
        ("query", {"TableName": "t", "KeyConditionExpression": "k = k"}),
        ("batch_get_item", {"RequestItems": {"t": {"Keys": [{"k": {"S": "x"}}]}}}),
    ],
    "sqs": [
        ("receive_message", {"QueueUrl": "http://x/1/q"}),
        ("send_message", {"QueueUrl": "http://x/1/q", "MessageBody": "x"}),
    ],
}


@pytest.mark.parametrize("service", list(FREQUENT))
def test_calls_of_the_sdk_are_passed_to_moto_s_handlers_directly(service: Any) -> None:
    direct = Direct()
    client: Any = boto3.client(service, endpoint_url="http://127.0.0.1:9")
    went: list[bool] = []

    def seen(request: Any, **_: Any) -> Any:
        headers = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        went.append(direct(headers, request.body) is not None)
        raise ConnectionError

    client.meta.events.register("before-send", seen)
    for method, arguments in FREQUENT[service]:
        with contextlib.suppress(ConnectionError):
            getattr(client, method)(**arguments)
    assert went and all(went)
