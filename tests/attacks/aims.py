"""Requests and frames that name what is another user's, made from the routes and the schemas.

A field's name says what it means all over the protocol; a field that is not in VALUES has to get a
row before the tests run.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from lambdas.api.call import Route
from lambdas.api.routes import ROUTES
from lambdas.frames import SCHEMAS
from tests.attacks.world import DEVICE, MESSAGE_ID, PUSH_TOKEN, World
from tests.support.lambdas.rest import PASSWORD, Phone, key

ACTIONS = sorted(file.stem for file in (SCHEMAS / "client").glob("*.json"))
NOWHERE = "a_chat_that_is_nowhere"  # as long as an id, for equal lengths of answers


QUERIES = {
    "GET /api/account": ("cursor",),
    "GET /api/chats": ("cursor", "limit"),
    "GET /api/chats/{chat}/messages": ("device", "after", "limit"),
}


Values = Callable[[World, str], dict[str, list[Any]]]


class Aim(NamedTuple):
    """A request's path, or "" for a frame, its body and its query."""

    path: str
    body: Any
    query: dict[str, str] | None = None


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def values(world: World, attacker: str) -> dict[str, list[Any]]:
    """What each field can name of the victim's."""
    victim, user = world.names["victim"], world.names[attacker]
    address, chats = f"{victim}/{DEVICE}", [world.direct, world.group, NOWHERE]
    stolen = Phone(victim, DEVICE).registration()
    return {
        "chat": chats,
        "chats": [{chat: 0} for chat in chats[:2]],
        "user": [victim],
        "username": [victim],
        "file": [world.file],
        "device": [DEVICE],
        "devices": [[address]],
        "to": [{address: "eA"}],
        **{name: [[victim]] for name in ("users", "senders", "add", "remove", "members")},
        **{name: [[victim]] for name in ("appoint", "dismiss")},
        "with": [victim],
        "rules": [{"add": "members"}],
        "cursor": [world.direct, f"chat#{world.direct}", victim],
        "after": [0],
        "limit": [1],
        "message_id": [MESSAGE_ID],
        "request_id": ["a-name-of-a-request"],
        "payload": ["eA"],
        "alg": ["megolm.v1", "olm.v1"],
        "delivered": [1],
        "read": [1],
        "urgent": [True],
        "hidden": [False],
        "kind": ["direct", "group"],
        "until": [0],
        "size": [9],
        "state": ["contact", "blocked"],
        "password": ["Guess-horse-7"],
        "new_password": ["Another-horse-7"],
        "code": ["123456", "A" * 32],  # of a mail, of a link: both are to be guessed
        "label": ["a phone"],
        "one_time_key": [key(9)],
        "curve25519": [key(1)],
        "message": ["AAAA"],
        "email": [f"{user}@evil.example"],
        "refresh_token": ["a-token-of-nobody"],
        "everywhere": [False],
        **{name: ["everybody"] for name in ("groups", "presence", "requests")},
        "receipts": [True],
        "keys": [stolen["keys"]],
        "signature": [stolen["signature"]],
        "push": [{"platform": "fcm", "token": PUSH_TOKEN}],
        "web_push": [...],  # has tests of its own: a subscription says nothing of its user
        "one_time_keys": [Phone(victim, DEVICE).one_time_keys(range(9, 10))],
        "fallback_key": [Phone(victim, DEVICE).fallback_key("f", 9)],
        "introduction": [...],  # has tests of its own: whoever signed it, it is the owner's word
        "action": [...],
    }


def own_values(world: World, attacker: str) -> dict[str, list[Any]]:
    """What a request has that is in order: the attacker's own, and of somebody who allows it."""
    user = world.names[attacker]
    phone = Phone(user)
    registration = phone.registration()
    return {
        **values(world, attacker),
        "username": [user, "somebody_new"],
        "password": [PASSWORD],
        "new_password": ["Another-horse-7 Battery!"],
        "device": ["phone"],
        "keys": [registration["keys"]],
        "signature": [registration["signature"]],
        "push": [{"platform": "fcm", "token": "another-push-token"}],
        "with": [world.names["friend"]],
        "users": [[world.names["friend"], world.names["victim"]]],
    }


def of_route(route: Route, world: World, attacker: str, values: Values = values) -> Iterator[Aim]:
    known = values(world, attacker)
    names = re.findall(r"\{(\w+)\}", route.path)
    bodies = [*_bodies(schema(f"rest/{route.body}.request"), known)] if route.body else [None]
    for chosen in itertools.product(*(known[name] for name in names)):
        path = route.path.format(**dict(zip(names, chosen, strict=True)))
        yield from (Aim(path, body) for body in bodies)
        yield from (Aim(path, bodies[0], query) for query in _queries(route, known))


def of_frame(action: str, world: World, attacker: str, values: Values = values) -> Iterator[Aim]:
    for body in _bodies(schema(f"client/{action}"), values(world, attacker)):
        yield Aim("", {"action": action, **body})


def _queries(route: Route, known: dict[str, list[Any]]) -> Iterator[dict[str, str]]:
    """Each value of each parameter, alone and with the first value of all others."""
    names = QUERIES.get(name_of(route), ())
    for name in names:
        for value in map(str, known[name]):
            yield {name: value}
            if len(names) > 1:
                yield {**{each: str(known[each][0]) for each in names}, name: value}


def _bodies(of: dict[str, Any], known: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """One for each way of giving what is needed, with each value of each field."""
    choices = [choice for rule in ("oneOf", "anyOf") for choice in of.get(rule, ())]
    choices = [choice for choice in choices if "properties" in choice] or choices  # the stricter
    for choice in choices or [{}]:
        fixed = choice.get("properties", {})
        names = {*of.get("required", ()), *choice.get("required", ())} - {"action"}
        for optional in ({*of["properties"]} - names - {"action", "to", "payload"}, set()):
            wanted = [
                (name, [fixed[name]["const"]] if name in fixed else known[name])
                for name in sorted(names | (optional if not choices else set()))
                if known[name] != [...]
            ]
            for chosen in itertools.product(*(found for _, found in wanted)):
                yield {name: value for (name, _), value in zip(wanted, chosen, strict=True)}
            if not optional or choices:
                break


def unknown_fields(world: World) -> set[str]:
    """Fields of requests, queries and frames that have no row in VALUES."""
    bodies = [schema(f"rest/{route.body}.request") for route in ROUTES if route.body]
    bodies += [schema(f"client/{action}") for action in ACTIONS]
    paths = {name for route in ROUTES for name in re.findall(r"\{(\w+)\}", route.path)}
    named = paths.union(*QUERIES.values(), *(body["properties"] for body in bodies))
    return named - values(world, "stranger").keys()
