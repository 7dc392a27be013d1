"""States of new messages as the delivery watch finds them: a truth table."""

import itertools
from collections import Counter

import pytest

from lambdas.delivery.states import State, states
from lambdas.presence.devices import Device
from lambdas.tables import Item
from tests.support.rows import rows

NOW = 1_000.0
HERE = Device(connected_at=999_000, connection_id="c")
AWAY = Device(last_seen=1)


def message(seq: int) -> Item:
    return {"chat": "c", "item": f"message#{seq:012d}"}


@rows(
    ("lacks", "connected", "woken", "state"),
    [
        (lacks, connected, woken, state)
        for (lacks, connected, woken), state in zip(
            itertools.product((False, True), repeat=3),
            (
                *[State.REACHED] * 4,
                *(State.WAITING, State.WOKEN),
                *[State.NUDGED] * 2,
            ),
            strict=True,
        )
    ],
)
def test_a_message_is_in_the_state_of_the_device_that_lacks_it(
    lacks: bool, connected: bool, woken: bool, state: State
) -> None:
    registered = {"raju": {"phone": HERE if connected else AWAY}}
    lacking = {("raju", "phone"): [message(7)]} if lacks else {}
    rung = {("raju", "phone", 7)} if woken else set()
    assert states([message(7)], lacking, registered, rung, NOW) == Counter([state])


@pytest.mark.parametrize("first", ["desk", "phone"])
def test_of_two_devices_the_worse_one_counts_and_each_message_counts_once(first: str) -> None:
    registered = {"raju": {"phone": AWAY, "desk": HERE}}
    devices = [first, *({"phone", "desk"} - {first})]
    lacking = {("raju", device): [message(7), message(8)] for device in devices}
    rung = {("raju", "phone", 8)}
    found = states([message(each) for each in (6, 7, 8)], lacking, registered, rung, NOW)
    assert found == Counter([State.REACHED, State.WAITING, State.WOKEN])
