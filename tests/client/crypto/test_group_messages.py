"""Groups: the key goes ahead of the text, and who left can't read what comes after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from client.core.engine import Engine
from client.core.events import MessageReadable, MessageReceived
from client.core.frames import Message
from client.core.ids import ulid
from client.crypto.groups import InboundGroups
from client.crypto.rotation import MESSAGES, SECONDS
from tests.client.crypto.scene import Device, Scene, frames, say

RAVI, RAJU, MIRA = "ravi/phone", "raju/phone", "mira/phone"


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene(RAVI, "ravi/desk", RAJU, MIRA)
    yield made
    made.close()


def sessions_used(scene: Scene, chat: str) -> list[str]:
    texts = [frame for frame in frames(scene, chat) if frame["alg"] == "megolm.v1"]
    return [frame["payload"].partition(".")[0] for frame in texts]


def shown(device: Device, chat: str, message: dict[str, Any], **fields: Any) -> MessageReceived:
    """A message of the server's own making: what the device makes of it."""
    seq = {position.chat: position.watermark for position in device.store.read_positions()}.get(
        chat, 0
    ) + 1
    known = {
        "seq": seq, "message_id": ulid(seq, device.random), "sender": message["sender"],
        "sender_device": message["sender_device"], "sent_at": device.clock(), "alg": message["alg"],
        "payload": message["payload"],
    }  # fmt: skip
    made = Message(chat, **{**known, **fields})
    device.events.clear()
    device.step(Engine.received, made)
    (event,) = device.reported(MessageReceived)
    assert isinstance(event, MessageReceived)
    return event


def test_the_key_is_accepted_before_the_text_that_needs_it(scene: Scene) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "one", "two")
    assert [frame["alg"] for frame in frames(scene, chat)] == ["olm.v1", "megolm.v1", "megolm.v1"]
    assert sorted(frames(scene, chat)[0]["to"]) == [MIRA, RAJU, "ravi/desk"]
    for device in scene.devices.values():
        assert device.texts(chat) == ["one", "two"]


def test_keys_are_not_shown_not_counted_as_unread_and_wake_nobody(scene: Scene) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "one")
    (summary,) = scene[RAJU].store.chats()
    assert (summary.unread, summary.watermark) == (1, 2)
    assert [event.seq for event in scene[RAJU].reported(MessageReceived)] == [2]


def test_a_new_device_of_a_member_reads_what_comes_and_is_sent_what_it_asks_for(
    scene: Scene,
) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "before")
    scene.add("raju/tab").connect()
    scene.settle()
    say(scene, RAVI, chat, "after")
    assert len(set(sessions_used(scene, chat))) == 1  # the key at its present index is enough
    assert scene["raju/tab"].texts(chat) == [None, "after"]
    scene.settle(seconds=4)
    assert scene["raju/tab"].texts(chat) == ["before", "after"]


def joins(scene: Scene, chat: str, user: str) -> None:
    scene.backend.change_members(chat, [user], [])
    scene.settle()


def leaves(scene: Scene, chat: str, user: str) -> None:
    scene.backend.change_members(chat, [], [user])
    scene.settle()


def test_a_new_member_cannot_read_what_was_before(scene: Scene) -> None:
    chat = scene.group("ravi", "raju")
    name = scene[RAVI].send(chat, "before")
    scene.settle()
    old = frames(scene, chat)[-1]
    scene[RAVI].step(Engine.sync)
    scene.settle()
    joins(scene, chat, "mira")
    say(scene, RAVI, chat, "after")
    scene.settle(seconds=1)
    assert scene[MIRA].texts(chat) == ["after"]
    again = shown(scene[MIRA], chat, old, message_id=name)  # the server shows it anyway
    assert again.text is None
    for seconds in (4, 61, 3601):  # she asks, and is not answered
        scene.settle(seconds=seconds)
    assert scene[MIRA].db.execute("SELECT max(asked) FROM messages").fetchone() == (3,)
    assert scene[MIRA].texts(chat) == ["after", None]


def test_who_left_cannot_read_what_comes_after(scene: Scene) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "to three")
    leaves(scene, chat, "mira")
    say(scene, RAVI, chat, "to two")
    assert len(set(sessions_used(scene, chat))) == 2
    assert shown(scene[MIRA], chat, frames(scene, chat)[-1]).text is None
    assert scene[RAJU].texts(chat) == ["to three", "to two"]


def test_without_rotation_who_left_could_read_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the test above would miss if the rule were taken out."""
    monkeypatch.setattr("client.crypto.groups.reason_to_rotate", lambda *_: None)
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "to three")
    leaves(scene, chat, "mira")
    name = scene[RAVI].send(chat, "to two")
    scene.settle()
    last = frames(scene, chat)[-1]
    assert shown(scene[MIRA], chat, last, message_id=name).text == "to two"


def test_who_leaves_and_comes_back_gets_a_session_of_its_own_time(scene: Scene) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "to three")
    leaves(scene, chat, "mira")
    say(scene, RAVI, chat, "to two")
    secret = frames(scene, chat)[-1]
    joins(scene, chat, "mira")
    say(scene, RAVI, chat, "to three again")
    scene.settle(seconds=1)
    assert scene[MIRA].texts(chat)[-1] == "to three again"
    assert shown(scene[MIRA], chat, secret).text is None


def test_a_removed_device_cannot_read_what_comes_after(scene: Scene) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "to all")
    scene["ravi/desk"].lose_connection()
    scene.backend.remove("ravi", "desk")
    scene.settle()
    name = scene[RAVI].send(chat, "without the desk")
    scene.settle()
    last = frames(scene, chat)[-1]
    assert len(set(sessions_used(scene, chat))) == 2
    assert shown(scene["ravi/desk"], chat, last, message_id=name).text is None


def test_a_session_is_left_after_a_hundred_messages(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.crypto.rotation.MESSAGES", 5)
    chat = scene.group("ravi", "raju")
    say(scene, RAVI, chat, *(f"line {n}" for n in range(11)))
    used = sessions_used(scene, chat)
    assert [used.index(session) for session in used] == [0] * 5 + [5] * 5 + [10]
    assert scene[RAJU].texts(chat) == [f"line {n}" for n in range(11)]
    assert MESSAGES == 100


def test_a_session_is_left_after_seven_days(scene: Scene) -> None:
    chat = scene.group("ravi", "raju")
    say(scene, RAVI, chat, "monday")
    for device in scene.devices.values():
        device.leave()
    scene.backend.now += SECONDS
    for device in scene.devices.values():
        device.connect()
    scene.settle()
    say(scene, RAVI, chat, "monday again")
    assert len(set(sessions_used(scene, chat))) == 2
    assert scene[RAJU].texts(chat) == ["monday", "monday again"]


def test_a_group_message_shown_twice_is_seen_once(scene: Scene) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "once")
    again = shown(scene[RAJU], chat, frames(scene, chat)[-1])
    assert again.text is None
    assert again.reason == "it repeats another message"


def test_without_that_memory_only_the_id_inside_gives_it_away(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InboundGroups, "_remember", lambda *_: None)
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "once")
    assert shown(scene[RAJU], chat, frames(scene, chat)[-1]).reason == "made for another id"


def test_a_message_under_another_device_s_name_is_rejected(scene: Scene) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "mine")
    say(scene, MIRA, chat, "hers")
    event = shown(scene[RAJU], chat, frames(scene, chat)[1], sender="mira")
    assert event.text is None
    assert event.reason == "its key is not here yet"


def key_of(device: Device, chat: str) -> dict[str, str]:
    """As it is sent to others: of the session in use, at its present index."""
    with device.table():
        receivers = device.encryption.identities.receivers({"ravi", "raju", "mira"})
        holders = {name: known.ed25519 for name, known in receivers.items()}
        return device.encryption._outbound.key(chat, holders, device.clock())._asdict()


@pytest.mark.parametrize("first", [True, False])
def test_a_key_that_another_device_sends_too_does_no_harm_to_its_owner(
    scene: Scene, first: bool
) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "one")
    key = key_of(scene[RAVI], chat)
    tab = scene.add("raju/tab")
    tab.connect()
    scene.settle()
    if not first:
        say(scene, RAVI, chat, "two")
    scene[MIRA].step(Engine.send_to_device, chat, "raju/tab", "room_key", key)
    scene.settle()
    say(scene, RAVI, chat, "three")
    assert tab.texts(chat)[-1] == "three"
    rows = tab.db.execute("SELECT device, session_id FROM group_inbound ORDER BY device")
    assert rows.fetchall() == [(MIRA, key["session_id"]), (RAVI, key["session_id"])]
    # nor are the owner's words taken for those of whoever else has the key
    words = frames(scene, chat)[-1]
    stolen = shown(tab, chat, words, sender="mira", message_id=words["message_id"])
    assert (stolen.text, stolen.reason) == (None, "made for another from")


def test_a_text_that_came_before_its_key_is_opened_when_the_key_comes(scene: Scene) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "one")
    with scene[RAVI].table():
        receivers = scene[RAVI].encryption.identities.receivers({"ravi", "raju", "mira"})
        holders = {name: device.ed25519 for name, device in receivers.items()}
        key = scene[RAVI].encryption._outbound.key(chat, holders, scene[RAVI].clock())
    with scene[RAJU].table() as db:
        db.execute("DELETE FROM group_inbound")
    say(scene, RAVI, chat, "two")
    assert scene[RAJU].texts(chat) == ["one", None]
    scene[RAVI].step(Engine.send_to_device, chat, RAJU, "room_key", key._asdict())
    scene.settle()
    assert scene[RAJU].texts(chat) == ["one", "two"]
    (event,) = scene[RAJU].reported(MessageReadable)
    assert (event.text, event.seq) == ("two", 3)


def test_who_says_that_a_text_is_unreadable_gets_it_and_the_key_once_more(scene: Scene) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "one")
    with scene[RAJU].table() as db:
        db.execute("DELETE FROM group_inbound")
        db.execute("DELETE FROM group_indexes")
    say(scene, RAVI, chat, "two")
    assert scene[RAJU].texts(chat) == ["one", None]
    scene.settle(seconds=4)
    assert scene[RAJU].texts(chat) == ["one", "two"]
    say(scene, RAVI, chat, "three")
    assert scene[RAJU].texts(chat) == ["one", "two", "three"]
    assert len(set(sessions_used(scene, chat))) == 1


@pytest.mark.slow
def test_a_large_group_gets_the_key_in_as_many_frames_as_it_takes() -> None:
    users = [f"user{n:02d}" for n in range(40)]
    scene = Scene(*(f"{user}/phone" for user in users))
    chat = scene.group(*users)
    say(scene, "user00/phone", chat, "to all")
    keys = [frame for frame in frames(scene, chat) if frame["alg"] == "olm.v1"]
    assert len(keys) == 3
    assert sum(len(frame["to"]) for frame in keys) == 39
    for device in scene.devices.values():
        assert device.texts(chat) == ["to all"]
    scene.close()
