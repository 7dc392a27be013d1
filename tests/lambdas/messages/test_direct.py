"""Direct chats: who may begin one, and the positions that a block hides; over tables in memory."""

from collections.abc import Callable
from typing import Any

import pytest

from lambdas.errors import ChatError
from lambdas.messages.direct import (
    BLOCKS_LIMIT,
    Begin,
    Block,
    DirectChats,
    after_blocking,
    after_unblocking,
)
from lambdas.people.consent import BLOCKED, View
from lambdas.presence.devices import Devices
from lambdas.tables import HEAD, Table, chat_key
from tests.model.dynamodb import DynamoDB
from tests.model.world import TABLES
from tests.support.lambdas import given


class Racing(DynamoDB):
    """Lets somebody else act just before an update, so many times."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)
    times = 0

    def update_item(self, **request: Any) -> Any:
        if self.times:
            self.times -= 1
            self.meanwhile()
        return super().update_item(**request)


@pytest.fixture
def database() -> Racing:
    return Racing(TABLES)


@pytest.fixture
def direct(database: Racing) -> DirectChats:
    client: Any = database
    chats, users = Table(client, "Chats"), Table(client, "Users")
    for name in ("ravi", "raju", "mira"):
        Devices(users).create_user(name)
    return DirectChats(chats, users, sleep=lambda _: None)


def _head(database: Racing, chat: str) -> Any:
    client: Any = database
    return Table(client, "Chats").get(chat_key(chat, HEAD), consistent=True)


@pytest.mark.parametrize(
    ("how", "fields"),
    [
        (Begin(), {}),
        (Begin(request=True), {"request_of": "{peer}"}),
        (
            Begin(request=True, decided=View(BLOCKED)),
            {"request_of": "{peer}", "blocked_by": {"{peer}"}, "blocks": [["{peer}", 1, 0]]},
        ),
    ],
)
@pytest.mark.parametrize(("user", "peer"), [("ravi", "raju"), ("raju", "ravi")])
def test_a_chat_begins_with_what_the_peer_has_decided(
    direct: DirectChats, database: Racing, user: str, peer: str, how: Begin, fields: dict[str, Any]
) -> None:
    if how.decided:
        client: Any = database
        given.decision(Table(client, "Users"), peer, user, how.decided.state)
    chat, new = direct.begin(user, peer, lambda: how)
    assert new and (chat.kind, chat.members) == ("direct", ["raju", "ravi"])
    head = _head(database, chat.chat)
    found = {name: head[name] for name in ("request_of", "blocked_by", "blocks") if name in head}
    assert str(found) == str(fields).replace("{peer}", peer)
    assert direct.begin(peer, user, lambda: Begin(welcome=False)) == (chat, False)
    assert direct.find("ravi", "raju") == direct.find("raju", "ravi") == chat.chat
    assert direct.find("ravi", "mira") is None


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_no_chat_begins_with_who_is_blocked_by_the_one_who_begins_it(
    direct: DirectChats, when: str
) -> None:
    def decide() -> Begin:
        if when == "meanwhile":  # by another device
            direct.decide("ravi", "raju", BLOCKED)
        return Begin(request=True, decided=View(None))

    if when == "before":
        direct.decide("ravi", "raju", BLOCKED)
    with pytest.raises(ChatError, match="unblock first") as error:
        direct.begin("ravi", "raju", decide)
    assert error.value.code == "forbidden" and direct.find("ravi", "raju") is None


@pytest.mark.parametrize(
    ("peer", "how", "code"),
    [
        ("ravi", Begin(), "bad_request"),
        ("nobody", Begin(), "not_found"),
        ("raju", Begin(welcome=False), "forbidden"),
    ],
)
def test_a_chat_that_may_not_begin_is_not_there(
    direct: DirectChats, peer: str, how: Begin, code: str
) -> None:
    with pytest.raises(ChatError) as error:
        direct.begin("ravi", peer, lambda: how)
    assert error.value.code == code and direct.find("ravi", peer) is None


def test_a_block_that_a_message_overtakes_begins_after_it(
    direct: DirectChats, database: Racing
) -> None:
    client: Any = database
    chat = direct.begin("ravi", "raju")[0].chat

    def message() -> None:
        Table(client, "Chats").update(chat_key(chat, HEAD), "SET seq = seq + :one", one=1)

    database.meanwhile, database.times = message, 1
    direct.block(chat, "ravi", blocked=True)
    head = _head(database, chat)
    assert (head["blocked_by"], head["blocks"]) == ({"ravi"}, [["ravi", 2, 0]])
    direct.block(chat, "ravi", blocked=True)
    assert _head(database, chat) == head
    message()
    direct.block(chat, "raju", blocked=True)
    assert _head(database, chat)["blocks"] == [["ravi", 2, 0], ["raju", 3, 0]]
    direct.block(chat, "ravi", blocked=False)
    head = _head(database, chat)
    assert (head["blocked_by"], head["blocks"]) == ({"raju"}, [["raju", 3, 0], ["ravi", 2, 2]])


def test_strangers_block_nothing_and_a_chat_that_is_never_quiet_is_a_conflict(
    direct: DirectChats, database: Racing
) -> None:
    client: Any = database
    chat = direct.begin("ravi", "raju")[0].chat
    for name in (chat, "unknown"):
        with pytest.raises(ChatError, match="you have no chat") as error:
            direct.block(name, "mira", blocked=True)
        assert error.value.code == "not_found"
    head = chat_key(chat, HEAD)
    once_more: Callable[..., Any] = super(Racing, database).update_item
    database.times = 99
    database.meanwhile = lambda: once_more(
        TableName="Chats",
        Key={name: {"S": value} for name, value in head.items()},
        UpdateExpression="SET seq = seq + :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    with pytest.raises(ChatError) as error:
        direct.block(chat, "ravi", blocked=True)
    assert error.value.code == "conflict" and "blocked_by" not in _head(client, chat)


def test_a_block_hides_from_its_first_position_to_its_last() -> None:
    assert after_blocking([("raju", 1, 0)], "ravi", 4) == [("raju", 1, 0), ("ravi", 5, 0)]
    others: list[Block] = [("raju", 1, 0)]
    assert after_unblocking([*others, ("ravi", 5, 0)], "ravi", 7) == [*others, ("ravi", 5, 7)]
    assert after_unblocking([*others, ("ravi", 5, 0)], "ravi", 5) == [*others, ("ravi", 5, 5)]
    assert after_unblocking([*others, ("ravi", 5, 0)], "ravi", 4) == others  # it hid nothing
    ended: list[Block] = [("ravi", number * 10, number * 10 + 1) for number in range(1, 11)]
    assert after_unblocking(ended, "ravi", 200) == ended
    joined = after_unblocking([*ended, ("ravi", 150, 0)], "ravi", 200)
    assert joined == [("ravi", 10, 21), *ended[2:], ("ravi", 150, 200)]
    assert len(joined) == BLOCKS_LIMIT
