"""What tests of the delivery watch start from: a chat with three messages, and its records."""

from typing import Any

from lambdas.tables import Item
from tests.support.lambdas import events, given, when
from tests.support.lambdas.backend import Backend


def message(world: Backend, chat: str, seq: int) -> Item:
    item = world.aws.chats.get({"chat": chat, "item": f"message#{seq:012d}"}, consistent=True)
    assert item is not None
    return item


def inserted(world: Backend, chat: str, *seqs: int) -> list[Any]:
    return [events.stream_record("INSERT", seq, new=message(world, chat, seq)) for seq in seqs]


def acknowledged(world: Backend, chat: str, user: str, number: int = 900) -> Any:
    item = world.aws.chats.get({"chat": chat, "item": f"member#{user}"}, consistent=True)
    assert item is not None
    return events.stream_record("MODIFY", number, old={**item, "delivered": {}}, new=item)


def stored(world: Backend, chat: str) -> list[int]:
    page = world.aws.chats.query({"chat": chat}, prefix="message#", consistent=True)
    return [int(item["item"].removeprefix("message#")) for item in page.items]


def head(world: Backend, chat: str) -> Item:
    item = world.aws.chats.get({"chat": chat, "item": "head"}, consistent=True)
    assert item is not None
    return item


def written_to_raju(world: Backend) -> str:
    """ravi is there and has written three messages to raju, whose phone is connected."""
    given.online(world, "ravi")
    given.online(world, "raju")
    name = given.direct_chat(world, "ravi", "raju")
    for _ in range(3):
        when.sends(world, "ravi", name)
    world.api.requests.clear()
    return name
