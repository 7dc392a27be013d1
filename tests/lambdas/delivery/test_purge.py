"""What a purge deletes, over tables in memory."""

from itertools import product
from typing import Any

import pytest

from lambdas.delivery import purge
from lambdas.messages import history
from lambdas.messages.chats import new_head
from lambdas.messages.heads import Head
from lambdas.messages.log import LATE_SECONDS
from lambdas.tables import HEAD, Item, Table, chat_key, message_item, seq_of
from tests.model.dynamodb import DynamoDB
from tests.model.world import TABLES

LAST = 2 * purge.PAGE + 7
NOW = 1_800_000_000


@pytest.fixture
def chats() -> Table:
    client: Any = DynamoDB(TABLES)
    table = Table(client, "Chats")
    table.put({**new_head("c", "direct", ["ravi", "raju"]), "seq": LAST})
    for seq in range(1, LAST + 1):
        item: Item = {**chat_key("c", message_item(seq)), "expires_at": NOW + seq}
        table.put({**item, "void": True, "sent_at": 0} if seq == 5 else item)
    return table


def _stored(chats: Table) -> list[int]:
    items = chats.query_all({"chat": "c"}, prefix="message#", consistent=True)
    return [seq_of(item) for item in items]


def _purged_to(chats: Table) -> int:
    head = chats.get(chat_key("c", HEAD), consistent=True)
    assert head is not None
    return int(head["purged_to"])


def test_all_that_every_device_has_is_deleted_however_much_it_is(chats: Table) -> None:
    assert purge.purge(chats, "c", LAST - 2, NOW) == LAST - 3, "a void item is no message"
    assert _stored(chats) == [LAST - 1, LAST]
    assert _purged_to(chats) == LAST - 2
    assert purge.purge(chats, "c", LAST - 2, NOW) == purge.purge(chats, "c", 3, NOW) == 0
    assert _purged_to(chats) == LAST - 2


def test_a_void_item_goes_once_no_message_can_come_to_its_position(chats: Table) -> None:
    chats.update(chat_key("c", message_item(5)), "SET sent_at = :now", now=NOW * 1000)
    for wait, up_to, left in ((0, 6, [5]), (LATE_SECONDS - 1, 7, [5]), (LATE_SECONDS, 8, [])):
        purge.purge(chats, "c", up_to, NOW + wait)
        assert _stored(chats) == [*left, *range(up_to + 1, LAST + 1)]


@pytest.mark.parametrize(
    ("expired", "now", "purged_to"),
    [
        (3, NOW + 3, 3),
        (3, NOW + 2, 2),  # 3 was sent again, and stays longer
        (3, NOW, 0),
        (0, NOW + 9, 0),
        (LAST, NOW + LAST, LAST),
        (LAST, NOW + LAST - 1, LAST - 1),
    ],
)
def test_the_mark_follows_what_has_expired_and_stops_before_what_has_not(
    chats: Table, expired: int, now: int, purged_to: int
) -> None:
    purge.expire(chats, "c", 0, expired, now)
    assert _purged_to(chats) == purged_to
    purge.expire(chats, "c", purged_to, purged_to, now)
    assert _purged_to(chats) == purged_to
    assert len(_stored(chats)) == LAST, "DynamoDB deletes what has expired"


def test_the_mark_stops_before_a_message_only_and_not_before_what_keeps_a_position_closed() -> None:
    for kinds in product(("deleted", "expired", "void", "message"), repeat=3):
        client: Any = DynamoDB(TABLES)
        chats = Table(client, "Chats")
        chats.put({**new_head("c", "direct", ["ravi", "raju"]), "seq": 3})
        for seq, kind in enumerate(kinds, start=1):
            item: Item = {**chat_key("c", message_item(seq)), "sent_at": 0}
            expires_at = NOW if kind == "expired" else NOW + 60
            if kind != "deleted":
                chats.put({**item, "expires_at": expires_at, "void": kind == "void"})
        before = _stored(chats)
        purge.expire(chats, "c", 0, 3, NOW)
        messages = [seq for seq, kind in enumerate(kinds, start=1) if kind == "message"]
        assert _purged_to(chats) == min([*messages, 4]) - 1, kinds
        assert _stored(chats) == before


def test_what_has_expired_is_missing_for_everybody_whoever_reads_before_the_mark_moves() -> None:
    """A reader puts void items where DynamoDB has just deleted 1 and 2."""
    client: Any = DynamoDB(TABLES)
    chats = Table(client, "Chats")
    chats.put({**new_head("c", "group", ["ravi", "raju"]), "seq": 3})
    text = {"message_id": "m", "sender": "ravi", "sender_device": "phone", "alg": "a"}
    times = {"payload": "x", "sent_at": (NOW - 20) * 1000, "expires_at": NOW + 60}
    chats.put({**chat_key("c", message_item(3)), **text, **times})

    def read(device: str, now: float) -> Any:
        head = Head("c", "raju", "group", 3, _purged_to(chats), frozenset(), 0, {}, 0)
        return history.read(chats, head, after=0, limit=10, device=device, now=now)

    assert read("phone", NOW).missing == []
    assert _stored(chats) == [1, 2, 3], "void items, as old as 3"
    purge.expire(chats, "c", 0, 2, NOW)
    later = read("desk", NOW + 30)
    assert later.missing == [(1, 2)]
    assert [message["seq"] for message in later.messages] == [3]
