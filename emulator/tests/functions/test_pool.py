from __future__ import annotations

import pytest
from tests.rows import rows

from emulator.functions import pool, starved


@rows(
    ("waiting", "coming", "total", "may_start", "wanted"),
    [
        (0, 0, 0, 2, 0),
        (1, 0, 0, 2, 1),
        (1, 1, 1, 1, 0),  # that one is for it
        (9, 0, 0, 2, 2),
        (9, 1, 1, 1, 1),
        (9, 2, 2, 0, 0),
        (9, 0, 2, 0, 0),  # both handle their first event
        (9, 0, 9, 2, 1),  # ten at most
        (9, 0, 10, 2, 0),
        (9, 3, 3, -1, 0),
    ],
)
def test_no_more_workers_start_than_wait_than_may_and_than_there_are_at_most(
    waiting: int, coming: int, total: int, may_start: int, wanted: int
) -> None:
    assert pool.wanted_workers(waiting, coming, total, 10, may_start) == wanted


def test_only_an_event_that_waited_for_the_whole_patience_needs_another_worker() -> None:
    now = 100.0
    came = [now - pool.PATIENCE, now - 2 * pool.PATIENCE, now - pool.PATIENCE / 2, now]
    assert pool.long_waiting(came, now) == 2
    assert pool.long_waiting(came[2:], now) == 0


@pytest.mark.parametrize(
    ("start_seconds", "patience"),
    [(0.0, pool.PATIENCE), (0.3, pool.PATIENCE), (2.0, 2.0), (30.0, pool.MOST_PATIENCE)],
)
def test_another_worker_is_started_only_if_it_can_be_there_before_one_comes_free(
    start_seconds: float, patience: float
) -> None:
    assert pool.patience(start_seconds) == patience


@rows(
    ("passed", "waited", "left"),
    [
        (0, 0, 6),
        (2, 0, 4),
        (6, 0, 0),  # it slept, or waited for somebody else
        (6, 5, 5),
        (9, 5, 2),
        (9, 8, 3),  # but not for more than twice its time
        (12, 12, 0),
        (13, 12, -1),
        (1, 3, 6),  # of the time before
    ],
)
def test_what_a_process_waits_for_a_cpu_does_not_count_up_to_twice_its_time(
    passed: float, waited: float, left: float
) -> None:
    assert starved.left(6, 12, passed, waited) == left
