"""When a message leaves, and when it is sent again."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from client.core.frames import Watermarks
from client.core.ids import ulid
from client.core.outbox import Outbox
from client.core.receipts import ReceiptPlan
from client.core.settings import Settings
from client.core.syncing import SyncPlan

SETTINGS = Settings()


def outbox(**changes: float) -> Outbox:
    box = Outbox(Settings(**changes), Random(1))  # type: ignore[arg-type] # floats only
    box.opened()
    return box


def ids(box: Outbox, now: float, *, resumed: bool = True) -> list[str]:
    return [entry.message_id for entry in box.due(now, resumed)]


def test_what_an_earlier_process_may_have_sent_waits_for_the_sync_of_each_connection() -> None:
    box = outbox(in_flight_per_chat=2)
    box.add("old", "c", {}, maybe_sent=True)
    box.add("new", "c", {}, maybe_sent=False)
    box.add("other", "d", {}, maybe_sent=False)
    assert ids(box, 0.0, resumed=False) == ["other"], "nothing overtakes it in its chat"
    box.closed()  # before the sync was through
    box.opened()
    assert ids(box, 1_000.0, resumed=False) == []
    assert ids(box, 1_000.0)[0] == "old"


def test_messages_of_a_chat_go_out_one_after_the_other_chats_side_by_side() -> None:
    box = outbox()
    for name, chat in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        box.add(name, chat, {}, maybe_sent=False)
    assert ids(box, 0.0) == ["a1", "b1"]
    assert ids(box, 1.0) == []
    box.remove("a1")
    assert ids(box, 1.0) == ["a2"]


def test_it_is_sent_again_until_accepted_with_growing_pauses() -> None:
    box = outbox()
    box.add("a1", "a", {}, maybe_sent=False)
    sent: list[float] = []
    now = 0.0
    while len(sent) < 5:
        due = box.next_due(resumed=True)
        assert due is not None
        now = max(now, due)
        assert ids(box, now) == ["a1"]
        sent.append(now)
    pauses = [b - a for a, b in pairwise(sent)]
    assert pauses == sorted(pauses)
    assert 6 < pauses[0] < 10
    box.remove("a1")
    assert box.next_due(resumed=True) is None


def test_what_people_wrote_is_counted_until_it_is_accepted() -> None:
    box, random = outbox(), Random(1)
    texts = [ulid(number, random) for number in range(3)]
    for name in (*texts, "0188b1a0-0000-4000-8000-000000000000"):  # the last one is a key
        box.add(name, "a", {}, maybe_sent=False)
    assert (box.texts, len(box)) == (3, 4)
    box.remove(texts[0])
    assert (box.texts, len(box)) == (2, 3)


def test_what_may_have_been_accepted_waits_for_the_sync_and_holds_up_what_follows() -> None:
    box = outbox()
    box.add("old", "a", {}, maybe_sent=True)
    box.add("new", "a", {}, maybe_sent=False)
    box.add("other", "b", {}, maybe_sent=False)
    assert ids(box, 0.0, resumed=False) == ["other"]
    assert ids(box, 0.1, resumed=True) == ["old"]


def test_after_a_lost_connection_it_does_not_know_whether_it_was_accepted() -> None:
    box = outbox()
    box.add("a1", "a", {}, maybe_sent=False)
    assert ids(box, 0.0, resumed=False) == ["a1"]
    box.closed()
    assert ids(box, 0.1) == []
    box.opened()
    assert ids(box, 0.2, resumed=False) == []
    assert ids(box, 0.2, resumed=True) == ["a1"]


def test_a_temporary_error_is_tried_again_soon() -> None:
    box = outbox()
    box.add("a1", "a", {}, maybe_sent=False)
    assert ids(box, 0.0) == ["a1"]
    box.retry("a1", 0.1)
    due = box.next_due(resumed=True)
    assert due is not None
    assert 0.8 < due < 1.4


def test_a_server_that_says_how_long_is_given_a_little_longer() -> None:
    for seed in range(20):
        box = Outbox(SETTINGS, Random(seed))
        box.opened()
        box.add("a1", "a", {}, maybe_sent=False)
        box.add("b1", "b", {}, maybe_sent=False)
        assert ids(box, 0.0) == ["a1", "b1"] and box.in_flight("a") and not box.in_flight("c")
        box.remove("b1")
        box.retry("a1", 10.0, 30.0)
        due = box.next_due(resumed=True)
        assert due is not None and 40.0 <= due <= 46.0 and due != 40.0


def test_after_a_lost_connection_nothing_that_was_sent_is_sure() -> None:
    box = outbox()
    for name in ("a1", "b1", "c1"):
        box.add(name, name[0], {}, maybe_sent=False)
    ids(box, 0.0)
    box.add("d1", "d", {}, maybe_sent=False)
    box.closed()
    box.opened()
    assert ids(box, 1.0, resumed=False) == ["d1"]
    assert ids(box, 1.0) == ["a1", "b1", "c1"]


def test_nothing_is_asked_or_sent_on_a_connection_that_is_closed() -> None:
    receipts, plan, box = ReceiptPlan(SETTINGS, Random(1)), SyncPlan(SETTINGS, Random(1)), outbox()
    never_opened = Outbox(SETTINGS, Random(1))
    for each in (box, never_opened):
        each.add("a1", "a", {"chat": "a"}, maybe_sent=False)
    receipts.moved("c", 1.0, Watermarks(5, 0), {"raju"}, 2)
    assert receipts.due(9.0, everything=True) == []
    for at in (1.0, 2.0):
        receipts.opened({})
        plan.opened(at)
        receipts.closed()
        plan.closed()
        box.closed()
        plan.want("c", at)
        assert receipts.due(9.0, everything=True) == [] and receipts.next_due() is None
        assert plan.due(9.0, dict) is None and plan.next_due() is None
        assert ids(box, 9.0) == ids(never_opened, 9.0) == []
    assert box.frame_of("a1") == {"chat": "a"} and box.frame_of("b1") is None
    assert box.chat_of("a1") == "a" and box.chat_of("b1") is None
