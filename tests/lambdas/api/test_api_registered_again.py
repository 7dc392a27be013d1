"""Registrations by a sign-in that has registered another device, and of a device without keys."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.api import announce, devices
from lambdas.keys.directory import Directory
from lambdas.presence.devices import Devices
from lambdas.tables import DEVICES, user_key
from tests.support.lambdas import given
from tests.support.lambdas.rest import Phone, Rest
from tests.support.lambdas.sessions import Session


def test_a_device_that_takes_the_place_of_one_of_the_same_sign_in_stays_signed_in(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ravi,) = api.sign_up("ravi")
    own, other = Session(api, ravi), Session(api, ravi)
    assert own.register("old").status == 200
    monkeypatch.setattr(devices, "DEVICES_LIMIT", 1)
    assert own.register("new").status == 200
    assert own.refresh().status == 200
    assert other.register("third").status == 200  # in place of `new`, whose sign-in ends with it
    assert own.refresh().status == 401
    stored = api.aws.users.get(user_key(ravi, DEVICES), consistent=True) or {}
    assert [*stored["devices"]] == ["third"]


@pytest.mark.parametrize("stored", ["the entry", "the keys"])
def test_others_are_notified_of_a_device_after_a_removal_or_a_registration_that_was_broken_off(
    api: Rest, stored: str
) -> None:
    """Of which the one or the other is left."""
    ravi, raju = api.sign_up("ravi", "raju")
    api.request("POST", "/api/chats", {"kind": "direct", "with": raju}, user=ravi)
    phone, path = Phone(ravi), "/api/devices/phone"
    assert api.request("PUT", path, phone.registration(), user=ravi).status == 200
    frames = api.connect(api.phone(raju))
    if stored == "the entry":
        Directory(api.aws.users).remove(ravi, "phone")
    else:
        given.no_device(api.aws.users, ravi, "phone")
    assert api.request("PUT", path, phone.registration(), user=ravi).status == 200
    assert {"type": "devices_changed", "user": ravi} in frames


@pytest.mark.parametrize("what", ["new", "other keys", "removed"])
def test_others_are_notified_of_what_ended_before_it_was_announced_when_it_is_repeated(
    api: Rest, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    api.request("POST", "/api/chats", {"kind": "direct", "with": raju}, user=ravi)
    api.phone(ravi, "laptop")
    path = "/api/devices/phone"
    if what != "new":
        api.request("PUT", path, Phone(ravi).registration(), user=ravi)
    frames = api.connect(api.phone(raju))
    body = Phone(ravi).registration()
    changed = {"type": "devices_changed", "user": ravi}

    def asks() -> int:
        if what == "removed":
            return api.request("DELETE", path, user=ravi).status
        return api.request("PUT", path, body, user=ravi).status

    with monkeypatch.context() as patch:
        patch.setattr(announce, "devices_changed", lambda *_: None)
        assert asks() in (200, 204)
    assert changed not in frames
    assert asks() in (200, 204) and frames.count(changed) == 1
    assert asks() in (200, 204) and frames.count(changed) == 1


def test_own_devices_are_notified_of_a_new_one_before_all_others(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, zoe = api.sign_up("anna", "zoe")
    api.request("POST", "/api/chats", {"kind": "direct", "with": anna}, user=zoe)
    own, others = api.connect(api.phone(zoe, "desk")), api.connect(api.phone(anna))
    found = Devices.of

    def in_any_order(*given: Any, **named: Any) -> Any:  # as DynamoDB gives the items of a batch
        return dict(reversed(found(*given, **named).items()))

    monkeypatch.setattr(Devices, "of", in_any_order)
    monkeypatch.setattr("lambdas.api.announce.POSTS_LIMIT", 1)
    api.phone(zoe, "phone")
    changed = {"type": "devices_changed", "user": zoe}
    assert changed in own and changed not in others
