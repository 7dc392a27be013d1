"""Changes of a group's members: allowed, rejected, and repeated; over tables in memory."""

from typing import Any

import pytest

from lambdas.errors import ChatError
from lambdas.messages import membership
from lambdas.messages.chats import Chats
from lambdas.messages.direct import DirectChats
from lambdas.messages.membership import Changed
from lambdas.presence.devices import Devices
from lambdas.tables import HEAD, TransactionCancelled, chat_key
from tests.lambdas.messages.group_in_memory import Group
from tests.support.lambdas import given


@pytest.fixture
def group() -> Group:
    return Group()


@pytest.mark.parametrize(
    ("user", "rule", "change", "expected"),
    [
        ("raju", "members", {"add": ["zoe"]}, "done"),
        ("raju", "admins", {"add": ["zoe"]}, "forbidden"),
        ("raju", "admins", {"invite": ["zoe"]}, "forbidden"),
        ("raju", "admins", {"add": ["mira"], "invite": ["ravi"]}, "done"),  # they are members
        ("ravi", "admins", {"add": ["zoe"]}, "done"),
        ("raju", "members", {"remove": ["mira"]}, "forbidden"),
        ("raju", "members", {"remove": ["raju"]}, "done"),  # whoever wants to leave may
        ("ravi", "members", {"remove": ["mira"]}, "done"),
        ("ravi", "members", {"add": ["zoe"], "remove": ["zoe"]}, "bad_request"),
        ("zoe", "members", {"add": ["zoe"]}, "not_found"),
        ("ravi", "members", {"add": ["nobody"]}, "not_found"),
        ("ravi", "members", {"invite": ["nobody"]}, "not_found"),
    ],
)
def test_rules_say_who_may_change_the_members(
    group: Group, user: str, rule: str, change: dict[str, list[str]], expected: str
) -> None:
    group.membership.appoint("ravi", group.name, rules={"add": rule})
    before = group.head()
    assert group.change(user, **change) == expected
    after = group.head()
    if expected != "done":
        assert after == before
        return
    new = {*change.get("add", ())} - {*before["members"]}
    assert after["members"] == before["members"] - {*change.get("remove", ())} | new
    assert after["members"] >= {"ravi"} and "invited" not in after


def test_rules_are_asked_again_when_they_changed_meanwhile(group: Group) -> None:
    def forbids() -> None:
        group.membership.appoint("ravi", group.name, rules={"add": "admins"})
        group.add_message()

    group.database.meanwhile = forbids
    assert group.change("raju", add=["zoe"]) == "forbidden"


def test_a_change_that_a_message_overtakes_is_made_after_it(group: Group) -> None:
    group.database.meanwhile = group.add_message
    parts: list[Changed] = []
    assert group.change("ravi", add=["zoe"], changed=parts.append) == "done"
    head = Chats(group.chats, group.users).head(group.name, "zoe")
    assert (head.joined_seq, len(parts)) == (1, 1)
    assert parts[0] == (frozenset(("ravi", "raju", "mira")), ["zoe"], [])


def test_members_and_invited_together_are_at_most_the_limit(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "MEMBERS_LIMIT", 256)
    others = [f"u{number}" for number in range(255)]
    assert group.change("ravi", add=others[:200]) == "done"
    assert group.change("ravi", invite=others[200:254]) == "bad_request"
    assert group.change("ravi", invite=others[200:253]) == "done"
    assert group.change("ravi", invite=others[200:253]) == "done"  # they are among them
    assert group.change("ravi", add=others[200:254]) == "bad_request"
    assert group.change("ravi", add=others[200:253]) == "done"
    assert len(group.head()["members"]) == 256
    with pytest.raises(ChatError, match="at most 256"):
        group.membership.found("ravi", others[:200], [*others[200:256], "zoe"])
    assert len(group.membership.found("ravi", others[:200], others[150:255]).invited) == 55


OTHERS = [f"u{number}" for number in range(255)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"add": OTHERS[:197]}, "done"),
        ({"add": OTHERS[:198]}, "bad_request"),
        ({"invite": OTHERS[:198]}, "bad_request"),
        ({"add": OTHERS[:98], "invite": OTHERS[98:196]}, "done"),
        ({"add": OTHERS[:98], "invite": OTHERS[98:198]}, "bad_request"),
        ({"add": OTHERS[:198], "remove": ["mira"]}, "bad_request"),  # who leaves leaves last
    ],
)
def test_a_change_that_is_too_large_changes_nothing_in_however_many_parts_it_is_made(
    group: Group, monkeypatch: pytest.MonkeyPatch, change: dict[str, list[str]], expected: str
) -> None:
    monkeypatch.setattr(membership, "MEMBERS_LIMIT", 200)
    before, parts = group.head(), list[Changed]()
    assert group.change("ravi", **change, changed=parts.append) == expected
    assert (group.head() == before) == (expected != "done") == (not parts)


def test_who_is_invited_has_a_place_that_nobody_else_is_given(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "MEMBERS_LIMIT", 6)
    assert group.change("ravi", invite=["u1", "u2"]) == "done"
    assert group.change("ravi", add=["u3", "u4"]) == "bad_request"
    group.database.meanwhile = lambda: group.change("raju", invite=["zoe"])
    assert group.change("ravi", add=["u3"]) == "bad_request"
    assert group.change("ravi", remove=["mira"]) == "done"
    group.database.meanwhile = lambda: group.change("raju", invite=["u3"])
    assert group.change("ravi", invite=["u4"]) == "bad_request"
    for user in ("u1", "u2", "u3", "zoe"):
        assert group.membership.join(group.name, user).added == [user]
    assert group.head()["members"] == {"ravi", "raju", "u1", "u2", "u3", "zoe"}


def test_a_group_that_is_too_large_already_may_become_smaller_and_take_who_was_invited(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert group.change("ravi", invite=["zoe", "u1"]) == "done"
    monkeypatch.setattr(membership, "MEMBERS_LIMIT", 3)
    assert group.change("ravi", add=["zoe"], invite=["u1"], remove=["raju", "mira"]) == "done"
    assert (group.head()["members"], group.head()["invited"]) == ({"ravi", "zoe"}, {"u1"})


def test_somebody_is_invited_by_a_member_only_and_while_others_are_too(group: Group) -> None:
    group.database.meanwhile = lambda: group.change("raju", invite=["u1"])
    assert group.change("ravi", invite=["zoe"]) == "done"
    assert group.head()["invited"] == {"zoe", "u1"}
    group.database.meanwhile = lambda: [
        group.membership.appoint("ravi", group.name, rules={"add": "admins"}),
        group.change("ravi", add=["u3"]),
    ]
    assert group.change("raju", invite=["u2"]) == "forbidden"
    group.membership.appoint("ravi", group.name, rules={"add": "members"})
    group.database.meanwhile = lambda: group.change("ravi", remove=["raju"])
    assert group.change("raju", invite=["u2"]) == "not_found"
    assert group.head()["invited"] == {"zoe", "u1"}


def test_a_change_with_too_many_devices_adds_nobody_in_however_many_parts_it_is_made(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "CHAT_DEVICES_LIMIT", 60)
    for user in OTHERS[:61]:
        Devices(group.users).register(user, "phone")
    before = group.head()
    assert group.change("ravi", add=OTHERS[:61]) == "conflict"
    assert group.head() == before
    assert group.change("ravi", add=OTHERS[:60]) == "done"


def test_neither_founding_nor_joining_makes_a_group_with_too_many_devices(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "CHAT_DEVICES_LIMIT", 4)
    devices = Devices(group.users)
    for user, device in (*((user, "phone") for user in group.head()["members"]), ("zoe", "desk")):
        devices.register(user, device)
    devices.register("zoe", "phone")
    assert group.change("ravi", invite=["zoe"]) == "done"
    before = group.head()
    with pytest.raises(ChatError, match="at most 4 devices"):
        group.membership.join(group.name, "zoe")
    with pytest.raises(ChatError, match="at most 4 devices"):
        group.membership.found("zoe", ["ravi", "raju", "mira"])
    assert group.head() == before
    given.no_device(group.users, "zoe", "desk")
    assert group.membership.join(group.name, "zoe").added == ["zoe"]
    assert group.membership.found("zoe", ["ravi", "raju", "mira"])


def test_admins_change_while_nobody_else_changes_them(group: Group) -> None:
    def appoints() -> None:
        group.membership.appoint("ravi", group.name, ["mira"])

    group.database.meanwhile = appoints
    head = group.membership.appoint("ravi", group.name, ["raju"], ["ravi"])
    assert head.admins == {"raju", "mira"} == group.head()["admins"]
    with pytest.raises(ChatError, match="only admins"):
        group.membership.appoint("ravi", group.name, ["ravi"])
    group.database.meanwhile = lambda: group.change("mira", remove=["raju"])
    with pytest.raises(ChatError, match="you have no chat"):
        group.membership.appoint("raju", group.name, ["ravi"])


def test_the_last_admin_who_leaves_is_followed_by_the_oldest_member(group: Group) -> None:
    group.add_message()
    assert group.change("ravi", add=["zoe"]) == "done"
    group.membership.appoint("ravi", group.name, ["raju"])
    assert group.change("ravi", remove=["ravi"]) == "done"
    assert group.head()["admins"] == {"raju"}  # one was left
    assert group.change("raju", remove=["raju"]) == "done"
    assert group.head()["admins"] == {"mira"}
    group.membership.leave("mira", group.name, lambda _: None)
    assert group.head()["admins"] == group.head()["members"] == {"zoe"}
    group.membership.leave("mira", group.name, lambda _: None)  # idempotent
    group.membership.leave("zoe", group.name, lambda _: None)
    assert {"admins", "members"}.isdisjoint(group.head())


def test_who_is_removed_keeps_neither_item_nor_row(group: Group) -> None:
    assert group.change("ravi", remove=["raju", "mira", "zoe"]) == "done"
    left = [item["item"] for item in group.chats.query_all({"chat": group.name}, consistent=True)]
    assert left == ["head", "member#ravi"]
    for user, entries in (("ravi", 1), ("raju", 0), ("mira", 0)):
        found = group.users.query_all({"user": user}, prefix="chat#", consistent=True)
        assert len(list(found)) == entries


def test_who_comes_at_once_all_have_a_place_and_a_row(group: Group) -> None:
    assert group.change("ravi", add=["zoe", "u1", "mira"]) == "done"
    for user in ("zoe", "u1"):
        head = Chats(group.chats, group.users).head(group.name, user)
        assert head.joined_seq == 0 and "zoe" in head.members
        assert Chats(group.chats, group.users).names(user) == ([group.name], None)
    founded = group.membership.found("ravi", ["raju"], ["zoe", "raju"])
    assert (founded.members, founded.invited) == (["raju", "ravi"], ["zoe"])
    assert group.head(founded.chat)["invited"] == {"zoe"}


def test_rules_change_more_than_once(group: Group) -> None:
    for rule in ("admins", "members", "admins"):
        group.membership.appoint("ravi", group.name, rules={"add": rule})
        head = Chats(group.chats, group.users).head(group.name, "ravi")
        assert head.rules["add"] == rule


def test_who_may_add_and_not_remove_does_neither_in_one_change(group: Group) -> None:
    before = group.head()
    assert group.change("raju", add=["zoe"], remove=["mira"]) == "forbidden"
    assert group.head() == before


def test_whoever_can_not_leave_a_busy_group_has_not_left(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled(*_: Any) -> None:
        raise TransactionCancelled(["TransactionConflict"])

    monkeypatch.setattr(membership, "transact", cancelled)
    with pytest.raises(ChatError) as error:
        group.membership.leave("raju", group.name, lambda _: None)
    assert error.value.code == "conflict"


def test_who_is_no_admin_any_more_removes_nobody(group: Group) -> None:
    group.membership.appoint("ravi", group.name, ["raju"])

    def dismisses() -> None:
        group.membership.appoint("raju", group.name, dismiss=["ravi"])
        group.change("raju", add=["zoe"])

    group.database.meanwhile = dismisses
    assert group.change("ravi", remove=["mira"]) == "forbidden"
    assert "mira" in group.head()["members"]


def test_an_admin_who_stays_keeps_the_role_when_others_leave(group: Group) -> None:
    group.membership.appoint("ravi", group.name, ["raju"])
    assert group.change("ravi", remove=["mira", "zoe", "u1"]) == "done"
    assert group.head()["admins"] == {"ravi", "raju"}


def test_a_full_group_takes_nobody_who_was_invited(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "MEMBERS_LIMIT", 256)
    others = [f"u{number}" for number in range(254)]
    assert group.change("ravi", invite=["zoe"]) == "done"
    assert group.change("ravi", add=others[:252]) == "done"
    assert group.membership.join(group.name, "zoe").added == ["zoe"]
    group.chats.update(chat_key(group.name, HEAD), "ADD invited :one", one={"u253"})
    with pytest.raises(ChatError, match="at most 256") as error:
        group.membership.join(group.name, "u253")
    assert error.value.code == "bad_request"


def test_the_members_of_a_direct_chat_do_not_change(group: Group) -> None:
    direct = DirectChats(group.chats, group.users).begin("ravi", "raju")[0].chat
    with pytest.raises(ChatError, match="don't change") as error:
        group.membership.change("ravi", direct, add=["zoe"])
    assert error.value.code == "forbidden"
    with pytest.raises(ChatError, match="no admins"):
        group.membership.appoint("ravi", direct, ["raju"])
    group.membership.leave("ravi", direct, lambda _: None)
    assert group.head(direct)["members"] == {"raju"}
    group.membership.leave("ravi", "unknown", lambda _: None)
