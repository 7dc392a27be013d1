"""Who is invited to a group: joins, declines, is not invited any more; over tables in memory."""

from collections.abc import Sequence
from typing import Any

import pytest

from lambdas.errors import ChatError
from lambdas.messages import invited, membership
from lambdas.messages.chats import Chats
from lambdas.messages.membership import Changed
from lambdas.people.invitations import Invitations
from lambdas.tables import Table, TransactionCancelled, transact, user_key
from lambdas.throttling import TooBusy
from tests.lambdas.messages.group_in_memory import Group


@pytest.fixture
def group() -> Group:
    return Group()


def test_who_is_invited_joins_once_and_sees_nothing_from_before(group: Group) -> None:
    with pytest.raises(ChatError, match="you have no chat"):
        group.membership.join(group.name, "zoe")
    with pytest.raises(ChatError, match="you have no chat"):
        group.membership.join("unknown", "zoe")
    assert group.change("ravi", invite=["zoe", "mira", "u1"]) == "done"
    assert group.head()["invited"] == {"zoe", "u1"}
    group.database.meanwhile = group.add_message
    before = frozenset(("ravi", "raju", "mira"))
    assert group.membership.join(group.name, "zoe") == Changed(before, ["zoe"], [])
    assert group.membership.join(group.name, "zoe") == Changed(before | {"zoe"}, [], [])
    head = Chats(group.chats, group.users).head(group.name, "zoe")
    assert (head.joined_seq, head.members, head.invited) == (1, before | {"zoe"}, frozenset({"u1"}))
    group.database.meanwhile = lambda: group.membership.decline(group.name, "u1", [])
    with pytest.raises(ChatError, match="you have no chat"):
        group.membership.join(group.name, "u1")


def test_a_group_that_all_have_left_takes_nobody_who_was_invited(group: Group) -> None:
    assert group.change("ravi", invite=["zoe"]) == "done"
    for user in ("mira", "raju", "ravi"):
        assert group.change(user, remove=[user]) in ("done", "not_found")
    with pytest.raises(ChatError) as error:
        group.membership.join(group.name, "zoe")
    assert error.value.code == "not_found"


def test_two_who_invite_at_once_fill_the_last_place_once(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "MEMBERS_LIMIT", 4)
    group.database.meanwhile = lambda: group.change("raju", invite=["u1"])
    assert group.change("ravi", invite=["zoe"]) == "bad_request"
    assert group.head()["invited"] == {"u1"}


def test_taking_an_invitation_back_is_no_change_of_the_members(group: Group) -> None:
    changes: list[Changed] = []
    assert group.change("ravi", invite=["zoe"], changed=changes.append) == "done"
    assert group.change("ravi", remove=["zoe"], changed=changes.append) == "done"
    assert changes == [] and "invited" not in group.head()
    assert group.change("ravi", invite=["zoe"]) == "done"
    group.change("ravi", remove=["mira", "zoe"], changed=changes.append)
    assert [(each.added, each.removed) for each in changes] == [([], ["mira"])]


def test_an_invitation_that_is_taken_back_leaves_nothing(group: Group) -> None:
    invitations = Invitations(group.users)

    def store(chat: str, users: Sequence[str]) -> None:
        invitations.add(users, chat, "ravi", 1_000)

    group.membership.change("ravi", group.name, invite=["u1", "u2"], inviting=store)
    group.membership.change("ravi", group.name, remove=["u1", "raju"])
    assert invitations.find("u1", group.name, 1_001) is None
    assert invitations.find("u2", group.name, 1_001) is not None


@pytest.mark.parametrize("change", ["join", "decline"])
def test_what_is_left_of_an_invitation_is_removed_by_two_late_repeats_at_once(
    group: Group, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    invitations, conflicts = Invitations(group.users), [2]

    def conflicting(table: Table, actions: Any) -> None:
        conflicts[0] -= 1
        if conflicts[0] >= 0:  # the other repeat has the items
            raise TransactionCancelled(["TransactionConflict", *["None"] * 4])
        transact(table, actions)

    user = "raju" if change == "join" else "zoe"  # a member, and nobody's guest
    invitations.add([user], group.name, "ravi", 1_000)
    for module in (invited, membership):
        monkeypatch.setattr(module, "transact", conflicting)
    if change == "join":
        over = invitations.accept_actions(user, group.name)
        assert group.membership.join(group.name, user, over).added == []
    else:
        over = invitations.decline_actions(user, group.name)
        assert group.membership.decline(group.name, user, over)
    assert conflicts[0] < 0 and invitations.find(user, group.name, 1_001) is None


def test_who_declines_is_not_invited_any_more_and_nothing_else_changes(group: Group) -> None:
    group.change("ravi", invite=["zoe", "u1"])
    group.membership.decline(group.name, "zoe", [])
    after = group.head()
    assert after["invited"] == {"u1"}
    for chat, user in ((group.name, "zoe"), (group.name, "raju"), ("unknown", "zoe")):
        group.membership.decline(chat, user, [])
    assert group.head() == after and group.head("unknown") is None


def test_a_group_that_is_not_founded_leaves_nothing(group: Group) -> None:
    """Another request with the same id has founded it."""
    invitations, tried = Invitations(group.users), list[str]()

    def store(chat: str, users: Sequence[str]) -> None:
        invitations.add(users, chat, "ravi", 1_000)

    def founded_already(chat: str) -> list[dict[str, Any]]:
        tried.append(chat)
        return [group.users.check_action(user_key("ravi", "none"), "attribute_exists(chat)")]

    with pytest.raises(TransactionCancelled):
        group.membership.found("ravi", ["raju"], ["zoe"], store, founded_already)
    assert list(group.chats.query_all({"chat": tried[0]}, consistent=True)) == []
    for user in ("ravi", "raju", "zoe"):
        items = group.users.query_all({"user": user}, consistent=True)
        assert not [each for each in items if tried[0] in each["item"]]


@pytest.mark.parametrize("where", ["inviting", "head", "head, unknown"])
def test_a_founding_that_fails_before_the_head_leaves_nothing(
    group: Group, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    error = OSError() if "unknown" in where else TooBusy()  # there may be a head

    def fails(*_: object) -> None:
        raise error

    if where != "inviting":
        monkeypatch.setattr(membership, "transact", fails)
    monkeypatch.setattr(group.membership, "_new_id", lambda: "new")
    with pytest.raises(type(error)):
        store = fails if where == "inviting" else lambda *_: None
        group.membership.found("ravi", ["raju"], ["zoe"], store)
    left = [*group.chats.query_all({"chat": "new"}, consistent=True)]
    for user in ("ravi", "raju", "zoe"):
        rows = group.users.query_all({"user": user}, consistent=True)
        left += [each for each in rows if "#new" in each["item"]]
    assert len(left) == (5 if "unknown" in where else 0)


def test_what_is_left_of_a_group_whose_founding_was_killed_is_forgotten_an_hour_later(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    def too_busy(*_: object) -> None:
        raise TooBusy

    chats, new = Chats(group.chats, group.users), "killed"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(membership, "transact", killed)
        patch.setattr(group.membership, "_new_id", lambda: new)
        group.membership.found("ravi", ["raju"], now=1_000)
    for now in (1_001, 1_000 + 3_600):  # it may be under way
        chats.list("ravi", now=now)
        assert {*chats.names("ravi")[0]} == {group.name, new}
    with monkeypatch.context() as patch:
        patch.setattr("lambdas.messages.chats.transact", too_busy)
        listed, _ = chats.list("ravi", now=1_001 + 3_600)
        assert [each["chat"] for each in listed] == [group.name]
    listed, _ = chats.list("ravi", now=1_001 + 3_600)
    assert [each["chat"] for each in listed] == [group.name]
    assert chats.names("ravi")[0] == [group.name]
    left = [each["item"] for each in group.chats.query_all({"chat": new}, consistent=True)]
    assert left == ["member#raju"]
    group.membership.leave("raju", new, lambda _: None)  # as the user of a deleted account
    assert [*group.chats.query_all({"chat": new}, consistent=True)] == []
