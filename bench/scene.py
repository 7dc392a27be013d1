"""Users, devices and chats over an emulated DynamoDB, for benchmarks that run the real handlers."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from moto import mock_aws

from lambdas.messages.direct import DirectChats
from lambdas.messages.membership import Membership
from lambdas.settings import Aws, Settings
from lambdas.tables import DEVICES, user_key

ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "CHATS_TABLE": "chats",
    "USERS_TABLE": "users",
    "TICKETS_TABLE": "tickets",
    "CONNECTIONS_URL": "https://bench.execute-api.us-east-1.amazonaws.com/live",
    "MESSAGE_TTL_DAYS": "30",
    "RETAIN_UNTIL_EXPIRY": "false",
    "FILES_URL": "https://files.s3.us-east-1.amazonaws.com",
    "FILES_BUCKET": "files",
    "FILE_MIB": "64",
    "FILES_PER_DAY": "200",
    "FILE_MIB_PER_DAY": "512",
}
ENDPOINT = "arn:aws:sns:us-east-1:123456789012:endpoint/GCM/switchboard-prod/" + "e" * 36
MESSAGE_ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@contextmanager
def emulated() -> Iterator[Aws]:
    """Empty tables and a push queue."""
    with mock_aws():
        services = Aws(Settings({**ENVIRONMENT, "PUSH_QUEUE_URL": ""}))
        for table, partition in (("chats", "chat"), ("users", "user")):
            _create(services.dynamodb, table, partition)
        queue = services.sqs.create_queue(QueueName="pushes.fifo", Attributes={"FifoQueue": "true"})
        yield Aws(Settings({**ENVIRONMENT, "PUSH_QUEUE_URL": queue["QueueUrl"]}))


def _create(dynamodb: Any, table: str, partition: str) -> None:
    names = (partition, "item")
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(names, ("HASH", "RANGE"), strict=True)
        ],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
    )


DEVICE_NAMES = ("phone", "laptop")


def add_users(services: Aws, users: Sequence[str], *, online: bool, devices: int = 1) -> None:
    """Users with devices, with open connections or without, as the backend stores them."""
    entry: dict[str, Any] = {"platform": "fcm", "endpoint_arn": ENDPOINT}
    if online:
        entry |= {"connection_id": "L0SM9cOFvHcCIhw=", "connected_at": int(time.time() * 1000)}
    there = dict.fromkeys(DEVICE_NAMES[:devices], entry)
    services.users.batch_write(
        puts=[{**user_key(user, DEVICES), "devices": there} for user in users]
    )


def addresses(users: Sequence[str], devices: int) -> list[str]:
    """Every "user/device" of them."""
    return [f"{user}/{device}" for user in users for device in DEVICE_NAMES[:devices]]


def add_chat(services: Aws, members: Sequence[str]) -> str:
    tables = services.chats, services.users
    if len(members) == 2:
        return DirectChats(*tables).begin(members[0], members[1])[0].chat
    return Membership(*tables).found(members[0], members[1:]).chat


def event(user: str, frame: dict[str, Any]) -> dict[str, Any]:
    """What API Gateway hands to a route's function, as far as the function looks at it."""
    return {
        "requestContext": {
            "routeKey": frame["action"],
            "connectionId": "L0SM9cOFvHcCIhw=",
            "authorizer": {"user": user, "device": "phone"},
        },
        "body": json.dumps(frame),
        "isBase64Encoded": False,
    }
