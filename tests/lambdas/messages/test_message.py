"""A message's item, and its frame for each device."""

import itertools
from typing import Any

import pytest

from lambdas.frames import encode
from lambdas.messages.message import (
    NAMES_LIMIT,
    Addressed,
    addressed,
    is_text_for,
    is_visible,
    message_frame,
    stored,
    void,
)
from tests.support.rows import rows

FRAME = {"chat": "c", "message_id": "m", "alg": "a"}
PLACE: dict[str, Any] = {
    "seq": 7,
    "sender": "ravi",
    "sender_device": "phone",
    "sent_at": 1,
    "expires_at": 2,
}


def test_missing_and_stale_are_the_two_differences() -> None:
    """Every subset of four devices addressed, every subset registered."""
    everybody = ["ravi/phone", "ravi/desk", "raju/phone", "raju/desk"]
    subsets = [
        set(subset) for size in range(5) for subset in itertools.combinations(everybody, size)
    ]
    for to, there in itertools.product(subsets, subsets):
        registered = {
            user: [each.split("/")[1] for each in sorted(there) if each.startswith(user)]
            for user in ("ravi", "raju")
        }
        found = addressed({"to": dict.fromkeys(to, "x")}, registered, "ravi", "phone")
        assert found.missing == sorted(there - to - {"ravi/phone"})
        assert found.stale == sorted(to - there)


@pytest.mark.parametrize(("number", "more"), [(NAMES_LIMIT, False), (NAMES_LIMIT + 1, True)])
def test_no_more_devices_are_named_than_fit_into_a_frame(number: int, more: bool) -> None:
    names = [f"{'u' * 28}{n:04d}/{'d' * 64}" for n in range(number)]
    devices = {name.split("/")[0]: [name.split("/")[1]] for name in names}
    nobody = {"ravi": ["phone"]}
    missing = addressed({"to": {}}, devices, "ravi", "phone")
    stale = addressed({"to": dict.fromkeys(names, "x")}, nobody, "ravi", "phone")
    assert missing == Addressed(names[:NAMES_LIMIT], [], more)
    assert stale == Addressed([], names[:NAMES_LIMIT], more)
    both = {"missing": missing.missing, "stale": stale.stale}
    assert len(encode(both)) < 30_000


def test_a_payload_for_all_misses_nobody() -> None:
    assert addressed({"payload": "x"}, {"raju": ["phone"]}, "ravi", "phone") == ([], [], False)


def test_a_device_sees_its_own_payload_and_no_other() -> None:
    item = stored({**FRAME, "to": {"raju/phone": "p"}}, **PLACE)
    assert message_frame(item, "raju", "phone")["payload"] == "p"
    assert message_frame(item, "raju", "desk")["payload"] is None
    assert message_frame(item, "raju", None)["payload"] is None
    for_all = stored({**FRAME, "payload": "q"}, **PLACE)
    assert message_frame(for_all, "raju", None)["payload"] == "q"


def test_the_item_keeps_what_is_needed_and_nothing_of_the_frame_besides() -> None:
    frame = {**FRAME, "payload": "q", "sender": "eve", "void": True, "action": "send"}
    assert stored({**frame, "urgent": True}, **PLACE) == {
        "chat": "c",
        "item": "message#000000000007",
        "message_id": "m",
        "sender": "ravi",
        "sender_device": "phone",
        "sent_at": 1,
        "alg": "a",
        "expires_at": 2,
        "payload": "q",
    }
    assert stored({**frame, "urgent": False}, **PLACE)["urgent"] is False


def test_a_void_item_has_nothing_of_the_message() -> None:
    item = stored({**FRAME, "payload": "q"}, **PLACE)
    assert void(item) == {
        "chat": "c",
        "item": "message#000000000007",
        "sent_at": 1,
        "expires_at": 2,
        "void": True,
    }


def test_what_is_hidden_and_from_whom_stands_in_the_item_only_if_so() -> None:
    frame = {**FRAME, "payload": "q", "hidden": True}
    item = stored(frame, **PLACE, hidden_from=["raju"])
    assert (item["hidden"], item["hidden_from"]) == (True, {"raju"})
    assert [is_visible(item, user) for user in ("ravi", "raju")] == [True, False]


@rows(
    ("fields", "raju", "phone", "desk"),
    [
        ({"payload": "q"}, True, True, True),
        ({"payload": "q", "sender": "raju"}, False, False, False),
        ({"payload": "q", "void": True}, False, False, False),
        ({"payload": "q", "hidden": True}, False, False, False),
        ({"payload": "q", "hidden_from": {"raju"}}, False, False, False),
        ({"payload": "q", "hidden_from": {"mira"}}, True, True, True),
        ({"to": {"mira/phone": "x", "raju/phone": "y"}}, True, True, False),
        ({"to": {"mira/phone": "x", "rajul/phone": "y"}}, False, False, False),
        ({"to": {}}, False, False, False),
    ],
)
def test_a_text_is_what_somebody_else_has_sent_to_be_read(
    fields: dict[str, Any], raju: bool, phone: bool, desk: bool
) -> None:
    item = {"sender": "ravi", **fields}
    found = (is_text_for(item, "raju"), *(is_text_for(item, "raju", d) for d in ("phone", "desk")))
    assert found == (raju, phone, desk)
