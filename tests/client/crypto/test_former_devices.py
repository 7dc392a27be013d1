"""What a device has sent can be read after it is gone: removed, replaced, or its account deleted."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from client.core.engine import Engine
from client.core.events import ControlReceived, DeviceAdded, IdentityChanged
from tests.client.crypto.scene import Device, Scene, say


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene("ravi/phone", "raju/phone", "raju/tablet")
    yield scene
    scene.close()


def come_back(device: Device, chat: str, scene: Scene) -> None:
    """It reconnects and fetches what it has missed."""
    device.connect()
    device.step(Engine.sync)
    scene.settle()


def remove(scene: Scene, address: str) -> None:
    device = scene.devices.pop(address)
    if device.online:
        device.leave()
    scene.backend.remove(device.user, device.name)
    scene.settle()


def anew(scene: Scene, address: str) -> Device:
    """The device is installed again: another identity under the same name."""
    old = scene.devices[address]
    if old.online:
        old.leave()
    device = scene.add(address)
    device.random.seed(f"{old.account.ed25519} anew")  # its message ids are others
    device.connect()
    return device


@pytest.mark.parametrize("kind", ["direct", "group"])
@pytest.mark.parametrize("known", [True, False], ids=["known before", "never seen"])
def test_texts_of_a_removed_device_are_read_by_a_device_that_comes_back(
    scene: Scene, kind: str, known: bool
) -> None:
    chat = getattr(scene, kind)("ravi", "raju")
    if known:
        say(scene, "raju/tablet", chat, "before")
    scene["ravi/phone"].leave()
    if not known:
        device = scene.add("raju/new")
        device.connect()
        scene._known(chat, kind)
        scene.settle()
    sender = "raju/tablet" if known else "raju/new"
    say(scene, sender, chat, "one", "two")
    remove(scene, sender)
    come_back(scene["ravi/phone"], chat, scene)
    assert scene["ravi/phone"].texts(chat)[-2:] == ["one", "two"]


def test_a_former_device_of_a_known_user_is_announced_and_gets_nothing(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, "raju/phone", chat, "before")
    scene["ravi/phone"].leave()
    device = scene.add("raju/new")
    device.connect()
    scene._known(chat, "direct")
    say(scene, "raju/new", chat, "one")
    remove(scene, "raju/new")
    come_back(scene["ravi/phone"], chat, scene)
    assert [event.device for event in scene["ravi/phone"].reported(DeviceAdded)] == ["new"]
    say(scene, "ravi/phone", chat, "answer")
    assert "raju/new" not in scene["ravi/phone"].encryption.identities.receivers({"raju"})


def test_texts_of_an_old_identity_are_read_after_the_new_one_is_accepted(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, "raju/phone", chat, "before")
    ravi = scene["ravi/phone"]
    ravi.leave()
    say(scene, "raju/phone", chat, "by the old one")
    anew(scene, "raju/phone")
    scene._known(chat, "direct")
    ravi.connect()
    ravi.down.clear()  # nothing is caught up yet
    ravi.wanted.append(ravi.step(Engine.look_at, "raju"))
    while ravi.wanted:
        ravi.fetch()
    assert [event.device for event in ravi.reported(IdentityChanged)] == ["phone"]
    ravi.accept("raju")
    ravi.leave()
    come_back(ravi, chat, scene)
    say(scene, "raju/phone", chat, "by the new one")
    assert ravi.texts(chat) == ["before", "by the old one", "by the new one"]


@pytest.mark.parametrize("former", [True, False])
def test_a_former_identity_compares_no_emoji(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, former: bool
) -> None:
    chat, ravi = scene.direct("ravi", "raju"), scene["ravi/phone"]
    say(scene, "ravi/phone", scene.group("ravi", "raju"), "so raju's devices are known")
    before = ravi.encryption.identities.authors
    monkeypatch.setattr(
        ravi.encryption.identities,
        "authors",
        lambda name: [replace(one, former=former) for one in before(name)],
    )
    fields = {"txn": "b7c1", "step": "start", "methods": ["emoji"]}
    scene["raju/tablet"].step(Engine.send_to_device, chat, "ravi/phone", "sas", fields)
    scene.settle()
    assert len(ravi.reported(ControlReceived)) == (0 if former else 1)


def test_texts_of_two_identities_are_read_by_one_who_sees_both_for_the_first_time(
    scene: Scene,
) -> None:
    chat = scene.group("ravi", "raju")
    scene["ravi/phone"].leave()
    say(scene, "raju/phone", chat, "by the old one")
    anew(scene, "raju/phone")
    scene._known(chat, "group")
    say(scene, "raju/phone", chat, "by the new one")
    come_back(scene["ravi/phone"], chat, scene)
    assert scene["ravi/phone"].texts(chat) == ["by the old one", "by the new one"]
    assert scene["ravi/phone"].reported(IdentityChanged) == []


def test_a_former_identity_of_a_known_device_that_was_never_seen_is_not_trusted(
    scene: Scene,
) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, "raju/phone", chat, "before")
    ravi = scene["ravi/phone"]
    ravi.leave()
    for text in ("between", "last"):
        anew(scene, "raju/phone")
        scene._known(chat, "direct")
        say(scene, "raju/phone", chat, text)
    come_back(ravi, chat, scene)
    scene.settle(seconds=5)  # it asks whose they are
    ravi.accept("raju")
    scene.settle()
    assert ravi.texts(chat) == ["before", None, "last"]
    say(scene, "ravi/phone", chat, "answer")  # and nothing holds it


def test_what_a_verified_users_former_device_sent_is_not_shown_as_the_users(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, "raju/phone", chat, "before")
    ravi = scene["ravi/phone"]
    shown = {one.device: one.ed25519 for one in ravi.encryption.identities.devices("raju")}
    ravi.step(Engine.compared, "raju", shown)
    ravi.leave()
    device = scene.add("raju/new")
    device.connect()
    scene._known(chat, "direct")
    say(scene, "raju/new", chat, "one")
    remove(scene, "raju/new")
    come_back(ravi, chat, scene)
    assert ravi.texts(chat) == ["before", None]
    say(scene, "ravi/phone", chat, "answer")
    assert ravi.texts(chat) == ["before", None, "answer"]
