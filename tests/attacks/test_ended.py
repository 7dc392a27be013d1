"""Whoever was signed out, disabled or deleted, and goes on with the token or the open connection:
no route and no frame does anything more."""

import time
from collections.abc import Callable

import pytest

from lambdas.api import operator
from lambdas.api.removal import end_sign_ins, remove_device
from lambdas.api.routes import ROUTES
from lambdas.api.sign_ins import SignIns
from lambdas.settings import Aws
from tests.attacks import aims
from tests.attacks.world import World

pytestmark = [pytest.mark.xdist_group("attacks"), pytest.mark.deep]


def _operated(act: str) -> Callable[[Aws, str], object]:
    return lambda aws, user: operator.respond(aws, {"act": act, "user": user})


ENDS: dict[str, tuple[Callable[[Aws, str], object], set[int]]] = {
    "disabled": (_operated("disable"), {403}),
    "deleted": (_operated("delete"), {401}),
    "signed out everywhere": (lambda aws, user: end_sign_ins(aws, user), {401}),
    "signed out": (lambda aws, user: SignIns(aws.users).end(user, "own", aws.now() + 60), {401}),
}
OUT = {**{how: act for how, (act, _) in ENDS.items() if how != "signed out"}}
OUT["a device removed"] = lambda aws, user: remove_device(aws, user, "phone", by="")


@pytest.mark.parametrize("how", ENDS)
def test_no_route_takes_the_token_of_an_ended_sign_in(world: World, how: str) -> None:
    act, statuses = ENDS[how]
    user = world.names["member"]
    token = world.api.token(user, origin_jti="own", auth_time=int(time.time()) - 60)
    headers = {"authorization": f"Bearer {token}"}
    with world.put_back():
        act(world.api.aws, user)
        before = world.stored()
        for route in ROUTES:
            if route.open:
                continue
            for aim in aims.of_route(route, world, "member", aims.own_values):
                reply = world.api.request(
                    route.method, aim.path, aim.body, headers=headers, query=aim.query or {}
                )
                assert reply.status in statuses, (aim, reply)
        assert world.stored() == before


@pytest.mark.parametrize("how", OUT)
def test_no_frame_of_an_open_connection_does_anything_after_that(world: World, how: str) -> None:
    user = world.names["member"]
    with world.put_back():
        OUT[how](world.api.aws, user)
        closed = world.connection("member")
        before = world.stored()
        for action in aims.ACTIONS:
            for aim in aims.of_frame(action, world, "member", aims.own_values):
                # as if the closing had come too late
                world.api.gateway.received[closed] = []
                response = world.frame("member", aim.body)
                assert response is None or response["type"] == "error", (aim, response)
                assert all(
                    frame["type"] == "error" for frame in world.api.gateway.received.get(closed, [])
                )
                world.api.gateway.received.pop(closed, None)
        after = world.stored()
        assert {*before} <= {*after}
        for key in after:
            if after[key] != before.get(key):
                # a send takes its position in the log before it is rejected, and leaves it void
                assert key[:2] == ("Chats", world.group), key
                assert key[2] == "head" or '"void"' in after[key]
