"""What others do while a user is invited: whom a head names has a `named#` item, and an account.

By this item the deletion of an account finds the heads that name it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from lambdas.errors import ChatError
from lambdas.messages.chats import Chats
from lambdas.messages.direct import DirectChats
from lambdas.people.invitations import Invitations
from lambdas.tables import ACCOUNT, HEAD, chat_key, user_key
from tests.lambdas.messages.group_in_memory import Group

MANY = [f"u{number}" for number in range(60)]


@pytest.fixture
def group() -> Group:
    return Group()


def items(group: Group, user: str) -> set[str]:
    """The kinds of the user's items of invitations."""
    kept = {each["item"].split("#")[0] for each in group.users.query_all({"user": user})}
    return kept & {"invite", "named"}


def declines(group: Group, user: str, chat: str) -> None:
    actions = Invitations(group.users).decline_actions(user, chat)
    group.membership.decline(chat, user, actions)


def deletes_account(group: Group, user: str) -> None:
    """As far as it concerns groups (api/leaving.py)."""
    group.users.put({**user_key(user, ACCOUNT), "deleted_at": 1_000})
    for chat in Chats(group.chats, group.users).all_names(user):
        group.membership.leave(user, chat, lambda _: None)
    for chat in Invitations(group.users).all_chats(user):
        declines(group, user, chat)
    for row in [*group.users.query_all({"user": user})]:
        if row["item"] != ACCOUNT:
            group.users.delete(user_key(user, row["item"]))


def inviting(group: Group, then: Callable[[str], object] = lambda _chat: None) -> Any:
    def store(chat: str, users: Sequence[str]) -> None:
        Invitations(group.users).add(users, chat, "ravi", 1_000)
        then(chat)

    return store


@pytest.mark.parametrize("verb", ["invited", "founded"])
@pytest.mark.parametrize("when", ["before the items", "after the items", "before the head"])
def test_an_account_that_is_deleted_meanwhile_is_named_by_no_group(
    group: Group, monkeypatch: pytest.MonkeyPatch, when: str, verb: str
) -> None:
    note = Invitations.note_named

    def deletes(*_: object) -> None:
        deletes_account(group, "zoe")

    def deletes_first(*given: Any) -> None:
        deletes()
        note(*given)

    if when == "before the items":
        monkeypatch.setattr(Invitations, "note_named", deletes_first)
    elif when == "before the head":
        group.database.meanwhile = deletes
    store = inviting(group, deletes if when == "after the items" else lambda _chat: None)
    chat = group.name
    if verb == "invited":
        assert group.change("ravi", invite=["u1", "zoe"], inviting=store) == "done"
    else:
        founded = group.membership.found("ravi", ["raju"], ["u1", "zoe"], store)
        assert founded.invited == ["u1"]
        chat = founded.chat
    assert group.head(chat)["invited"] == {"u1"}
    assert items(group, "u1") == {"invite", "named"} and items(group, "zoe") == set()


@pytest.mark.parametrize("verb", ["added", "founded", "written to"])
def test_an_account_that_is_deleted_meanwhile_is_in_no_chat(group: Group, verb: str) -> None:
    group.database.meanwhile = lambda: deletes_account(group, "zoe")
    if verb == "added":
        assert group.change("ravi", add=["zoe", "u1"]) == "not_found"
        assert group.head()["members"] == {"ravi", "raju", "mira"}
    elif verb == "founded":
        founded = group.membership.found("ravi", ["raju", "zoe"])
        assert founded.members == ["raju", "ravi"]
        assert group.head(founded.chat)["members"] == {"raju", "ravi"}
    else:
        direct = DirectChats(group.chats, group.users, sleep=lambda _: None)
        with pytest.raises(ChatError):
            direct.begin("ravi", "zoe")
        assert direct.find("ravi", "zoe") is None
    rows = group.users.query_all({"user": "zoe"}, prefix="chat#", consistent=True)
    assert [*rows] == []


def test_who_declines_before_the_head_names_them_is_not_named(group: Group) -> None:
    store = inviting(group, lambda chat: declines(group, "zoe", chat))
    assert group.change("ravi", invite=["u1", "zoe"], inviting=store) == "done"
    assert group.head()["invited"] == {"u1"} and items(group, "zoe") == set()


def test_a_conflict_with_the_head_while_somebody_deletes_the_account_brings_no_item_back(
    group: Group,
) -> None:
    def both() -> None:
        deletes_account(group, "zoe")
        group.change("raju", invite=["u2"])

    group.database.meanwhile = both
    assert group.change("ravi", invite=["u1", "zoe"], inviting=inviting(group)) == "done"
    assert group.head()["invited"] == {"u1", "u2"} and items(group, "zoe") == set()


def test_who_declines_while_the_head_begins_to_name_them_is_named_no_more(group: Group) -> None:
    """The decline finds no name first, and would leave it behind without the items."""

    def names() -> None:
        group.chats.update(chat_key(group.name, HEAD), "ADD invited :one", one={"zoe"})

    def second() -> None:
        group.database.meanwhile = names

    Invitations(group.users).note_named(["zoe"], group.name)
    group.database.meanwhile = second
    declines(group, "zoe", group.name)
    assert "invited" not in group.head() and items(group, "zoe") == set()


def test_who_is_removed_and_invited_again_during_a_repeated_accept_keeps_the_items_or_joins(
    group: Group,
) -> None:
    def removed_and_invited() -> None:
        group.change("ravi", remove=["raju"])
        group.change("ravi", invite=["raju"], inviting=inviting(group))

    group.database.meanwhile = removed_and_invited
    over = Invitations(group.users).accept_actions("raju", group.name)
    assert group.membership.join(group.name, "raju", over).added == ["raju"]
    assert "raju" in group.head()["members"] and items(group, "raju") == set()


@pytest.mark.parametrize("verb", ["add", "remove"])
def test_who_is_added_or_removed_while_invited_keeps_no_items(group: Group, verb: str) -> None:
    """In as many transactions as hold so many items."""
    assert group.change("ravi", invite=MANY, inviting=inviting(group)) == "done"
    changes: dict[str, Any] = {verb: MANY}
    assert group.change("ravi", **changes) == "done"
    assert len(group.head()["members"]) == (63 if verb == "add" else 3)
    assert "invited" not in group.head()
    assert [user for user in MANY if items(group, user)] == []


def test_who_is_added_by_another_member_while_being_invited_keeps_no_items(group: Group) -> None:
    group.database.meanwhile = lambda: group.change("raju", add=["zoe"])
    assert group.change("ravi", invite=["u1", "zoe"], inviting=inviting(group)) == "done"
    assert "zoe" in group.head()["members"] and group.head()["invited"] == {"u1"}
    assert items(group, "zoe") == set() and items(group, "u1") == {"invite", "named"}


def test_who_is_invited_again_and_declines_meanwhile_is_invited_once_more(group: Group) -> None:
    """As if the invitation had come after: no item stays that no head goes with."""
    assert group.change("ravi", invite=["zoe"], inviting=inviting(group)) == "done"
    group.database.meanwhile = lambda: group.membership.decline(group.name, "zoe", [])
    assert group.change("raju", invite=["zoe"], inviting=inviting(group)) == "done"
    assert group.head()["invited"] == {"zoe"} and items(group, "zoe") == {"invite", "named"}
