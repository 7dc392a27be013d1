"""The append to a chat's log: the item at a message's position decides whether it is accepted."""

from typing import Any

import pytest

from lambdas.errors import ChatError
from lambdas.messages import append
from lambdas.messages.message import stored, void
from lambdas.tables import ConditionFailed, Item, chat_key, message_item, seq_of
from tests.support.lambdas import given
from tests.support.lambdas.backend import Backend

NOW = 1_000_000


def _message(chat: str, message_id: str = "mine", **other: object) -> Item:
    frame = {"chat": chat, "message_id": message_id, "alg": "a", "payload": "p", **other}
    return stored(
        frame, seq=1, sender="ravi", sender_device="phone", sent_at=NOW * 1000, expires_at=NOW
    )


def _chat(world: Backend) -> str:
    given.user(world, "ravi", "phone")
    given.user(world, "raju", "phone")
    return given.direct_chat(world, "ravi", "raju")


def test_a_message_is_known_by_user_device_and_id_in_the_place_of_its_device() -> None:
    writers = [
        append.Writer(user, device, message_id, call)
        for user in ("ravi", "raju")
        for device in ("phone", "desk")
        for message_id in ("m1", "m2")
        for call in ("first", "again")
    ]
    assert len({each.digest for each in writers}) == 8
    for user, device, _, _ in writers:
        slots = {each.slot for each in writers if (each.user, each.device) == (user, device)}
        assert len(slots) == 1
    assert len({append.Writer("ravi", f"d{n}", "m", "c").slot for n in range(200)}) == append.SLOTS


def test_a_message_whose_position_another_item_holds_is_not_accepted(world: Backend) -> None:
    chat = _chat(world)
    for there in (void(_message(chat)), _message(chat, "another"), _message(chat, payload="q")):
        world.aws.chats.put(there)
        with pytest.raises(ConditionFailed):
            append.put(world.aws.chats, _message(chat))
        assert not append.close(world.aws.chats, _message(chat))
        key = {name: there[name] for name in ("chat", "item")}
        assert world.aws.chats.get(key, consistent=True) == there


def test_a_message_that_an_unanswered_request_has_stored_is_accepted(world: Backend) -> None:
    message = _message(_chat(world))
    world.aws.chats.put(message)
    append.put(world.aws.chats, message)
    assert append.close(world.aws.chats, message)


def test_only_a_message_with_the_same_id_and_sender_counts_as_sent_before(world: Backend) -> None:
    """The position that the sender's device took last holds another item: it takes a new one."""
    chat = _chat(world)
    writer = append.Writer("ravi", "phone", "mine", "call-")

    def item(seq: int) -> Item:
        return {**_message(chat), "item": f"message#{seq:012d}"}

    assert append.take(world.aws.chats, chat, writer, item).seq == 1
    world.aws.chats.put(_message(chat, "another"))
    again = append.take(world.aws.chats, chat, writer._replace(call="again-"), item)
    assert (again.seq, again.stored) == (2, None)
    append.put(world.aws.chats, item(2))
    once_more = append.take(world.aws.chats, chat, writer._replace(call="more-"), item)
    assert (once_more.seq, once_more.stored) == (2, item(2))


def test_who_is_no_member_takes_no_position(world: Backend) -> None:
    with pytest.raises(ChatError, match="you have no chat"):
        append.take(
            world.aws.chats, _chat(world), append.Writer("eve", "phone", "x", "c"), lambda _: {}
        )


def test_requests_that_come_twice_leave_no_position_open(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK sends a request again whose response was lost, here of the first two attempts."""
    chat, chats = _chat(world), world.aws.chats
    update, left = chats.update, [True, True]

    def comes_twice(*given: Any, **values: Any) -> Item:
        if left:
            left.pop()
            update(*given, **values)
        return update(*given, **values)

    monkeypatch.setattr(chats, "update", comes_twice)

    def item(seq: int) -> Item:
        return {**_message(chat), **chat_key(chat, message_item(seq))}

    position = append.take(chats, chat, append.Writer("ravi", "phone", "mine", "call"), item)
    there = chats.query({"chat": chat}, prefix="message#", consistent=True).items
    assert position.seq == 3
    assert [(seq_of(each), each.get("void")) for each in there] == [(1, True), (2, True)]
