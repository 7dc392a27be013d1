"""Introductions, by which one device vouches for another: the vectors, and changed ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from client.crypto.identities import Identities, Trust
from client.store import Store
from tests.support.rows import rows

VECTORS = Path(__file__).parents[3] / "protocol/vectors/introductions.json"
KNOWN: dict[str, Any] = json.loads(VECTORS.read_text())
PHONE: dict[str, Any] = {"phone": KNOWN["phone"]}
GOOD: dict[str, Any] = KNOWN["cases"][0]["listed"]
PLAIN = {"web": {name: GOOD["web"][name] for name in ("keys", "signature")}}


def listed(what: str) -> dict[str, Any]:
    found: dict[str, Any] = next(case for case in KNOWN["cases"] if case["what"] == what)["listed"]
    return found


CHAIN = listed("by one that was introduced itself")  # a_watch by web, web by phone
OTHER = {"web": {**listed("put beside another device")["web"], "introduction": None}}


@contextmanager
def memory(user: str, device: str) -> Iterator[Identities]:
    store = Store.open(":memory:", user, device)
    with store.transaction() as db:
        yield Identities(db, f"{user}/{device}", lambda: 1000.0)
    store.close()


@pytest.fixture
def identities() -> Iterator[Identities]:
    with memory("ravi", "phone") as made:
        yield made


def meet(identities: Identities, phone: str) -> None:
    identities.learn("raju", PHONE)
    if phone == "verified":
        assert identities.verify("raju", "phone", KNOWN["phone"]["keys"]["ed25519"])


def trust(identities: Identities) -> dict[str, Trust]:
    return {one.device: one.trust for one in identities.devices("raju")}


@rows("case", KNOWN["cases"], ids=lambda case: case["what"])
def test_who_trusts_a_device_trusts_what_it_has_linked_and_nothing_else(
    case: dict[str, Any],
) -> None:
    with memory(*(("raju", "tablet") if case["linked"] else ("ravi", "phone"))) as identities:
        meet(identities, case["phone"])
        for device, keys in case["linked"].items():
            identities.introduce("raju", device, keys["curve25519"], keys["ed25519"])
        found = identities.learn("raju", PHONE | case["listed"])
        expected = {device: Trust(name) for device, name in case["trust"].items()}
        assert trust(identities) == expected | {"phone": Trust(case["phone"])}
        waiting = {device for device, one in expected.items() if one is Trust.CHANGED}
        assert set(found.changed) == {f"raju/{device}" for device in waiting}
        assert set(found.added) == {f"raju/{device}" for device in expected.keys() - waiting}
        assert bool(identities.blocked_users(["raju"])) == bool(waiting)


@pytest.mark.parametrize("wrong", [None, [], {}, {"by": "phone"}, {"by": ["phone"]}, {"by": {}}])
def test_what_is_no_introduction_is_none(identities: Identities, wrong: object) -> None:
    meet(identities, "verified")
    identities.learn("raju", PHONE | {"web": {**PLAIN["web"], "introduction": wrong}})
    assert trust(identities)["web"] is Trust.CHANGED


def test_a_device_that_is_not_listed_any_more_introduces_nobody(identities: Identities) -> None:
    meet(identities, "verified")
    identities.learn("raju", GOOD)
    assert trust(identities) == {"web": Trust.CHANGED}


def test_who_waits_for_a_person_is_not_let_in_by_a_later_introduction(
    identities: Identities,
) -> None:
    meet(identities, "verified")
    identities.learn("raju", PHONE | PLAIN)
    identities.learn("raju", PHONE | GOOD)
    assert trust(identities)["web"] is Trust.CHANGED


@pytest.mark.parametrize("before", ["nothing", "other keys"])
def test_what_a_person_was_asked_about_is_not_introduced_and_introduces_nobody(
    identities: Identities, before: str
) -> None:
    if before == "other keys":
        identities.learn("raju", PHONE | OTHER)
    meet(identities, "verified")
    identities.learn("raju", PHONE | PLAIN)
    identities.learn("raju", PHONE | CHAIN)
    waiting = {"phone": Trust.VERIFIED, "web": Trust.CHANGED, "a_watch": Trust.CHANGED}
    assert trust(identities) == waiting
    identities.accept("raju", {"web": PLAIN["web"]["keys"]["ed25519"]})
    identities.learn("raju", PHONE | CHAIN)
    assert trust(identities) == waiting | {"web": Trust.SEEN}


def test_of_all_that_a_person_was_asked_about_nothing_is_introduced(
    identities: Identities,
) -> None:
    meet(identities, "verified")
    without = {
        name: {part: entry[part] for part in ("keys", "signature")} for name, entry in CHAIN.items()
    }
    identities.learn("raju", PHONE | without)
    shown = {name: entry["keys"]["ed25519"] for name, entry in without.items()}
    identities.accept("raju", shown)
    identities.learn("raju", PHONE | CHAIN)
    assert trust(identities) == {"phone": Trust.VERIFIED} | dict.fromkeys(without, Trust.SEEN)


def test_a_device_linked_again_under_a_name_that_had_other_keys_is_verified_once_accepted() -> None:
    with memory("raju", "tablet") as identities:
        identities.learn("raju", OTHER)
        keys = PLAIN["web"]["keys"]
        identities.introduce("raju", "web", keys["curve25519"], keys["ed25519"])
        identities.learn("raju", CHAIN)
        assert trust(identities) == {"web": Trust.CHANGED, "a_watch": Trust.SEEN}
        identities.accept("raju", {"web": keys["ed25519"]})
        identities.learn("raju", CHAIN)
        assert trust(identities) == {"web": Trust.VERIFIED, "a_watch": Trust.VERIFIED}


def test_whom_a_device_has_introduced_is_verified_once_that_device_is(
    identities: Identities,
) -> None:
    meet(identities, "seen")
    identities.learn("raju", PHONE | GOOD)
    assert identities.trust("raju") is Trust.SEEN
    meet(identities, "verified")
    found = identities.learn("raju", PHONE | GOOD)
    assert identities.trust("raju") is Trust.VERIFIED
    assert (found.added, found.changed) == ((), ())
