"""Messages that disappear: from when their time counts, and what is left of them."""

from __future__ import annotations

from random import Random

import pytest

from client.core.changes import counted_from
from client.core.cipher import Draft
from client.core.content import Reference, text_content
from client.core.ids import change_id
from tests.client.store.receiving_device import CHAT, DAY, START, TEXT, Device, change

SOON = text_content("a secret", expires=60)


def test_a_text_stays_as_long_as_nobody_has_read_it() -> None:
    device = Device()
    device.take(1, TEXT, SOON, readable=True)
    device.due(START + 365 * DAY)
    assert [each[2] for each in device.seen()] == ["a secret"]


@pytest.mark.parametrize("clock", [-DAY, 0.0, DAY])
def test_a_text_disappears_after_its_time_by_whatever_clock_and_its_changes_too(
    clock: float,
) -> None:
    device = Device()
    device.now = START + clock
    device.take(1, TEXT, SOON, readable=True)
    device.take(
        2,
        Reference("mira/phone", change_id(1, Random(7))),
        change("reaction", emoji="👍"),
        readable=True,
    )
    with device.store.transaction():
        device.changes.read(device.step(), CHAT, 2)
    device.due(device.now + 59)
    assert [each[2] for each in device.seen()] == ["a secret"]
    device.due(device.now + 1)
    assert device.seen() == []
    assert "secret" not in device.stored()
    assert "👍" not in device.stored()
    device.take(1, TEXT, SOON, readable=True)  # another sync brings it again
    assert device.seen() == []


def test_a_clock_that_is_set_back_begins_the_time_anew() -> None:
    device = Device()
    device.now = START + DAY
    device.take(1, TEXT, SOON, readable=True)
    with device.store.transaction():
        device.changes.read(device.step(), CHAT, 1)
    device.due(START)
    device.due(START + 60)
    assert device.seen() == []


def test_what_was_read_elsewhere_and_is_over_does_not_come_back_to_an_older_store() -> None:
    for elsewhere in (False, True):
        device = Device()
        device.now = START + DAY
        if not elsewhere:
            with device.store.transaction():
                device.store.set_read(CHAT, 1)
        device.take(1, TEXT, SOON, readable=True)
        if elsewhere:
            with device.store.transaction():
                device.changes.read_elsewhere(device.step(), CHAT, 1)
        device.due(device.now)
        assert device.seen() == []


@pytest.mark.parametrize(("by", "left"), [("raju/phone", 60), ("mira/web", 60), ("ravi/web", 0)])
def test_what_others_wrote_counts_from_when_it_can_be_read_first(by: str, left: float) -> None:
    device = Device()
    device.take(1, Reference(by, TEXT.id), SOON, readable=False)
    with device.store.transaction():
        device.store.set_read(CHAT, 1)  # with what came after it
    device.now = START + DAY
    device.read_all()
    device.due(device.now + max(0, left - 1))
    assert [each[2] for each in device.seen()] == ["a secret"] * (left > 0)
    device.due(device.now + 1)
    assert device.seen() == []


def test_an_own_text_of_another_device_disappears_after_it_was_sent() -> None:
    device = Device()
    device.now = START + 30
    device.take(1, Reference("ravi/web", TEXT.id), SOON, readable=True)
    device.due(START + 59)
    assert len(device.seen()) == 1
    device.due(START + 60)
    assert device.seen() == []


def test_an_own_text_disappears_after_it_was_accepted_and_no_copy_of_it_is_sent() -> None:
    device = Device()
    draft = Draft(TEXT.id, CHAT, SOON)
    with device.store.transaction():
        device.store.add_own(draft, "ravi", "phone")
    device.due(START + DAY)
    assert len(device.seen()) == 1
    with device.store.transaction():
        device.store.place_own(TEXT.id, 1, START, device.now)
    assert device.store.own_text(CHAT, TEXT.id) is not None
    device.due(START + DAY + 60)
    assert device.seen() == []
    assert device.store.own_text(CHAT, TEXT.id) is None


@pytest.mark.parametrize(
    ("now", "sent_at", "left"), [(100, 90, 50), (100, 100, 60), (100, 10, 0), (100, 200, 60)]
)
def test_what_is_left_of_a_time_is_never_more_than_all_of_it(
    now: float, sent_at: float, left: float
) -> None:
    assert counted_from(now, sent_at, 60) + 60 - now == left


def test_a_timer_that_is_due_wakes_a_client_without_a_connection() -> None:
    device = Device()
    device.take(1, TEXT, SOON, readable=True)
    assert device.changes.next_due(device.step()) is None
    with device.store.transaction():
        device.changes.read(device.step(), CHAT, 1)
    assert device.changes.next_due(device.step()) == START + 60
