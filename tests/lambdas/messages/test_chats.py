"""Membership of chats when several requests change it at once; over tables in memory."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from lambdas.errors import ChatError
from lambdas.messages import append
from lambdas.messages.chats import Chats
from lambdas.messages.direct import DirectChats
from lambdas.messages.membership import CHAT_DEVICES_LIMIT, Changed, Membership
from lambdas.presence.devices import Devices
from lambdas.tables import DEVICES, Table, user_key
from tests.model.dynamodb import DynamoDB
from tests.model.world import TABLES


class Racing(DynamoDB):
    """Lets somebody else act just before a transaction, once or (`always`) each time."""

    def __init__(self) -> None:
        super().__init__(TABLES)
        self.meanwhile: Callable[[], object] | None = None
        self.always = False

    def transact_write_items(self, **request: Any) -> Any:
        act = self.meanwhile
        if act is not None:
            if not self.always:
                self.meanwhile = None
            act()
        return super().transact_write_items(**request)


@pytest.fixture
def database() -> Racing:
    return Racing()


@pytest.fixture
def tables(database: Racing) -> tuple[Table, Table]:
    chats, users = (Table(database, name) for name in ("Chats", "Users"))  # type: ignore[arg-type]
    for name in ("anna", "mira", "raju", "ravi", *(f"user_{number}" for number in range(300))):
        Devices(users).create_user(name)
    return chats, users


@pytest.fixture
def rooms(tables: tuple[Table, Table]) -> Chats:
    return Chats(*tables)


@pytest.fixture
def direct_chats(tables: tuple[Table, Table]) -> DirectChats:
    return DirectChats(*tables, sleep=lambda seconds: None)


@pytest.fixture
def membership(tables: tuple[Table, Table]) -> Membership:
    return Membership(*tables, sleep=lambda seconds: None)


def _sends(chats: Table, group: str) -> None:
    """Ravi takes the next position."""
    writer = append.Writer("ravi", "phone", str(uuid.uuid4()), "")
    append.take(chats, group, writer, lambda seq: {})


def test_two_who_open_a_chat_with_each_other_at_once_get_the_same(
    rooms: Chats, direct_chats: DirectChats, database: Racing
) -> None:
    others: list[str] = []
    database.meanwhile = lambda: others.append(direct_chats.begin("raju", "ravi")[0].chat)
    chat, created = direct_chats.begin("ravi", "raju")
    assert [chat.chat] == others and not created
    assert rooms.list("ravi")[0] == rooms.list("raju")[0]
    assert len(rooms.names("ravi")[0]) == 1


def test_who_is_added_sees_nothing_from_before_however_close_it_was(
    rooms: Chats, membership: Membership, database: Racing, tables: tuple[Table, Table]
) -> None:
    group = membership.found("ravi", ["raju"]).chat
    database.meanwhile = lambda: _sends(tables[0], group)
    assert membership.change("ravi", group, add=["mira"]).members == ["mira", "raju", "ravi"]
    assert rooms.head(group, "mira").joined_seq == 1


def test_changes_of_members_at_once_are_all_made(membership: Membership, database: Racing) -> None:
    group = membership.found("ravi", ["raju", "mira"]).chat
    membership.appoint("ravi", group, ["raju"])
    database.meanwhile = lambda: membership.change("raju", group, remove=["mira"])
    assert membership.change("ravi", group, add=["anna"]).members == ["anna", "raju", "ravi"]
    database.meanwhile = lambda: membership.change("raju", group, add=["mira"])
    assert membership.change("ravi", group, remove=["anna"]).members == ["mira", "raju", "ravi"]


def test_who_was_removed_meanwhile_changes_nothing_more(
    rooms: Chats, membership: Membership, database: Racing
) -> None:
    group = membership.found("ravi", ["raju"]).chat
    membership.appoint("ravi", group, ["raju"])
    database.meanwhile = lambda: membership.change("raju", group, remove=["ravi"])
    with pytest.raises(ChatError, match="you have no chat"):
        membership.change("ravi", group, add=["mira"])
    assert rooms.names("mira") == ([], None) and sorted(rooms.head(group, "raju").members) == [
        "raju"
    ]


def test_a_chat_that_is_never_quiet_is_a_conflict(
    membership: Membership, database: Racing, tables: tuple[Table, Table]
) -> None:
    group = membership.found("ravi", ["raju"]).chat
    database.always, database.meanwhile = True, lambda: _sends(tables[0], group)
    with pytest.raises(ChatError) as error:
        membership.change("ravi", group, add=["mira"])
    assert error.value.code == "conflict"


def test_who_leaves_goes_last_and_an_empty_group_is_nobodys(
    rooms: Chats, membership: Membership
) -> None:
    names = [f"user_{number}" for number in range(120)]
    group = membership.found("ravi", names).chat
    membership.appoint("ravi", group, ["user_60"])
    parts: list[Changed] = []
    left = membership.change("ravi", group, remove=["ravi", *names[:60]], changed=parts.append)
    assert left.members == sorted(names[60:])
    assert [len(part.removed) for part in parts] == [49, 12]
    assert parts[1].before == parts[0].before - set(parts[0].removed)
    assert rooms.names("ravi") == ([], None) == rooms.names("user_3")
    assert membership.change("user_60", group, remove=names[60:]).members == []
    with pytest.raises(ChatError, match="you have no chat"):
        rooms.head(group, "user_60")


def test_who_comes_back_begins_anew(
    rooms: Chats, membership: Membership, tables: tuple[Table, Table]
) -> None:
    group = membership.found("ravi", ["raju"]).chat
    _sends(tables[0], group)
    membership.change("ravi", group, remove=["raju"])
    membership.change("ravi", group, add=["raju"])
    head = rooms.head(group, "raju")
    assert (head.joined_seq, head.read, dict(head.delivered)) == (1, 1, {})


def test_the_members_of_a_group_have_at_most_2560_devices(
    tables: tuple[Table, Table], membership: Membership
) -> None:
    names = [f"user_{number}" for number in range(53)]
    for name, count in zip(names, [50] * 51 + [10, 11], strict=True):
        devices: dict[str, Any] = {f"device{number}": {} for number in range(count)}
        tables[1].put({**user_key(name, DEVICES), "devices": devices})
    fifty_one = membership.found(names[0], names[1:51]).chat
    with pytest.raises(ChatError, match="at most 2,560 devices") as error:
        membership.change(names[0], fifty_one, add=[names[52]])
    assert error.value.code == "conflict"
    with pytest.raises(ChatError, match="at most 2,560 devices"):
        membership.found(names[52], names[:51])
    members = membership.change(names[0], fifty_one, add=[names[51]]).members
    assert len(members) == 52 == CHAT_DEVICES_LIMIT // 50 + 1, "2,560 are not too many"


def test_unknown_users_are_named_and_nothing_is_made(
    rooms: Chats, direct_chats: DirectChats, membership: Membership
) -> None:
    group = membership.found("ravi", ["raju"]).chat
    for attempt in (
        lambda: direct_chats.begin("ravi", "zoe"),
        lambda: membership.found("ravi", ["raju", "zoe"]),
        lambda: membership.change("ravi", group, add=["mira", "zoe"]),
    ):
        with pytest.raises(ChatError, match=r"^no such user: zoe$") as error:
            attempt()
        assert error.value.code == "not_found"
    assert rooms.names("ravi") == ([group], None) and rooms.names("mira") == ([], None)
