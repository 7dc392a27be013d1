"""The tables in memory do what moto's do, for everything that the stores ask of them."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lambdas.attribute_values import from_wire
from lambdas.delivery import members, purge, watermarks
from lambdas.errors import ChatError
from lambdas.keys.decisions import DeviceKeys, SignedKey
from lambdas.keys.directory import Directory
from lambdas.limits import CLAIMS_BY_ONE, Limits
from lambdas.messages import append, heads
from lambdas.messages.chats import Chats
from lambdas.messages.direct import DirectChats
from lambdas.messages.membership import Membership
from lambdas.messages.message import stored
from lambdas.presence import tickets
from lambdas.presence.devices import Address, Devices
from lambdas.tables import ConditionFailed, Table
from tests.model.dynamodb import DynamoDB
from tests.model.world import TABLES
from tests.support.lambdas import given

USERS = ("anna", "mira", "ravi")
NOW = 1_800_000_000.0

Operation = Callable[["Stores"], Any]


class Stores:
    """All stores over one client; ids come from a counter, so that two of them can be compared."""

    def __init__(self, client: Any, suffix: str = "") -> None:
        self.chats, self.users, self.tickets = (Table(client, name + suffix) for name in TABLES)
        self._count = 0
        tables = self.chats, self.users
        self.rooms = Chats(*tables)
        self.direct_chats = DirectChats(*tables, lambda seconds: None, self._new_id)
        self.membership = Membership(*tables, lambda seconds: None, self._new_id)
        self.devices = Devices(self.users)
        self.directory = Directory(self.users, lambda seconds: None, lambda: NOW)
        self.limits = Limits(self.users, lambda: NOW)

    def _new_id(self) -> str:
        self._count += 1
        return f"chat{self._count}"

    def result(self, operation: Operation) -> Any:
        try:
            return operation(self)
        except ConditionFailed as failure:
            return "condition failed", failure.item
        except ChatError as error:
            return error.code, error.message

    def contents(self) -> Any:
        client = self.chats._client
        return {
            table.name.partition("-")[0]: _in_order(
                _all(client, table.name)
                if isinstance(client, DynamoDB)
                else client.scan(TableName=table.name)["Items"]
            )
            for table in (self.chats, self.users, self.tickets)
        }


def _in_order(items: list[Any]) -> list[Any]:
    """By their keys; in plain values, for a set has no order on the wire."""
    keys = ("chat", "user", "ticket", "item")
    plain = [from_wire(item) for item in items]
    return sorted(plain, key=lambda item: [item.get(name, "") for name in keys])


def _all(client: DynamoDB, table: str) -> list[Any]:
    return [item for part in client._items[table].values() for item in part.values()]


@pytest.fixture(scope="module")
def moto() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client(
            "dynamodb",
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )


def _create_tables(client: Any, suffix: str) -> None:
    for name, keys in TABLES.items():
        client.create_table(
            TableName=name + suffix,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
        )


def _random_operation(source: random.Random) -> Operation:
    user, peer = source.choice(USERS), source.choice(USERS)
    device, chat = source.choice(("a", "b-c")), source.choice(("chat1", "chat2", "chat3"))
    number, connection = source.randint(1, 4), source.choice(("x=", "y="))
    at = NOW + source.randint(-30, 30)
    frame = {"chat": chat, "message_id": f"m{number}", "alg": "a", "payload": "p"}
    message = stored(
        frame, seq=number, sender=user, sender_device=device, sent_at=number, expires_at=int(at)
    )
    change: dict[str, Any] = {source.choice(("add", "remove")): [source.choice(USERS)]}
    step = watermarks.wanted(number, source.choice((None, number)))
    identity = source.choice(("e1", "e1", "e2"))
    call = str(source.random())
    keys = [SignedKey(f"id{n}", f"key{n}", "") for n in source.sample(range(50), number)]
    fallback = source.choice((None, SignedKey("last", f"last{number}", "")))
    operations: tuple[Operation, ...] = (
        lambda on: on.devices.create_user(user),
        lambda on: on.devices.register(user, device),
        lambda on: on.devices.connect(user, device, connection, int(at * 1000)),
        lambda on: on.devices.disconnect(user, device, connection, at),
        lambda on: on.devices.forget(user, device, connection, at),
        lambda on: given.no_device(on.devices._users, user, device),
        lambda on: on.devices.set_endpoint(user, device, source.choice(("arn", None)), "fcm"),
        lambda on: on.devices.of(USERS, consistent=True),
        lambda on: on.devices.watch(Address(user, device), [peer], [], at),
        lambda on: on.devices.watchers(user, NOW),
        lambda on: on.direct_chats.begin(user, peer),
        lambda on: on.membership.found(user, [peer]),
        lambda on: on.membership.change(user, chat, **change),
        lambda on: on.rooms.list(user, limit=2)[0],
        lambda on: heads.read_heads(on.chats, ["chat1", "chat2"], user),
        lambda on: append.take(
            on.chats, chat, append.Writer(user, device, f"m{number}", call), lambda seq: message
        ),
        lambda on: append.put(on.chats, message),
        lambda on: append.close(on.chats, message),
        lambda on: members.move(on.chats, chat, user, device, step),
        lambda on: members.read_roster(on.chats, chat),
        lambda on: purge.purge(on.chats, chat, number, 0.0),
        lambda on: purge.expire(on.chats, chat, 0, number, NOW),
        lambda on: on.directory.put(user, device, DeviceKeys("c", identity, "s")),
        lambda on: on.directory.upload(user, device, identity, keys, fallback),
        lambda on: on.directory.claim(user, device),
        lambda on: on.directory.get(user, ["a", "b-c"]),
        lambda on: on.directory.remove(user, device),
        lambda on: on.limits.wait(user, f"{peer}/{device}", CLAIMS_BY_ONE),
        lambda on: tickets.issue(on.tickets, user, device, at, lambda size: f"ticket-{number}"),
        lambda on: tickets.redeem(on.tickets, f"ticket-{number}", NOW),
    )
    return source.choice(operations)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(1, 6))]
)
def test_stores_find_the_same_in_memory_and_in_moto(moto: Any, seed: int) -> None:
    _create_tables(moto, f"-{seed}")
    real, ours = Stores(moto, f"-{seed}"), Stores(DynamoDB(TABLES))
    for setup in (
        *(lambda on, user=user: on.devices.create_user(user) for user in USERS),
        *(lambda on, user=user: on.devices.register(user, "a") for user in USERS),
        lambda on: on.direct_chats.begin("anna", "ravi"),
        lambda on: on.membership.found("anna", ["mira"]),
    ):
        assert real.result(setup) == ours.result(setup)
    for number in range(130):
        choice = f"{seed}/{number}"
        found = real.result(_random_operation(random.Random(choice)))
        assert ours.result(_random_operation(random.Random(choice))) == found, choice
    assert ours.contents() == real.contents()
