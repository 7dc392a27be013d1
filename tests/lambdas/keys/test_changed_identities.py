"""A device's identity that changes or goes: what is counted, what stays, what comes in between."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from lambdas.errors import ChatError
from lambdas.keys.decisions import DeviceKeys
from lambdas.keys.directory import Change
from lambdas.tables import Table, TransactionCancelled
from tests.lambdas.keys.owner import IDENTITY, Ravi, signed
from tests.support.lambdas.rest import Phone, key

ANOTHER = DeviceKeys(key(1), Phone("other").ed25519, "signature")
OTHER_CURVE = IDENTITY._replace(curve25519=key(2))


@pytest.mark.parametrize(
    ("keys", "counted"),
    [(IDENTITY, 0), (OTHER_CURVE, 1), (ANOTHER, 1)],
    ids=["same", "curve", "all"],
)
def test_each_other_key_of_a_device_is_counted_and_rejected_before_anything_is_stored(
    ravi: Ravi, keys: DeviceKeys, counted: int
) -> None:
    before, calls = ravi.items(), list[Change]()

    def rejected() -> None:
        calls.append(Change.CHANGED)
        raise ChatError("rate_limited", "too many")

    with pytest.raises(ChatError) if counted else nullcontext():
        ravi.directory.put(ravi.name, "phone", keys, None, rejected)
    assert len(calls) == counted
    assert ravi.items() == before
    assert ravi.directory.get(ravi.name, ["phone"]) == {"phone": IDENTITY}


@pytest.mark.parametrize("number", range(1, 5))
def test_no_key_is_left_of_a_device_that_is_removed_while_it_uploads(
    ravi: Ravi, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    ravi.upload(range(3))
    made, uploaded = list[str](), list[int]()

    def stepped(name: str) -> Callable[..., Any]:
        call = getattr(Table, name)

        def wrapper(*args: Any, **options: Any) -> Any:
            made.append(name)
            if len(made) == number:
                try:
                    uploaded.append(ravi.upload(range(3, 6), fallback=6))
                except ChatError as error:  # the device is gone by now
                    uploaded.append(0)
                    assert error.code == "not_found"
            return call(*args, **options)

        return wrapper

    with monkeypatch.context() as patch:
        for name in ("get", "put", "delete", "query", "batch_write"):
            patch.setattr(Table, name, stepped(name))
        ravi.directory.remove(ravi.name, "phone")
    assert len(uploaded) == 1
    assert [ravi.items(f"{kind}#") for kind in ("otk", "fallback", "device")] == [[], [], []]


def test_an_identity_that_came_while_another_one_is_removed_stays(
    ravi: Ravi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent with it could not be read any more: it would be no former one."""
    get = Table.get

    def overtaken(self: Table, *given: Any, **options: Any) -> Any:
        monkeypatch.undo()
        before = get(self, *given, **options)
        assert ravi.register(identity=ANOTHER) is Change.CHANGED
        return before

    monkeypatch.setattr(Table, "get", overtaken)
    with pytest.raises(TransactionCancelled):
        ravi.directory.remove(ravi.name, "phone")
    assert ravi.directory.get(ravi.name, ["phone"]) == {"phone": ANOTHER}


def test_a_fallback_key_that_another_identity_signs_again_can_be_claimed(ravi: Ravi) -> None:
    ravi.upload(range(0), fallback=7)
    ravi.register(identity=ANOTHER)
    ravi.upload(range(0), fallback=7, signer=ANOTHER.ed25519)
    claim = ravi.directory.claim(ravi.name, "phone")
    assert claim is not None and claim.key == signed(7)
