"""What could not be opened is opened once, and asked for from whom it came."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from vodozemac import GroupSession

from client.core.content import text_content
from client.core.engine import Engine
from client.core.events import MessageReadable
from client.core.frames import Message
from client.core.ids import ulid
from tests.client.crypto.scene import Device, Scene, say

RAVI, RAJU, MIRA = "ravi/phone", "raju/phone", "mira/phone"
PAUSES = (3.0, 60.0, 3600.0)


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene(RAVI, RAJU, MIRA)
    yield made
    made.close()


def held_after_keys(scene: Scene, chat: str, keys: int, text: str) -> Device:
    """raju/phone has other keys, which ravi has not accepted, and sends some group keys first."""
    say(scene, RAVI, chat, "before")
    scene[RAJU].lose_connection()
    raju = scene.add(RAJU)
    raju.connect()
    scene.settle()
    raju.step(Engine.chat_is, chat, scene.backend.members(chat))
    say(scene, RAVI, chat, "held")  # asks for raju's devices first
    for _ in range(keys):
        session = GroupSession()
        key = {"session_id": session.session_id, "key": session.session_key.to_base64()}
        raju.step(Engine.send_to_device, chat, RAVI, "room_key", key)
        scene.settle()
    say(scene, RAJU, chat, text)
    return scene[RAVI]


def test_a_text_that_is_opened_after_a_held_key_is_reported_once_and_not_requested_again(
    scene: Scene,
) -> None:
    chat = scene.direct("ravi", "raju")
    ravi = held_after_keys(scene, chat, 2, "after the keys")
    assert ravi.texts(chat) == ["before", None, "held"]
    ravi.accept("raju")
    scene.settle()
    (reported,) = ravi.reported(MessageReadable)
    assert reported.text == "after the keys"
    (shown,) = [message for message in ravi.store.history(chat) if message.sender == "raju"]
    assert (shown.text, shown.reason) == ("after the keys", None)
    assert ravi.store.asks(1e12) == {}


def test_any_number_of_held_keys_can_be_accepted(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    ravi = held_after_keys(scene, chat, 60, "after the keys")
    depth, limit = len(list(frames())), sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 60)  # far less than a call or two for each of them
    try:
        ravi.accept("raju")
    finally:
        sys.setrecursionlimit(limit)
    scene.settle()
    assert ravi.texts(chat) == ["before", "after the keys", "held"]


def frames() -> Iterator[object]:
    frame = sys._getframe()
    while frame.f_back is not None:
        yield frame
        frame = frame.f_back


def waiting(device: Device, chat: str, name: str, *senders: str, seq: int = 1) -> None:
    with device.table():
        for at, sender in enumerate(senders, start=seq):
            message = Message(chat, at, name, sender, "phone", 1.0, "olm.v1", "x")
            device.store.add(message, None, None, "it is broken", 100.0)


def test_who_sends_under_the_id_of_another_does_not_use_up_what_the_other_is_asked(
    scene: Scene,
) -> None:
    chat, name = scene.group("ravi", "raju", "mira"), ulid(1, scene[RAVI].random)
    store = scene[RAVI].store
    waiting(scene[RAVI], chat, name, "raju", "mira")
    with store.transaction():
        store.asked(chat, MIRA, [name], PAUSES, 100.0)
    assert store.asks(100.0) == {(chat, RAJU): [name]}
    assert store.asks(160.0) == {(chat, RAJU): [name], (chat, MIRA): [name]}
    with store.transaction():
        store.ask_at(chat, MIRA, [name], None)
    assert store.asks(1e9) == {(chat, RAJU): [name]}


def test_of_whoever_does_not_respond_nothing_is_asked_any_more(scene: Scene) -> None:
    chat, store = scene.group("ravi", "raju", "mira"), scene[RAVI].store
    names = [ulid(at, scene[RAVI].random) for at in (1, 2, 3)]
    for seq, name in enumerate(names, start=1):
        waiting(scene[RAVI], chat, name, "raju", seq=seq)
    with store.transaction():
        store.ask_at(chat, RAJU, names[:2], None)
    assert store.asks(1e9) == {(chat, RAJU): names[2:]}


def test_nobody_is_asked_more_than_three_times_however_often_it_is_tried_again(
    scene: Scene,
) -> None:
    chat, name = scene.group("ravi", "raju", "mira"), ulid(1, scene[RAVI].random)
    store = scene[RAVI].store
    waiting(scene[RAVI], chat, name, "raju")
    (message,) = store.waiting("raju")
    at, asked = 100.0, []
    while (found := store.asks(at)) or (next_at := store.next_ask(at)) is not None:
        if not found:
            assert next_at is not None
            at = next_at
            continue
        asked.append(at)
        with store.transaction():
            store.asked(chat, RAJU, [name], PAUSES, at)
            store.wait(message, "still broken", at + PAUSES[0])
    assert asked == [100.0, 160.0, 3760.0]


def test_what_has_its_text_waits_no_more(scene: Scene) -> None:
    chat, name = scene.group("ravi", "raju", "mira"), ulid(1, scene[RAVI].random)
    store = scene[RAVI].store
    waiting(scene[RAVI], chat, name, "raju")
    (message,) = store.waiting("raju")
    with store.transaction():
        store.fill(chat, "raju", "phone", name, text_content("here"))
        store.wait(message, "late", 100.0)
    (shown,) = store.history(chat)
    assert (shown.text, shown.reason) == ("here", None)
    assert store.asks(1e9) == {}
