"""A message that is sent again: it keeps its place, and whoever lacks it is named again."""

import uuid
from typing import Any

import pytest

from lambdas.delivery import purge
from tests.support.lambdas import given, then, when
from tests.support.lambdas.backend import Backend, failing


def test_a_message_that_was_stored_after_all_is_accepted(world: Backend) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    with failing(world, "PutItem", answered=False):
        response = when.sends(world, "ravi", chat)
    assert response["type"] == "accepted"
    assert len(world.frames("raju", "phone")) == 1


@pytest.mark.parametrize("more", [{}, {"hidden": True}])
def test_a_message_that_is_sent_again_keeps_its_place(world: Backend, more: dict[str, Any]) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    first = when.sends(world, "ravi", chat, payload="xyz", **more)
    world.clock.pass_seconds(30)
    sent = first["message_id"]
    again = when.sends(world, "ravi", chat, payload="xyz", message_id=sent, **more)
    assert then.valid(again) == first
    assert [frame["seq"] for frame in world.frames("raju", "phone")] == [1]
    assert when.sends(world, "ravi", chat)["seq"] == 2


def test_a_message_that_is_sent_again_names_the_devices_that_lack_it_again(
    world: Backend,
) -> None:
    given.user(world, "ravi", "phone", "desk")
    given.user(world, "raju", "phone", "desk")
    chat = given.direct_chat(world, "ravi", "raju")
    sent = str(uuid.uuid4())
    payloads = {"raju/phone": "x", "raju/old": "x"}
    first, second = (
        when.sends(world, "ravi", chat, message_id=sent, to=payloads) for _ in range(2)
    )
    assert first == second
    assert (first["missing"], first["stale"]) == (["raju/desk", "ravi/desk"], ["raju/old"])


def test_a_resend_closes_the_place_that_its_first_writer_left_open(world: Backend) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    message_id = str(uuid.uuid4())
    with failing(world, "UpdateItem", answered=False):  # and no second try
        response = when.sends(world, "ravi", chat, message_id=message_id)
    then.is_error(response, "internal")
    assert when.sends(world, "ravi", chat, message_id=message_id)["seq"] == 2
    messages, synced = when.syncs(world, "raju", chats={chat: 0})
    assert [frame["seq"] for frame in messages] == [2] and "retry_after" not in synced


def test_what_every_device_had_and_was_purged_is_stored_again(world: Backend) -> None:
    """The log can't tell it from a void any more; recipients drop the second copy."""
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    first = when.sends(world, "ravi", chat)
    purge.purge(world.aws.chats, chat, 1, world.aws.now())
    again = when.sends(world, "ravi", chat, message_id=first["message_id"])
    assert (again["type"], again["seq"]) == ("accepted", 2)


@pytest.mark.parametrize("device", ["phone", "desk"])
def test_the_same_id_of_another_device_or_user_is_another_message(
    world: Backend, device: str
) -> None:
    given.user(world, "ravi", "phone", "desk")
    given.connected(world, "ravi", "phone")
    given.connected(world, "ravi", "desk")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    message_id = when.sends(world, "ravi", chat)["message_id"]
    other = ("ravi", "desk") if device == "desk" else ("raju", "phone")
    again = when.sends(world, other[0], chat, device=other[1], message_id=message_id)
    assert (again["type"], again["seq"]) == ("accepted", 2)


def test_each_of_a_devices_messages_keeps_its_place(world: Backend) -> None:
    """Not only the first: the head has the last message of each device."""
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    chat = given.direct_chat(world, "ravi", "raju")
    ids = [str(uuid.UUID(int=number)) for number in range(3)]
    for seq, id in enumerate(ids, start=1):
        accepted = [when.sends(world, "ravi", chat, message_id=id) for _ in range(2)]
        assert [each["seq"] for each in accepted] == [seq, seq]
        assert accepted[0]["sent_at"] == accepted[1]["sent_at"]


def test_a_message_that_is_sent_again_keeps_its_place_whoever_has_written_since(
    world: Backend,
) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    id = str(uuid.UUID(int=1))
    first = when.sends(world, "ravi", chat, message_id=id)
    when.sends(world, "raju", chat)
    again = when.sends(world, "ravi", chat, message_id=id)
    assert (first["seq"], again["seq"]) == (1, 1)
    given.connected(world, "raju", "phone")
    messages, _ = when.syncs(world, "raju", chats={chat: 0})
    assert [frame["seq"] for frame in messages] == [1, 2]
