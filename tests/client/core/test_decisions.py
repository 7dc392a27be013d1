"""The small decisions, each for itself: order, ticks, receipts, resending, liveness."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from uuid import RFC_4122, UUID

import pytest

from client.core.chat_log import ASIDE_LIMIT, ChatLog, holes
from client.core.cipher import Wants
from client.core.frames import Watermarks
from client.core.ids import change_id, hidden_id, is_shown, is_written, ulid
from client.core.ledger import ReadPosition
from client.core.liveness import Backoff, Liveness
from client.core.outbox import Outbox
from client.core.receipts import ReceiptPlan
from client.core.settings import Settings
from client.core.step import Step
from client.core.syncing import SyncPlan
from client.core.ticks import State, reached, stage, stages
from client.store import Store
from tests.client.core.fake_cipher import FakeCipher

SETTINGS = Settings()


# -- what is known of a chat


@pytest.mark.parametrize(
    ("watermark", "read", "waits", "readable"),
    [(9, 7, None, (9, 7)), (9, 7, 10, (9, 7)), (9, 7, 9, (8, 7)), (9, 7, 5, (4, 4))],
)
def test_a_text_that_waits_for_its_key_is_neither_delivered_nor_read(
    watermark: int, read: int, waits: int | None, readable: tuple[int, int]
) -> None:
    position = ReadPosition("c", watermark, read, Watermarks(), waits)
    assert position.readable == Watermarks(*readable)


def test_whatever_lacks_keeps_a_chat_from_sealing() -> None:
    one = frozenset({"raju"})
    lacking = Wants(members=True), Wants(lists=one), Wants(claims=one), Wants(blocked=one)
    assert all(lacking) and not Wants()


# -- names of messages


def test_an_id_says_what_it_is_for_and_when_it_was_made() -> None:
    now = 1_800_000_000_123
    for seed in range(50):
        shown, change, hidden = (
            ulid(now, Random(seed)), change_id(now, Random(seed)), hidden_id(Random(seed))
        )  # fmt: skip
        assert [is_shown(each) for each in (shown, change, hidden)] == [True, False, False]
        assert [is_written(each) for each in (shown, change, hidden)] == [True, True, False]
        assert (UUID(change).version, UUID(hidden).version) == (7, 4)
        assert UUID(change).variant == UUID(hidden).variant == RFC_4122
        assert UUID(change).int >> 80 == now
        assert shown[:10] == ulid(now, Random(99))[:10] < ulid(now + 1, Random(seed))[:10]


# -- order


def test_the_next_message_is_taken_a_late_one_dropped_an_early_one_kept_aside() -> None:
    log = ChatLog[str](watermark=4)
    assert log.offer(7, "g") == []
    assert log.offer(4, "d") == []
    assert (log.watermark, log.behind) == (4, True)
    assert log.offer(5, "e") == [(5, "e")]
    assert log.offer(6, "f") == [(6, "f"), (7, "g")]
    assert (log.watermark, log.behind) == (7, False)


def test_the_first_copy_that_is_kept_aside_stays() -> None:
    log = ChatLog[str]()
    log.offer(2, "first")
    log.offer(2, "second")
    assert log.offer(1, "a") == [(1, "a"), (2, "first")]


def test_complete_to_steps_over_what_is_not_here_and_takes_what_is() -> None:
    log = ChatLog[str]()
    log.offer(3, "c")
    log.offer(6, "f")
    assert log.complete(5) == [(3, "c"), (6, "f")]
    assert log.watermark == 6
    assert log.complete(2) == []
    assert log.watermark == 6


def test_what_was_complete_stays_so_while_the_next_entry_is_not_ready() -> None:
    log = ChatLog[str]()
    log.offer(1, "a", lambda _: False)
    assert log.complete(5, lambda _: False) == [] == log.complete(2, lambda _: False)
    assert (log.watermark, log.held, log.behind) == (0, "a", False)
    assert log.resume() == [(1, "a")]
    assert (log.watermark, log.held) == (5, None)


def test_what_lies_beyond_a_young_hole_waits_for_it() -> None:
    log = ChatLog[str]()
    log.offer(7, "g")
    assert log.complete(5) == []
    assert (log.watermark, log.behind) == (5, True)
    assert log.offer(6, "f") == [(6, "f"), (7, "g")]


def test_what_is_kept_aside_is_bounded_and_the_furthest_goes_first() -> None:
    log = ChatLog[int]()
    for seq in range(2, ASIDE_LIMIT + 10):
        log.offer(seq, seq)
    assert len(log.offer(1, 1)) == ASIDE_LIMIT
    assert log.behind


@pytest.mark.parametrize(
    ("after", "to", "taken", "missing", "found"),
    [
        (0, 9, [], [(1, 3)], [(1, 3)]),
        (2, 9, [], [(1, 3)], [(3, 3)]),
        (0, 2, [], [(1, 3)], [(1, 2)]),
        (0, 9, [2], [(1, 3)], [(1, 1), (3, 3)]),
        (0, 9, [1, 3], [(1, 3)], [(2, 2)]),
        (5, 9, [], [(1, 3)], []),
        (0, 10**12, [5], [(1, 10**12)], [(1, 4), (6, 10**12)]),
    ],
)
def test_holes_are_the_missing_positions_that_were_stepped_over_now(
    after: int,
    to: int,
    taken: list[int],
    missing: list[tuple[int, int]],
    found: list[tuple[int, int]],
) -> None:
    assert holes(after, to, taken, missing) == found


# -- ticks


def marks(**users: tuple[int, int]) -> dict[str, Watermarks]:
    return {user: Watermarks(*values) for user, values in users.items()}


@pytest.mark.parametrize(
    ("members", "state"),
    [
        (marks(me=(9, 9), raju=(2, 2)), State.SENT),
        (marks(me=(0, 0), raju=(3, 0)), State.DELIVERED),
        (marks(me=(0, 0), raju=(3, 3)), State.READ),
        (marks(me=(0, 0), raju=(0, 3)), State.READ),  # read implies delivered
        (marks(me=(0, 0), raju=(9, 9), meena=(2, 0)), State.SENT),
        (marks(me=(0, 0), raju=(9, 9), meena=(3, 2)), State.DELIVERED),
        (marks(me=(0, 0), raju=(9, 9), meena=(4, 3)), State.READ),
        (marks(me=(0, 0), raju=(0, 3), meena=(3, 0)), State.DELIVERED),
        (marks(me=(9, 9)), State.SENT),  # all others have left
        ({}, State.SENT),
    ],
)
def test_a_tick_says_what_all_others_have_reached(
    members: dict[str, Watermarks], state: State
) -> None:
    assert stage(3, reached(members, "me")) is state


def test_no_stage_is_skipped_in_telling() -> None:
    assert stages(State.WAITING, State.READ) == [State.SENT, State.DELIVERED, State.READ]
    assert stages(State.FAILED, State.SENT) == [State.SENT]
    assert stages(State.READ, State.READ) == []


# -- receipts


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


# -- resending


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


# -- liveness


def test_it_pings_every_four_to_five_minutes_and_wants_an_answer() -> None:
    for seed in range(50):
        alive = Liveness(SETTINGS, Random(seed))
        alive.opened(0.0)
        due = alive.next_due()
        assert due is not None
        assert 240 <= due <= 300
        assert not alive.ping_due(due - 1)
        assert alive.ping_due(due)
        assert not alive.dead(due + 9)
        assert alive.dead(due + 10)
        alive.heard()
        assert not alive.dead(due + 10)
        again = alive.next_due()
        assert again is not None
        assert 240 <= again - due <= 300


def test_it_reconnects_at_a_random_60_to_110_minutes() -> None:
    times = []
    for seed in range(100):
        alive = Liveness(SETTINGS, Random(seed))
        alive.opened(0.0)
        assert alive.reconnect_at is not None
        times.append(alive.reconnect_at)
        assert not alive.reconnect_due(3599)
        assert alive.reconnect_due(6600)
    assert max(times) - min(times) > 2000


def test_attempts_have_full_jitter_under_a_bound_that_doubles() -> None:
    backoff = Backoff(SETTINGS, Random(1))
    pauses = [backoff.pause() for _ in range(12)]
    for failures, pause in enumerate(pauses):
        assert 0 <= pause <= min(60, 2**failures)
    assert max(pauses) > 20
    backoff.connected()
    assert backoff.pause() <= 1


def test_each_attempt_is_spread_from_at_once_to_its_bound() -> None:
    for failures in range(4):
        found = []
        for seed in range(200):
            backoff = Backoff(SETTINGS, Random(seed))
            found.append([backoff.pause() for _ in range(failures + 1)][-1])
        bound = 2.0**failures
        assert min(found) < bound * 0.1 and bound * 0.9 < max(found) <= bound


def test_the_first_attempt_is_spread_over_the_window_of_the_ticket() -> None:
    first = []
    for seed in range(200):
        backoff = Backoff(SETTINGS, Random(seed))
        backoff.ticket(120.0)
        first.append(backoff.pause())
        assert backoff.pause() <= 2
    assert min(first) < 10
    assert 110 < max(first) <= 120


def test_a_new_connection_has_a_life_of_its_own() -> None:
    alive = Liveness(SETTINGS, Random(1))
    alive.opened(0.0)
    alive.probe(100.0)
    assert alive.ping_due(100.0) and alive.dead(110.0)
    alive.probe(105.0)  # a ping is under way
    assert not alive.ping_due(105.0)
    assert alive.ping_due(400.0) and alive.dead(400.0)  # a second one does not put the end off
    alive.opened(500.0)
    assert not alive.dead(9999.0)
    alive.closed()
    assert alive.next_due() is None and not alive.reconnect_due(1e9) and not alive.ping_due(1e9)


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


def test_an_entry_that_is_not_ready_holds_up_what_follows() -> None:
    log = ChatLog[str]()
    log.offer(2, "b")
    assert log.behind and log.offer(1, "a", lambda entry: entry != "b") == [(1, "a")]
    assert (log.held, log.behind, log.watermark) == ("b", False, 1)
    assert log.resume(lambda entry: False) == []
    assert log.resume() == [(2, "b")] and log.held is None
    log.heard_of(4)
    assert log.behind


def test_what_comes_late_is_kept_nowhere() -> None:
    log = ChatLog[str](watermark=4)
    assert log.offer(3, "late") == []
    assert log.complete(6) == [] and log.watermark == 6


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
