"""What stands inside a message is checked before anything of that message is remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from client.core.engine import Engine
from client.core.events import ControlReceived, MessageReadable
from client.core.ids import ulid
from tests.client.crypto.forging import Inside, forged
from tests.client.crypto.scene import Device, Scene, frames, say

RAVI, RAJU, MIRA = "ravi/phone", "raju/phone", "mira/phone"


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene(RAVI, RAJU, MIRA)
    yield made
    made.close()


def chat_of(scene: Scene, kind: str) -> str:
    return scene.direct("ravi", "raju") if kind == "direct" else scene.group("ravi", "raju", "mira")


def state(device: Device) -> dict[str, Any]:
    """All that encryption remembers, and that opening a message could change."""
    tables = ("account", "olm_sessions", "known_sessions", "group_inbound", "group_indexes")
    return {
        table: device.db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables
    }


def newest(scene: Scene, chat: str) -> dict[str, Any]:
    return frames(scene, chat)[-1]


KINDS = pytest.mark.parametrize("kind", ["direct", "group"])


# -- half a character


@KINDS
def test_half_a_character_in_a_text_is_shown_as_a_sign_and_the_next_text_comes(
    scene: Scene, kind: str
) -> None:
    chat = chat_of(scene, kind)
    say(scene, RAVI, chat, "one")
    with forged(lambda inside: inside.update(text="two \ud83d")):
        say(scene, RAVI, chat, "two")
    say(scene, RAVI, chat, "three")
    assert scene[RAJU].texts(chat) == ["one", "two \ufffd", "three"]


def test_half_a_character_in_a_copy_is_shown_as_a_sign(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "one")
    with scene[RAJU].table() as db:
        db.execute("DELETE FROM olm_sessions")
    with forged(lambda inside: inside.update(text="two \udc4b"), kind="copy"):
        say(scene, RAVI, chat, "two")
        scene.settle(seconds=3.1)
    assert scene[RAJU].texts(chat) == ["one", "two \ufffd"]


@pytest.mark.parametrize("of", [["\ud83d"], "\ud83d", [{"\ud83d": 1}]])
def test_half_a_character_in_a_request_disturbs_nobody(scene: Scene, of: object) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "one")
    with forged(lambda inside: inside.update(of=of), kind="request"):
        scene[RAJU].step(Engine.send_to_device, chat, RAVI, "request", {})
        scene.settle()
    say(scene, RAJU, chat, "two")
    assert scene[RAVI].texts(chat) == ["one", "two"]


@pytest.mark.parametrize("sent_at", [1_732_000_000_000, 1.732e12])
def test_a_time_is_a_whole_number_however_it_is_written(scene: Scene, sent_at: float) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "one")
    of = ulid(2, scene[RAJU].random)
    fields = {"kind": "copy", "of": of, "text": "two", "sent_at": sent_at}
    with forged(lambda inside: inside.update(fields)):
        say(scene, RAVI, chat, "in place of a copy")
    (copied,) = scene[RAJU].store.history(chat, 1)
    assert (copied.text, copied.message_id, copied.sent_at) == ("two", of, 1_732_000_000.0)


# -- an inside that is broken, or that of another message

BROKEN: dict[str, Callable[[Inside], object]] = {
    "true is no version": lambda inside: inside.update(v=True),
    "no id": lambda inside: inside.pop("id"),
    "another id": lambda inside: inside.update(id="0" * 26),
    "another chat": lambda inside: inside.update(chat="another"),
    "another sender": lambda inside: inside.update({"from": MIRA}),
    "no kind": lambda inside: inside.pop("kind"),
    "half a character beside the text": lambda inside: inside.update(colour="\ud83d"),
}


@pytest.mark.sampled
@KINDS
@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("first", [True, False])
def test_a_broken_inside_is_asked_for_and_nothing_of_it_is_remembered(
    scene: Scene, kind: str, broken: str, first: bool
) -> None:
    chat = chat_of(scene, kind)
    if not first:
        say(scene, RAVI, chat, "one")
        say(scene, RAJU, chat, "heard")
    before = state(scene[RAJU])
    with forged(BROKEN[broken]):
        name = say(scene, RAVI, chat, "two")
    (waiting,) = scene[RAJU].store.history(chat, 1)
    assert (waiting.text, waiting.message_id) == (None, name)
    assert waiting.reason
    if kind == "direct" or not first:  # else the key came by then, and that counts
        assert state(scene[RAJU]) == before
    scene.settle(seconds=3.1)
    assert scene[RAJU].texts(chat)[-1] == "two"
    (readable,) = scene[RAJU].reported(MessageReadable)
    assert readable.message_id == name
    say(scene, RAVI, chat, "three")
    assert scene[RAJU].texts(chat)[-1] == "three"


@pytest.mark.parametrize("receiver", [{"to": MIRA}, {"to_key": "A" * 43}])
def test_what_is_sealed_for_another_device_is_not_shown(
    scene: Scene, receiver: dict[str, str]
) -> None:
    chat = scene.direct("ravi", "raju")
    with forged(lambda inside: inside.update(receiver)):
        say(scene, RAVI, chat, "for another one")
    (shown,) = scene[RAJU].store.history(chat)
    assert (shown.text, shown.reason) == (None, f"made for another {next(iter(receiver))}")


@KINDS
@pytest.mark.parametrize("first", [True, False])
def test_a_message_that_is_first_shown_as_another_is_opened_when_it_comes_itself(
    scene: Scene, kind: str, first: bool
) -> None:
    chat = chat_of(scene, kind)
    if not first:
        say(scene, RAVI, chat, "one")
        say(scene, RAJU, chat, "heard")
    name = scene[RAVI].send(chat, "genuine")
    raju = scene[RAJU]
    while newest_id(scene, chat) != name:
        scene[RAVI].fetch() if scene[RAVI].wanted else scene[RAVI].handled()
        while scene[RAVI].down:
            scene[RAVI].receive()
        while len(raju.down) > (newest_id(scene, chat) == name):
            raju.receive()
        while raju.wanted:
            raju.fetch()
    genuine = raju.down.pop()
    moved = {**genuine, "message_id": ulid(1, raju.random)}
    for frame in (moved, {**genuine, "seq": genuine["seq"] + 1}):
        raju.step(Engine.received, raju.parsed(frame))
        while raju.wanted:
            raju.fetch()
    (shown, opened) = raju.store.history(chat, 2)
    assert (shown.text, shown.reason) == (None, "made for another id")
    assert (opened.text, opened.message_id) == ("genuine", name)


def newest_id(scene: Scene, chat: str) -> str | None:
    return newest(scene, chat)["message_id"] if frames(scene, chat) else None


@pytest.mark.parametrize("kind", ["room_key", "request", "sas", "copy"])
def test_a_group_message_of_another_kind_is_let_pass(scene: Scene, kind: str) -> None:
    """Those are for one device each, and this one reaches all."""
    chat = scene.group("ravi", "raju", "mira")
    own = say(scene, RAJU, chat, "own")
    fields: dict[str, dict[str, Any]] = {
        "room_key": {"session_id": "s", "key": "k"},
        "request": {"of": [own]},
        "sas": {"txn": "b7c1", "step": "start", "methods": ["emoji"]},
        "copy": {"of": ulid(5, scene[RAVI].random), "sent_at": 5},
    }
    say(scene, RAVI, chat, "one")
    with forged(lambda inside: inside.update(kind=kind, **fields[kind])):
        say(scene, RAVI, chat, "two")
    say(scene, RAVI, chat, "three")
    raju = scene[RAJU]
    assert raju.texts(chat) == ["own", "one", "three"]
    assert {position.watermark for position in raju.store.read_positions()} == {
        len(frames(scene, chat))
    }
    scene.settle(seconds=3.1)
    assert raju.texts(chat) == ["own", "one", "three"]
    assert raju.reported(ControlReceived) == []
    of_raju = [each for each in frames(scene, chat) if each["sender"] == "raju"]
    assert len(of_raju) == 2  # its key and its text
