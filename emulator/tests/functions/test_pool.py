from __future__ import annotations

import pytest

from emulator.functions import pool


@pytest.mark.parametrize(
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


def test_only_who_has_waited_for_the_whole_patience_needs_another_worker() -> None:
    now = 100.0
    came = [now - pool.PATIENCE, now - 2 * pool.PATIENCE, now - pool.PATIENCE / 2, now]
    assert pool.long_waiting(came, now) == 2
    assert pool.long_waiting(came[2:], now) == 0
