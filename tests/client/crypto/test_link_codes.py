"""Codes of links, what is sealed for a new device, and when a linked device is verified."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from vodozemac import Account

from client.core.bodies_generated import IdentityKeys, LinkOfferResponse
from client.crypto import link
from client.crypto.identities import Identities, Trust
from client.crypto.link import Confirmation, LinkedDevice, Offer
from client.crypto.signing import canonical, device_document
from client.errors import CannotLink
from client.store import Store
from tests.support.rows import rows

VECTORS = Path(__file__).parents[3] / "protocol/vectors/links.json"
KNOWN: dict[str, Any] = json.loads(VECTORS.read_text())
OFFER = Offer(**KNOWN["links"][0]["offer"])
SENDER = "S" * 43
CONFIRMATION = Confirmation(
    OFFER.code,
    "ravi",
    OFFER.device,
    "phone",
    "a.refresh-token",
    {
        "phone": LinkedDevice(SENDER, "E" * 43, True),
        "tablet": LinkedDevice("T" * 43, "F" * 43, False),
    },
)


@pytest.mark.parametrize("known", KNOWN["links"])
def test_an_offer_has_the_code_of_the_vectors(known: dict[str, Any]) -> None:
    assert Offer(**known["offer"]).code == known["code"]


@pytest.mark.parametrize("changed", [None, "device", "label", "one_time_key", "keys"])
def test_what_the_backend_has_under_a_code_is_what_the_code_stands_for(changed: str | None) -> None:
    keys = IdentityKeys(OFFER.curve25519, OFFER.ed25519)
    response = LinkOfferResponse(OFFER.device, OFFER.label, keys, OFFER.one_time_key, 100)
    if changed is None:
        assert link.offer_of(response, OFFER.code) == OFFER
        return
    false: Any = replace(keys, ed25519=SENDER) if changed == "keys" else "another"
    with pytest.raises(CannotLink) as raised:
        link.offer_of(replace(response, **{changed: false}), OFFER.code)
    assert raised.value.reason == "false"


@pytest.mark.parametrize("typed", KNOWN["typed"])
def test_a_code_is_read_as_it_is_typed_or_scanned(typed: str) -> None:
    assert link.code_in(typed) == OFFER.code


@pytest.mark.parametrize("typed", KNOWN["no_codes"])
def test_what_is_no_code_is_rejected(typed: str) -> None:
    with pytest.raises(CannotLink) as raised:
        link.code_in(typed)
    assert raised.value.reason == "no_code"


def test_a_code_is_shown_in_groups() -> None:
    assert link.in_groups(OFFER.code) == KNOWN["groups"]


def test_what_is_sealed_is_read_as_it_was_written() -> None:
    assert link.read(link.write(CONFIRMATION), OFFER, SENDER) == CONFIRMATION


CHANGES = {
    "another code": {"code": "A" * 32},
    "another device": {"device": "other"},
    "another version": {"v": 2},
    "true as version": {"v": True},
    "another kind": {"kind": "text"},
    "no user": {"user": None},
    "no name of a user": {"user": "Ravi"},
    "a device that is not listed": {"from": "laptop"},
    "no token": {"refresh_token": ""},
    "no devices": {"devices": {}},
    "a list of devices": {"devices": []},
    "a name that is none": {"devices": {"a#b": {"curve25519": SENDER, "ed25519": "E" * 43}}},
}


@rows("change", CHANGES)
def test_what_is_sealed_is_for_this_offer_and_whole(change: str) -> None:
    document = json.loads(link.write(CONFIRMATION)) | CHANGES[change]
    with pytest.raises(CannotLink) as raised:
        link.read(json.dumps(document).encode(), OFFER, SENDER)
    assert raised.value.reason == "false"


@pytest.mark.parametrize("plaintext", [b"", b"\xff", b"[]", b"[" * 100_000, b"null"])
def test_what_is_no_document_is_rejected(plaintext: bytes) -> None:
    with pytest.raises(CannotLink):
        link.read(plaintext, OFFER, SENDER)


def test_a_device_of_the_name_that_is_linked_may_not_be_there_already() -> None:
    both = {**CONFIRMATION.devices, OFFER.device: LinkedDevice("U" * 43, "G" * 43, True)}
    with pytest.raises(CannotLink):
        link.read(link.write(replace(CONFIRMATION, devices=both)), OFFER, SENDER)


def test_what_is_sealed_is_by_the_device_that_it_names() -> None:
    with pytest.raises(CannotLink):
        link.read(link.write(CONFIRMATION), OFFER, "X" * 43)


# -- what a linked device is once the directory lists it


@pytest.fixture
def identities() -> Iterator[Identities]:
    store = Store.open(":memory:", "ravi", "phone")
    with store.transaction() as db:
        yield Identities(db, "ravi/phone", lambda: 1000.0)
    store.close()


def listed(account: Account, device: str) -> dict[str, Any]:
    keys = {
        "curve25519": account.curve25519_key.to_base64(),
        "ed25519": account.ed25519_key.to_base64(),
    }
    document = device_document("ravi", device, keys["curve25519"], keys["ed25519"])
    return {"keys": keys, "signature": account.sign(canonical(document)).to_base64()}


LINKED, OTHER = Account(), Account()
# What is known of the user's own devices before, which keys are listed for the linked one and for
# one that came in by the password, and what both are then.
TABLE = [
    ("nothing", LINKED, Trust.VERIFIED, Trust.SEEN),
    ("a seen device", LINKED, Trust.VERIFIED, Trust.SEEN),
    ("a verified device", LINKED, Trust.VERIFIED, Trust.CHANGED),
    ("nothing", OTHER, Trust.SEEN, Trust.SEEN),
    ("a verified device", OTHER, Trust.CHANGED, Trust.CHANGED),
]


@pytest.mark.parametrize(("before", "keys", "linked", "unlinked"), TABLE)
def test_only_the_keys_of_the_code_are_verified(
    identities: Identities, before: str, keys: Account, linked: Trust, unlinked: Trust
) -> None:
    old = Account()
    own: dict[str, Any] = {}
    if before != "nothing":
        own = {"tablet": listed(old, "tablet")}
        identities.learn("ravi", own)
    if before == "a verified device":
        assert identities.verify("ravi", "tablet", own["tablet"]["keys"]["ed25519"])
    shown = listed(LINKED, "web")["keys"]
    identities.introduce("ravi", "web", shown["curve25519"], shown["ed25519"])
    news = own | {"web": listed(keys, "web"), "by_password": listed(Account(), "by_password")}
    found = identities.learn("ravi", news)
    trust = {one.device: one.trust for one in identities.devices("ravi")}
    assert (trust["web"], trust["by_password"]) == (linked, unlinked)
    assert ("ravi/web" in found.added) == (linked is not Trust.CHANGED)


def test_a_device_that_is_gone_is_remembered_by_the_identity_it_had_last(
    identities: Identities,
) -> None:
    entries = [
        {"device": "web", **listed(Account(), "web"), "until": until} for until in (20, 30, 10)
    ]
    identities.learn("ravi", {}, entries)
    authors = [one.ed25519 for one in identities.authors("ravi/web")]
    assert authors[0] == entries[1]["keys"]["ed25519"]
    assert {*authors} == {each["keys"]["ed25519"] for each in entries}


def test_a_device_that_shows_another_key_for_its_sessions_alone_waits_too(
    identities: Identities,
) -> None:
    account, other = Account(), Account().curve25519_key.to_base64()
    before = listed(account, "web")
    identities.learn("ravi", {"web": before})
    document = device_document("ravi", "web", other, before["keys"]["ed25519"])
    signature = account.sign(canonical(document)).to_base64()
    after = {"keys": {**before["keys"], "curve25519": other}, "signature": signature}
    assert identities.learn("ravi", {"web": after}).changed == ("ravi/web",)
    assert identities.trust("ravi") is Trust.CHANGED


@pytest.mark.parametrize("verified", [True, False])
def test_what_the_linking_device_knows_of_others_is_known_here(
    identities: Identities, verified: bool
) -> None:
    entry = listed(Account(), "tablet")
    identities.remember("ravi", "tablet", **entry["keys"], verified=verified)
    identities.learn("ravi", {"tablet": entry})
    assert identities.trust("ravi") is (Trust.VERIFIED if verified else Trust.SEEN)
