"""The rules of watermarks, as truth tables."""

import itertools

import pytest

from lambdas.delivery import members, watermarks
from lambdas.delivery.watermarks import Marks, Step
from lambdas.tables import Table
from tests.model.dynamodb import DynamoDB
from tests.model.world import TABLES

LEVELS = (None, 1, 2, 3)


def _member(phone: int, desk: int, read: int) -> Table:
    chats = Table(DynamoDB(TABLES), "Chats")  # type: ignore[arg-type] # stands in for the client
    delivered = {name: mark for name, mark in (("phone", phone), ("desk", desk)) if mark}
    chats.put(
        {
            "chat": "c",
            "item": "member#raju",
            "delivered": delivered,
            "read": read,
            "joined_seq": 0,
        }
    )
    return chats


def test_whatever_stands_there_each_mark_becomes_the_highest() -> None:
    states = itertools.product(range(4), range(4), range(4))
    for (phone, desk, read), delivered, seen in itertools.product(states, LEVELS, LEVELS):
        if delivered is None and seen is None:
            continue
        chats = _member(phone, desk, read)
        step = watermarks.wanted(delivered, seen)
        moved = members.move(chats, "c", "raju", "phone", step)
        item = chats.get({"chat": "c", "item": "member#raju"}, consistent=True)
        new_phone = max(phone, delivered or 0, seen or 0)
        new_read = max(read, seen or 0)
        assert item is not None
        assert item["delivered"].get("phone", 0) == new_phone
        assert item["delivered"].get("desk", 0) == desk and item["read"] == new_read
        assert moved is not None
        assert moved.before == Marks(max(phone, desk), read)
        assert moved.after == Marks(max(new_phone, desk), new_read)


def test_who_is_no_member_has_no_marks_to_move() -> None:
    chats = Table(DynamoDB(TABLES), "Chats")  # type: ignore[arg-type] # stands in for the client
    assert members.move(chats, "c", "raju", "phone", Step(1, None)) is None
    assert chats.get({"chat": "c", "item": "member#raju"}, consistent=True) is None


@pytest.mark.parametrize(
    ("delivered", "read", "step"),
    [(3, None, (3, None)), (None, 3, (3, 3)), (2, 3, (3, 3)), (3, 2, (3, 2))],
)
def test_what_is_read_was_delivered(
    delivered: int | None, read: int | None, step: tuple[int, int | None]
) -> None:
    assert watermarks.wanted(delivered, read) == step


def test_a_receipt_may_be_held_back_for_a_tenth_of_a_second_for_each_of_fifty_members() -> None:
    seconds = {1: 0.2, 2: 0.2, 3: 0.3, 49: 4.9, 50: 5.0, 51: 5.0, 256: 5.0, 257: 10.0, 1_024: 10.0}
    assert {n: round(watermarks.receipt_interval(n), 6) for n in seconds} == seconds


def test_a_step_without_a_mark_moves_none() -> None:
    member = {"delivered": {"phone": 3}, "read": 2, "joined_seq": 0}
    remaining = watermarks.remaining
    assert remaining(Step(None, 3), member, "phone") == Step(None, 3)
    assert remaining(Step(None, 2), member, "phone") == Step(None, None)
    assert remaining(Step(4, None), member, "phone") == Step(4, None)
    assert remaining(Step(3, 2), member, "phone") == Step(None, None)
    assert remaining(Step(1, None), member, "desk") == Step(1, None)
    assert watermarks.wanted(None, None) == Step(None, None)
    assert watermarks.wanted(3, None) == Step(3, None)
    assert watermarks.wanted(None, 3) == watermarks.wanted(1, 3) == Step(3, 3)


def test_the_item_of_who_is_no_member_holds_nothing_back() -> None:
    """As of who joins while the head and the members are read, page by page."""
    chats = _member(1, 1, 1)
    chats.put({"chat": "c", "item": "head", "purged_to": 0, "members": {"ravi"}})
    chats.put({"chat": "c", "item": "member#ravi", "delivered": {}, "read": 0, "joined_seq": 0})
    roster = members.read_roster(chats, "c")
    assert roster is not None and roster.items.keys() == roster.members == {"ravi"}


@pytest.mark.parametrize("hidden", [True, False])
def test_a_read_mark_that_was_overtaken_is_shown_as_the_one_that_stands_there(hidden: bool) -> None:
    chats = _member(3, 3, 0)
    members.move(chats, "c", "raju", "desk", Step(None, 3), private=hidden)
    for step in (Step(2, 2), Step(2, None)):
        moved = members.move(chats, "c", "raju", "phone", step, private=not hidden)
        assert moved is not None and moved.overtaken
        assert (moved.private, moved.after) == (hidden, Marks(3, 3))
