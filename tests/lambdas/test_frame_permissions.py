"""Each function of the WebSocket API calls what it is granted, and uses all that it is granted."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambdas.limits import SAMPLE
from lambdas.messages.direct import Begin, DirectChats
from lambdas.presence import authorize, connection, tickets
from stacks.config.functions import FUNCTIONS
from stacks.config.permissions import PERMISSIONS
from tests.support.lambdas import events, given, when
from tests.support.lambdas.backend import Backend
from tests.support.lambdas.connection_api import GONE
from tests.support.lambdas.permissions import granted, used_by
from tests.support.lambdas.phones import Phones

# Those with a route, their authorizer, and the reader of the stream.
HERE = [name for name, row in FUNCTIONS.items() if row.routes] + ["Authorize", "DeliveryWatch"]


@pytest.fixture
def chat(world: Backend) -> str:
    """ravi and raju are there; raju is watched, and his connection is gone; mira is away."""
    given.online(world, "ravi")
    given.online(world, "raju")
    given.user(world, "mira", "phone")
    given.contacts(world, "ravi", "raju", "mira")
    name = given.group(world, "ravi", "raju", "mira")
    when.raw(world, "ravi", "phone", {"action": "watch", "users": ["raju"]})
    world.api.answers[world.connections["raju", "phone"]] = GONE
    return name


def _syncs(world: Backend, chat: str) -> None:
    when.sends(world, "ravi", chat)
    world.clock.pass_seconds(60)
    world.aws.chats.update({"chat": chat, "item": "head"}, "SET seq = seq + :n", n=1)
    when.sends(world, "ravi", chat)
    world.clock.pass_seconds(60)
    given.connected(world, "raju", "phone")
    world.api.answers[world.connections["raju", "phone"]] = GONE


def _stream(world: Backend, chat: str) -> list[Any]:
    when.sends(world, "ravi", chat)
    given.connected(world, "raju", "phone")
    for name in ("ravi", "raju", "mira"):
        when.acknowledges(world, name, chat, delivered=1)
    when.sends(world, "ravi", chat)
    given.connected(world, "raju", "phone")
    world.api.answers[world.connections["raju", "phone"]] = GONE
    items = [
        world.aws.chats.get({"chat": chat, "item": item}, consistent=True) or {}
        for item in ("message#000000000002", "member#ravi")
    ]
    before = {**items[1], "delivered": {}}
    return [
        events.stream_record("INSERT", 1, new=items[0]),
        events.stream_record("MODIFY", 2, old=before, new=items[1]),
        events.stream_record("REMOVE", 3, old=items[0], by_ttl=True),
    ]


def _acts_of(function: str, world: Backend, chat: str) -> Callable[[], object]:
    """What a function does in its life; what has to be there for it is made at once."""
    if function == "Authorize":
        table = world.aws.tickets
        ticket = tickets.issue(table, "ravi", "phone", world.clock(), lambda size: "t" * size)
        return lambda: authorize.handler(events.authorizer(f"chat.v1, ticket.{ticket}"), None)
    if function == "Connection":
        when.raw(world, "ravi", "phone", {"action": "watch", "users": ["mira"]})
        now = int(world.clock() * 1000)
        first, second = (events.connect("mira", "phone", each, now) for each in ("1=", "2="))
        leaves = events.disconnect("mira", "phone", "2=")
        return lambda: [connection.handler(event, None) for event in (first, second, leaves)]
    if function == "Presence":
        users = ["mira", "raju", *(f"user_{number}" for number in range(SAMPLE))]
        return lambda: when.raw(world, "ravi", "phone", {"action": "watch", "users": users})
    if function == "Send":
        request, _ = DirectChats(world.aws.chats, world.aws.users).begin(
            "mira", "ravi", lambda: Begin(request=True)
        )
        return lambda: [when.sends(world, "ravi", each) for each in (chat, request.chat)]
    if function == "Sync":
        _syncs(world, chat)
        return lambda: (
            when.syncs(world, "ravi"),
            when.raw(world, "ravi", "phone", {"action": "typing", "chat": chat}),
        )
    if function == "Receipt":
        when.sends(world, "ravi", chat)
        Phones(world).run()
        given.connected(world, "raju", "phone")
        world.api.answers[world.connections["raju", "phone"]] = GONE
        return lambda: when.acknowledges(world, "mira", chat, read=1, senders=["raju"])
    records = _stream(world, chat)
    return lambda: when.delivery_watch_runs(world, *records)


def _cut_off(function: str, world: Backend, chat: str) -> None:
    """A frame of ravi's watch, which was removed while it was connected."""
    frames: dict[str, dict[str, Any]] = {
        "Presence": {"action": "ping"},
        "Send": {"action": "send", "chat": chat, "message_id": str(uuid.uuid4())},
        "Sync": {"action": "sync"},
        "Receipt": {"action": "receipt", "chat": chat, "delivered": 1, "senders": []},
    }
    if function == "Send":
        frames["Send"] |= {"alg": "megolm.v1", "payload": "aGk"}
    if function in frames:
        when.raw(world, "ravi", "watch", frames[function])


@pytest.mark.parametrize("function", HERE)
def test_a_function_is_granted_what_it_uses_and_nothing_else(
    world: Backend, chat: str, function: str
) -> None:
    acts = _acts_of(function, world, chat)

    def everything() -> None:
        acts()
        _cut_off(function, world, chat)

    assert used_by(world, everything) == granted(function)


def test_the_permissions_of_every_other_function_are_tested_as_well() -> None:
    """In whichever file a test asks for `granted(...)` of it."""
    texts = [file.read_text() for file in Path(__file__).parent.rglob("test_*.py")]
    for name in PERMISSIONS.keys() - set(HERE):
        assert any(f'granted("{name}")' in text for text in texts), name
