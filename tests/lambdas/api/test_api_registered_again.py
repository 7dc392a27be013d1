"""Registrations by a sign-in that has registered another device, and of a device without keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lambdas.api import devices
from lambdas.keys.directory import Directory
from lambdas.tables import DEVICES, user_key
from tests.support.lambdas.rest import Rest, rest
from tests.support.lambdas.sessions import Session


@pytest.fixture(scope="module")
def api() -> Iterator[Rest]:
    with rest() as made:
        yield made


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


def test_others_hear_of_a_device_that_gets_keys_after_a_removal_that_was_broken_off(
    api: Rest,
) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    api.request("POST", "/api/chats", {"kind": "direct", "with": raju}, user=ravi)
    own = Session(api, ravi)
    assert own.register("phone").status == 200
    frames = api.connect(api.phone(raju))
    Directory(api.aws.users).remove(ravi, "phone")  # the first step of a removal
    assert own.register("phone").status == 200
    assert {"type": "devices_changed", "user": ravi} in frames
