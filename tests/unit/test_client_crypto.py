"""Keys, signatures and the place of encryption."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from client.api import Api, Tokens
from client.core.frames import Message
from client.crypto.cipher import CipherError, PlainCipher
from client.crypto.device_keys import KEYS_WANTED, DeviceKeys
from client.crypto.directory import Directory
from client.crypto.signing import canonical, decode, device_document, encode, key_document, verify
from client.errors import SignatureError
from client.store import Store
from tests.unit.client_fake_server import FakeServer, fake_server


def test_canonical_json_has_sorted_keys_no_spaces_and_utf_8() -> None:
    assert canonical({"b": 1, "a": "ü", "c": True}) == '{"a":"ü","b":1,"c":true}'.encode()


def test_base64_is_unpadded_both_ways() -> None:
    assert encode(b"\x00" * 32) == "A" * 43
    assert decode("A" * 43) == b"\x00" * 32
    with pytest.raises(SignatureError):
        decode("no base64!")


def test_a_device_keeps_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    store = Store.open(path, "ravi", "phone")
    first = DeviceKeys(store, "ravi", "phone").registration()
    store.close()
    store = Store.open(path, "ravi", "phone")
    assert DeviceKeys(store, "ravi", "phone").registration() == first
    store.close()


def test_everything_a_device_publishes_is_signed_by_it() -> None:
    store = Store.open(":memory:", "ravi", "phone")
    keys = DeviceKeys(store, "ravi", "phone")
    made = keys.registration()
    document = device_document("ravi", "phone", keys.curve25519, keys.ed25519)
    verify(keys.ed25519, document, made["signature"])
    body = keys.upload(0)
    assert len(body["one_time_keys"]) == KEYS_WANTED
    for id_, key in body["one_time_keys"].items():
        document = key_document("ravi", "phone", id_, key["key"], False)
        verify(keys.ed25519, document, key["signature"])
    fallback = body["fallback_key"]
    document = key_document("ravi", "phone", fallback["id"], fallback["key"], True)
    verify(keys.ed25519, document, fallback["signature"])
    with pytest.raises(SignatureError):
        document = key_document("ravi", "phone", fallback["id"], fallback["key"], False)
        verify(keys.ed25519, document, fallback["signature"])
    store.close()


def test_keys_are_offered_again_until_the_directory_has_them() -> None:
    store = Store.open(":memory:", "ravi", "phone")
    keys = DeviceKeys(store, "ravi", "phone")
    body = keys.upload(0)
    assert keys.upload(0) == body  # no answer came
    keys.published(body)
    more = keys.upload(15)
    assert len(more["one_time_keys"]) == KEYS_WANTED - 15
    assert not more["one_time_keys"].keys() & body["one_time_keys"].keys()
    assert "fallback_key" not in more
    keys.published(more)
    fresh = keys.upload(KEYS_WANTED, new_fallback=True)
    assert fresh["one_time_keys"] == {}
    assert fresh["fallback_key"]["id"] != body["fallback_key"]["id"]
    store.close()


async def register(server: FakeServer, user: str, device: str = "phone") -> tuple[Api, Store]:
    api = Api(server.url, Tokens(), random=Random(1))
    store = Store.open(":memory:", user, device)
    keys = DeviceKeys(store, user, device)
    if user not in server.passwords:
        await api.sign_up(user, "password")
    await api.sign_in(user, "password")
    await api.register(device, keys.registration())
    await api.upload_keys(device, keys.upload(0))
    return api, store


def test_claimed_keys_are_checked_against_their_device() -> None:
    async def scenario() -> None:
        async with fake_server() as server:
            api, store = await register(server, "ravi")
            other, others = await register(server, "raju")
            directory = Directory(api, store)
            claimed = await directory.claim(["raju/phone"])
            assert not claimed["raju/phone"].fallback
            entry = server.backend.devices["raju"]["phone"]
            entry["one_time_keys"].clear()
            assert (await directory.claim(["raju/phone"]))["raju/phone"].fallback
            forged = server.backend.devices["ravi"]["phone"]["fallback_key"]
            entry["fallback_key"] = forged
            with pytest.raises(SignatureError):
                await directory.claim(["raju/phone"])
            for closing in (api, other):
                await closing.close()
            store.close()
            others.close()

    asyncio.run(scenario())


def test_a_device_that_did_not_sign_its_keys_is_not_believed() -> None:
    async def scenario() -> None:
        async with fake_server() as server:
            api, store = await register(server, "ravi")
            other, others = await register(server, "raju")
            directory = Directory(api, store)
            assert list(await directory.devices("raju")) == ["raju/phone"]
            mine = server.backend.devices["ravi"]["phone"]
            server.backend.devices["raju"]["phone"]["keys"] = mine["keys"]
            assert await directory.devices("raju")  # asked once, until told that it changed
            directory.changed("raju")
            with pytest.raises(SignatureError):
                await directory.devices("raju")
            for closing in (api, other):
                await closing.close()
            store.close()
            others.close()

    asyncio.run(scenario())


def message(alg: str, payload: str | None) -> Message:
    return Message("c", 1, "id", "raju", "phone", 5.0, alg, payload)


@pytest.mark.parametrize("text", ["hello", "नमस्ते 👋🏽", "a\x00b", "x" * 20_000])
def test_what_is_sealed_can_be_opened(text: str) -> None:
    cipher = PlainCipher()
    payload = cipher.seal("c", text, [])
    assert isinstance(payload, str)
    assert cipher.open(message(cipher.alg, payload)) == text


@pytest.mark.parametrize(
    ("alg", "payload"),
    [("test.v0", None), ("olm.v1", "aGk="), ("test.v0", "not base64"), ("test.v0", "/w==")],
)
def test_what_cannot_be_opened_is_an_error_of_the_cipher(alg: str, payload: str | None) -> None:
    with pytest.raises(CipherError):
        PlainCipher().open(message(alg, payload))
