"""What a purge deletes, over tables in memory."""

from typing import Any

import pytest

from lambdas.delivery import purge
from lambdas.messages.chats import new_head
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
