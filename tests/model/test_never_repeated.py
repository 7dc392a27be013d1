"""Requests whose process ends in front of each call in turn, and that nobody repeats.

A timeout or a lack of memory ends a function's process anywhere, and people do not always try
again. Then what everybody sees, with everybody connected anew and all lists asked for, must be as
if the request had never come, or as if it had been done.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from types import ModuleType
from typing import Any

import pytest

from lambdas.keys import directory
from lambdas.messages import direct, membership
from lambdas.tables import Table, transact
from tests.model.races import MOST_CALLS, Act, Scene, begun, run
from tests.model.small import small
from tests.model.test_races import (
    ASKED,
    BLOCKED,
    GROUP,
    INVITED,
    REGISTERED,
    begins,
    changes,
    decides,
    does,
    forgets,
    founds,
    friends,
    registers,
    removes,
    reports,
    rules,
    sends,
    signs_out,
)

LEFT = (*GROUP, does("raju", "leave"))
ACTS: dict[str, tuple[tuple[Act, ...], Act]] = {
    "a stranger begins a chat": ((), begins("ravi", "raju")),
    "one who is blocked begins a chat": (
        (decides("raju", "ravi", "blocked"),),
        begins("ravi", "raju"),
    ),
    "a request is opened": (ASKED, begins("raju", "ravi")),
    "a request is accepted": (ASKED, does("raju", "accept")),
    "a declined request is accepted": (
        (*ASKED, does("raju", "decline")),
        does("raju", "accept"),
    ),
    "a request is declined": (ASKED, does("raju", "decline")),
    "somebody is blocked": (ASKED, decides("raju", "ravi", "blocked")),
    "a contact is blocked": ((friends, *ASKED), decides("raju", "ravi", "blocked")),
    "a stranger is blocked": ((), decides("raju", "ravi", "blocked")),
    "somebody is unblocked": (BLOCKED, forgets("raju", "ravi")),
    "one who is blocked becomes a contact": (BLOCKED, decides("raju", "ravi", "contact")),
    "friends found a group": ((friends,), founds("ravi", "raju", "mira")),
    "strangers found a group": ((), founds("ravi", "raju", "mira")),
    "a friend is added": (GROUP, changes("ravi", add=["mira"])),
    "a stranger is invited": ((founds("ravi", "raju"),), changes("ravi", add=["mira"])),
    "who has left is added": (LEFT, changes("ravi", add=["raju"])),
    "a member is removed": (GROUP, changes("ravi", remove=["raju"])),
    "an invitation is taken back": (INVITED, changes("ravi", remove=["raju"])),
    "a group is left": (GROUP, does("raju", "leave")),
    "the last admin leaves": (GROUP, does("ravi", "leave")),
    "an invitation is accepted": (INVITED, does("raju", "accept")),
    "who has left comes back": ((*LEFT, changes("ravi", add=["raju"])), does("raju", "accept")),
    "an invitation is declined": (INVITED, does("raju", "decline")),
    "an admin is appointed": (GROUP, rules("ravi", appoint=["raju"])),
    "a device is registered": ((), registers("raju", "desk")),
    "a device gets other keys": (REGISTERED, registers("raju", "desk", "raju/one")),
    "a device is removed": (REGISTERED, removes("raju", "desk")),
    "a device signs out": (REGISTERED, signs_out("raju", "phone")),
    "a text is reported": ((*GROUP, sends("ravi", 5)), reports("raju")),
}


@pytest.fixture(autouse=True)
def unexpected() -> Iterator[list[BaseException]]:
    with small() as found, redirect_stdout(StringIO()):
        yield found


def _scene(name: str, *, done: bool = False) -> Scene:
    begin, act = ACTS[name]
    scene = Scene()
    for each in (*begin, act) if done else begin:
        each(scene)
    return scene


def _ended(name: str) -> Iterator[Scene]:
    """After the act has ended in front of each of its calls in turn, and after the last one."""
    for calls in range(MOST_CALLS):
        scene = _scene(name)
        one = begun(scene, ACTS[name][1])
        run(scene, one, calls)
        if one.done:
            return
        run(scene, one, 1, kill=True)
        yield scene


def _seen(scene: Scene) -> dict[str, Any]:
    """Without what tells one try from another: random names, and places that were taken."""
    text = json.dumps(scene.seen(), sort_keys=True, default=str)
    found: dict[str, Any] = json.loads(
        re.sub(r'"(seq|delivered|complete_to|sent_at|after)": \d+', r'"\1": 0', text)
    )
    return found


FEW = ("a stranger is invited", "somebody is blocked", "an invitation is declined")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in FEW else pytest.mark.deep) for name in ACTS]
)
def test_what_ended_anywhere_has_happened_to_everybody_or_to_nobody(
    name: str, unexpected: list[BaseException]
) -> None:
    expected = [_seen(_scene(name)), _seen(_scene(name, done=True))]
    assert expected[0] != expected[1], "nobody sees whether it was done"
    found = [_seen(scene) for scene in _ended(name)]
    wrong = [
        f"call {number}: {min(_difference(seen, other) for other in expected)}"
        for number, seen in enumerate(found)
        if seen not in expected
    ]
    assert len(found) > 2 and wrong == []
    assert not unexpected


# Whose transaction is made in two calls, and how many actions are in the first.
SPLIT: dict[str, tuple[ModuleType, int]] = {
    "a stranger begins a chat": (direct, 2),
    "a request is opened": (direct, 1),
    "a request is accepted": (direct, 1),
    "a declined request is accepted": (direct, 1),
    "somebody is blocked": (direct, 1),
    "one who is blocked becomes a contact": (direct, 1),
    "a friend is added": (membership, 1),
    "an invitation is accepted": (membership, 1),
    "a device is removed": (directory, 1),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in FEW else pytest.mark.deep) for name in SPLIT]
)
def test_a_transaction_in_two_calls_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [_seen(_scene(name)), _seen(_scene(name, done=True))]
    module, first = SPLIT[name]

    def in_two_calls(table: Table, actions: Sequence[dict[str, Any]]) -> None:
        for part in (actions[:first], actions[first:]):
            if part:
                transact(table, part)

    monkeypatch.setattr(module, "transact", in_two_calls)
    assert [seen for seen in map(_seen, _ended(name)) if seen not in expected] != []


def _difference(seen: dict[str, Any], other: dict[str, Any]) -> list[str]:
    names = sorted(seen.keys() | other.keys())
    return [
        f"{each}: {seen.get(each)} for {other.get(each)}"
        for each in names
        if seen.get(each) != other.get(each)
    ]
