"""Formats that both clients have to agree on to the byte, and decisions that need no ratchet."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from vodozemac import Account

from client.core.cipher import Draft
from client.core.content import text_content
from client.core.frames import SEND_LIMIT_BYTES, encode, send
from client.core.ids import hidden_id, is_shown, ulid
from client.crypto.envelope import Device, Envelope, EnvelopeError, read, write
from client.crypto.padding import bucket, pad
from client.crypto.rotation import MESSAGES, SECONDS, Outbound, reason_to_rotate
from client.crypto.signing import canonical, decode, verify
from client.crypto.signing import encode as base64_of
from client.errors import MessageTooLarge, SignatureError
from tests.client.crypto.scene import Scene
from tests.support.rows import rows

VECTORS = Path(__file__).parents[3] / "protocol" / "vectors"


def vectors(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    return found


# -- padding


@rows("entry", vectors("padding")["sizes"], ids=lambda entry: entry["size"])
def test_plaintexts_are_padded_to_buckets(entry: dict[str, int]) -> None:
    assert bucket(entry["size"]) == entry["padded"]
    padded = pad(b"x" * entry["size"])
    assert len(padded) == entry["padded"]
    assert padded.rstrip(b" ") == b"x" * entry["size"]


def test_two_texts_of_about_the_same_length_have_ciphertexts_of_the_same_length() -> None:
    scene = Scene("ravi/phone", "raju/phone")
    chat = scene.direct("ravi", "raju")
    for text in ("yes", "no, and here is why not"):
        scene["ravi/phone"].send(chat, text)
        scene.settle()
    scene["raju/phone"].send(chat, "so type 1 follows")
    scene.settle()
    sizes = set()
    for text in ("yes", "no", "perhaps"):
        scene["ravi/phone"].send(chat, text)
        scene.settle()
        message = scene.backend.messages(chat)[-1]
        sizes.add(len(message["to"]["raju/phone"]))
    assert len(sizes) == 1
    scene.close()


# -- envelopes


def expected(context: dict[str, str], receiver: Device | None) -> Envelope:
    sender = Device(context["from"], context["from_key"])
    return Envelope(context["chat"], context["id"], sender, receiver, "")


def test_envelopes_for_here_are_read_whatever_their_kind() -> None:
    known = vectors("envelopes")
    context = known["context"]
    here = Device(context["to"], context["to_key"])
    for receiver, part in ((here, "olm"), (None, "megolm"), (here, "mended")):
        for entry in known[part]:
            envelope = read(entry["plaintext"].encode(), expected(context, receiver))
            document = entry["envelope"]
            assert envelope.kind == document["kind"], entry["what"]
            for name, value in envelope.fields.items():
                assert document[name] == value
            written = json.loads(write(envelope))
            assert written == document


def test_envelopes_that_are_none_or_for_another_place_are_rejected() -> None:
    known = vectors("envelopes")
    context = known["context"]
    here = expected(context, Device(context["to"], context["to_key"]))
    for entry in known["refused"]:
        with pytest.raises(EnvelopeError):
            read(entry["plaintext"].encode(), here)
            pytest.fail(entry["what"])


def test_deeply_nested_json_is_rejected_like_any_other() -> None:
    sender = Device("ravi/phone", "k")
    for broken in (b"[" * 100_000, b'{"v":' * 100_000):
        with pytest.raises(EnvelopeError):
            read(broken, Envelope("c", "id", sender, None, ""))


def test_an_envelope_is_utf_8_and_nothing_else() -> None:
    known = vectors("envelopes")
    context = known["context"]
    here = expected(context, Device(context["to"], context["to_key"]))
    text = known["olm"][0]["plaintext"]
    assert read(text.encode(), here).text("text") == "hello"
    half = text.encode().replace(b"hello", "\ud83d".encode("utf-8", "surrogatepass"))
    for broken in (text.encode("utf-16"), half, b"\xef\xbb\xbf" + text.encode()):
        with pytest.raises(EnvelopeError):
            read(broken, here)


# -- signatures


@pytest.mark.parametrize("entry", vectors("signing")["good"], ids=lambda e: e["canonical"][:30])
def test_canonical_json_and_its_signatures(entry: dict[str, Any]) -> None:
    assert canonical(entry["document"]).decode() == entry["canonical"]
    verify(entry["ed25519"], entry["document"], entry["signature"])


@pytest.mark.parametrize("entry", vectors("signing")["bad"], ids=lambda entry: entry["why"])
def test_a_signature_of_something_else_does_not_count(entry: dict[str, Any]) -> None:
    with pytest.raises(SignatureError):
        verify(entry["ed25519"], entry["document"], entry["signature"])


def test_what_an_account_signs_is_verified() -> None:
    account = Account()
    document = {"b": 1, "a": "ü"}
    signature = account.sign(canonical(document)).to_base64()
    verify(account.ed25519_key.to_base64(), document, signature)


def test_base64_is_unpadded_both_ways() -> None:
    assert base64_of(b"\x00" * 32) == "A" * 43
    assert decode("A" * 43) == b"\x00" * 32
    with pytest.raises(SignatureError):
        decode("no base64!")


# -- ids


def test_an_id_says_whether_there_is_something_to_show() -> None:
    random = Random(1)
    assert is_shown(ulid(1_700_000_000_000, random))
    hidden = hidden_id(random)
    assert not is_shown(hidden)
    assert hidden[14] == "4"


# -- rotation

HOLDERS = {"raju/phone": "r", "mira/phone": "m"}


@rows(
    ("session", "devices", "now", "reason"),
    [
        (Outbound(0, 0, HOLDERS), HOLDERS, 1.0, None),
        (Outbound(0, 0, {}), HOLDERS, 1.0, None),  # nobody has it yet
        (Outbound(0, 0, HOLDERS), {**HOLDERS, "raju/tab": "t"}, 1.0, None),  # it is given the key
        (Outbound(0, 0, HOLDERS), {"raju/phone": "r"}, 1.0, "mira/phone is no longer in the chat"),
        (Outbound(0, 0, HOLDERS), {**HOLDERS, "mira/phone": "x"}, 1.0, "another identity"),
        (Outbound(0, MESSAGES - 1, HOLDERS), HOLDERS, 1.0, None),
        (Outbound(0, MESSAGES, HOLDERS), HOLDERS, 1.0, "100 messages"),
        (Outbound(0, 0, HOLDERS), HOLDERS, SECONDS - 1, None),
        (Outbound(0, 0, HOLDERS), HOLDERS, SECONDS, "7 days"),
        (Outbound(10, 0, HOLDERS), HOLDERS, 5.0, "7 days"),  # a clock that was set back
    ],
)
def test_when_a_group_session_is_used_up(
    session: Outbound, devices: dict[str, str], now: float, reason: str | None
) -> None:
    found = reason_to_rotate(session, devices, now)
    assert (found is None) if reason is None else (found is not None and reason in found)


# -- sizes


@pytest.mark.parametrize("text", ["x" * 19_000, "न" * 6_300, "\x00" * 3_000, '"' * 9_500])
def test_the_longest_texts_fit_into_a_frame_for_everybody(text: str) -> None:
    long = "d" * 64
    scene = Scene(f"{'u' * 32}/{long}", f"{'w' * 32}/{long}", f"{'w' * 32}/{long[1:]}1")
    chat = scene.direct("u" * 32, "w" * 32)
    scene[f"{'u' * 32}/{long}"].send(chat, text)
    scene.settle()
    for message in scene.backend.messages(chat):
        frame = send(message["message_id"], chat, message["alg"], message["to"], urgent=False)
        assert len(encode(frame).encode()) < SEND_LIMIT_BYTES
    for device in scene.devices.values():
        assert device.texts(chat) == [text]
    scene.close()


def test_a_text_that_does_not_fit_is_rejected_before_it_is_stored() -> None:
    scene = Scene("ravi/phone", "raju/phone")
    chat = scene.direct("ravi", "raju")
    for text in ("x" * 20_400, "\x00" * 3_500):
        with pytest.raises(MessageTooLarge, match="30,000"):
            scene["ravi/phone"].send(chat, text)
    assert scene["ravi/phone"].store.history(chat) == []
    assert scene["ravi/phone"].engine.unaccepted == 0
    scene["ravi/phone"].encryption.check(Draft("id", chat, text_content("x" * 19_000)))
    scene.close()
