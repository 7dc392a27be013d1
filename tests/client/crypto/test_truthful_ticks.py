"""Ticks tell the truth: delivered is what can be read, or was asked for and not sent again."""

from collections.abc import Iterator

import pytest

from client.core.engine import Engine
from client.core.events import StateChanged, WatermarksMoved
from client.core.ticks import State
from lambdas.messages.direct import DirectChats
from tests.client.crypto.scene import Scene, say

RAVI, RAJU = "ravi/phone", "raju/phone"


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene(RAVI, RAJU)
    yield scene
    scene.close()


def unreadable(scene: Scene) -> tuple[str, str]:
    """A chat in which raju has lost the sessions, and a text of ravi's that raju can't open."""
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "one")
    say(scene, RAJU, chat, "answer")
    with scene[RAJU].table() as db:
        db.execute("DELETE FROM olm_sessions")
    text = scene[RAVI].send(chat, "two")
    scene.settle(seconds=0.5)
    assert scene[RAJU].texts(chat)[-1] is None
    return chat, text


def state_of(scene: Scene, text: str) -> State:
    reached: list[State] = [
        one.state for one in scene[RAVI].reported(StateChanged) if one.message_id == text
    ]
    return reached[-1]


def test_a_text_is_delivered_when_it_can_be_read(scene: Scene) -> None:
    chat, text = unreadable(scene)
    scene[RAJU].step(Engine.mark_read, chat, 3)  # its place was seen, its text was not
    scene.settle(seconds=1)
    assert state_of(scene, text) is State.SENT
    scene.settle(seconds=3)  # it is asked for, and a copy comes
    scene.settle(seconds=1)
    assert scene[RAJU].texts(chat)[2] == "two"
    assert state_of(scene, text) is State.READ


def test_what_comes_after_an_unreadable_text_waits_with_it_over_a_crash(scene: Scene) -> None:
    chat, text = unreadable(scene)
    with scene[RAJU].table() as db:
        db.execute("UPDATE messages SET ask_at = ask_at + 10 WHERE ask_at IS NOT NULL")
    later = say(scene, RAVI, chat, "three")
    scene[RAJU].crash()
    scene[RAJU].connect()
    scene.settle(seconds=1)
    assert {state_of(scene, one) for one in (text, later)} == {State.SENT}
    scene.settle(seconds=14)
    scene.settle(seconds=1)
    assert {state_of(scene, one) for one in (text, later)} == {State.DELIVERED}


def test_what_a_block_has_hidden_is_never_delivered(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    first = say(scene, RAVI, chat, "one")
    chats = DirectChats(scene.backend.aws.chats, scene.backend.aws.users)
    chats.block(chat, "raju", blocked=True)
    hidden = say(scene, RAVI, chat, "two")
    chats.block(chat, "raju", blocked=False)
    seen = say(scene, RAVI, chat, "three")
    scene.settle(seconds=1)  # raju asks what stands before it
    scene[RAJU].step(Engine.mark_read, chat, 3)
    scene.settle(seconds=1)
    assert [state_of(scene, text) for text in (first, hidden, seen)] == [
        State.READ, State.SENT, State.READ,
    ]  # fmt: skip
    scene[RAVI].crash()  # what was said of it is stored
    scene[RAVI].connect()
    say(scene, RAVI, chat, "four")
    scene.settle(seconds=40)
    assert state_of(scene, hidden) is State.SENT


def test_a_text_is_given_up_when_its_sender_was_asked_three_times(scene: Scene) -> None:
    chat, text = unreadable(scene)
    scene[RAVI].leave()
    for seconds, delivered in ((4, 2), (61, 2), (3601, 3)):
        assert scene.backend.member(chat, "raju")["delivered"]["phone"] == 2
        scene.settle(seconds=seconds)
        scene.settle(seconds=40)
        there = scene.backend.member(chat, "raju")["delivered"]["phone"]
        assert there >= delivered
    scene[RAVI].connect()
    scene.settle(seconds=5)
    assert scene[RAJU].texts(chat)[2] == "two"  # readable after all: the requests were waiting
    assert state_of(scene, text) is State.DELIVERED


def test_what_another_device_of_the_user_has_shown_is_read_here_at_once(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    tablet = scene.add("raju/tablet")
    tablet.connect()
    tablet.store.describe(chat, "direct")
    scene.settle()
    say(scene, RAVI, chat, "one", "two")
    assert [one.unread for one in tablet.store.chats()] == [2]
    highest = scene.backend.head(chat)["seq"]
    frame = {"type": "receipt", "chat": chat, "user": "raju", "delivered": highest, "read": highest}
    tablet.post(frame)  # as the backend sends it to the user's other devices
    scene.settle()
    assert [one.unread for one in tablet.store.chats()] == [0]
    (moved,) = [one for one in tablet.reported(WatermarksMoved) if one.user == "raju"]
    assert moved.read == highest


def test_unread_counts_texts_of_others(scene: Scene) -> None:
    chat = scene.group("ravi", "raju")
    say(scene, RAVI, chat, "one")  # behind the group's key, which nobody sees
    say(scene, RAJU, chat, "my own")
    assert scene.backend.head(chat)["seq"] == 4
    assert [one.unread for one in scene[RAJU].store.chats()] == [1]
