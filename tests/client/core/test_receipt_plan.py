"""When receipts leave, what they say, and what of them a lost connection leaves in doubt."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from client.core.frames import Watermarks
from client.core.receipts import ReceiptPlan
from client.core.settings import Settings
from client.core.step import Step
from client.store import Store
from tests.client.core.fake_cipher import FakeCipher

SETTINGS = Settings()


def test_delivered_and_read_fold_into_one_frame() -> None:
    plan = ReceiptPlan(SETTINGS, Random(1))
    plan.opened({})
    plan.moved("c", 10.0, Watermarks(3, 0), {"raju"}, 2)
    plan.moved("c", 10.02, Watermarks(4, 4), {"meena"}, 2)
    assert plan.due(10.04) == []
    expected = {
        "action": "receipt", "chat": "c", "senders": ["meena", "raju"], "delivered": 4, "read": 4
    }  # fmt: skip
    assert plan.due(10.05) == [expected]
    assert plan.next_due() is None


def test_senders_that_one_receipt_has_no_room_for_are_named_by_the_next_ones() -> None:
    plan, names = ReceiptPlan(Settings(), Random(7)), [f"user{n:04}" for n in range(600)]
    plan.opened({})
    plan.moved("c", 0.0, Watermarks(600, 0), names, 1_024)
    frames = []
    while (at := plan.next_due()) is not None:
        frames += [(at, frame) for frame in plan.due(at)]
    assert [len(frame["senders"]) for _, frame in frames] == [256, 256, 88]
    assert sorted(name for _, frame in frames for name in frame["senders"]) == names
    assert all(frame["delivered"] == 600 for _, frame in frames)
    assert all(two - one >= 10 for (one, _), (two, _) in pairwise(frames))


@pytest.mark.parametrize(
    ("members", "delivered_every", "read_every"),
    [
        (0, 0.2, 0.2),
        (2, 0.2, 0.2),
        (4, 0.4, 0.2),
        (20, 2.0, 1.0),
        (50, 5.0, 2.5),
        (256, 5.0, 2.5),
        (257, 10.0, 5.0),
        (1_024, 10.0, 5.0),
    ],
)
def test_the_more_members_the_fewer_receipts(
    members: int, delivered_every: float, read_every: float
) -> None:
    for reads, interval in ((0, delivered_every), (1, read_every)):
        times = {chat: _times(members, reads, chat) for chat in ("c", "d")}
        for each in times.values():
            assert all(interval - 1e-9 <= b - a <= interval + 0.03 for a, b in pairwise(each))
            assert each[0] <= interval
            assert members > 2 or each[0] < 0.07, "in a direct chat at once"


def _times(members: int, reads: int, chat: str) -> list[float]:
    """When a device sends a receipt that gets a message each 20 ms, counted from the first."""
    plan, sent = ReceiptPlan(SETTINGS, Random(chat)), []
    plan.opened({})
    for step in range(1_000):
        seq = step + 1
        plan.moved(chat, step / 50, Watermarks(seq, seq * reads), {"raju"}, members)
        sent += [step / 50 for frame in plan.due(step / 50)]
    return sent


@pytest.mark.parametrize(("members", "interval"), [(3, 0.3), (100, 5.0)])
def test_members_of_a_group_do_not_all_send_their_receipt_at_the_same_moment(
    members: int, interval: float
) -> None:
    due = set()
    for seed in range(99):
        plan = ReceiptPlan(SETTINGS, Random(seed))
        plan.opened({})
        plan.moved("c", 0.0, Watermarks(1, 0), {"raju"}, members)
        at = plan.next_due()
        assert at is not None and interval / 2 <= at <= interval
        due.add(int(at / interval * 20))
    assert len(due) >= 9


def test_receipts_wait_as_long_as_the_backend_asks() -> None:
    plan = ReceiptPlan(SETTINGS, Random(1))
    plan.opened({})
    plan.moved("c", 10.0, Watermarks(1, 0), {"raju"}, 2)
    plan.wait_until(17.5)
    assert plan.next_due() == 17.5 and plan.due(17.4) == []
    assert len(plan.due(17.5)) == 1


def test_a_receipt_nobody_waits_for_takes_its_time_unless_the_client_closes() -> None:
    plan = ReceiptPlan(SETTINGS, Random(1))
    plan.opened({})
    plan.moved("c", 10.0, Watermarks(3, 0), (), 2)
    assert plan.due(10.0 + SETTINGS.quiet_receipt_delay - 1) == []
    (frame,) = plan.due(10.3, everything=True)
    assert frame["senders"] == []


def test_a_new_connection_starts_from_what_the_server_surely_knows() -> None:
    plan = ReceiptPlan(SETTINGS, Random(1))
    plan.opened({})
    plan.moved("c", 1.0, Watermarks(5, 0), {"raju"}, 2)
    assert plan.due(2.0)
    plan.closed()
    assert plan.due(9.0) == []
    plan.opened({"c": Watermarks(3, 0)})
    plan.moved("c", 10.0, Watermarks(5, 0), {"raju"}, 2)
    assert [frame["delivered"] for frame in plan.due(11.0)] == [5]


def test_a_repeated_receipt_names_again_whom_the_lost_one_named() -> None:
    plan = ReceiptPlan(SETTINGS, Random(1))
    plan.opened({})
    plan.moved("c", 1.0, Watermarks(5, 0), {"raju"}, 2)
    plan.due(2.0)
    plan.pinged()
    plan.moved("c", 3.0, Watermarks(6, 0), {"meena"}, 2)
    plan.due(4.0)
    pong(plan)  # what was reported after the ping may still be lost
    plan.repeat("c", 5.0)
    assert [frame["senders"] for frame in plan.due(6.0)] == [["meena", "raju"]]
    plan.pinged()
    pong(plan)
    plan.repeat("c", 7.0)
    assert [frame["senders"] for frame in plan.due(50.0)] == [[]]


def test_a_pong_confirms_no_part_of_a_receipt_that_was_sent_after_the_ping() -> None:
    plan, names = ReceiptPlan(SETTINGS, Random(1)), [f"user{n:04}" for n in range(300)]
    plan.opened({})
    plan.moved("c", 1.0, Watermarks(300, 0), names, 1_024)
    plan.due(1.0, everything=True)
    plan.pinged()
    (second,) = plan.due(1.0, everything=True)
    pong(plan)
    plan.repeat("c", 2.0)
    again = [
        name for _ in "ab" for each in plan.due(2.0, everything=True) for name in each["senders"]
    ]
    assert second["senders"] == names[256:] and set(second["senders"]) <= set(again)


def test_a_store_knows_a_receipt_as_reported_once_all_its_parts_are() -> None:
    """Else a connection that drops before the last part leaves its senders without their ticks."""
    plan, store = ReceiptPlan(SETTINGS, Random(1)), Store.open(":memory:", "ravi", "phone")
    step = Step(1.0, 1.0, store, FakeCipher())
    step.ledger.open_chat("c")
    plan.opened({})
    plan.moved("c", 1.0, Watermarks(300, 0), [f"user{n:04}" for n in range(300)], 1_024)
    plan.due(1.0, everything=True)
    plan.pinged()
    plan.due(1.0, everything=True)
    plan.confirmed(step)
    (position,) = step.ledger.read_positions()
    assert position.reported == Watermarks(0, 0)
    plan.pinged()
    plan.confirmed(step)
    (position,) = step.ledger.read_positions()
    assert position.reported == Watermarks(300, 0)
    store.close()


def pong(plan: ReceiptPlan) -> None:
    store = Store.open(":memory:", "ravi", "phone")
    plan.confirmed(Step(1.0, 1.0, store, FakeCipher()))
    store.close()


def test_a_receipt_is_dirty_until_it_is_sent_and_forgotten_with_its_chat() -> None:
    plan = ReceiptPlan(SETTINGS, Random(1))
    plan.opened({})
    plan.repeat("c", 0.0)
    assert plan.next_due() is None and plan.delivered("c") == 0
    plan.moved("c", 1.0, Watermarks(5, 3), {"raju"}, 2)
    plan.moved("c", 1.0, Watermarks(4, 2), set(), 2)
    assert plan.delivered("c") == 5 and plan.due(1.0) == []
    (frame,) = plan.due(1.0, everything=True)
    assert (frame["delivered"], frame["read"], frame["senders"]) == (5, 3, ["raju"])
    plan.moved("c", 2.0, Watermarks(5, 3), {"raju"}, 2)
    assert plan.next_due() is None
    plan.moved("c", 3.0, Watermarks(6, 3), {"raju"}, 2)
    plan.forget("c")
    assert plan.next_due() is None and plan.delivered("c") == 0
