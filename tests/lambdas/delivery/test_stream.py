"""Records of the Chats table's stream, and the change that each is."""

from typing import Any

import pytest

from lambdas.delivery.stream import Changes, by_chat
from lambdas.tables import Item
from tests.support.lambdas import events

MESSAGE: Item = {"chat": "c", "item": "message#000000000007", "sender": "ravi", "payload": "x"}
MEMBER: Item = {"chat": "c", "item": "member#raju", "delivered": {"phone": 4}, "read": 2}
HEAD: Item = {"chat": "c", "item": "head", "seq": 7, "members": {"ravi", "raju"}}


@pytest.mark.parametrize(
    ("kind", "old", "new", "expected"),
    [
        ("INSERT", None, MESSAGE, {"messages": [MESSAGE]}),
        ("INSERT", None, {**MESSAGE, "void": True}, {}),
        ("MODIFY", MESSAGE, MESSAGE, {}),
        ("REMOVE", MESSAGE, None, {}),  # by a purge
        ("MODIFY", HEAD, {**HEAD, "seq": 8}, {}),
        ("INSERT", None, MEMBER, {"readers": {"raju"}}),
        ("REMOVE", MEMBER, None, {"readers": {"raju"}}),
        ("MODIFY", MEMBER, MEMBER, {}),
        ("MODIFY", MEMBER, {**MEMBER, "read": 3}, {"readers": {"raju"}}),
        ("MODIFY", MEMBER, {**MEMBER, "delivered": {"phone": 5}}, {"acknowledged": True}),
        (
            "MODIFY",
            MEMBER,
            {**MEMBER, "delivered": {"phone": 4, "desk": 1}},
            {"acknowledged": True, "new_marks": {"raju"}},
        ),
        # what was removed with a device acknowledges what the others have
        ("MODIFY", MEMBER, {**MEMBER, "delivered": {}}, {"acknowledged": True}),
    ],
)
def test_each_record_is_one_change(
    kind: str, old: Item | None, new: Item | None, expected: dict[str, Any]
) -> None:
    record = events.stream_record(kind, 1, old=old, new=new)
    assert by_chat([record]) == [Changes("c", record["dynamodb"]["SequenceNumber"], **expected)]


def test_what_dynamodb_removed_says_the_highest_and_what_a_purge_removed_says_nothing() -> None:
    removed = [
        events.stream_record(
            "REMOVE", seq, old={**MESSAGE, "item": f"message#{seq:012d}"}, by_ttl=seq != 9
        )
        for seq in (7, 8, 6, 9)
    ]
    (changes,) = by_chat(removed)
    assert (changes.expired, changes.expirations) == (8, 3)


def test_the_changes_of_a_chat_are_put_together_from_its_first_record_on() -> None:
    records = [
        events.stream_record("MODIFY", 1, old=HEAD, new=HEAD),
        events.stream_record("INSERT", 2, new={**MESSAGE, "chat": "d"}),
        events.stream_record("MODIFY", 3, old=MEMBER, new={**MEMBER, "delivered": {"phone": 5}}),
        events.stream_record("INSERT", 4, new=MESSAGE),
        events.stream_record("MODIFY", 5, old=MEMBER, new={**MEMBER, "read": 3}),
    ]
    numbers = [each["dynamodb"]["SequenceNumber"] for each in records]
    assert by_chat(records) == [
        Changes("c", numbers[0], [MESSAGE], acknowledged=True, readers={"raju"}),
        Changes("d", numbers[1], [{**MESSAGE, "chat": "d"}]),
    ]
