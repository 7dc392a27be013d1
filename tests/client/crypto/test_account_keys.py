"""A device's own keys: made once, signed, published before they run out, kept until they are used."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from random import Random
from typing import Any

import pytest
from vodozemac import Account as Olm
from vodozemac import Curve25519PublicKey

from client import ChatClient, Removed
from client.account import Account, Push, SignIn
from client.core.events import Connected, SignedOut
from client.crypto.account import FALLBACK_LIFE, KEYS_LOW, KEYS_WANTED, AccountKeys
from client.crypto.signing import decode, device_document, key_document, verify
from client.errors import SignatureError
from client.store import Store
from lambdas.frames import Frame
from tests.client.crypto.scene import Scene
from tests.support.backend.server import Served, one_backend, until


def made(path: Path | str = ":memory:") -> tuple[Store, AccountKeys]:
    store = Store.open(path, "ravi", "phone")
    return store, AccountKeys(store, "ravi", "phone")


def test_a_device_keeps_its_identity(tmp_path: Path) -> None:
    store, keys = made(tmp_path / "s.sqlite")
    first = keys.registration()
    store.close()
    store, keys = made(tmp_path / "s.sqlite")
    assert keys.registration() == first
    store.close()


def test_everything_a_device_publishes_is_signed_by_it() -> None:
    store, keys = made()
    document = device_document("ravi", "phone", keys.curve25519, keys.ed25519)
    verify(keys.ed25519, document, keys.registration()["signature"])
    body = keys.upload(0)
    assert len(body["one_time_keys"]) == KEYS_WANTED
    for id_, key in body["one_time_keys"].items():
        verify(
            keys.ed25519, key_document("ravi", "phone", id_, key["key"], False), key["signature"]
        )
    fallback = body["fallback_key"]
    document = key_document("ravi", "phone", fallback["id"], fallback["key"], True)
    verify(keys.ed25519, document, fallback["signature"])
    with pytest.raises(SignatureError):
        document = key_document("ravi", "phone", fallback["id"], fallback["key"], False)
        verify(keys.ed25519, document, fallback["signature"])
    store.close()


def test_keys_are_on_disk_before_they_are_published_and_offered_until_they_are(
    tmp_path: Path,
) -> None:
    store, keys = made(tmp_path / "s.sqlite")
    body = keys.upload(0)
    store.close()  # no answer came, and the client ended
    store, keys = made(tmp_path / "s.sqlite")
    assert keys.upload(0) == body
    keys.published()
    more = keys.upload(15)
    assert len(more["one_time_keys"]) == KEYS_WANTED - 15
    assert not more["one_time_keys"].keys() & body["one_time_keys"].keys()
    assert "fallback_key" not in more
    store.close()


def test_keys_are_offered_in_the_order_in_which_they_were_made() -> None:
    store, keys = made()
    offered = list(keys.upload(20)["one_time_keys"])
    keys.published()
    offered += list(keys.upload(20)["one_time_keys"])
    assert [int.from_bytes(decode(id_), "big") for id_ in offered] == list(range(60))
    store.close()


def test_a_used_fallback_key_is_replaced_and_the_one_before_still_opens() -> None:
    scene = Scene("ravi/phone", "raju/phone", "mira/phone")
    raju = scene["raju/phone"]
    scene.backend.lose_one_time_keys("raju", "phone")
    before = scene.backend.fallback_key("raju", "phone")
    with_ravi, with_mira = scene.direct("ravi", "raju"), scene.direct("mira", "raju")
    for device, chat in (("ravi/phone", with_ravi), ("mira/phone", with_mira)):
        raju.leave()
        scene[device].send(chat, f"from {device}")
        scene.settle()
        if device == "ravi/phone":  # while its message is still under way to the key before
            scene.backend.now += FALLBACK_LIFE
            raju.replenish(50, new_fallback=True)
    assert scene.backend.fallback_key("raju", "phone") != before
    raju.connect()
    scene.settle()
    assert raju.texts(with_ravi) == ["from ravi/phone"]
    assert raju.texts(with_mira) == ["from mira/phone"]
    scene.close()


def test_a_key_that_has_begun_a_session_begins_no_other() -> None:
    store, keys = made()
    ((_, offered),) = keys.upload(KEYS_WANTED - 1)["one_time_keys"].items()
    keys.published()
    other = Olm()
    receiver = Curve25519PublicKey.from_base64(keys.curve25519)
    key = Curve25519PublicKey.from_base64(offered["key"])
    for first in (True, False):
        begun = other.create_outbound_session(receiver, key).encrypt(b"hello").to_pre_key()
        assert begun is not None
        with contextlib.nullcontext() if first else pytest.raises(ValueError), store.transaction():
            assert keys.join(other.curve25519_key.to_base64(), begun)[1] == b"hello"
    store.close()


def test_a_device_is_registered_since_the_first_time() -> None:
    """What was written for it after that is asked for, however often it is registered again."""
    store, keys = made()
    assert keys.registered_at == 0.0
    for at in (100.0, 200.0):
        keys.registered(at)
        assert keys.registered_at == 100.0
    store.close()


@pytest.mark.parametrize(
    ("passed", "replaced"),
    [(0.0, False), (FALLBACK_LIFE - 1, False), (FALLBACK_LIFE, True), (-1.0, True)],
)
def test_a_fallback_key_is_replaced_once_it_is_old_and_where_the_clock_was_set_back(
    passed: float, replaced: bool
) -> None:
    store, now = Store.open(":memory:", "ravi", "phone"), [1_800_000_000.0]
    keys = AccountKeys(store, "ravi", "phone", lambda: now[0])
    assert "fallback_key" in keys.upload(0)
    keys.published()
    now[0] += passed
    assert ("fallback_key" in keys.upload(KEYS_WANTED, new_fallback=True)) is replaced
    store.close()


def test_a_fallback_key_that_was_claimed_often_is_replaced_once_in_ten_minutes() -> None:
    """Each claim of it is reported; the account keeps one key before, and that may be under way."""
    scene = Scene("ravi/phone", "raju/phone", "mira/phone")
    raju = scene["raju/phone"]
    scene.backend.lose_one_time_keys("raju", "phone")
    scene.backend.now += FALLBACK_LIFE
    chats = {device: scene.direct(device.partition("/")[0], "raju") for device in
             ("ravi/phone", "mira/phone")}  # fmt: skip
    raju.leave()
    for device, chat in chats.items():
        scene[device].send(chat, f"from {device}")
        scene.settle()
    first = scene.backend.fallback_key("raju", "phone")
    used = []
    for remaining in (0, KEYS_WANTED, KEYS_WANTED):
        raju.replenish(remaining, new_fallback=True)
        used.append(scene.backend.fallback_key("raju", "phone"))
        raju.crash()  # when it was replaced is remembered
    assert used == [used[0]] * 3 != [first] * 3
    raju.connect()
    scene.settle()
    for device, chat in chats.items():
        assert raju.texts(chat) == [f"from {device}"]
    scene.backend.now += FALLBACK_LIFE
    raju.replenish(KEYS_WANTED, new_fallback=True)
    assert scene.backend.fallback_key("raju", "phone") not in used
    scene.close()


async def signed_in(server: Served, store: Store, **options: Any) -> Account:
    sign_in = SignIn("ravi", "phone", "password")
    account = Account(server.url, sign_in, Push(), store, Random(1))
    await account.sign_up_or_in()
    return account


def test_the_directory_is_filled_up_when_few_keys_are_left_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        async with one_backend() as server:
            store = Store.open(":memory:", "ravi", "phone")
            account = await signed_in(server, store)
            await account.register()
            for left, after in ((KEYS_LOW, KEYS_LOW), (KEYS_LOW - 1, KEYS_WANTED)):
                server.lose_one_time_keys("ravi", "phone", left=left)
                await account.replenish()
                assert len(server.one_time_keys("ravi", "phone")) == after
            fallback = server.fallback_key("ravi", "phone")
            await account.replenish()
            assert server.fallback_key("ravi", "phone") == fallback
            await account.replenish(fallback_used=True)
            assert server.fallback_key("ravi", "phone") == fallback
            monkeypatch.setattr("client.crypto.account.FALLBACK_LIFE", 0.0)
            await account.replenish(fallback_used=True)
            assert server.fallback_key("ravi", "phone") != fallback
            assert len(server.one_time_keys("ravi", "phone")) == KEYS_WANTED
            await account.api.close()
            store.close()

    asyncio.run(scenario())


def test_after_a_completed_sync_the_directory_is_filled_up_and_not_before() -> None:
    """What is under way to the keys that are left is here by then."""

    async def scenario() -> None:
        async with one_backend() as server, ChatClient(server.url, "ravi", "password") as ravi:
            await until(lambda: server.asked_after_ticket("ravi"))
            server.lose_one_time_keys("ravi", "phone", left=5)
            held: list[Frame] = []

            def hold(user: str, frame: Frame) -> list[Frame]:
                held.extend([frame] if frame["type"] == "synced" else [])
                return [] if frame["type"] == "synced" else [frame]

            server.faults.to_client = hold
            server.calls.clear()
            await reconnected(ravi)
            await until(lambda: held)
            for _ in range(3):  # what is asked meanwhile is answered
                await ravi.devices.of("raju")
            assert "POST /api/devices/phone/one-time-keys" not in server.lines
            server.faults.lose_nothing()
            await reconnected(ravi)
            await until(lambda: len(server.one_time_keys("ravi", "phone")) == KEYS_WANTED)

    asyncio.run(scenario())


async def reconnected(client: ChatClient) -> None:
    async with contextlib.aclosing(client.events()) as events:
        client.cut()
        async for event in events:
            if isinstance(event, Connected):
                return


def test_a_device_that_another_one_removed_stops_and_does_not_come_back_by_itself() -> None:
    async def scenario() -> None:
        async with (
            one_backend() as server,
            ChatClient(server.url, "ravi", "password", "phone") as phone,
            ChatClient(server.url, "ravi", "password", "laptop") as laptop,
        ):
            assert [one.device for one in await phone.devices.of("ravi")] == ["laptop"]
            await phone.devices.remove("laptop")
            gone = await laptop.wait_for(lambda event: isinstance(event, SignedOut))
            assert isinstance(gone, SignedOut)
            assert "removed" in gone.reason
            assert await phone.devices.of("ravi") == []
            assert list(server.listed("ravi")) == ["phone"]
            with pytest.raises(Removed):
                await laptop.account.come_back()

    asyncio.run(scenario())
