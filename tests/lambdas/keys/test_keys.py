"""The rules of key uploads: which are stored, and when a device is notified that few are left."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lambdas.errors import ChatError
from lambdas.keys import decisions, signatures
from lambdas.keys.decisions import Claim, SignedKey

PRIVATE = Ed25519PrivateKey.generate()
ED25519 = signatures.encode(PRIVATE.public_key().public_bytes_raw())
KEY = signatures.encode(bytes(32))
OTHER_KEY = signatures.encode(bytes([1] * 32))


def sign(document: dict[str, Any]) -> str:
    return signatures.encode(PRIVATE.sign(signatures.canonical(document)))


def entry(id: str, key: str = KEY, *, fallback: bool = False) -> dict[str, str]:
    document = signatures.key_document("ravi", "phone", id, key, fallback=fallback)
    return {"key": key, "signature": sign(document)}


def signed(name: str) -> SignedKey:
    return SignedKey(name, f"key of {name}", "")


def test_device_keys_are_taken_when_the_device_signed_them() -> None:
    document = signatures.device_document("ravi", "phone", KEY, ED25519)
    body = {"keys": {"curve25519": KEY, "ed25519": ED25519}, "signature": sign(document)}
    keys = decisions.device_keys("ravi", "phone", body)
    assert keys.as_protocol() == body


@pytest.mark.parametrize(("user", "device"), [("raju", "phone"), ("ravi", "tablet")])
def test_device_keys_signed_for_another_name_are_rejected(user: str, device: str) -> None:
    document = signatures.device_document("ravi", "phone", KEY, ED25519)
    body = {"keys": {"curve25519": KEY, "ed25519": ED25519}, "signature": sign(document)}
    with pytest.raises(ChatError, match="the signature of the device keys is wrong"):
        decisions.device_keys(user, device, body)


def test_one_time_keys_keep_the_order_of_the_upload() -> None:
    raw = {id: entry(id, signatures.encode(bytes([i] * 32))) for i, id in enumerate("zyxabc")}
    keys = decisions.one_time_keys("ravi", "phone", ED25519, {"one_time_keys": raw})
    assert [key.id for key in keys] == list("zyxabc")


def test_the_same_key_under_two_ids_is_rejected() -> None:
    body = {"one_time_keys": {"a": entry("a"), "b": entry("b")}}
    with pytest.raises(ChatError, match="under two ids"):
        decisions.one_time_keys("ravi", "phone", ED25519, body)


def test_one_wrong_signature_rejects_the_whole_upload_and_names_the_key() -> None:
    body = {"one_time_keys": {"a": entry("a"), "b": entry("a", OTHER_KEY)}}
    with pytest.raises(ChatError, match="the signature of the one-time key b is wrong"):
        decisions.one_time_keys("ravi", "phone", ED25519, body)


def test_a_one_time_signature_does_not_make_a_fallback_key() -> None:
    one_time = {"one_time_keys": {}, "fallback_key": {"id": "f", **entry("f")}}
    with pytest.raises(ChatError, match="the signature of the fallback key f is wrong"):
        decisions.fallback_key("ravi", "phone", ED25519, one_time)
    fallback = {"one_time_keys": {}, "fallback_key": {"id": "f", **entry("f", fallback=True)}}
    key = decisions.fallback_key("ravi", "phone", ED25519, fallback)
    assert key is not None
    assert key.id == "f"
    assert decisions.fallback_key("ravi", "phone", ED25519, {"one_time_keys": {}}) is None


@given(st.lists(st.text("abc", min_size=1, max_size=2), unique=True), st.sets(st.text("abc")))
def test_a_key_that_ever_came_in_is_passed_over(names: list[str], before: set[str]) -> None:
    keys = [signed(name) for name in names]
    new = decisions.still_new(keys, {f"key of {name}" for name in before}, 0)
    assert [key.id for key in new] == [name for name in names if name not in before]


def test_a_hundred_keys_fit_and_one_more_does_not() -> None:
    keys = [signed(str(number)) for number in range(100)]
    assert decisions.still_new(keys, set(), 0) == keys
    with pytest.raises(ChatError, match="at most 100"):
        decisions.still_new(keys, set(), 1)
    # a repeated upload is none too many, however full the store is
    assert decisions.still_new(keys, {key.key for key in keys}, 100) == []


@pytest.mark.parametrize(
    ("remaining", "fallback", "posted"),
    [(100, False, False), (20, False, False), (19, False, True), (0, False, True), (0, True, True)],
)
def test_a_device_is_notified_below_twenty_keys_and_when_its_fallback_key_was_used(
    remaining: int, fallback: bool, posted: bool
) -> None:
    frame = decisions.keys_low(Claim(signed("a"), fallback, remaining))
    expected = {"type": "keys_low", "remaining": remaining, "fallback_used": fallback}
    assert frame == (expected if posted else None)


def test_a_device_is_notified_once_that_its_fallback_key_was_used() -> None:
    assert decisions.keys_low(Claim(signed("a"), True, 50, again=True)) is None
