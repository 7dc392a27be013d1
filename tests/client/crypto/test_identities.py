"""Whose keys are accepted: the first ones, and others only once the user has looked at them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from client.core import events
from client.core.cipher import FetchResult
from client.core.engine import Engine
from client.crypto.identities import Trust
from tests.client.crypto.scene import Device, Scene, frames, say

RAVI, RAJU, DESK = "ravi/phone", "raju/phone", "ravi/desk"


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene(RAVI, RAJU)
    yield made
    made.close()


def reinstalled(scene: Scene, address: str) -> Device:
    """The same name with a new store: other keys."""
    scene[address].lose_connection()
    scene.add(address).connect()
    scene.settle()
    return scene[address]


def test_a_new_device_of_a_known_user_is_announced_and_written_to(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "one")
    assert scene[RAVI].reported(events.DeviceAdded) == []
    scene.add("raju/tab").connect()
    say(scene, RAVI, chat, "two")
    assert scene[RAVI].reported(events.DeviceAdded) == [events.DeviceAdded("raju", "tab")]
    assert "raju/tab" in frames(scene, chat)[-1]["to"]


def test_the_first_further_device_of_one_s_own_is_announced_too(scene: Scene) -> None:
    scene.add(DESK)  # not even connected
    scene.settle()
    assert scene[RAVI].reported(events.DeviceAdded) == [events.DeviceAdded("ravi", "desk")]


def test_a_new_device_of_one_s_own_is_announced_at_once(scene: Scene) -> None:
    scene.add(DESK).connect()
    scene.settle()
    scene.add("ravi/tab").connect()
    scene.settle()
    assert scene[DESK].reported(events.DeviceAdded)[-1:] == [events.DeviceAdded("ravi", "tab")]


def test_a_changed_identity_stops_sending_until_it_is_accepted(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "before")
    reinstalled(scene, RAJU)
    say(scene, RAVI, chat, "to whom?")
    ravi = scene[RAVI]
    assert ravi.reported(events.IdentityChanged) == [events.IdentityChanged("raju", "phone")]
    assert ravi.reported(events.SendingHeld) == [events.SendingHeld(chat, ("raju",))]
    assert ravi.encryption.identities.trust("raju") is Trust.CHANGED
    assert len(frames(scene, chat)) == 1
    ravi.crash()  # it is remembered
    ravi.connect()
    scene.settle()
    assert len(frames(scene, chat)) == 1
    ravi.accept("raju")
    scene.settle()
    assert ravi.encryption.identities.trust("raju") is Trust.SEEN
    assert scene[RAJU].texts(chat)[-1] == "to whom?"


def test_only_the_keys_that_were_shown_are_accepted(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "before")
    ravi = scene[RAVI]
    reinstalled(scene, RAJU)
    say(scene, RAVI, chat, "to whom?")
    (shown,) = ravi.encryption.identities.devices("raju")
    reinstalled(scene, RAJU)  # once more, while the user looks at the keys
    ravi.step(Engine.fetch_succeeded, listed(scene))
    accepted: list[bool] = []
    keys = {shown.device: shown.ed25519}
    ravi.step(lambda engine, step: accepted.append(engine.accept(step, "raju", keys)))
    scene.settle()
    assert accepted == [False]
    assert ravi.encryption.identities.trust("raju") is Trust.CHANGED
    assert len(frames(scene, chat)) == 1
    ravi.accept("raju")
    scene.settle()
    assert scene[RAJU].texts(chat)[-1] == "to whom?"


def listed(scene: Scene) -> FetchResult:
    return FetchResult(scene[RAVI].step(Engine.look_at, "raju"), scene.backend.listed("raju"))


def test_a_device_that_is_not_listed_is_not_accepted_with_the_others(scene: Scene) -> None:
    verified_by(scene)
    scene.add("raju/evil")
    ravi = scene[RAVI]
    ravi.step(Engine.fetch_succeeded, listed(scene))
    (evil,) = [one for one in ravi.encryption.identities.devices("raju") if one.device == "evil"]
    scene.backend.remove("raju", "evil")
    ravi.step(Engine.fetch_succeeded, listed(scene))
    ravi.step(Engine.accept, "raju", {"evil": evil.ed25519})
    assert ravi.encryption.identities.trusted("raju/evil") is None


def test_copies_wait_too_while_an_identity_of_their_user_is_not_accepted(scene: Scene) -> None:
    scene.add("raju/tab").connect()
    scene.settle()
    chat = scene.direct("ravi", "raju")
    name = say(scene, RAVI, chat, "before")
    reinstalled(scene, RAJU)
    say(scene, RAVI, chat, "held")
    before = len(frames(scene, chat))
    fields = {"of": [name]}
    scene["raju/tab"].step(Engine.send_to_device, chat, RAVI, "request", fields)
    scene.settle()
    assert [f["sender"] for f in frames(scene, chat)[before:]] == ["raju"]
    scene[RAVI].accept("raju")
    scene.settle()
    assert len([f for f in frames(scene, chat)[before:] if f["sender"] == "ravi"]) == 2


def test_steps_of_comparisons_that_nobody_remembers_are_not_sent(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    scene.backend.faults.may_claim = lambda *_: False
    fields = {"txn": "b7c1", "step": "start", "methods": ["emoji"]}
    scene[RAVI].step(Engine.send_to_device, chat, RAJU, "sas", fields)
    scene.settle()
    assert scene[RAVI].encryption.devices_to_send_to() == {chat: {RAJU}}
    scene[RAVI].crash()
    assert scene[RAVI].encryption.devices_to_send_to() == {}


@pytest.mark.parametrize("by", [Engine.accept, Engine.compared])
def test_what_a_changed_identity_sends_is_kept_and_readable_once_it_is_accepted(
    scene: Scene, by: Any
) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "before")
    reinstalled(scene, RAJU)
    scene[RAJU].step(Engine.chat_is, chat, {"ravi", "raju"})
    say(scene, RAJU, chat, "it is me")
    scene.settle(seconds=1)
    ravi = scene[RAVI]
    assert ravi.texts(chat) == ["before", None]
    scene.settle(seconds=4)
    assert ravi.texts(chat) == ["before", None]
    shown = {one.device: one.ed25519 for one in ravi.encryption.identities.devices("raju")}
    assert ravi.step(by, "raju", shown)
    scene.settle()
    assert ravi.texts(chat) == ["before", "it is me"]
    assert [event.text for event in ravi.reported(events.MessageReadable)] == ["it is me"]


def test_keys_that_go_back_to_what_they_were_need_no_acceptance(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "before")
    old = scene[RAJU]
    reinstalled(scene, RAJU)
    say(scene, RAVI, chat, "held")
    scene[RAJU].lose_connection()
    scene.devices[RAJU] = old
    old.publish()
    old.connect()
    scene.settle()
    scene[RAVI].leave()
    scene[RAVI].connect()
    scene.settle()
    assert old.texts(chat) == ["before", "held"]


def verified_by(scene: Scene) -> None:
    say(scene, RAVI, scene.direct("ravi", "raju"), "hello")
    verified(scene)


def test_a_user_is_verified_when_all_devices_are(scene: Scene) -> None:
    scene.add("raju/ghost")
    say(scene, RAVI, scene.direct("ravi", "raju"), "hello")
    identities = scene[RAVI].encryption.identities
    for device, trust in zip(identities.devices("raju"), (Trust.SEEN, Trust.VERIFIED), strict=True):
        with scene[RAVI].table():
            assert identities.verify("raju", device.device, device.ed25519)
        assert identities.trust("raju") is trust


def test_an_identity_that_is_accepted_and_was_not_compared_is_not_verified(scene: Scene) -> None:
    verified_by(scene)
    before = scene[RAJU].account.ed25519
    reinstalled(scene, RAJU)
    say(scene, RAVI, scene.direct("ravi", "raju"), "held")
    identities = scene[RAVI].encryption.identities
    assert identities.trust("raju") is Trust.CHANGED
    with scene[RAVI].table():
        assert not identities.verify("raju", "phone", before)
    scene[RAVI].accept("raju")
    assert identities.trust("raju") is Trust.SEEN


def test_a_changed_identity_of_a_device_that_is_gone_holds_nothing(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    scene.add("raju/tab").connect()
    say(scene, RAVI, chat, "one")
    reinstalled(scene, "raju/tab")
    say(scene, RAVI, chat, "held")
    assert scene[RAJU].texts(chat) == ["one"]
    scene.devices.pop("raju/tab").lose_connection()
    scene.backend.remove("raju", "tab")
    scene.settle()
    assert scene[RAJU].texts(chat) == ["one", "held"]


@pytest.mark.parametrize("change", ["another key", "one more", "one less", "held"])
def test_what_was_compared_is_verified_only_if_it_is_the_same_by_then(
    scene: Scene, change: str
) -> None:
    scene.add("raju/tab")
    say(scene, RAVI, scene.direct("ravi", "raju"), "hello")
    ravi = scene[RAVI]
    identities = ravi.encryption.identities
    keys = {device.device: device.ed25519 for device in identities.devices("raju")}
    match change:
        case "another key":
            scene.add("raju/tab")
        case "one more":
            scene.add("raju/evil")
        case "one less":
            scene.backend.remove("raju", "tab")
        case "held":
            keys = {"phone": keys["phone"], "tab": "A" * 43}
    ravi.step(Engine.fetch_succeeded, listed(scene))
    same: list[bool] = []
    ravi.step(lambda engine, step: same.append(engine.compared(step, "raju", keys)))
    assert same == [False]
    assert Trust.VERIFIED not in {device.trust for device in identities.devices("raju")}
    keys = {device.device: device.ed25519 for device in identities.devices("raju")}
    ravi.step(lambda engine, step: same.append(engine.compared(step, "raju", keys)))
    assert same == [False, True]
    assert identities.trust("raju") is Trust.VERIFIED


def verified(scene: Scene) -> None:
    with scene[RAVI].table():
        identities = scene[RAVI].encryption.identities
        (device,) = identities.devices("raju")
        assert not identities.verify("raju", "phone", "A" * 43)
        assert identities.verify("raju", "phone", device.ed25519)
        assert identities.trust("raju") is Trust.VERIFIED


def test_a_verified_user_s_new_device_waits_for_acceptance_like_a_changed_one(
    scene: Scene,
) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "before")
    verified(scene)
    scene.add("raju/tab").connect()
    scene.settle()
    say(scene, RAVI, chat, "held")
    ravi = scene[RAVI]
    assert ravi.reported(events.IdentityChanged) == [events.IdentityChanged("raju", "tab")]
    assert len(frames(scene, chat)) == 1
    ravi.accept("raju")
    scene.settle()
    assert sorted(frames(scene, chat)[-1]["to"]) == [RAJU, "raju/tab"]
    states = {device.device: device.trust for device in ravi.encryption.identities.devices("raju")}
    assert states == {"phone": Trust.VERIFIED, "tab": Trust.SEEN}


def test_a_server_that_hides_the_verified_device_cannot_bring_in_another(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "before")
    verified(scene)
    scene[RAJU].lose_connection()
    scene.backend.remove("raju", "phone")
    say(scene, RAVI, chat, "to nobody")
    scene.add("raju/evil").connect()
    say(scene, RAVI, chat, "held")
    assert "raju/evil" not in frames(scene, chat)[-1].get("to", {})
    assert scene[RAVI].encryption.identities.trust("raju") is Trust.CHANGED


def test_an_accepted_identity_that_changes_again_is_held_again(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "one")
    for n in range(2):
        reinstalled(scene, RAJU)
        say(scene, RAVI, chat, f"held {n}")
        assert scene[RAVI].encryption.identities.trust("raju") is Trust.CHANGED
        scene[RAVI].accept("raju")
        scene.settle()
        assert scene[RAJU].texts(chat)[-1] == f"held {n}"
    assert len(scene[RAVI].reported(events.IdentityChanged)) == 2


def test_in_a_group_with_a_changed_identity_texts_wait_for_everybody(scene: Scene) -> None:
    scene.add("mira/phone").connect()
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "one")
    reinstalled(scene, RAJU)
    say(scene, RAVI, chat, "two")
    assert scene["mira/phone"].texts(chat) == ["one"]
    scene[RAVI].accept("raju")
    scene.settle()
    assert scene["mira/phone"].texts(chat) == ["one", "two"]
    sessions = {f["payload"].partition(".")[0] for f in frames(scene, chat) if "payload" in f}
    assert len(sessions) == 2  # the key that the old device had is used no more
