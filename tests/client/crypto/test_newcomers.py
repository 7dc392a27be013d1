"""New members of a group, and new devices: they read what comes after them, not what was before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from client.core.engine import Engine
from client.crypto.encryption import LEEWAY
from tests.client.crypto.membership import asks, gets_nothing, member
from tests.client.crypto.scene import Scene, frames, say

RAVI, RAJU, MIRA = "ravi/phone", "raju/phone", "mira/phone"


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene(RAVI, RAJU, MIRA)
    yield made
    made.close()


def test_who_comes_is_sent_nothing_that_is_older_than_a_minute(scene: Scene) -> None:
    chat = scene.group("ravi", "raju")
    old = say(scene, RAVI, chat, "old")
    scene.backend.now += 61  # and nobody looks who is in
    recent = say(scene, RAVI, chat, "recent")
    scene.backend.change_members(chat, ["mira"], [])
    scene.settle()
    member(scene, MIRA, chat)
    asks(scene, MIRA, chat, old, recent)
    assert scene[MIRA].texts(chat) == ["recent"]


def test_the_minute_is_one_of_this_device_s_clock(scene: Scene) -> None:
    """The server's `sent_at` says that all is from now."""
    chat = scene.group("ravi", "raju")
    for device in scene.devices.values():
        device.behind = 1e6
    old = say(scene, RAVI, chat, "old")
    scene.backend.now += 61
    scene.backend.change_members(chat, ["mira"], [])
    scene.settle()
    member(scene, MIRA, chat)
    gets_nothing(scene, MIRA, chat, old)


def test_whom_the_sender_adds_itself_was_a_recipient_of_nothing_before(scene: Scene) -> None:
    chat = scene.group("ravi", "raju")
    name = say(scene, RAVI, chat, "a second ago")
    scene[RAVI].step(Engine.adding, chat, ["mira"])
    scene[RAVI].crash()  # before the answer came; the mark is remembered
    scene[RAVI].connect()
    scene.backend.change_members(chat, ["mira"], [])
    scene.settle()
    member(scene, MIRA, chat)
    gets_nothing(scene, MIRA, chat, name)
    later = say(scene, RAVI, chat, "to you too")
    assert scene[MIRA].texts(chat) == ["to you too"]
    assert scene[RAVI].store.own(later)


@pytest.mark.parametrize("crash", [False, True])
def test_what_is_under_way_is_not_for_whom_the_sender_adds(scene: Scene, crash: bool) -> None:
    chat = scene.group("ravi", "raju")
    say(scene, RAVI, chat, "one")
    ravi = scene[RAVI]
    name = ravi.send(chat, "sealed for raju")
    ravi.handled()  # and its `accepted` comes later than the answer to `add`
    ravi.step(Engine.adding, chat, ["mira"])
    if crash:
        ravi.crash()
        ravi.connect()
    scene.backend.change_members(chat, ["mira"], [])
    member(scene, RAVI, chat)
    member(scene, MIRA, chat)
    own = ravi.store.own_text(chat, name)
    after = ravi.store.member_after(chat, "mira")
    assert own and own.seq and after is not None and own.seq > after
    gets_nothing(scene, MIRA, chat, name)
    later = say(scene, RAVI, chat, "to you too")
    asks(scene, MIRA, chat, name, later)
    assert scene[MIRA].texts(chat) == ["to you too"]
    assert scene[RAJU].texts(chat) == ["one", "sealed for raju", "to you too"]


def test_a_message_under_way_is_not_copied_to_a_member_that_the_sender_adds(scene: Scene) -> None:
    """In a chat of two whose kind is not known yet, the answer to a text names who was left out."""
    chat = scene.group("ravi", "raju")
    ravi = scene[RAVI]
    with ravi.table() as db:
        db.execute("UPDATE chats SET kind = NULL")
    say(scene, RAVI, chat, "one")
    ravi.send(chat, "sealed for raju")
    ravi.step(Engine.adding, chat, ["mira"])
    scene.backend.change_members(chat, ["mira"], [])
    member(scene, MIRA, chat)
    assert frames(scene, chat)[-1]["to"].keys() == {RAJU}
    scene.settle(seconds=4)
    assert "sealed for raju" not in scene[MIRA].texts(chat)


def test_what_was_written_and_not_sealed_is_for_whom_the_sender_adds(scene: Scene) -> None:
    chat = scene.group("ravi", "raju")
    ravi = scene[RAVI]
    ravi.leave()
    name = ravi.send(chat, "written offline")
    ravi.step(Engine.adding, chat, ["mira"])
    scene.backend.change_members(chat, ["mira"], [])
    member(scene, MIRA, chat)
    ravi.connect()
    scene.settle()
    assert scene[MIRA].texts(chat) == ["written offline"]
    with scene[MIRA].table() as db:
        db.execute("UPDATE messages SET text = NULL")
    asks(scene, MIRA, chat, name)
    assert scene[MIRA].texts(chat) == ["written offline"]


def test_who_is_a_member_and_is_added_again_may_ask_for_what_is_under_way(scene: Scene) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "one")
    ravi = scene[RAVI]
    name = ravi.send(chat, "to both")
    ravi.step(Engine.adding, chat, ["mira"])
    scene.settle()
    with scene[MIRA].table() as db:
        db.execute("UPDATE messages SET text = NULL WHERE message_id = ?", (name,))
    asks(scene, MIRA, chat, name)
    assert scene[MIRA].texts(chat) == ["one", "to both"]


def test_a_mark_of_a_call_that_failed_takes_nothing_away_later(scene: Scene) -> None:
    chat = scene.group("ravi", "raju")
    scene[RAVI].step(Engine.adding, chat, ["mira"])  # and it was refused
    name = say(scene, RAVI, chat, "old")
    scene.settle(seconds=61)
    scene.backend.change_members(chat, ["mira"], [])  # by raju
    scene.settle()
    member(scene, MIRA, chat)
    gets_nothing(scene, MIRA, chat, name)


# -- a device that is made later


def test_a_device_made_later_is_not_sent_what_was(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    old = say(scene, RAVI, chat, "old")
    scene.settle(seconds=LEEWAY / 2 + 1)
    recent = say(scene, RAVI, chat, "recent")
    scene.settle(seconds=LEEWAY / 2)
    scene.add("raju/ghost").connect()
    scene.settle()
    asks(scene, "raju/ghost", chat, old, recent)
    assert [text for text in scene["raju/ghost"].texts(chat) if text] == ["recent"]


def test_a_device_made_later_does_not_ask_for_what_was(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "old")
    scene.settle(seconds=LEEWAY / 2 + 1)
    say(scene, RAVI, chat, "recent")
    scene.settle(seconds=LEEWAY / 2)
    tab = scene.add("raju/tab")
    tab.connect()
    scene.settle()
    (asked,) = tab.store.asks(tab.clock() + 60).values()
    assert len(asked) == 1
    scene.settle(seconds=4)
    assert tab.texts(chat) == [None, "recent"]


def test_an_accepted_identity_counts_from_its_acceptance(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    old = say(scene, RAVI, chat, "old")
    scene[RAJU].lose_connection()
    scene.add(RAJU).connect()
    scene.settle()
    say(scene, RAVI, chat, "held")
    scene.settle(seconds=LEEWAY + 1)
    scene[RAVI].accept("raju")
    asks(scene, RAJU, chat, old)
    assert [text for text in scene[RAJU].texts(chat) if text] == ["held"]
