"""A chat that begins while its peer blocks or unblocks who begins it, whichever comes between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lambdas.api import chats, contacts
from lambdas.api.call import Call, SignIn
from lambdas.messages.direct import DirectChats
from lambdas.people.contacts import Contacts
from lambdas.tables import HEAD, chat_key
from tests.support.lambdas import given
from tests.support.lambdas.backend import Backend
from tests.support.lambdas.interrupted import interrupt


def calls(
    world: Backend, user: str, endpoint: Callable[[Call], Any], path: str = "", **body: Any
) -> Callable[[], None]:
    by = SignIn(user, "id", 0.0, "")
    call = Call(world.aws, "lambda/1", by, {"user": path}, {}, body)
    return lambda: endpoint(call)


@pytest.mark.parametrize("first", ["chat", "block"])
@pytest.mark.parametrize("number", range(1, 14))
@pytest.mark.parametrize("blocked", [True, False])
def test_a_chat_is_blocked_if_its_peer_has_blocked_who_began_it(
    world: Backend, monkeypatch: pytest.MonkeyPatch, first: str, number: int, blocked: bool
) -> None:
    for user in ("ravi", "raju"):
        given.user(world, user)
    store = Contacts(world.aws.users)
    store.set("raju", "ravi", "contact" if blocked else "blocked")
    state = "blocked" if blocked else "contact"
    begins = calls(world, "ravi", chats.create, kind="direct", **{"with": "raju"})
    decides = calls(world, "raju", contacts.put, "ravi", state=state)
    outer, inner = (begins, decides) if first == "chat" else (decides, begins)
    with monkeypatch.context() as patch:
        made = interrupt(patch, number, inner)
        outer()
    if len(made) < number:  # `outer` has fewer calls
        inner()
    name = DirectChats(world.aws.chats, world.aws.users).find("ravi", "raju")
    head = world.aws.chats.get(chat_key(str(name), HEAD), consistent=True) or {}
    assert head.get("blocked_by", set()) == ({"raju"} if blocked else set())


def test_a_peer_who_decides_twice_while_a_chat_begins_has_decided_the_second(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in ("ravi", "raju"):
        given.user(world, user)
    blocks, allows = (
        calls(world, "raju", contacts.put, "ravi", state=state) for state in ("blocked", "contact")
    )
    begins = calls(world, "ravi", chats.create, kind="direct", **{"with": "raju"})
    block, decided = DirectChats.block, list[str]()

    def block_late(*given: Any, **named: Any) -> None:
        if not decided:
            decided.append("again")
            allows()
        block(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(DirectChats, "block", block_late)
        interrupt(patch, 4, blocks)
        begins()
    assert decided == ["again"]
    name = DirectChats(world.aws.chats, world.aws.users).find("ravi", "raju")
    head = world.aws.chats.get(chat_key(str(name), HEAD), consistent=True) or {}
    assert "blocked_by" not in head
