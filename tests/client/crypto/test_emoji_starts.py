"""Starts of an emoji comparison: by both at once, after one has forgotten it, and a second time."""

from client.core.events import VerificationRequested
from client.crypto.verifications import OVER_KEPT
from tests.client.crypto.comparing import (
    RAJU,
    RAVI,
    Side,
    names,
    pair,
    reached,
)


def test_when_both_start_at_once_one_comparison_comes_of_it() -> None:
    raju, ravi = pair()
    from_raju, from_ravi = raju.start(), ravi.start()
    again = raju.receives(*from_ravi)
    assert again == from_raju  # raju/phone is the smaller name: its start counts
    accept = ravi.receives(*from_raju)
    assert names(accept) == ["accept"]
    assert ravi.receives(*again) == []
    raju.receives(*ravi.receives(*raju.receives(*accept)))
    assert raju.emoji == ravi.emoji
    assert raju.cancelled == ravi.cancelled == []


def test_a_start_that_the_other_device_has_forgotten_is_repeated_when_it_starts_itself() -> None:
    raju, _ = pair()
    raju.start()  # ravi has heard it, and was started anew
    anew = Side(RAVI, RAJU, 3)
    again = raju.receives(*anew.start())
    assert names(anew.receives(*again)) == ["accept"]


def test_a_start_in_the_middle_means_that_the_other_has_forgotten_the_first() -> None:
    _, ravi = reached("comparing")
    anew = Side(RAJU, RAVI, 3)
    cancel = ravi.receives(*anew.start())
    assert names(cancel) == ["cancel"]
    assert ravi.cancelled == [("superseded", False)]
    assert ravi.reported[-1] == VerificationRequested("raju", "phone")
    assert anew.receives(*cancel) == []
    assert names(ravi.start()) == ["accept"]


def test_who_asks_while_being_asked_agrees() -> None:
    raju, ravi = pair()
    ravi.receives(*raju.start())
    assert names(ravi.start()) == ["accept"]


def test_a_second_start_of_the_same_user_changes_nothing() -> None:
    raju, _ = pair()
    raju.start()
    assert raju.start() == []


def test_of_two_that_have_both_begun_the_one_that_does_not_count_begins_never_again() -> None:
    raju, ravi = pair()
    mine, theirs = raju.start(), ravi.start()
    assert raju.receives(*theirs) == mine  # it counts, and is said once more
    raju.do(raju.machine.cancel(ravi.me.name))
    assert raju.receives(*theirs) == [] and raju.machine.open() == []


def test_a_start_that_gave_way_to_the_others_begins_never_again() -> None:
    raju, ravi = pair()
    from_raju, from_ravi = raju.start(), ravi.start()
    ravi.receives(*from_raju)
    ravi.do(ravi.machine.cancel(raju.me.name))
    assert ravi.receives(*from_ravi) == [] and ravi.machine.open() == []


def test_who_makes_up_starts_fills_no_memory_and_the_newest_thousand_begin_never_again() -> None:
    raju, ravi = pair()
    (start,) = ravi.start()
    raju.start()  # it counts
    made_up = [{**start, "txn": f"number-{n}"} for n in range(OVER_KEPT + 1)]
    raju.receives(*made_up)
    raju.do(raju.machine.cancel(RAVI.name))  # this one is over as well
    assert raju.receives(made_up[2], made_up[-1]) == [] and raju.machine.open() == []
    raju.receives(made_up[1])
    assert raju.machine.open() == [RAVI.name]
