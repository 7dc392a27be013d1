"""The demonstration's decisions: the path of a message, what must be true, the film."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from typing import Any

import pytest

from tests.support.rows import rows
from tools.demo import code, film
from tools.demo.film import SIGNATURE, chunks
from tools.demo.invariants import in_order, once, secret
from tools.demo.journeys import STEPS, Journeys
from tools.demo.phone import Frame
from tools.demo.server import PAGE

RAVI, RAJU = "ravi", "raju"
CHAT, ID = "chat-1", "message-1"
TEXT = "Are you coming tonight?"


def frame(at: float, phone: str, way: str, **fields: Any) -> Frame:
    return Frame(at, phone, way, {"chat": CHAT, **fields}, 100)


def send(at: float, way: str = "out") -> Frame:
    return frame(at, RAVI, way, action="send", message_id=ID, to={"raju/phone": "sealed"})


ACCEPTED = frame(10.04, RAVI, "in", type="accepted", message_id=ID, seq=7, sent_at=10_010)
POSTED = frame(10.03, RAJU, "in", type="message", message_id=ID, payload="sealed")
FETCHED = frame(11.3, RAJU, "in", type="messages", messages=[{"message_id": ID}])
DELIVERED = frame(11.6, RAVI, "in", type="receipt", user=RAJU, delivered=7, read=6)
READ = frame(12.0, RAVI, "in", type="receipt", user=RAJU, delivered=7, read=7)
PUSH = {"received_at": 11.1, "message": {"data": {"message_id": ID}}}


def record(at: float, name: str, of: str) -> dict[str, Any]:
    """A call of AWS as the emulator records it, which took 10 ms."""
    known = {"kind": "call", "name": name, "at": at, "ms": 10.0, "has_text": True}
    return {**known, "title": f"{name} {of}", "given": '{"Item": {"seq": 7}}'}


def times(journeys: Journeys) -> dict[str, tuple[float, bool]]:
    last = journeys.last
    assert last is not None
    return {name: (step.at, step.by) for name, step in last.timed().items()}


def test_a_message_to_somebody_who_is_online_is_posted_and_never_pushed() -> None:
    journeys = Journeys((RAVI, RAJU))
    for seen in (send(10.0), POSTED, ACCEPTED):
        journeys.frame(seen)
    journeys.logged("Send", {"message_id": ID, "posts": 1, "delivered": 1}, 10.05)
    journeys.traced(ID, [record(10.02, "PutItem", "Chats"), record(10.02, "PutItem", "Users")])
    journeys.decrypted(RAJU, ID, TEXT, 10.2)
    for seen in (FETCHED, DELIVERED, READ):  # a sync fetches again what was posted meanwhile
        journeys.frame(seen)
    assert times(journeys) == {
        "encrypted": (10.0, False),
        "accepted": (10.01, False),
        "stored": (10.03, False),
        "presence": (10.03, True),  # by the time that it was posted
        "posted": (10.03, False),
        "decrypted": (10.2, False),
        "delivered": (11.6, False),
        "read": (12.0, False),
    }


def test_a_message_to_somebody_who_is_away_goes_by_the_push() -> None:
    journeys = Journeys((RAVI, RAJU))
    for seen in (send(10.0), ACCEPTED):
        journeys.frame(seen)
    journeys.connected(RAJU, 10.5)  # before the push: nothing has woken it
    journeys.logged("Send", {"message_id": ID, "posts": 0, "delivered": 0}, 10.05)
    journeys.logged("Push", {"message_id": ID}, 11.0)
    journeys.pushed(RAJU, PUSH)
    journeys.traced(ID, [record(10.3, "SendMessage", "PushQueue")])
    journeys.connected(RAJU, 11.2)
    journeys.frame(FETCHED)
    journeys.previewed(RAJU, TEXT, 11.4)
    journeys.frame(DELIVERED)
    found = times(journeys)
    assert list(found) == [step for step in STEPS if step not in ("stored", "posted", "read")]
    assert found["woken"] == (11.2, False)
    assert found["queued"] == (10.31, False)  # by 10.05 was only a bound


def test_what_is_sent_again_stays_one_message() -> None:
    journeys = Journeys((RAVI, RAJU))
    for seen in (send(10.0, "lost"), send(18.0, "lost"), send(30.0), ACCEPTED):
        journeys.frame(seen)
    last = journeys.last
    assert last is not None
    assert (len(journeys.all), last.sends, last.lost) == (1, 3, 2)


def test_a_hidden_message_is_none_that_is_followed() -> None:
    journeys = Journeys((RAVI, RAJU))
    journeys.frame(frame(1, RAVI, "out", action="send", message_id="k", hidden=True, to={}))
    assert journeys.last is None


def test_what_was_acknowledged_was_decrypted_by_then() -> None:
    journeys = Journeys((RAVI, RAJU))
    for seen in (send(10.0), ACCEPTED, frame(11, RAJU, "out", action="receipt", delivered=7)):
        journeys.frame(seen)
    journeys.decrypted(RAJU, ID, TEXT, 11.5)
    last = journeys.last
    assert last is not None
    assert last.steps["decrypted"] == (11, {"text": TEXT}, True)


@rows(
    ("screens", "is_once", "is_in_order"),
    [
        ({}, None, None),
        ({"raju": []}, None, None),
        ({"raju": ["a", "b", "c"]}, True, True),
        ({"raju": ["b", "c"]}, True, True),  # the list begins later
        ({"raju": ["a", "b", "b", "c"]}, False, True),
        ({"raju": ["a", "c", "b"]}, True, False),
        ({"raju": ["a", "c"]}, True, False),  # one is missing
        ({"raju": ["a", "b"], "ravi": ["b", "a"]}, True, False),
        ({"raju": ["a", "not sent here"]}, True, True),
    ],
)
def test_each_message_stands_once_and_in_its_place(
    screens: dict[str, list[str]], is_once: bool | None, is_in_order: bool | None
) -> None:
    seqs = {"a": 1, "b": 2, "c": 4}
    assert once(screens, seqs).green is is_once
    assert in_order(screens, seqs).green is is_in_order


@pytest.mark.parametrize("before", [b"", b"x", b"xy"])
def test_a_text_is_found_in_every_form_that_could_be_stored(before: bytes) -> None:
    forms = [
        TEXT.encode(),
        json.dumps(TEXT).encode(),
        base64.b64encode(before + TEXT.encode() + b" ..."),
    ]
    for form in forms:
        lamp = secret([TEXT], {"items": [b"something else", b"{" + form + b"}"]})
        assert lamp.green is False, form
    assert secret(["größer"], {"items": [json.dumps("größer").encode()]}).green is False


def test_what_is_encrypted_or_too_short_is_not_found() -> None:
    assert secret([TEXT], {"items": [b"0.AwogXTajYsYkQC1x"]}).green is True
    assert secret(["ok"], {"items": [b"ok"]}).green is None


def test_every_step_has_its_code_and_its_place_on_the_page() -> None:
    assert tuple(code.PLACES) == STEPS
    for step in STEPS:
        assert code.excerpt(step)["line"] > 0
    page = (PAGE / "path.js").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^  (\w+): \{\n    title:", page, re.MULTILINE)) == STEPS


def png(width: int, pixel: int) -> bytes:
    """One row of grey pixels."""
    header = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0)
    row = zlib.compress(b"\0" + bytes([pixel]) * width)
    parts = [(b"IHDR", header), (b"IDAT", row), (b"IEND", b"")]
    return SIGNATURE + b"".join(film._chunk(*part) for part in parts)


def test_a_film_has_its_frames_their_times_and_one_numbering() -> None:
    pictures = [png(3, value) for value in (0, 100, 200)]
    made = film.animated([film.Frame(each, 1500) for each in pictures])
    kinds = [kind for kind, _ in chunks(made)]
    assert kinds == [b"IHDR", b"acTL", b"fcTL", b"IDAT", *[b"fcTL", b"fdAT"] * 2, b"IEND"]
    numbered = [data for kind, data in chunks(made) if kind in (b"fcTL", b"fdAT")]
    assert [struct.unpack(">I", data[:4])[0] for data in numbered] == [0, 1, 2, 3, 4]
    later = [data[4:] for kind, data in chunks(made) if kind == b"fdAT"]
    assert later == [dict(chunks(each))[b"IDAT"] for each in pictures[1:]]
    with pytest.raises(ValueError, match="one size"):
        film.animated([film.Frame(png(3, 0), 1), film.Frame(png(4, 0), 1)])
