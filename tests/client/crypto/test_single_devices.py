"""What goes to single devices, and what is taken from them: keys, copies, whoever is held back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.core.cipher import Chat, Claims, Unreadable, Wants
from client.core.engine import Engine
from client.core.frames import Message
from client.crypto.to_device import ToDeviceQueue
from tests.client.crypto.forging import forged
from tests.client.crypto.scene import Scene, say

RAVI = "ravi/phone"
VECTORS = Path(__file__).parents[3] / "protocol/vectors/introductions.json"
KNOWN: dict[str, Any] = json.loads(VECTORS.read_text())


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene(RAVI, "raju/phone", "raju/web")
    yield made
    made.close()


def test_a_key_of_a_device_that_is_none_to_write_to_begins_no_session(scene: Scene) -> None:
    """It may have been removed, or shown other keys, while the claim was under way."""
    chat, ravi = scene.direct("ravi", "raju"), scene[RAVI]
    names = ("raju/gone", "raju/phone")
    found = scene.backend.claim(["raju/phone"], "ravi")
    scene.settle()
    with ravi.table():
        begun = ravi.encryption.claimed(
            Claims(1, chat, names), {**found, "raju/gone": found["raju/phone"]}
        )
    assert begun <= {"raju/phone"}


def test_keys_of_all_who_are_to_get_something_are_claimed_together(scene: Scene) -> None:
    chat, ravi = scene.direct("ravi", "raju"), scene[RAVI]
    with ravi.table():
        ravi.encryption.learn("raju", scene.backend.listed("raju"))
        for device in ("raju/phone", "raju/web"):
            ravi.encryption.queue_to_device(chat, device, "sas", {"txn": "t"})
    place = Chat(chat, False, frozenset({"ravi", "raju"}))
    wants = ravi.encryption.to_device_wants(place, lambda _: True, ())
    assert wants == Wants(claims=frozenset({"raju/phone", "raju/web"}))


def test_what_is_for_a_device_waits_until_it_is_known_who_is_in_the_group(scene: Scene) -> None:
    chat, ravi = scene.group("ravi", "raju"), scene[RAVI]
    ravi.leave()
    ravi.connect()  # what an earlier connection said of the members counts no more
    ravi.step(Engine.send_to_device, chat, "raju/web", "sas", {"txn": "t"})
    scene.backend.now += ravi.settings.resend_after  # there is no response to the sync
    ravi.step(Engine.due)
    assert ravi.encryption.devices_to_send_to() == {chat: {"raju/web"}}
    scene.settle(seconds=1)
    assert ravi.encryption.devices_to_send_to() == {}


def test_what_is_for_a_device_that_shows_other_keys_waits_until_they_are_accepted(
    scene: Scene,
) -> None:
    chat, ravi = scene.direct("ravi", "raju"), scene[RAVI]
    say(scene, RAVI, chat, "hello")
    scene["raju/web"].lose_connection()
    scene.add("raju/web").connect()  # installed anew
    scene.settle(seconds=1)
    ravi.step(Engine.send_to_device, chat, "raju/web", "sas", {"txn": "t"})
    scene.settle(seconds=1)
    assert ravi.encryption.devices_to_send_to() == {chat: {"raju/web"}}
    ravi.accept("raju")
    scene.settle(seconds=1)
    assert ravi.encryption.devices_to_send_to() == {}


@pytest.mark.parametrize("first", [True, False])
def test_a_copy_waits_once_whoever_wants_it(scene: Scene, first: bool) -> None:
    with scene[RAVI].table() as db:
        queue = ToDeviceQueue(db)
        for asked in (first, not first):
            queue.add_copy("c", "raju/web", "m1", asked=asked)
        queue.add_copy("c", "raju/phone", "m1")
        queue.add_copy("c", "raju/web", "m2")
        waiting = [(each.device, dict(each.fields)) for each in queue.of("c")]
    assert waiting == [
        ("raju/web", {"of": "m1", **({"asked": True} if first else {})}),
        ("raju/phone", {"of": "m1"}),
        ("raju/web", {"of": "m2"}),
    ]


def test_what_a_device_sends_that_waits_to_be_accepted_is_kept(scene: Scene) -> None:
    """Also what is hidden, such as a group's key: once it is accepted, it counts."""
    encryption = scene[RAVI].encryption
    plain = {name: KNOWN["cases"][0]["listed"]["web"][name] for name in ("keys", "signature")}
    with scene[RAVI].table():
        encryption.learn("mira", {})
        for device, keys in (("phone", KNOWN["phone"]), ("web", plain)):
            encryption.identities.remember("mira", device, **keys["keys"], verified=True)
        encryption.learn("mira", {})
    message = Message("c", 1, "id", "mira", "tablet", 1.0, "olm.v1", "0.x")
    with scene[RAVI].table():
        encryption.identities._insert("mira", "tablet", "C" * 43, "E" * 43, blocked=True)
        opened = encryption.open(message)
    assert isinstance(opened, Unreadable) and opened.blocked and not opened.ask


def test_what_was_sealed_for_another_device_is_rejected_although_it_opens(scene: Scene) -> None:
    """Its sender may pass on what a third one has sealed for it."""
    chat, text = scene.direct("ravi", "raju"), "for somebody else"
    say(scene, RAVI, chat, "hello")
    keys = scene["raju/web"].account.ed25519
    with forged(lambda inside: inside.update(to="raju/web", to_key=keys)):
        say(scene, "raju/phone", chat, text)
    assert scene[RAVI].texts(chat) == ["hello", None]
