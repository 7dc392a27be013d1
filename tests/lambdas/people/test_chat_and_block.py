"""A chat that begins while its peer blocks or unblocks who begins it, whichever comes between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any

import pytest

from lambdas.api import chats, contacts
from lambdas.api.call import Call, SignIn
from lambdas.errors import ChatError
from lambdas.messages.chats import ATTEMPTS
from lambdas.messages.direct import DirectChats
from lambdas.tables import HEAD, chat_key, transact
from lambdas.throttling import TooBusy
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
    before = "contact" if blocked else "blocked"
    given.decision(world.aws.users, "raju", "ravi", before)
    state = "blocked" if blocked else "contact"
    begins = calls(world, "ravi", chats.create, kind="direct", **{"with": "raju"})
    decides = calls(world, "raju", contacts.put, "ravi", state=state)
    outer, inner = (begins, decides) if first == "chat" else (decides, begins)
    with monkeypatch.context() as patch:
        made = interrupt(patch, number, inner)
        outer()
    if len(made) < number:  # `outer` has fewer calls
        inner()
    assert _blocked_by(world) == ({"raju"} if blocked else set())


def _blocked_by(world: Backend) -> set[str]:
    """In the head of the chat of the two, which is there."""
    name = DirectChats(world.aws.chats, world.aws.users).find("ravi", "raju")
    head = world.aws.chats.get(chat_key(str(name), HEAD), consistent=True)
    assert head is not None
    blocked: set[str] = head.get("blocked_by", set())
    return blocked


def _before_each_transaction(
    patch: pytest.MonkeyPatch, decisions: Iterator[Callable[[], None]]
) -> None:
    deciding: list[bool] = []

    def late(*given: Any) -> None:
        if not deciding:  # a decision is a transaction as well
            deciding.append(True)
            next(decisions, lambda: None)()
            deciding.clear()
        transact(*given)

    patch.setattr("lambdas.messages.direct.transact", late)


@pytest.mark.parametrize("decisions", range(1, ATTEMPTS))
def test_of_decisions_while_a_chat_begins_the_last_one_counts(
    world: Backend, monkeypatch: pytest.MonkeyPatch, decisions: int
) -> None:
    begins, alternately = _scene(world)
    _before_each_transaction(monkeypatch, islice(alternately, decisions))
    begins()
    assert _blocked_by(world) == ({"raju"} if decisions % 2 else set())


def test_a_chat_whose_peer_decides_again_and_again_does_not_begin(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    begins, alternately = _scene(world)
    _before_each_transaction(monkeypatch, alternately)
    with pytest.raises(ChatError) as error:
        begins()
    assert error.value.code == "conflict"
    assert DirectChats(world.aws.chats, world.aws.users).find("ravi", "raju") is None


def test_a_block_is_kept_where_the_request_that_began_the_chat_ends_at_once_and_is_repeated(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    begins, alternately = _scene(world)
    decides = islice(alternately, 1)

    deciding: list[bool] = []

    def ends_after(*given: Any) -> None:
        if deciding:  # a decision is a transaction as well
            return transact(*given)
        deciding.append(True)
        next(decides, lambda: None)()
        deciding.clear()
        transact(*given)
        raise TooBusy

    with monkeypatch.context() as patch:
        patch.setattr("lambdas.messages.direct.transact", ends_after)
        with pytest.raises(TooBusy):
            begins()
    begins()
    assert _blocked_by(world) == {"raju"}


def _scene(world: Backend) -> tuple[Callable[[], None], Iterator[Callable[[], None]]]:
    """ravi begins a chat with raju, who blocks and allows him in turn."""
    for user in ("ravi", "raju"):
        given.user(world, user)
    decides = [
        calls(world, "raju", contacts.put, "ravi", state=state) for state in ("blocked", "contact")
    ]
    return calls(world, "ravi", chats.create, kind="direct", **{"with": "raju"}), cycle(decides)


def test_a_chat_is_blocked_that_has_begun_just_before_its_peer_blocks_who_began_it(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in ("ravi", "raju"):
        given.user(world, user)
    begins = calls(world, "ravi", chats.create, kind="direct", **{"with": "raju"})
    with monkeypatch.context() as patch:
        _before_each_transaction(patch, iter([begins]))
        calls(world, "raju", contacts.put, "ravi", state="blocked")()
    assert _blocked_by(world) == {"raju"}
