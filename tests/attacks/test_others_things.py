"""What is another user's, tried by every route and frame: what comes of it, and what is written.

A route or frame without a row in ROWS may change and tell nothing of others, and there is no chat
for it but those of its caller.
"""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import pytest

from lambdas import api
from lambdas.api.routes import ROUTES
from lambdas.errors import STATUS
from tests.attacks import aims
from tests.attacks.attempts import OPERATIONS, Outcome, attempts
from tests.attacks.world import ATTACKERS, EMAIL, PAYLOAD, PUSH_TOKEN, Stored, World

pytestmark = pytest.mark.xdist_group("attacks")


@dataclass(frozen=True)
class Row:
    """Exactly what an operation leads to: for all, and for one attacker. None: whatever it is.

    `writes` has patterns of what it may change besides what is the attacker's own, in the form of
    `_changes`.
    """

    all: set[Outcome] | None
    but: dict[str, set[Outcome] | None] = field(default_factory=dict)
    writes: tuple[str, ...] = ()


def of_a_chat(member: set[Outcome] | None) -> Row:
    """A route of one chat: for all but members there is no such chat."""
    return Row({404}, {"member": member})


def row_of(operation: str) -> Row:
    unwritten = of_a_chat(None) if "{chat}" in operation else Row(None)
    return ROWS.get(operation, unwritten)


TALK = ("posts victim", "posts friend")
IN_THE_GROUP = (*TALK, "posts member", "Chats group/*")
ROWS: dict[str, Row] = {
    "GET /api/health": Row({200}),
    "POST /api/sign-up": Row({409}),
    "POST /api/sign-in": Row({401}),
    "POST /api/token": Row({401}),
    "POST /api/password": Row({401}),
    "POST /api/password/reset": Row({200}),
    "POST /api/password/reset/confirm": Row({400}),
    "PUT /api/account/email": Row({401}),  # the password is not the attacker's own
    "POST /api/account/email/confirm": Row({401}),
    "POST /api/sign-out": Row({200}),
    "GET /api/account": Row({200}),
    "POST /api/account/delete": Row({401}),
    "POST /api/links": Row({201}, writes=("Users link#*",)),  # of the new device itself
    "GET /api/links/{code}": Row({404}),
    "POST /api/links/{code}/confirm": Row({404}),
    "GET /api/links/{code}/confirmation": Row({404}),
    "PUT /api/devices/{device}": Row({400}),  # signed for the victim
    "DELETE /api/devices/{device}": Row({204}),  # a device of the attacker's own, which was none
    "GET /api/users/{user}/devices": Row({200}),  # public, for those who are signed in
    "GET /api/web-push-key": Row({200}),
    "POST /api/devices/{device}/one-time-keys": Row({404}),
    "POST /api/keys/claim": Row(
        {200}, writes=("Users victim/device", "Users victim/otk", "posts victim")
    ),
    # a group leaves an invitation to a user whose contact the attacker is not; nothing reaches
    # somebody by whom one is blocked
    "POST /api/chats": Row(
        {201, 403},
        {"blocked": {200, 201}},
        ("Chats */*", "Users victim/invite", "Users victim/named", "posts victim"),
    ),
    "GET /api/chats": Row({200, 400}),  # a cursor has the form of a chat
    # a member adds nobody where only admins may; whom they remove or add is no change otherwise
    "POST /api/chats/{chat}/members": of_a_chat({404, 403, 200}),
    "POST /api/chats/{chat}/accept": Row(
        {404}, {"member": {404, 200}, "invited": {404, 200}}, IN_THE_GROUP
    ),
    "POST /api/chats/{chat}/decline": Row({404}, {"invited": {404, 200}}, ("Chats group/head",)),
    "POST /api/chats/{chat}/leave": Row({404}, {"member": {404, 200}}, IN_THE_GROUP),
    "POST /api/chats/{chat}/admins": of_a_chat({404, 403}),
    "PUT /api/chats/{chat}/mute": of_a_chat({404, 200}),
    "GET /api/chats/{chat}/messages": of_a_chat({404, 200}),
    "POST /api/chats/{chat}/files": Row({404}, {"member": {404, 201}}, ("Files group/*",)),
    "GET /api/chats/{chat}/files/{file}": of_a_chat({404, 200}),
    "GET /api/contacts": Row({200}),
    "PUT /api/contacts/{user}": Row({200}, writes=("Chats blocked/head",)),
    "DELETE /api/contacts/{user}": Row({204}, writes=("Chats blocked/head",)),
    "GET /api/settings": Row({200}),
    "PUT /api/settings": Row({200}),
    "POST /api/tickets": Row({404}),
    "ping": Row({"pong"}),
    "receipt": Row({"not_found"}, {"member": {"not_found", ""}}, ("Chats group/*", *TALK)),
    "send": Row(
        {"not_found"},
        {"member": {"not_found", "accepted"}},
        ("Chats group/*", *TALK, "PushQueue *"),
    ),
    "sync": Row({"not_found", "synced", "bad_request"}),  # a cursor has the form of a chat
    "typing": Row({"not_found"}, {"member": {"not_found", ""}}, TALK),
    "watch": Row({"presence"}),
}


def test_every_row_is_of_a_route_or_frame_and_every_field_has_a_meaning(world: World) -> None:
    assert set(ROWS) <= set(OPERATIONS)
    assert aims.unknown_fields(world) == set()


def test_the_query_parameters_are_those_that_the_endpoints_read() -> None:
    read: dict[tuple[str, str], set[str]] = {}
    for file in Path(api.__file__).parent.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            source = ast.get_source_segment(text, node) or ""
            found = re.findall(r'\bcall\.(?:query\.get|number)\(\s*"(\w+)"', source)
            assert len(found) == len(re.findall(r"\bcall\.(?:query|number)\b", source)), file
            if found and isinstance(node, ast.FunctionDef):
                read[f"{api.__name__}.{file.stem}", node.name] = set(found)
    assert read == {
        (route.endpoint.__module__, route.endpoint.__name__): set(aims.QUERIES[name])
        for route in ROUTES
        if (name := aims.name_of(route)) in aims.QUERIES
    }


class Attack(NamedTuple):
    outcome: Outcome
    seen: str
    changed: set[str]  # in the form of Row.writes
    aim: aims.Aim


def attacks(
    world: World, operation: str, attacker: str, values: aims.Values = aims.values
) -> Iterator[Attack]:
    before = world.stored()
    for aim, outcome, seen in attempts(world, operation, attacker, values):
        changed = _changes(world, attacker, before, world.stored())
        yield Attack(outcome, seen, changed, aim)


def _changes(world: World, attacker: str, before: Stored, after: Stored) -> set[str]:
    """Such as "Chats group/message": table, whose item, and its kind. Without what belongs to the
    attacker, and the limits, which count what is refused too."""
    places = {world.direct: "direct", world.group: "group", world.blocked: "blocked"}
    for role, user in world.names.items():
        places |= {user: role, world.connection(role): role}
    places |= {world.endpoint: "victim", f"push#{world.endpoint}": "victim"}
    found = set()
    for key in before.keys() | after.keys():
        if before.get(key) == after.get(key) or "limit#" in key[-1]:
            continue
        kind, owner, *item = key
        of_item = f"/{item[0].partition('#')[0]}" if item else ""
        if places.get(owner) != attacker:
            found.add(f"{kind} {places.get(owner, owner)}{of_item}")
    return found


def _refused(outcome: Outcome) -> bool:
    return outcome >= 400 if isinstance(outcome, int) else outcome in STATUS


@pytest.mark.parametrize("likely", [True, pytest.param(False, marks=pytest.mark.deep)])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_anothers_stays_as_it_was_and_unread(
    world: World, operation: str, likely: bool
) -> None:
    """`likely` are a stranger, and those to whom the operation is not what it is to a stranger."""
    row = row_of(operation)
    first = {"stranger", *row.but}
    for attacker in (each for each in ATTACKERS if (each in first) is likely):
        seen: set[Outcome] = set()
        for attack in attacks(world, operation, attacker):
            seen.add(attack.outcome)
            _require_harmless(world, attacker, attack, row.writes)
        expected = row.but.get(attacker, row.all)
        assert expected is None or seen == expected, attacker


def _require_harmless(world: World, attacker: str, attack: Attack, writes: tuple[str, ...]) -> None:
    allowed = () if _refused(attack.outcome) else writes
    for change in attack.changed:
        assert any(fnmatch(change, each) for each in allowed), (attacker, attack)
    named = json.dumps(attack.aim)
    for secret in _secrets(world, attacker):
        assert secret in named or secret not in attack.seen, (attacker, attack)


# What the attacker's own changes besides, with the attacker's own password, keys and device.
ENDPOINT = ("SNS arn:*", "Users push#arn:*/owner")
NEW_DEVICE = (*ENDPOINT, *TALK)
OWN_WRITES: dict[str, tuple[str, ...]] = {
    "POST /api/sign-up": ("Cognito somebody_new", "Users somebody_new/devices"),
    "POST /api/sign-out": NEW_DEVICE,
    "POST /api/account/delete": (*NEW_DEVICE, "Chats group/head", "Chats group/member"),
    "PUT /api/devices/{device}": NEW_DEVICE,
    "DELETE /api/devices/{device}": NEW_DEVICE,
    "POST /api/chats": ("Users friend/direct", "Users friend/chat"),
    "POST /api/tickets": ("Tickets *",),
    "watch": ("Users friend/watcher",),
}


@pytest.mark.deep
@pytest.mark.parametrize("operation", OPERATIONS)
def test_who_acts_in_order_changes_and_sees_nothing_of_others(world: World, operation: str) -> None:
    writes = row_of(operation).writes + OWN_WRITES.get(operation, ())
    for attacker in ("stranger", "invited", "member"):
        for attack in attacks(world, operation, attacker, aims.own_values):
            _require_harmless(world, attacker, attack, writes)


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if "{chat}" in each])
def test_a_chat_of_others_looks_like_one_that_there_is_not(world: World, operation: str) -> None:
    answers = set()
    for attack in attacks(world, operation, "stranger"):
        text = attack.seen
        for chat in (world.direct, world.group, aims.NOWHERE):
            text = text.replace(chat, "<chat>")
        answers.add(text)
    assert len(answers) == 1


def _secrets(world: World, attacker: str) -> list[str]:
    """Who is in the group, or accepts the invitation, sees its members and messages."""
    secrets = [PUSH_TOKEN, EMAIL, world.direct, world.file]
    if attacker not in ("member", "invited"):
        secrets += [world.names["friend"], world.names["member"], world.group]
    return secrets if attacker in ("member", "invited", "blocked") else [*secrets, PAYLOAD]
