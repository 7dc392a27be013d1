"""Reading a chat: new messages meanwhile, its end, and the part that fits into a response."""

from typing import Any

import pytest

from lambdas.messages import history, log
from lambdas.messages.heads import read_head
from lambdas.messages.history import Page
from lambdas.messages.message import stored
from lambdas.tables import HEAD, Table, chat_key, member_item, message_item
from tests.model.dynamodb import DynamoDB
from tests.model.world import TABLES

MESSAGES = [{"seq": seq} for seq in (2, 3, 5, 9)]
MISSING = [(1, 1), (4, 4), (6, 8), (10, 12)]


@pytest.mark.parametrize(
    ("number", "seqs", "complete_to", "missing"),
    [
        (0, [], 1, [(1, 1)]),
        (1, [2], 2, [(1, 1)]),
        (2, [2, 3], 4, [(1, 1), (4, 4)]),
        (3, [2, 3, 5], 8, [(1, 1), (4, 4), (6, 8)]),
    ],
)
def test_what_is_cut_off_is_neither_complete_nor_missing(
    number: int, seqs: list[int], complete_to: int, missing: list[tuple[int, int]]
) -> None:
    page = Page(MESSAGES, 12, MISSING, more=False, retry_after=3.0)
    cut = page.first(number)
    assert [each["seq"] for each in cut.messages] == seqs
    assert (cut.complete_to, cut.missing) == (complete_to, missing)
    assert (cut.more, cut.retry_after) == (True, None), "the rest can be asked for at once"


@pytest.mark.parametrize("number", [4, 5])
def test_a_page_that_fits_stays_as_it_is(number: int) -> None:
    page = Page(MESSAGES, 12, MISSING, more=False, retry_after=3.0)
    assert page.first(number) is page


NOW = 1_000_000.0


class Overtaken(DynamoDB):
    """Stores a late message just before the first void item would close its position."""

    late: dict[str, Any] | None = None

    def put_item(self, **request: Any) -> Any:
        late, self.late = self.late, None
        if late is not None:
            Table(self, request["TableName"]).put(late)  # type: ignore[arg-type]
        return super().put_item(**request)


def _chat(database: DynamoDB, *seqs: int) -> Table:
    """Messages at these positions, written 20 s ago."""
    chats = Table(database, "Chats")  # type: ignore[arg-type] # stands in for the client
    head = {"seq": max(seqs), "kind": "direct", "members": {"ravi", "raju"}, "purged_to": 0}
    chats.put({**chat_key("c", HEAD), **head})
    chats.put({**chat_key("c", member_item("raju")), "delivered": {}, "read": 0, "joined_seq": 0})
    for seq in seqs:
        chats.put(_message(seq))
    return chats


def _message(seq: int) -> dict[str, Any]:
    frame = {"chat": "c", "message_id": f"m{seq}", "alg": "a", "payload": f"p{seq}"}
    at = int(NOW) - 20
    fields: dict[str, Any] = {"sent_at": at * 1000, "expires_at": at + 86_400}
    return stored(frame, seq=seq, sender="ravi", sender_device="phone", **fields)


def _page(chats: Table, limit: int, after: int = 0) -> Page:
    head = read_head(chats, "c", "raju")
    return history.read(chats, head, after=after, limit=limit, device=None, now=NOW)


def test_a_message_that_comes_into_a_hole_while_it_is_read_is_shown() -> None:
    database = Overtaken(TABLES)
    chats = _chat(database, 1, 3)
    database.late = _message(2)
    page = _page(chats, 9)
    assert [message["seq"] for message in page.messages] == [1, 2, 3]
    assert (page.missing, page.complete_to) == ([], 3)


@pytest.mark.parametrize(("limit", "more"), [(2, True), (3, False), (4, False)])
def test_nothing_is_left_once_a_page_has_the_last_message(limit: int, more: bool) -> None:
    page = _page(_chat(DynamoDB(TABLES), 1, 2, 3), limit)
    assert (page.complete_to, page.more) == (min(limit, 3), more)


def test_a_request_above_the_newest_message_returns_its_position() -> None:
    page = _page(_chat(DynamoDB(TABLES), 1, 2, 3), 9, after=7)
    assert (page.messages, page.complete_to, page.more) == ([], 3, False)


def test_pages_of_one_message_come_to_the_end() -> None:
    chats, after, shown = _chat(DynamoDB(TABLES), 1, 2, 3), 0, []
    for _ in range(3):
        page = _page(chats, 1, after)
        shown += [message["seq"] for message in page.messages]
        after = page.complete_to
    assert (shown, page.more) == ([1, 2, 3], False)


def test_a_position_at_the_end_that_nobody_has_filled_is_not_asked_for_again() -> None:
    chats = _chat(DynamoDB(TABLES), 1, 2)
    chats.update(chat_key("c", HEAD), "SET seq = :three", three=3)
    page = _page(chats, 9)
    assert (page.complete_to, page.more) == (2, False)


@pytest.mark.parametrize("age", [20, log.LATE_SECONDS + 1])
def test_what_was_purged_since_the_head_was_read_is_missing_and_no_hole(age: float) -> None:
    chats = _chat(DynamoDB(TABLES), 1, 2, 3)
    head = read_head(chats, "c", "raju")
    chats.update(chat_key("c", HEAD), "SET purged_to = :two", two=2)
    chats.batch_write(deletes=[chat_key("c", message_item(seq)) for seq in (1, 2)])
    page = history.read(chats, head, after=0, limit=9, device=None, now=NOW - 20 + age)
    assert (page.missing, page.complete_to) == ([(1, 2)], 3)
