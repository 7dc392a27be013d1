"""A store that was restored from an older copy: its ratchets repeat, and nothing stays unread."""

import sqlite3

import pytest

from client.core.events import MessageReceived
from client.crypto.encryption import Encryption
from tests.client.crypto.scene import Device, Scene, say

RAVI, RAJU = "ravi/phone", "raju/phone"


def restore(device: Device, copy: bytes) -> None:
    """Its machine is set up from a backup."""
    device.lose_connection()
    device.db.close()
    device.db = sqlite3.connect(":memory:", isolation_level=None)
    device.db.deserialize(copy)
    device.start()
    device.connect()


def talk(scene: Scene, chat: str, *texts: str) -> None:
    for number, text in enumerate(texts):
        say(scene, (RAVI, RAJU)[number % 2], chat, text)


def rest(scene: Scene) -> None:
    for seconds in (1, 4, 4, 61, 4):
        scene.settle(seconds=seconds)


@pytest.mark.sampled
@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "not noticed"])
@pytest.mark.parametrize("replies", [True, False], ids=["both wrote", "one wrote"])
@pytest.mark.parametrize("kind", ["direct", "group"])
def test_what_a_restored_device_sends_is_read(
    kind: str, replies: bool, noticed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(RAVI, RAJU)
    if not noticed:
        monkeypatch.setattr(Encryption, "renew", lambda *_: False)
    chat = getattr(scene, kind)("ravi", "raju")
    talk(scene, chat, "1", "2", "3", "4")
    scene.settle(seconds=3)
    copy = scene[RAVI].db.serialize()
    lost = [f"lost {number}" for number in range(6)]
    if replies:
        talk(scene, chat, *lost)
    else:
        say(scene, RAVI, chat, *lost)
    scene.settle(seconds=40)  # the last receipts go as well
    restore(scene[RAVI], copy)
    scene[RAVI].random.seed("another life")
    scene.settle(seconds=1)
    new = [f"new {number}" for number in range(4)]
    talk(scene, chat, *new)
    unread = [one for one in scene[RAJU].reported(MessageReceived) if one.text is None]
    assert bool(unread) is not noticed
    rest(scene)
    assert scene[RAJU].texts(chat) == ["1", "2", "3", "4", *lost, *new]
    of_raju = {"2", "4", *(lost[1::2] if replies else ()), *new}
    assert of_raju <= set(scene[RAVI].texts(chat))
    talk(scene, chat, "and", "on")  # on sessions that both have
    for address in (RAVI, RAJU):
        assert scene[address].texts(chat)[-2:] == ["and", "on"]
    scene.close()


@pytest.mark.parametrize("kind", ["direct", "group"])
def test_a_restored_device_is_noticed_by_its_mark_alone(kind: str) -> None:
    """Nothing that was lost comes back to it, since all devices had it and it was purged."""
    scene = Scene(RAVI, RAJU)
    chat = getattr(scene, kind)("ravi", "raju")
    talk(scene, chat, "1", "2", "3", "4")
    scene.settle(seconds=3)
    copy = scene[RAVI].db.serialize()
    talk(scene, chat, *(f"lost {number}" for number in range(6)))
    scene.settle(seconds=40)
    scene.backend.run_watch()
    head = scene.backend.head(chat)
    assert head["purged_to"] == head["seq"] > 0
    restore(scene[RAVI], copy)
    scene.settle(seconds=1)
    say(scene, RAVI, chat, "new")
    unread = [one for one in scene[RAJU].reported(MessageReceived) if one.text is None]
    assert unread == []
    assert scene[RAJU].texts(chat)[-1] == "new"
    scene.close()


@pytest.mark.parametrize("kind", ["direct", "group"])
def test_a_restored_device_reads_what_is_sent_to_it(kind: str) -> None:
    scene = Scene(RAVI, RAJU, "mira/phone")
    users = ("ravi", "raju", "mira")[: 2 if kind == "direct" else 3]
    chat = getattr(scene, kind)(*users)
    talk(scene, chat, "1", "2", "3", "4")
    scene.settle(seconds=3)
    copy = scene[RAJU].db.serialize()
    talk(scene, chat, "5", "6", "7")
    scene.settle(seconds=40)
    scene[RAJU].leave()
    say(scene, RAVI, chat, "while away")
    restore(scene[RAJU], copy)
    say(scene, RAVI, chat, "after")
    rest(scene)
    assert {"while away", "after"} <= set(scene[RAJU].texts(chat))
    talk(scene, chat, "and", "on")
    for address in (RAVI, RAJU):
        assert scene[address].texts(chat)[-2:] == ["and", "on"]
    scene.close()
