"""Contacts, settings and invitations, over a table in memory."""

from collections.abc import Collection

import pytest

from lambdas.people.consent import DEFAULTS, View
from lambdas.people.contacts import Contacts
from lambdas.people.invitations import Invitation, Invitations
from lambdas.tables import Table, transact, user_key
from tests.model.dynamodb import DynamoDB
from tests.model.world import TABLES
from tests.support.lambdas import given

NOW = 1_795_000_000.0
DAYS = 86_400


@pytest.fixture
def users() -> Table:
    return Table(DynamoDB(TABLES), "Users")  # type: ignore[arg-type] # stands in for the client


def test_who_writes_becomes_a_contact_and_a_blocked_one_stays_blocked(users: Table) -> None:
    contacts = Contacts(users)
    given.decision(users, "ravi", "mira", "blocked")
    for peer in ("raju", "mira", "raju"):
        contacts.add("ravi", peer)
        transact(users, [contacts.add_action("ravi", peer)])
    assert contacts.states("ravi") == {"raju": "contact", "mira": "blocked"}
    assert contacts.states("raju") == {}  # one-sided
    given.decision(users, "ravi", "mira", None)
    contacts.add("ravi", "mira")
    assert contacts.states("ravi")["mira"] == "contact"


def test_settings_that_are_not_known_are_not_stored_and_the_others_stay(users: Table) -> None:
    contacts = Contacts(users)
    assert contacts.settings("ravi") == contacts.put_settings("ravi", {"x": 1}) == DEFAULTS
    assert contacts.put_settings("ravi", {"groups": "nobody", "x": 1})["groups"] == "nobody"
    stored = users.get(user_key("ravi", "settings"), consistent=True)
    assert stored == {**user_key("ravi", "settings"), "groups": "nobody"}
    expected = {**DEFAULTS, "groups": "nobody", "receipts": False}
    assert contacts.put_settings("ravi", {"receipts": False}) == expected
    assert contacts.settings("ravi") == expected and contacts.settings("raju") == DEFAULTS


def test_a_view_is_of_each_owner_on_the_peer(users: Table) -> None:
    contacts = Contacts(users)
    contacts.add("ravi", "mira")
    given.decision(users, "raju", "mira", "blocked")
    given.decision(users, "mira", "zoe", "blocked")
    contacts.put_settings("raju", {"groups": "everybody"})
    assert contacts.views(["ravi", "raju", "zoe", "ravi"], "mira") == {
        "ravi": View("contact"),
        "raju": View("blocked", {**DEFAULTS, "groups": "everybody"}),
        "zoe": View(None),
    }


def test_an_invitation_lasts_thirty_days_and_names_who_and_when(users: Table) -> None:
    invitations = Invitations(users)
    invitations.add(["raju", "mira"], "c", "ravi", NOW + 0.5)
    invitations.add(["raju"], "d", "ravi", NOW + 60)
    first = Invitation("c", "ravi", int(NOW * 1000) + 500)
    assert [each.chat for each in invitations.of("raju", NOW)] == ["c", "d"]
    assert invitations.of("mira", NOW) == [first]
    assert invitations.find("raju", "c", NOW + 30 * DAYS - 1) == first
    assert invitations.find("raju", "c", NOW + 30 * DAYS) is None
    assert [each.chat for each in invitations.of("raju", NOW + 30 * DAYS)] == ["d"]
    transact(users, invitations.accept_actions("raju", "c"))
    assert invitations.find("raju", "c", NOW) is None and invitations.find("mira", "c", NOW)


def test_who_has_left_is_known_until_they_come_back(users: Table) -> None:
    invitations = Invitations(users)
    for user in ("ravi", "raju", "mira"):
        invitations.leave(user, "c")
    transact(users, invitations.accept_actions("mira", "c"))
    transact(users, invitations.decline_actions("raju", "c"))
    assert invitations.have_left(["ravi", "raju", "mira", "zoe"], "c") == {"ravi", "raju"}
    assert invitations.have_left(["ravi"], "d") == set()


def test_neither_kind_of_item_is_taken_for_another(users: Table) -> None:
    contacts, invitations = Contacts(users), Invitations(users)
    contacts.add("ravi", "raju")
    contacts.put_settings("ravi", {"groups": "nobody", "presence": "everybody"})
    invitations.add(["ravi"], "c", "raju", NOW)
    invitations.leave("ravi", "d")
    users.put({"user": "ravi", "item": "zzz", "expires_at": int(NOW) + 9})
    assert contacts.states("ravi") == {"raju": "contact"}
    assert [each.chat for each in invitations.of("ravi", NOW)] == ["c"]
    found = contacts.settings("ravi")
    assert (found["groups"], found["presence"]) == ("nobody", "everybody")


def test_what_is_no_invitation_any_more_does_not_hide_one_that_is(users: Table) -> None:
    invitations = Invitations(users)
    for number in range(250):
        invitations.add(["ravi"], f"c{number:03d}", "raju", NOW)

    def named(chats: Collection[str]) -> set[str]:
        return {"c007", "c249"} & {*chats}

    assert [each.chat for each in invitations.of("ravi", NOW, named)] == ["c007", "c249"]


@pytest.mark.parametrize(("number", "listed"), [(499, ["c0499"]), (500, [])])
def test_so_many_that_are_none_are_read_and_no_more(
    users: Table, number: int, listed: list[str]
) -> None:
    invitations = Invitations(users)
    for each in range(number + 1):
        invitations.add(["ravi"], f"c{each:04d}", "raju", NOW)
    found = invitations.of("ravi", NOW, lambda chats: {f"c{number:04d}"} & {*chats})
    assert [each.chat for each in found] == listed


def test_strangers_keep_no_contacts_invitation_out(users: Table) -> None:
    invitations = Invitations(users)
    for number in range(700):
        invitations.add(["ravi"], f"-{number:03d}", f"stranger_{number}", NOW)
    invitations.add(["ravi", "mira"], "zzz", "raju", NOW, ["ravi"])
    found = invitations.of("ravi", NOW)
    assert [each.chat for each in found] == ["zzz", *(f"-{n:03d}" for n in range(99))]
    assert invitations.find("ravi", "zzz", NOW) == invitations.find("mira", "zzz", NOW) == found[0]
    assert invitations.have(["ravi", "mira", "raju"], "zzz", NOW) == {
        "ravi": True,
        "mira": False,
    }


@pytest.mark.parametrize("end", ["accept_actions", "decline_actions", "end_actions"])
def test_who_is_invited_twice_at_once_is_invited_once(users: Table, end: str) -> None:
    invitations = Invitations(users)
    invitations.add(["ravi"], "c", "stranger", NOW)
    invitations.add(["ravi"], "c", "raju", NOW, ["ravi"])
    invitations.add(["ravi"], "d", "raju", NOW)
    assert [(each.chat, each.by) for each in invitations.of("ravi", NOW)] == [
        ("c", "raju"),
        ("d", "raju"),
    ]
    assert invitations.find("ravi", "c", NOW) == Invitation("c", "raju", int(NOW * 1000))
    transact(users, getattr(invitations, end)("ravi", "c"))
    assert [each.chat for each in invitations.of("ravi", NOW)] == ["d"]


def test_a_hundred_invitations_are_listed(users: Table) -> None:
    invitations = Invitations(users)
    for number in range(150):
        invitations.add(["ravi"], f"c{number:03d}", "raju", NOW)
    assert [each.chat for each in invitations.of("ravi", NOW)] == [f"c{n:03d}" for n in range(100)]
    found = invitations.of("ravi", NOW, lambda chats: {*chats} - {"c000"})
    assert [each.chat for each in found] == [f"c{n:03d}" for n in range(1, 101)]
