"""Texts that a device can't read: it asks their sender for copies, and which copies count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from client.core import events
from client.core.cipher import Claims, Lists
from client.core.engine import Engine
from client.core.ids import is_shown
from client.core.ticks import State
from tests.client.crypto.scene import Device, Scene, break_sessions, frames, say

RAVI, RAJU, DESK = "ravi/phone", "raju/phone", "ravi/desk"


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene(RAVI, RAJU)
    yield made
    made.close()


def test_what_cannot_be_read_is_asked_for_on_a_new_session_and_comes(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "one")
    say(scene, RAJU, chat, "heard")
    break_sessions(scene[RAJU])
    name = say(scene, RAVI, chat, "two")
    (waiting,) = scene[RAJU].store.history(chat, 1)
    assert (waiting.text, waiting.seq) == (None, 3)
    assert waiting.reason == "no session of this device fits it"
    scene.settle(seconds=3.1)
    assert scene[RAJU].texts(chat) == ["one", "heard", "two"]
    assert [event.message_id for event in scene[RAJU].reported(events.MessageReadable)] == [name]
    say(scene, RAVI, chat, "three")  # and the new session serves from now on
    assert scene[RAJU].texts(chat)[-1] == "three"


def test_a_sender_is_asked_three_times_at_growing_intervals(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "one")
    say(scene, RAJU, chat, "heard")
    break_sessions(scene[RAJU])
    say(scene, RAVI, chat, "two")
    scene[RAVI].leave()
    asked = []
    for seconds in (2, 2, 50, 20, 3590, 40, 86_400, 86_400):
        before = len(frames(scene, chat))
        scene.settle(seconds=seconds)
        asked.append(len(frames(scene, chat)) - before)
    assert asked == [0, 1, 0, 1, 0, 1, 0, 0]
    scene[RAJU].leave()  # API Gateway ends a connection after two hours
    scene[RAJU].connect()
    scene[RAVI].connect()
    scene.settle()
    assert scene[RAJU].texts(chat) == ["one", "heard", "two"]
    copies = [
        f for f in frames(scene, chat) if f["sender"] == "ravi" and not is_shown(f["message_id"])
    ]
    assert len(copies) == 1  # three times asked in one go, and answered once


def test_nobody_is_asked_for_ever_on_behalf_of_a_device_that_is_no_more(scene: Scene) -> None:
    scene.add("raju/tab").connect()
    scene.settle()
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "begin")
    say(scene, "raju/tab", chat, "hello")
    break_sessions(scene[RAVI])
    say(scene, "raju/tab", chat, "my last words")
    scene["raju/tab"].lose_connection()
    scene.backend.remove("raju", "tab")
    scene.settle()
    assert scene[RAVI].store.asks(scene[RAVI].clock() + 10)
    scene.settle(seconds=4)
    assert scene[RAVI].store.asks(scene[RAVI].clock() + 1e9) == {}
    assert scene[RAVI].texts(chat)[-1] is None  # and it is seen that there is something


@pytest.mark.slow
def test_many_texts_are_asked_for_in_several_frames_on_one_session(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    lines = [f"line {n}" for n in range(130)]
    for line in lines:
        say(scene, RAVI, chat, line)
    scene.add("raju/tab").connect()
    scene.settle(seconds=1)
    scene.settle(seconds=1)
    before = len(frames(scene, chat))
    scene.settle(seconds=4)
    requests = [f for f in frames(scene, chat)[before:] if f["sender_device"] == "phone"]
    assert scene["raju/tab"].texts(chat) == lines
    asked = [f for f in frames(scene, chat)[before:] if f["sender"] == "raju"]
    assert len(asked) == 2
    assert len(requests) == len(lines)
    (sessions,) = scene["raju/tab"].db.execute("SELECT count(*) FROM olm_sessions").fetchone()
    assert sessions == 1


def test_a_sender_answers_a_device_three_times_for_a_text_and_no_more(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    name = say(scene, RAVI, chat, "one")
    for _ in range(5):
        fields = {"of": [name]}
        scene[RAJU].step(Engine.send_to_device, chat, RAVI, "request", fields)
        scene.settle()
    sent = [frame for frame in frames(scene, chat) if frame["sender"] == "ravi"]
    assert len(sent) == 1 + 3
    assert scene[RAJU].texts(chat) == ["one"]


@pytest.mark.parametrize("of", [["nothing"], "text", [7], None, [], {}])
def test_requests_for_what_is_not_there_are_not_answered(scene: Scene, of: object) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "one")
    fields = {"of": of}
    scene[RAJU].step(Engine.send_to_device, chat, RAVI, "request", fields)
    scene.settle()
    assert len([frame for frame in frames(scene, chat) if frame["sender"] == "ravi"]) == 1


def sealed_by(device: Device, chat: str, to: str, kind: str, fields: dict[str, Any]) -> None:
    """Sends what the device itself never would."""
    with device.table():
        receiver = device.encryption.identities.trusted(to)
        assert receiver is not None
        frame = device.encryption._sealer.for_devices(chat, [receiver], kind, fields)
        device.engine._parts.own.queue(device._step(), chat, [frame])
    device.step(Engine.due)


def without_the_text(scene: Scene, address: str) -> None:
    with scene[address].table() as db:
        db.execute("UPDATE messages SET text = NULL, payload = 'x'")


def test_a_copy_counts_only_from_the_device_that_wrote_the_text(scene: Scene) -> None:
    scene.add("mira/phone").connect()
    chat = scene.group("ravi", "raju", "mira")
    name = say(scene, RAVI, chat, "mine")
    say(scene, "mira/phone", chat, "hello")  # the two have sessions
    without_the_text(scene, RAJU)
    for author, text in (("mira/phone", "forged"), (RAVI, "mine again")):
        fields = {"of": name, "text": text, "sent_at": 1}
        sealed_by(scene[author], chat, RAJU, "copy", fields)
        scene.settle()
    reported = [event.text for event in scene[RAJU].reported(events.MessageReadable)]
    assert reported == ["mine again"]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("confetti", {"a": [1]}),
        ("room_key", {}),
        ("room_key", {"session_id": "x", "key": "A"}),
        ("copy", {}),
        ("copy", {"of": "no text", "text": "x", "sent_at": 1}),
        ("copy", {"of": "0" * 26, "text": 7, "sent_at": 1}),
        ("copy", {"of": "0" * 26, "text": "x", "sent_at": "now"}),
        ("copy", {"of": "0" * 26, "text": "x", "sent_at": -1}),
        ("request", {}),
    ],
)
def test_unknown_kinds_and_broken_fields_are_let_pass(
    scene: Scene, kind: str, fields: dict[str, Any]
) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "one")
    sealed_by(scene[RAVI], chat, RAJU, kind, fields)
    scene.settle()
    say(scene, RAVI, chat, "two")
    assert scene[RAJU].texts(chat) == ["one", "two"]
    assert {position.watermark for position in scene[RAJU].store.read_positions()} == {3}


def test_what_encryption_does_not_use_is_passed_on(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    fields = {"txn": "b7c1", "step": "start", "methods": ["emoji"]}
    scene[RAVI].step(Engine.send_to_device, chat, RAJU, "sas", fields)
    scene.settle()
    expected = events.ControlReceived(chat, "ravi", "phone", "sas", fields)
    assert scene[RAJU].reported(events.ControlReceived) == [expected]
    assert scene[RAJU].store.history(chat) == []


def test_a_text_of_a_former_member_fails(scene: Scene) -> None:
    scene.add("mira/phone").connect()
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "one")
    scene.backend.change_members(chat, [], ["ravi"])
    name = say(scene, RAVI, chat, "into the void")
    own = scene[RAVI].store.own(name)
    assert own is not None
    assert own.state is State.FAILED
    assert scene[RAVI].engine.unaccepted == 0


def test_claims_are_asked_for_once_while_the_answer_is_under_way(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    ravi = scene[RAVI]
    ravi.send(chat, "one")
    while any(isinstance(request, Lists) for request in ravi.wanted):
        ravi.fetch()
    for _ in range(5):
        ravi.step(Engine.due)
    assert [type(request) for request in ravi.wanted] == [Claims]
    scene.settle()
