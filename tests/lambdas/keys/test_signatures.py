"""Canonical JSON, strict base64 and Ed25519 as the protocol has them."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lambdas.errors import ChatError
from lambdas.keys import signatures
from tests.support.rows import rows

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = signatures.encode(PRIVATE.public_key().public_bytes_raw())
DOCUMENT = signatures.device_document("ravi", "phone", "curve", PUBLIC)


def sign(document: dict[str, object]) -> str:
    return signatures.encode(PRIVATE.sign(signatures.canonical(document)))


def test_canonical_json_is_sorted_tight_and_utf_8() -> None:
    assert signatures.canonical({"b": "é", "a": True}) == '{"a":true,"b":"é"}'.encode()


def test_a_device_signs_its_keys_and_its_name() -> None:
    assert signatures.canonical(signatures.device_document("u", "d", "c", "e")) == (
        b'{"curve25519":"c","device":"d","ed25519":"e","user":"u"}'
    )


def test_a_one_time_key_and_a_fallback_key_are_signed_over_different_documents() -> None:
    assert signatures.canonical(signatures.key_document("u", "d", "i", "k", fallback=False)) == (
        b'{"device":"d","id":"i","key":"k","user":"u"}'
    )
    assert signatures.canonical(signatures.key_document("u", "d", "i", "k", fallback=True)) == (
        b'{"device":"d","fallback":true,"id":"i","key":"k","user":"u"}'
    )


def test_a_signature_by_the_right_key_passes() -> None:
    signatures.verify(DOCUMENT, sign(DOCUMENT), PUBLIC, "it")


@pytest.mark.parametrize("field", ["user", "device", "curve25519", "ed25519"])
def test_a_signature_over_anything_else_is_rejected(field: str) -> None:
    with pytest.raises(ChatError, match="the signature of it is wrong"):
        signatures.verify({**DOCUMENT, field: "other"}, sign(DOCUMENT), PUBLIC, "it")


def test_a_signature_by_another_key_is_rejected() -> None:
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    with pytest.raises(ChatError, match="wrong"):
        signatures.verify(DOCUMENT, sign(DOCUMENT), signatures.encode(other), "it")


@given(st.binary(min_size=64, max_size=64))
def test_a_random_signature_is_rejected(raw: bytes) -> None:
    with pytest.raises(ChatError, match="wrong"):
        signatures.verify(DOCUMENT, signatures.encode(raw), PUBLIC, "it")


@given(st.binary(min_size=32, max_size=32))
def test_a_key_that_is_no_point_of_the_curve_is_rejected_like_any_other(raw: bytes) -> None:
    with pytest.raises(ChatError) as error:
        signatures.verify(DOCUMENT, sign(DOCUMENT), signatures.encode(raw), "it")
    assert error.value.code == "bad_request"


@given(st.binary(min_size=32, max_size=32))
def test_base64_goes_there_and_back(raw: bytes) -> None:
    assert signatures.decode(signatures.encode(raw), 32, "a key") == raw


ZEROS = "A" * 43


@rows(
    "text",
    [
        ZEROS + "=",  # padded
        ZEROS[:-1] + "B",  # bits that belong to no byte: a second spelling of the same key
        ZEROS[:-1] + "-",  # the URL alphabet
        ZEROS[:-1] + "\n",
        " " + ZEROS[1:],
        ZEROS[:-1],  # 31.5 bytes
        ZEROS + "AA",  # 33 bytes
        "=" + ZEROS[1:],
        "AA==" + ZEROS[4:],
        "",
        "é" + ZEROS[1:],
    ],
)
def test_only_the_canonical_spelling_of_a_key_is_taken(text: str) -> None:
    with pytest.raises(ChatError) as error:
        signatures.decode(text, 32, "a key")
    assert error.value.code == "bad_request"


def test_an_error_does_not_quote_what_was_sent() -> None:
    with pytest.raises(ChatError) as error:
        signatures.decode("s3cret!", 32, "a key")
    assert "s3cret" not in json.dumps(error.value.message)
