"""The responses of a target in the last ten seconds."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emulator.balancer.targets.recent import SECONDS, Recent


def test_responses_are_counted_by_second_and_status_oldest_first() -> None:
    recent = Recent()
    for now, status in [(100.0, 200), (100.9, 200), (101.0, 502), (101.5, None), (103.2, "ended")]:
        recent.note(now, status)
    seconds = recent.seconds(103.9)
    assert seconds[:6] == [{}] * 6
    assert seconds[6:] == [{"200": 2}, {"502": 1, "none": 1}, {}, {"ended": 1}]
    assert recent.seconds(110.0)[:2] == [{"502": 1, "none": 1}, {}]
    assert recent.seconds(113.0) == [{}] * 10


def test_errors_are_statuses_from_500_on_and_no_response() -> None:
    recent = Recent()
    for status in (200, 404, 499, 500, 503, None):
        recent.note(50.0, status)
    assert recent.totals(50.0) == (6, 3)
    assert recent.totals(59.9) == (6, 3)
    assert recent.totals(60.0) == (0, 0)


@given(st.lists(st.tuples(st.floats(0, 30), st.sampled_from([200, 500, None])), max_size=60))
def test_nothing_of_the_last_ten_seconds_is_forgotten_and_nothing_older_is_retained(
    drawn: Any,
) -> None:
    recent, notes = Recent(), sorted(drawn, key=lambda note: note[0])
    for now, status in notes:
        recent.note(now, status)
    now = notes[-1][0] if notes else 0.0
    counted = [at for at, _ in notes if int(at) > int(now) - SECONDS]
    seconds = recent.seconds(now)
    assert len(seconds) == SECONDS
    assert sum(sum(counts.values()) for counts in seconds) == len(counted)
    assert recent.totals(now)[0] == len(counted)


def test_what_is_given_out_may_be_changed() -> None:
    recent = Recent()
    recent.note(1.0, 200)
    recent.seconds(1.0)[-1]["200"] = 99
    assert recent.seconds(1.0)[-1] == {"200": 1}


def test_what_is_older_takes_no_memory() -> None:
    recent = Recent()
    for second in range(100):
        recent.note(float(second), 200)
    assert len(recent._counts) == SECONDS
