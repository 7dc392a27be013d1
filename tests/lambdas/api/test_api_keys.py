"""One-time keys over REST."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.errors import ChatError
from lambdas.keys import signatures
from lambdas.keys.decisions import Claim
from lambdas.keys.directory import Directory
from lambdas.limits import Limit, Limits
from lambdas.people.contacts import Contacts
from lambdas.presence.devices import Devices
from tests.support.lambdas.backend import Clock
from tests.support.lambdas.rest import Phone, Reply, Rest, key, written_log
from tests.support.rows import rows


def upload(api: Rest, phone: Phone, keys: dict[str, Any], **fallback: Any) -> Reply:
    path = f"/api/devices/{phone.device}/one-time-keys"
    return api.request("POST", path, {"one_time_keys": keys, **fallback}, user=phone.user)


def stock(remaining: int, *, fallback_used: bool = False) -> dict[str, Any]:
    return {"remaining": remaining, "fallback_used": fallback_used}


def claim(api: Rest, user: str, *addresses: str) -> dict[str, Any]:
    reply = api.request("POST", "/api/keys/claim", {"devices": list(addresses)}, user=user)
    assert reply.status == 200
    keys: dict[str, Any] = reply.body["keys"]
    return keys


def test_keys_are_claimed_with_the_signature_of_their_device(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(raju)
    assert upload(api, phone, phone.one_time_keys(range(2))).body == stock(2)
    claimed = claim(api, ravi, phone.address)
    assert claimed == {
        phone.address: {"id": "id0", **phone.one_time_key("id0", 0), "fallback": False}
    }
    one = claimed[phone.address]
    document = signatures.key_document(raju, "phone", one["id"], one["key"], fallback=False)
    signatures.verify(document, one["signature"], phone.ed25519, "it")


def test_a_claim_asks_for_many_devices_and_leaves_out_those_without_keys(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone, tablet, bare = api.phone(raju), api.phone(raju, "tablet"), api.phone(raju, "bare")
    upload(api, phone, phone.one_time_keys(range(1)))
    upload(api, tablet, {}, fallback_key=tablet.fallback_key("f", 7))
    claimed = claim(api, ravi, phone.address, tablet.address, bare.address, "nobody/phone")
    assert set(claimed) == {phone.address, tablet.address}
    assert claimed[tablet.address] == {**tablet.fallback_key("f", 7), "fallback": True}
    assert claim(api, ravi, phone.address) == {}


def test_a_repeated_upload_returns_what_remains_and_stores_nothing_twice(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(raju)
    keys = phone.one_time_keys(range(3))
    assert upload(api, phone, keys).body == stock(3)
    claim(api, ravi, phone.address)
    assert upload(api, phone, keys).body == stock(2)
    assert upload(api, phone, {}).body == stock(2)


def test_new_devices_and_other_keys_are_counted_and_the_same_again_is_not(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a user has as many buckets of sends as names, and all who share a chat are notified."""
    monkeypatch.setattr("lambdas.api.devices.REGISTRATIONS", Limit(2, 100, "too many"))
    (ravi,) = api.sign_up("ravi")
    phone, desk = Phone(ravi, "phone"), Phone(ravi, "desk")

    def registers(one: Phone) -> int:
        path = f"/api/devices/{one.device}"
        return api.request("PUT", path, one.registration(), user=ravi).status

    assert [registers(phone) for _ in range(3)] == [200] * 3
    assert registers(desk) == 200
    again = Phone(ravi, "phone")
    assert [registers(one) for one in (again, Phone(ravi, "third"))] == [429, 429]
    assert set(Devices(api.aws.users).of([ravi])[ravi]) == {"phone", "desk"}
    listed = api.request("GET", f"/api/users/{ravi}/devices", user=ravi).body
    assert listed["devices"]["phone"]["keys"]["ed25519"] == phone.ed25519
    assert listed["former"] == [] and registers(desk) == 200


def test_a_hundred_at_a_time_and_no_more(api: Rest) -> None:
    (raju,) = api.sign_up("raju")
    phone = api.phone(raju)
    assert upload(api, phone, phone.one_time_keys(range(101))).status == 400
    assert upload(api, phone, phone.one_time_keys(range(100))).body == stock(100)
    assert upload(api, phone, phone.one_time_keys(range(100, 101))).status == 400


def test_a_device_is_notified_when_its_keys_run_low(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    others = api.strangers(*(f"peer{n}" for n in range(21)))
    for other in others:
        Contacts(api.aws.users).add(raju, other)
    phone = api.phone(raju)
    elsewhere = api.connect(api.phone(raju, "tablet"))
    frames = api.connect(phone)
    upload(api, phone, phone.one_time_keys(range(21)), fallback_key=phone.fallback_key("f", 99))
    claim(api, others.pop(), phone.address)
    assert frames == []
    for _ in range(20):
        claim(api, others.pop(), phone.address)
    low = [{"type": "keys_low", "remaining": n, "fallback_used": False} for n in range(19, -1, -1)]
    assert frames == low
    assert upload(api, phone, {}).body == stock(0)
    for _ in range(2):  # notified once of each fallback key
        claim(api, ravi, phone.address)
        assert frames[20:] == [{"type": "keys_low", "remaining": 0, "fallback_used": True}]
    assert upload(api, phone, {}).body == stock(0, fallback_used=True)
    again = upload(api, phone, {}, fallback_key=phone.fallback_key("f", 98))
    assert again.body == stock(0)
    claim(api, ravi, phone.address)
    assert len(frames) == 22
    assert elsewhere == []


def test_any_number_of_claims_gets_a_key_and_six_of_them_a_one_time_key(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(raju)
    frames = api.connect(phone)
    fallback = phone.fallback_key("f", 99)
    upload(api, phone, phone.one_time_keys(range(30)), fallback_key=fallback)
    got = [claim(api, ravi, phone.address)[phone.address] for _ in range(60)]
    assert [key["id"] for key in got[:6]] == [f"id{number}" for number in range(6)]
    assert got[6:] == [{**fallback, "fallback": True}] * 54
    assert frames == [{"type": "keys_low", "remaining": 24, "fallback_used": True}]
    assert upload(api, phone, {}).body == stock(24, fallback_used=True)


def test_six_one_time_keys_of_a_device_and_then_one_every_ten_minutes(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(raju)
    upload(api, phone, phone.one_time_keys(range(30)))
    with stopped_clock(api) as clock:
        assert [claim(api, ravi, phone.address)[phone.address]["id"] for _ in range(6)] == [
            f"id{number}" for number in range(6)
        ]
        assert claim(api, ravi, phone.address) == {}
        clock.pass_seconds(599)
        assert claim(api, ravi, phone.address) == {}
        clock.pass_seconds(1)
        assert claim(api, ravi, phone.address)[phone.address]["id"] == "id6"
        assert claim(api, ravi, phone.address) == {}
        clock.pass_seconds(24 * 3600)
        assert len([claim(api, ravi, phone.address) for _ in range(6)]) == 6
        assert claim(api, ravi, phone.address) == {}


def test_the_limit_is_for_each_claimer_and_each_device_also_ones_own(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone, tablet, own = api.phone(raju), api.phone(raju, "tablet"), api.phone(ravi)
    for number, device in enumerate((phone, tablet, own)):
        upload(api, device, device.one_time_keys(range(10 * number, 10 * number + 10)))
    for _ in range(6):
        claim(api, ravi, phone.address, own.address)
    assert claim(api, ravi, phone.address, own.address) == {}
    assert set(claim(api, ravi, phone.address, own.address, tablet.address)) == {tablet.address}
    assert set(claim(api, raju, phone.address, own.address)) == {phone.address, own.address}


def test_all_others_together_take_so_many_of_a_device_and_leave_its_neighbours(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambdas.api.keys.CLAIMS", Limit(2, 60, "too many"))
    ravi, raju, zoe, mira = api.sign_up("ravi", "raju", "zoe", "mira")
    phone, tablet = api.phone(raju), api.phone(raju, "tablet")
    for number, device in enumerate((phone, tablet)):
        upload(api, device, device.one_time_keys(range(10 * number, 10 * number + 10)))
    both = phone.address, tablet.address
    assert set(claim(api, ravi, phone.address)) == set(claim(api, zoe, phone.address))
    assert set(claim(api, mira, *both)) == {tablet.address}
    assert set(claim(api, raju, *both)) == {*both}, "one's own are not counted among them"
    assert set(claim(api, ravi, *both)) == {tablet.address}
    assert claim(api, zoe, *both) == {}


def test_a_claim_that_can_not_be_counted_gets_no_one_time_key(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(raju)
    fallback = phone.fallback_key("f", 99)
    upload(api, phone, phone.one_time_keys(range(1)), fallback_key=fallback)

    def fail(*_: Any) -> bool:
        raise ClientError({"Error": {"Code": "InternalServerError"}}, "UpdateItem")

    with monkeypatch.context() as broken, written_log() as log:
        broken.setattr(Limits, "wait", fail)
        assert claim(api, ravi, phone.address)[phone.address] == {**fallback, "fallback": True}
    assert "could not count a claim" in log.getvalue()
    assert claim(api, ravi, phone.address)[phone.address]["id"] == "id0"


def test_claims_of_devices_that_there_are_not_write_nothing(api: Rest) -> None:
    """Anybody could fill the items of another user with counters, one for each name."""
    ravi, raju, away = api.sign_up("ravi", "raju", "away")
    api.phone(raju)
    names = [f"{raju}/d{number}" for number in range(99)]

    def items() -> list[str]:
        table = api.aws.users
        found = [table.query_all({"user": user}, consistent=True) for user in (ravi, raju, away)]
        return [f"{item['user']} {item['item']}" for each in found for item in each]

    before = items()
    assert claim(api, ravi, *names) == {}
    assert claim(api, ravi, f"{away}/phone", "nobody_here/phone") == {}
    assert items() == before


def test_what_counts_claims_vanishes_when_it_says_nothing_any_more(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    address = api.phone(raju).address
    with stopped_clock(api) as clock:
        claim(api, ravi, address)
        claim(api, ravi, address)
        item = api.aws.users.get({"user": ravi, "item": f"limit#claims#{address}"})
        assert item is not None
        assert item["full_at"] == (clock() + 2 * 600) * 1000
        assert item["full_at"] <= item["expires_at"] * 1000 <= (clock() + 6 * 600) * 1000


def refused(api: Rest, user: str, *addresses: str) -> None:
    reply = api.request("POST", "/api/keys/claim", {"devices": list(addresses)}, user=user)
    assert (reply.status, reply.body["error"]["code"]) == (429, "rate_limited")


@contextmanager
def stopped_clock(api: Rest) -> Iterator[Clock]:
    clock = Clock()
    vars(api.aws)["now"] = clock
    yield clock
    del vars(api.aws)["now"]


def test_a_claim_that_fails_midway_gives_what_was_taken(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phones = [api.phone(raju, name) for name in ("a", "b", "c")]
    for number, phone in enumerate(phones):
        upload(api, phone, phone.one_time_keys(range(number, number + 1)))
    claimed = Directory.claim

    def busy(self: Directory, user: str, device: str, *, one_time: bool) -> Claim | None:
        if device in failing:
            raise ChatError("rate_limited", "too many at once")
        return claimed(self, user, device, one_time=one_time)

    monkeypatch.setattr(Directory, "claim", busy)
    failing = {"b"}
    addresses = [phone.address for phone in phones]
    assert set(claim(api, ravi, *addresses)) == {addresses[0], addresses[2]}
    refused(api, ravi, addresses[1])  # nobody is notified that it has none
    failing.clear()
    assert set(claim(api, ravi, *addresses)) == {addresses[1]}


def test_a_device_that_is_away_is_not_notified_and_the_claim_works(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(raju)
    upload(api, phone, phone.one_time_keys(range(1)))
    api.connect(phone)
    api.gateway.received.clear()  # the connection is gone, and nobody has noticed yet
    assert set(claim(api, ravi, phone.address)) == {phone.address}


def test_keys_of_a_device_that_is_not_the_callers_are_not_taken(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(raju)
    own = api.phone(ravi, "own")
    path = "/api/devices/phone/one-time-keys"
    body = {"one_time_keys": phone.one_time_keys(range(1))}
    assert api.request("POST", path, body, user=ravi).status == 404
    # raju's keys are not signed for ravi's device either
    assert upload(api, own, phone.one_time_keys(range(1))).status == 400
    assert claim(api, ravi, phone.address, own.address) == {}


def changed(entry: dict[str, str], **changes: str) -> dict[str, str]:
    return {**entry, **changes}


@pytest.mark.sampled
@pytest.mark.parametrize(
    "spoil",
    [
        lambda entry: changed(entry, signature="A" * 86),
        lambda entry: changed(entry, key=key(12345)),
        lambda entry: changed(entry, key=entry["key"] + "="),
        lambda entry: changed(entry, key=entry["key"][:-1] + "B"),
        lambda entry: changed(entry, key=entry["key"][:-2]),
        lambda entry: changed(entry, signature=entry["signature"][:-1]),
        lambda entry: {"key": entry["key"]},
        lambda entry: {"signature": entry["signature"]},
        lambda _entry: {},
        lambda _entry: None,
        lambda _entry: "key",
    ],
)
def test_one_bad_key_rejects_the_whole_upload(api: Rest, spoil: Any) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(raju)
    keys = phone.one_time_keys(range(3))
    assert upload(api, phone, {**keys, "id1": spoil(keys["id1"])}).status == 400
    assert upload(api, phone, keys, fallback_key={"id": "f", **keys["id1"]}).status == 400
    assert claim(api, ravi, phone.address) == {}


@rows(
    "devices",
    [
        [],
        ["raju"],
        ["raju/"],
        ["/phone"],
        ["raju/phone/x"],
        ["Raju/phone"],
        ["raju/phone", "raju/phone"],
        [f"raju/d{number}" for number in range(101)],
        "raju/phone",
        [None],
        {"raju/phone": 1},
    ],
)
def test_a_claim_names_1_to_100_devices_once_each(api: Rest, devices: Any) -> None:
    (ravi,) = api.sign_up("ravi")
    reply = api.request("POST", "/api/keys/claim", {"devices": devices}, user=ravi)
    assert reply.status == 400
