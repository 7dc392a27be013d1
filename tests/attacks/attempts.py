"""Attempts at what is another user's: each request and frame of aims.py, made by one attacker."""

import json
from collections.abc import Iterator
from typing import NamedTuple

from lambdas.api.routes import ROUTES
from tests.attacks import aims
from tests.attacks.world import World

OPERATIONS = [*(aims.name_of(route) for route in ROUTES), *aims.ACTIONS]
Outcome = int | str  # a status; of a frame the code of its error, its type, or "" for no response


class Attempt(NamedTuple):
    aim: aims.Aim
    outcome: Outcome
    seen: str  # what the attacker sees: the response, and what came on the connection


def attempts(
    world: World, operation: str, attacker: str, values: aims.Values = aims.values
) -> Iterator[Attempt]:
    """Each begins in the same world, which stays as it left it until the next one is asked for."""
    route = next((each for each in ROUTES if aims.name_of(each) == operation), None)
    tried = (
        aims.of_route(route, world, attacker, values)
        if route
        else aims.of_frame(operation, world, attacker, values)
    )
    for aim in tried:
        with world.put_back():
            if route:
                reply = world.ask(attacker, route.method, aim.path, aim.body, aim.query or {})
                outcome: Outcome = reply.status
                seen = json.dumps([reply.body, reply.headers])
            else:
                frame = world.frame(attacker, aim.body)
                outcome = "" if frame is None else frame.get("code", frame["type"])
                seen = json.dumps(frame)
            posts = world.api.gateway.received.get(world.connection(attacker), [])
            yield Attempt(aim, outcome, seen + json.dumps(posts))
