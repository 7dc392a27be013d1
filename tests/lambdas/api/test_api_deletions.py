"""An account is deleted while one of its devices is being registered, whichever comes between."""

from __future__ import annotations

import time

import pytest

from tests.support.lambdas.interrupted import interrupt
from tests.support.lambdas.rest import PASSWORD, Phone, Rest

MOST_CALLS = 60


@pytest.mark.parametrize(
    "before",
    [
        "the device",
        *(
            pytest.param(each, marks=pytest.mark.deep)
            for each in ("no device", "the device, with other keys")
        ),
    ],
)
def test_a_deleted_account_stays_deleted(
    api: Rest, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    for number in range(1, MOST_CALLS):
        (user,) = api.sign_up("gone")
        if before != "no device":
            phone = api.phone(user)
        if before != "the device":
            phone = Phone(user)

        def delete(user: str = user) -> None:
            body = {"username": user, "password": PASSWORD}
            assert api.request("POST", "/api/account/delete", body).body == {"done": True}

        with monkeypatch.context() as patch:
            patch.setattr(time, "sleep", lambda _: None)  # between attempts
            made = interrupt(patch, number, delete)
            api.request("PUT", "/api/devices/phone", phone.registration(), user=user)
        if len(made) < number:
            return
        items = {each["item"].partition("#")[0] for each in api.aws.users.query_all({"user": user})}
        assert not items & {"devices", "device"}, (number, items)
    raise AssertionError("a registration makes too many calls")
