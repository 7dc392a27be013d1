"""Contacts, groups and devices: two requests at once have an effect as if one had come after the other."""

import json
import re
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from io import StringIO
from typing import Any

import pytest

from lambdas.keys import signatures
from lambdas.keys.directory import Directory
from lambdas.messages import membership
from lambdas.people.contacts import Contacts
from lambdas.people.invitations import Invitations
from lambdas.tables import TransactionCancelled, transact, user_key
from tests.model.mutant import Mutant, edited
from tests.model.races import USERS, Act, Outcome, Race, Scene, at_once, interrupted, one_by_one
from tests.model.rest import registration, signed_by
from tests.model.small import small


@pytest.fixture(autouse=True)
def unexpected() -> Iterator[list[BaseException]]:
    with small() as found, redirect_stdout(StringIO()):
        yield found


def _request(user: str, method: str, path: str, body: Any = None) -> Act:
    """`chat` in the path is the one chat."""
    return lambda scene: scene.request(
        user, method, path.replace("/chat/", f"/{scene.chat}/"), body
    )


def begins(user: str, peer: str) -> Act:
    return _request(user, "POST", "/api/chats", {"kind": "direct", "with": peer})


def founds(user: str, *members: str) -> Act:
    """Always by the same request."""
    body = {"kind": "group", "members": list(members), "request_id": "a-request-of-the-test"}
    return _request(user, "POST", "/api/chats", body)


def decides(user: str, peer: str, state: str) -> Act:
    return _request(user, "PUT", f"/api/contacts/{peer}", {"state": state})


def forgets(user: str, peer: str) -> Act:
    return _request(user, "DELETE", f"/api/contacts/{peer}")


def does(user: str, what: str) -> Act:
    """accept, decline or leave."""
    return _request(user, "POST", f"/api/chats/chat/{what}")


def changes(user: str, **members: list[str]) -> Act:
    return _request(user, "POST", "/api/chats/chat/members", members)


def rules(user: str, **change: Any) -> Act:
    return _request(user, "POST", "/api/chats/chat/admins", change)


def sends(user: str, number: int = 1, text: str = "x") -> Act:
    return lambda scene: scene.sends(user, scene.chat, number, text)


def reports(user: str) -> Act:
    return lambda scene: scene.frame(
        user, action="receipt", chat=scene.chat, delivered=1, read=1, senders=list(USERS)
    )


def registers(user: str, device: str, keys_of: str = "") -> Act:
    """With keys of its own, or those of another one: the same name, and another identity."""
    if not keys_of:
        return lambda scene: scene.registers(user, device)
    keys = registration(keys_of)["keys"]
    document = signatures.device_document(user, device, keys["curve25519"], keys["ed25519"])
    signature = signed_by(keys_of, document)
    return lambda scene: scene.registers(user, device, keys=keys, signature=signature)


def signs_in_again(user: str, device: str) -> Act:
    """And registers the device."""
    return lambda scene: scene.registers(user, device, "new")


def nothing(_: Scene) -> Any:
    return {}


def removes(user: str, device: str) -> Act:
    return _request(user, "DELETE", f"/api/devices/{device}")


def signs_out(user: str, device: str) -> Act:
    return _request(user, "POST", "/api/sign-out", {"device": device})


def friends(scene: Scene) -> None:
    for user in USERS:
        for peer in USERS:
            if user != peer:
                Contacts(scene.services.users).add(user, peer)


ASKED = (begins("ravi", "raju"),)
BLOCKED = (*ASKED, decides("raju", "ravi", "blocked"))
GROUP = (friends, founds("ravi", "raju"))
INVITED = (founds("ravi", "raju", "mira"),)
REGISTERED = (registers("raju", "desk"),)

RACES = {
    "a block while a chat is begun": Race((), *ASKED, decides("raju", "ravi", "blocked")),
    "an unblock while a chat is begun": Race(
        (decides("raju", "ravi", "blocked"),), *ASKED, forgets("raju", "ravi")
    ),
    "accept, decline": Race(ASKED, does("raju", "accept"), does("raju", "decline")),
    "accept, block": Race(ASKED, does("raju", "accept"), decides("raju", "ravi", "blocked")),
    "decline, answer": Race(ASKED, does("raju", "decline"), sends("raju")),
    "block, unblock": Race(ASKED, decides("raju", "ravi", "blocked"), forgets("raju", "ravi")),
    "block again, contact": Race(
        BLOCKED, decides("raju", "ravi", "contact"), decides("raju", "ravi", "blocked")
    ),
    "leave, add": Race(GROUP, does("raju", "leave"), changes("ravi", add=["raju"])),
    "join, remove": Race(INVITED, does("raju", "accept"), changes("ravi", remove=["raju"])),
    "decline, add": Race(INVITED, does("raju", "decline"), changes("ravi", add=["raju"])),
    "decline, invite by another": Race(
        (
            friends,
            founds("ravi", "raju", "mira"),
            forgets("mira", "raju"),
            changes("ravi", remove=["mira"]),
            changes("raju", add=["mira"]),
        ),
        does("mira", "decline"),
        changes("ravi", add=["mira"]),
    ),
    "join, decline": Race(INVITED, does("raju", "accept"), does("raju", "decline")),
    "appoint, remove": Race(
        GROUP, rules("ravi", appoint=["raju"]), changes("ravi", remove=["raju"])
    ),
    "dismiss, remove": Race(
        (*GROUP, rules("ravi", appoint=["raju"])),
        rules("ravi", dismiss=["raju"]),
        changes("raju", remove=["ravi"]),
    ),
    "two identities of a new device": Race(
        (), registers("raju", "desk"), registers("raju", "desk", "raju/one")
    ),
    "two identities of a device": Race(
        REGISTERED, registers("raju", "desk", "raju/one"), registers("raju", "desk", "raju/two")
    ),
    "register, remove": Race(
        REGISTERED, registers("raju", "desk"), removes("raju", "desk"), answered=False
    ),
    "sign out, register by a new sign-in": Race(
        REGISTERED,
        signs_out("raju", "desk"),
        signs_in_again("raju", "desk"),
        answered=False,
    ),
    "register, sign out": Race(
        REGISTERED, signs_out("raju", "desk"), registers("raju", "desk"), answered=False
    ),
}
FEW = (
    "a block while a chat is begun",
    "accept, decline",
    "leave, add",
    "decline, add",
    "dismiss, remove",
    "two identities of a device",
)
WITHOUT_FAULTS = {
    "found, found": Race((friends,), founds("ravi", "raju"), founds("ravi", "raju", "mira")),
    "begin, begin": Race((), *ASKED, begins("raju", "ravi")),
    "a contact while a chat is begun": Race((), *ASKED, decides("raju", "ravi", "contact")),
    "decline, open": Race(ASKED, does("raju", "decline"), begins("raju", "ravi")),
    "decline, a text": Race(ASKED, does("raju", "decline"), sends("ravi")),
    "accept, a text": Race(ASKED, does("raju", "accept"), sends("ravi")),
    "block, a text": Race(ASKED, decides("raju", "ravi", "blocked"), sends("ravi")),
    "block, an own text": Race(ASKED, decides("raju", "ravi", "blocked"), sends("raju")),
    "block each other": Race(
        ASKED, decides("raju", "ravi", "blocked"), decides("ravi", "raju", "blocked")
    ),
    "unblock, a text": Race(BLOCKED, forgets("raju", "ravi"), sends("ravi")),
    "leave, remove": Race(GROUP, does("raju", "leave"), changes("ravi", remove=["raju"])),
    "leave, an own text": Race(GROUP, does("raju", "leave"), sends("raju")),
    "leave, a text": Race(GROUP, does("raju", "leave"), sends("ravi")),
    "leave, a receipt": Race((*GROUP, sends("ravi", 5)), does("raju", "leave"), reports("raju")),
    "all leave": Race(GROUP, does("raju", "leave"), does("ravi", "leave")),
    "remove, an own text": Race(GROUP, changes("ravi", remove=["raju"]), sends("raju")),
    "remove, a text": Race(GROUP, changes("ravi", remove=["raju"]), sends("ravi")),
    "add, a text": Race(GROUP, changes("ravi", add=["mira"]), sends("raju")),
    "add, remove": Race(GROUP, changes("ravi", add=["mira"]), changes("ravi", remove=["mira"])),
    "add, add": Race(GROUP, changes("ravi", add=["mira"]), changes("raju", add=["mira"])),
    "join, join": Race(INVITED, does("raju", "accept"), does("mira", "accept")),
    "join, leave": Race(INVITED, does("raju", "accept"), does("ravi", "leave")),
    "join, a text": Race(INVITED, does("raju", "accept"), sends("ravi")),
    "a rule, add": Race(
        GROUP, rules("ravi", rules={"add": "admins"}), changes("raju", add=["mira"])
    ),
    "two texts": Race((friends, *ASKED), sends("ravi", 1), sends("raju", 2)),
    "register twice": Race((), registers("raju", "desk"), registers("raju", "desk")),
    "remove twice": Race(REGISTERED, removes("raju", "desk"), removes("raju", "desk")),
    "remove a device that acknowledges": Race(
        (*GROUP, sends("ravi", 5)), removes("raju", "phone"), reports("raju")
    ),
}


CUT_OFF = {
    "a block while a chat is begun": RACES["a block while a chat is begun"],
    "an unblock while a chat is begun": RACES["an unblock while a chat is begun"],
    "accept, block": RACES["accept, block"],
    "decline, answer": RACES["decline, answer"],
    "answer, decline": Race(ASKED, sends("raju"), does("raju", "decline")),
    "answer": Race(ASKED, sends("raju"), nothing),
    "accept": Race(ASKED, does("raju", "accept"), nothing),
    "found": Race((friends,), founds("ravi", "raju"), nothing),
    "found and invite": Race((), founds("ravi", "raju"), nothing),
}
IN_MAKE_TEST = 4  # the number of CUT_OFF that `make test` runs; the others are deep


def _differ(race: Race, *, thorough: bool, expected: list[Outcome] | None = None) -> list[str]:
    """After how many calls of each, and what is then as in neither order."""
    expected = expected or one_by_one(race)
    found = []
    for calls, (first, second, seen) in at_once(race, thorough=thorough):
        if (first, second, seen) not in expected:
            nearest = min(
                (
                    [name for name in seen if seen[name] != other.get(name)]
                    for *_, other in expected
                ),
                key=len,
            )
            found.append(f"{calls}: {first} {second}, {nearest}")
    return found


@pytest.mark.parametrize("name", FEW)
def test_two_at_once_are_as_one_after_the_other(name: str, unexpected: list[BaseException]) -> None:
    assert _differ(RACES[name], thorough=False) == []
    assert not unexpected


@pytest.mark.deep
@pytest.mark.parametrize("name", RACES)
def test_two_that_overtake_each_other_are_as_one_after_the_other(
    name: str, unexpected: list[BaseException]
) -> None:
    assert _differ(RACES[name], thorough=True) == []
    assert not unexpected


@pytest.mark.deep
@pytest.mark.parametrize("name", WITHOUT_FAULTS)
def test_others_at_once_are_as_one_after_the_other_too(name: str) -> None:
    assert _differ(WITHOUT_FAULTS[name], thorough=False) == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if number < IN_MAKE_TEST else pytest.mark.deep)
        for number, name in enumerate(CUT_OFF)
    ],
)
def test_a_request_that_is_interrupted_and_repeated_is_as_one_after_the_other(
    name: str,
) -> None:
    """Positions and answers are left out: a message that is sent again may have a later one."""
    race = CUT_OFF[name]._replace(answered=False)
    expected = [_plain(outcome) for outcome in one_by_one(race)]
    found = {calls: _plain(outcome) for calls, outcome in interrupted(race)}
    assert len(found) > 3 and [each for each in found if found[each] not in expected] == []


def _plain(outcome: Outcome) -> str:
    return re.sub(r'("(seq|delivered|complete_to|sent_at)": )\d+', r"\1n", json.dumps(outcome))


def _whatever_becomes_of_it(*given: Any) -> None:
    with suppress(TransactionCancelled):
        transact(*given)


def _whatever_is_decided(self: Contacts, user: str, peer: str, _state: object) -> Any:
    return self._users.check_action(user_key(user, f"checked#{peer}"), "attribute_not_exists(x)")


MUTANTS = (
    (
        "leave, add",
        Mutant("who_has_left_is_added", Invitations, "have_left", lambda *_: set(), ""),
    ),
    (
        "a block while a chat is begun",
        Mutant("a_block_is_forgotten", Contacts, "check_action", _whatever_is_decided, ""),
    ),
    (
        "add, a text",
        Mutant(
            "a_cancelled_change_counts_as_done",
            membership,
            "transact",
            _whatever_becomes_of_it,
            "",
        ),
    ),
    (
        "two identities of a device",
        edited(
            "an_identity_is_overwritten",
            (Directory, "_replace_action"),
            ('"ed25519 = :e_was AND curve25519 = :c_was AND', '"'),
            "",
        ),
    ),
)


@pytest.mark.deep
@pytest.mark.parametrize(("race", "mutant"), MUTANTS, ids=lambda each: getattr(each, "name", each))
def test_a_rule_less_shows(race: str, mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    raced = {**RACES, **WITHOUT_FAULTS}[race]
    expected = one_by_one(raced)
    monkeypatch.setattr(mutant.owner, mutant.attribute, mutant.instead)
    assert _differ(raced, thorough=False, expected=expected) != []
