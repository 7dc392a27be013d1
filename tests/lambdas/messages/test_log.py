"""The rules of a chat's log, as truth tables: positions, holes, watermarks."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.messages import log
from lambdas.tables import seq_of
from tests.support.examples import examples

NOW = 1_000_000.0
KINDS = ("message", "void", "expired", "absent")


def _item(seq: int, kind: str, age: float) -> dict[str, Any]:
    item: dict[str, Any] = {
        "chat": "c",
        "item": f"message#{seq:012d}",
        "sent_at": int((NOW - age) * 1000),
        "expires_at": NOW if kind == "expired" else NOW + 1,
        "payload": "x",
    }
    return {**item, "void": True} if kind == "void" else item


def _walk(kinds: tuple[str, ...], ages: tuple[float, ...], **options: Any) -> log.Stretch:
    items = [
        _item(seq, kind, age)
        for seq, (kind, age) in enumerate(zip(kinds, ages, strict=True), start=1)
        if kind != "absent" and seq > options.get("after", 0)
    ]
    given_options = {"after": 0, "seq": len(kinds), "purged_to": 0, "ended": True, "now": NOW}
    return log.read_log(items, **{**given_options, **options})


@pytest.mark.parametrize("length", [3, pytest.param(4, marks=pytest.mark.slow)])
def test_every_log_of_a_few_positions_reads_as_the_rules_say(length: int) -> None:
    """All kinds at all positions, young and old, for each watermark and each purge."""
    for kinds in itertools.product(KINDS, repeat=length):
        places = range(length + 1)
        for young_from, after, purged_to in itertools.product(places, places, places[:-2]):
            for old in (60.0, log.LATE_SECONDS):
                ages = tuple(1.0 if seq >= young_from else old for seq in range(length))
                found = _walk(kinds, ages, after=after, purged_to=purged_to)
                _check_by_position(kinds, ages, after, purged_to, found)


def test_one_reading_closes_so_many_holes_wherever_they_are() -> None:
    """Each costs a write; the reader comes again for the others."""
    spread = ("message", "absent") * log.OPEN_LIMIT
    for kinds in (("absent",) * 60, spread, (*spread, *spread)):
        kinds = (*kinds, "message")
        found = _walk(kinds, (60.0,) * len(kinds))
        absent = [seq for seq, kind in enumerate(kinds, start=1) if kind == "absent"]
        assert [seq_of(item) for item in found.open] == absent[: log.OPEN_LIMIT]
        assert found.more is (len(absent) > log.OPEN_LIMIT)
        assert not any("payload" in item for item in found.open), "of the message behind it"


def _check_by_position(
    kinds: tuple[str, ...],
    ages: tuple[float, ...],
    after: int,
    purged_to: int,
    found: log.Stretch,
) -> None:
    """The rules again, position by position rather than item by item."""
    shown, missing, complete_to, waits = [], set(), after, False
    open_ = []
    end = len(kinds) + 1
    for seq in range(after + 1, end):
        kind = kinds[seq - 1]
        later = [n for n in range(seq + 1, end) if kinds[n - 1] != "absent" and n > purged_to]
        if seq <= purged_to or kind == "expired":
            missing.add(seq)
        elif kind == "message":
            shown.append(seq)
        elif kind == "absent":
            if not later:
                break  # in flight, or dead: nobody can tell
            young = all(ages[n - 1] < log.HOLE_SECONDS for n in later)
            if young and kinds[later[0] - 1] != "expired":
                waits = True
                break
            if kinds[later[0] - 1] == "expired" or seq - 1 in missing:
                missing.add(seq)
            if all(ages[n - 1] < log.LATE_SECONDS for n in later):
                open_.append(seq)
        complete_to = seq
    assert [seq_of(item) for item in found.messages] == shown
    assert found.complete_to == complete_to
    reported = {seq for low, high in found.missing for seq in range(low, high + 1)}
    assert reported == {seq for seq in missing if seq <= complete_to}
    assert (found.retry_after is not None) == waits
    assert not found.more
    assert [seq_of(item) for item in found.open] == open_


def test_a_hole_is_settled_when_any_later_message_is_old_enough() -> None:
    kinds = ("absent", "message", "message")
    assert _walk(kinds, (0, 14.0, 1.0)).retry_after == 1.0
    assert _walk(kinds, (0, 1.0, 15.0)).complete_to == 3
    assert _walk(kinds, (0, 1.0, 2.0)).retry_after == 13.0


def test_the_end_of_a_page_is_not_the_end_of_the_log() -> None:
    found = _walk(("message", "void"), (60.0, 60.0), seq=9, ended=False)
    assert found.more and found.complete_to == 2
    found = _walk(("message", "absent", "message"), (1.0, 1.0, 1.0), seq=9, ended=False)
    assert not found.more and found.retry_after == 14.0, "to ask at once would change nothing"


@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0, 100)), max_size=12),
    st.integers(0, 15),
    st.integers(0, 12),
    st.floats(0, 60),
)
@examples(300)
def test_reading_on_later_never_shows_what_was_passed(
    positions: list[tuple[str, float]], after: int, purged_to: int, wait: float
) -> None:
    kinds, ages = tuple(kind for kind, _ in positions), tuple(age for _, age in positions)
    purged_to = min(purged_to, len(kinds))
    first = _walk(kinds, ages, after=after, purged_to=purged_to)
    later = _walk(kinds, ages, after=0, purged_to=purged_to, now=NOW + wait)
    shown = [seq_of(item) for item in first.messages]
    assert shown == sorted(set(shown))
    assert all(after < seq <= first.complete_to for seq in shown)
    assert first.complete_to <= len(kinds) and later.complete_to <= len(kinds)
    passed = {seq_of(item) for item in later.messages if seq_of(item) > after}
    assert {seq for seq in passed if seq <= first.complete_to} <= set(shown)


def test_watermarks_of_a_member() -> None:
    member = {"delivered": {"phone": 7, "desk": 3}, "read": 2, "joined_seq": 4}
    assert [log.watermark(member, device) for device in ("phone", "desk", "new")] == [7, 4, 4]
    assert log.delivered(member) == 7 and log.read(member) == 4
    assert log.delivered({"delivered": {}, "joined_seq": 0}) == 0


def test_ranges_are_as_long_as_what_is_gone_and_join() -> None:
    """1 was purged, 2 may have expired since, 4 and 5 expired and were deleted, 6 has just expired;
    8 was never written."""
    items = [_item(3, "message", 60), _item(6, "expired", 50), _item(7, "message", 40)]
    items += [_item(9, "message", 30)]
    found = log.read_log(items, after=0, seq=12, purged_to=1, ended=True, now=NOW)
    assert [seq_of(item) for item in found.messages] == [3, 7, 9]
    assert found.missing == [(1, 2), (4, 6)]
    assert found.holes == [(8, 8)]
    assert (found.complete_to, found.more, found.retry_after) == (9, False, None)


def test_a_message_that_was_sent_late_decides_for_all_before_it() -> None:
    """Whoever sent the last one had a position after all of these: the hole's writer has ended."""
    items = [_item(2, "message", 1), _item(3, "message", 1), _item(4, "message", 20)]
    found = log.read_log(items, after=0, seq=4, purged_to=0, ended=True, now=NOW)
    assert (found.holes, found.complete_to) == ([(1, 1)], 4)
    young = log.read_log(items[:2], after=0, seq=4, purged_to=0, ended=True, now=NOW)
    assert (young.complete_to, young.retry_after) == (0, log.HOLE_SECONDS - 1)
