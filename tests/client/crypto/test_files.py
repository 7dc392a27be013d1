"""Encrypted files: the format to the byte, and that nothing changed or incomplete is opened."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.core.attachment import kind_of, parse_attachment, safe_name, written
from client.crypto.files import CHUNK, TAG, open_file, padded_size, seal, sealed_size
from client.errors import FileDamaged
from tests.support.examples import texts
from tests.support.rows import rows

VECTORS = Path(__file__).parents[3] / "protocol" / "vectors"
FOUND: dict[str, Any] = json.loads((VECTORS / "files.json").read_text(encoding="utf-8"))
KEY = bytes(range(32))


def decoded(text: str) -> bytes:
    return base64.b64decode(text + "=")


def content(size: int) -> bytes:
    return (bytes(range(1, 252)) * (size // 251 + 1))[:size]


@rows("vector", FOUND["sizes"], ids=lambda each: str(each["size"]))
def test_a_file_is_encrypted_as_the_vectors_say_and_opens_again(vector: dict[str, Any]) -> None:
    size, key = vector["size"], decoded(vector["key"])
    body, digest = seal(content(size), key)
    assert (padded_size(size), len(body)) == (vector["padded"], vector["sealed"])
    assert digest == decoded(vector["digest"])
    assert open_file(body, key, digest, size) == content(size)


@given(st.integers(1, 1 << 40))
def test_a_padded_size_is_at_most_12_percent_more_and_one_of_few(size: int) -> None:
    padded = padded_size(size)
    assert size <= padded <= max(4_096, size * 1.12)
    assert padded_size(padded) == padded
    assert sealed_size(size) - padded == TAG * -(-padded // CHUNK)


@pytest.mark.parametrize("place", [0, 1, CHUNK + TAG - 1, CHUNK + TAG, -1])
def test_a_file_with_one_other_bit_does_not_open_though_its_digest_were_right(place: int) -> None:
    size = CHUNK + 5
    body = bytearray(seal(content(size), KEY).body)
    body[place] ^= 1
    with pytest.raises(FileDamaged):
        open_file(bytes(body), KEY, hashlib.sha256(body).digest(), size)


def test_a_file_whose_chunks_changed_places_or_are_fewer_does_not_open() -> None:
    step, size = CHUNK + TAG, 3 * CHUNK
    body, digest = seal(content(size), KEY)
    chunks = [body[start : start + step] for start in range(0, len(body), step)]
    swapped = b"".join([chunks[1], chunks[0], *chunks[2:]])
    for changed, said in ((swapped, size), (b"".join(chunks[:2]), 2 * CHUNK)):
        with pytest.raises(FileDamaged):
            open_file(changed, KEY, hashlib.sha256(changed).digest(), said)
    with pytest.raises(FileDamaged):
        open_file(body, KEY, digest[::-1], size)
    with pytest.raises(FileDamaged):
        open_file(body, KEY, digest, size - 1)  # the last byte would be padding, and is none
    with pytest.raises(FileDamaged):
        open_file(body, KEY[::-1], digest, size)


@rows("vector", FOUND["names"], ids=lambda each: repr(each["name"])[:40])
def test_what_is_left_of_a_name_is_no_path_and_steers_nothing(vector: dict[str, str]) -> None:
    assert safe_name(vector["name"]) == vector["safe"]
    assert safe_name(vector["safe"]) == vector["safe"]
    assert Path(vector["safe"]).name == vector["safe"]


@given(texts())
def test_every_name_becomes_one_of_a_file_in_a_folder(name: str) -> None:
    safe = safe_name(name)
    assert 1 <= len(safe) <= 128
    assert (Path("/folder") / safe).resolve().parent == Path("/folder")


def test_half_of_a_character_is_none() -> None:
    assert safe_name("a\ud800.txt") == "a\ufffd.txt"


@pytest.mark.parametrize("good", FOUND["attachments"]["good"])
def test_an_attachment_is_read_and_written_alike(good: dict[str, Any]) -> None:
    assert written(parse_attachment(good)) == good


def test_fields_that_are_not_known_are_ignored_and_names_are_made_safe() -> None:
    good = FOUND["attachments"]["good"][0]
    found = parse_attachment({**good, "blurhash": "x", "name": "../x", "size": 5.0})
    assert written(found) == {**good, "name": "_x", "size": 5}


@rows("bad", FOUND["attachments"]["bad"], ids=lambda each: each["why"])
def test_an_attachment_that_is_wrong_is_rejected(bad: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        parse_attachment(bad["value"])


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("image/jpeg", "picture"),
        ("image/svg+xml", "file"),
        ("audio/ogg", "file"),  # music; a voice is what was recorded here
        ("application/pdf", "file"),
    ],
)
def test_a_picture_is_what_is_shown_as_one(media_type: str, kind: str) -> None:
    assert kind_of(media_type) == kind
