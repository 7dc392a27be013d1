"""A device's identity that changes or goes: what is counted, what stays, what comes in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from lambdas.errors import ChatError
from lambdas.keys.decisions import DeviceKeys, SignedKey
from lambdas.keys.directory import Change, Directory
from lambdas.tables import Table
from tests.support.lambdas.rest import Phone, key, mocked_aws, new_name, one_at_a_time

OLD = DeviceKeys(key(1), Phone("any").ed25519, "signature")
ANOTHER = DeviceKeys(key(1), Phone("other").ed25519, "signature")
OTHER_CURVE = OLD._replace(curve25519=key(2))


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    with mocked_aws() as aws:
        yield one_at_a_time(aws.users)


class Ravi:
    """A user of this test's own, with one phone."""

    def __init__(self, table: Table) -> None:
        self.table, self.name = table, new_name("ravi")
        self.slept: list[float] = []
        self.directory = Directory(table, sleep=self.slept.append)

    def registers(
        self, keys: DeviceKeys = OLD, changing: Callable[[], None] = lambda: None
    ) -> Change:
        return self.directory.put(self.name, "phone", keys, None, changing)

    def uploads(self, numbers: range, fallback: int | None = None, by: DeviceKeys = OLD) -> int:
        keys = [signed(number) for number in numbers]
        last = None if fallback is None else signed(fallback)
        return self.directory.upload(self.name, "phone", by.ed25519, keys, last)

    def items(self) -> list[str]:
        rows = self.table.query_all({"user": self.name}, consistent=True)
        return [row["item"].partition("#")[0] for row in rows]


def signed(number: int) -> SignedKey:
    return SignedKey(f"id{number}", key(number), f"signed {number}")


@pytest.fixture
def ravi(table: Table) -> Ravi:
    return Ravi(table)


@pytest.mark.parametrize(
    ("keys", "counted"), [(OLD, 0), (OTHER_CURVE, 1), (ANOTHER, 1)], ids=["same", "curve", "all"]
)
def test_each_other_key_of_a_device_is_counted_and_rejected_before_anything_is_stored(
    ravi: Ravi, keys: DeviceKeys, counted: int
) -> None:
    assert ravi.registers() is Change.NEW
    before, calls = ravi.items(), list[Change]()

    def rejected() -> None:
        calls.append(Change.CHANGED)
        raise ChatError("rate_limited", "too many")

    with pytest.raises(ChatError) if counted else nullcontext():
        ravi.registers(keys, rejected)
    assert len(calls) == counted
    assert ravi.items() == before
    assert ravi.directory.get(ravi.name, ["phone"]) == {"phone": OLD}


@pytest.mark.parametrize("number", range(1, 7))
def test_no_key_is_left_of_a_device_that_is_removed_while_it_uploads(
    ravi: Ravi, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    ravi.registers()
    ravi.uploads(range(3))
    made, uploaded = list[str](), list[int]()

    def stepped(name: str) -> Callable[..., Any]:
        call = getattr(Table, name)

        def wrapper(*args: Any, **options: Any) -> Any:
            made.append(name)
            if len(made) == number:
                try:
                    uploaded.append(ravi.uploads(range(3, 6), fallback=6))
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
    assert {"otk", "fallback", "device"} & {*ravi.items()} == set()


def test_a_fallback_key_that_another_identity_signs_again_can_be_claimed(ravi: Ravi) -> None:
    ravi.registers()
    ravi.uploads(range(0), fallback=7)
    ravi.registers(ANOTHER)
    ravi.uploads(range(0), fallback=7, by=ANOTHER)
    claim = ravi.directory.claim(ravi.name, "phone")
    assert claim is not None and claim.key == signed(7)
