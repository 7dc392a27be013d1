"""The small decisions, each for itself: what is known of a chat, ids, order, ticks."""

from __future__ import annotations

from random import Random
from uuid import RFC_4122, UUID

import pytest

from client.core.chat_log import ASIDE_LIMIT, ChatLog, holes
from client.core.cipher import Wants
from client.core.frames import Watermarks
from client.core.ids import change_id, hidden_id, is_shown, is_written, ulid
from client.core.ledger import ReadPosition
from client.core.settings import Settings
from client.core.ticks import State, reached, stage, stages

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


def test_no_stage_is_skipped_in_the_reports() -> None:
    assert stages(State.WAITING, State.READ) == [State.SENT, State.DELIVERED, State.READ]
    assert stages(State.FAILED, State.SENT) == [State.SENT]
    assert stages(State.READ, State.READ) == []


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
