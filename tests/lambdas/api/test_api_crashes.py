"""A target's process ends in front of each call that a route makes, and after the last one; the client
asks again. That must end as if nothing had happened.

The requests are made from the table of routes and the schemas: a new route is tried without a line
here, and has to have one that succeeds.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from botocore.client import BaseClient

from emulator.aws.cognito_codes import CODES
from lambdas.api.call import Route
from lambdas.api.routes import ROUTES
from lambdas.keys.links import code_of
from tests.attacks import aims
from tests.attacks.world import DEVICE, EMAIL, World, attacked
from tests.support.lambdas.rest import PASSWORD, Phone, Reply, client, key

MOST_CALLS = 120
WHO = {  # not the victim itself
    "POST /api/chats/{chat}/accept": "invited",
    "POST /api/chats/{chat}/decline": "invited",
}
# A second response that differs from the first one, from which the client sees that it is done.
AGAIN = {
    "POST /api/account/email/confirm": {400},
    "POST /api/account/delete": {401},
    "POST /api/chats/{chat}/leave": {404},
    "POST /api/chats/{chat}/decline": {404},
    "DELETE /api/devices/{device}": {401},  # the sign-in ended with its device
    "POST /api/sign-out": {401},
    "POST /api/links": {409},  # its code is taken: by itself
}
# What may be left besides: of a ticket and of a place for a file nobody knows, and they expire; items
# of a group without a head, which are none of a chat. Keys are claimed twice.
TWICE = {
    "POST /api/tickets": r"Tickets ",
    "POST /api/chats": r"Chats \S+ member#|Users \S+ chat#",
    "POST /api/chats/{chat}/files": r"Users |Files ",  # a second form, which expires
    "POST /api/keys/claim": r"Users ",
}
# Of the endpoint of a device that is gone. No push goes there, as no device names it, and whoever
# registers this phone again takes it over (lambdas/notifications/endpoints.py).
OWNER = r"Users push#"


class Killed(BaseException):
    """The process ended here."""


@contextmanager
def ending_at(step: int) -> Iterator[list[str]]:
    """No call from this one on is made. The calls, with the one in front of which it ended."""
    call = BaseClient._make_api_call  # type: ignore[attr-defined]
    seen: list[str] = []

    def counted(client_: Any, operation: str, parameters: dict[str, Any]) -> Any:
        seen.append(operation)
        if len(seen) >= step:
            raise Killed
        return call(client_, operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", counted)
        yield seen


class Scene:
    """The attacks' world, in which the victim does what it may."""

    def __init__(self, world: World) -> None:
        self.world = world
        victim = world.names["victim"]
        self.phone = world.api.phone(victim, DEVICE, push={"platform": "fcm", "token": "t"})
        world.api.phone(victim, "other")  # the one that stays
        client("cognito-idp").admin_update_user_attributes(
            UserPoolId=world.api.aws.settings["USER_POOL_ID"],
            Username=victim,
            UserAttributes=[
                {"Name": "email", "Value": EMAIL},
                {"Name": "email_verified", "Value": "true"},
            ],
        )

    def requests(self, route: Route) -> list[aims.Aim]:
        """Those of the schemas; called again after `put_back`, as codes and tokens serve once."""
        name = aims.name_of(route)
        code = self._code(name)
        known = {**self._own(name), "code": [code]}
        found = list(aims.of_route(route, self.world, "victim", lambda *_: known))
        if (
            name == "POST /api/chats"
        ):  # without an id, as older clients ask, a group is founded twice
            found = [aim for aim in found if {"with", "request_id"} & aim.body.keys()]
        return found[:2] if route.method == "GET" else found  # others differ in what is read

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """As before, with the connections that were closed."""
        received = self.world.api.gateway.received
        open_ = list(received)
        with self.world.put_back():
            yield
        for connection in open_:
            received.setdefault(connection, [])

    def _own(self, name: str) -> dict[str, list[Any]]:
        world, names = self.world, self.world.names
        signed = self.phone.registration()
        return {
            **aims.values(world, "victim"),
            "username": ["brand_new" if name == "POST /api/sign-up" else names["victim"]],
            "user": [names["friend"]],
            "chat": [world.group],
            "chats": [{world.group: 0}],
            "file": [self._file() if "{file}" in name else world.file],
            "password": [PASSWORD],
            "email": ["other@secret.example"],
            "refresh_token": [self._signed_in()["refresh_token"]],
            "with": [names["friend"]],
            "members": [[names["friend"]]],
            "add": [[names["stranger"]]],
            "remove": [[names["member"]]],
            "appoint": [[names["member"]]],
            "dismiss": [[names["member"]]],
            "devices": [[f"{names['friend']}/phone"]],
            "cursor": [world.group],
            "keys": [signed["keys"]],
            "signature": [signed["signature"]],
            "one_time_keys": [self.phone.one_time_keys(range(9, 11))],
            "fallback_key": [self.phone.fallback_key("f", 9)],
        }

    def _signed_in(self) -> Any:
        body = {"username": self.world.names["victim"], "password": PASSWORD}
        return self.world.api.request("POST", "/api/sign-in", body).body

    def _file(self) -> str:
        path = f"/api/chats/{self.world.group}/files"
        return str(self.world.ask("victim", "POST", path, {"size": 9}).body["file"])

    def _code(self, name: str) -> str:
        """The one that the route takes: of a mail, or of a device that wants to be let in."""
        if "/links/" in name:
            phone = Phone("nobody")
            keys = {"curve25519": phone.curve25519, "ed25519": phone.ed25519}
            offer = {"device": "web-1", "label": "a page", "one_time_key": key(7)}
            self.world.api.request("POST", "/api/links", {**offer, "keys": keys})
            code = code_of({**offer, **keys})
            if name.endswith("confirmation"):
                sealed = {"curve25519": key(7), "message": "c2VhbGVk"}
                self.world.ask("victim", "POST", f"/api/links/{code}/confirm", sealed)
            return code
        if "reset/confirm" in name:
            body = {"username": self.world.names["victim"]}
            self.world.api.request("POST", "/api/password/reset", body)
        elif "email/confirm" in name:
            body = {"email": "other@secret.example", "password": PASSWORD}
            self.world.ask("victim", "PUT", "/api/account/email", body)
        else:
            return "123456"
        return CODES.mails[-1]["code"]

    def ask(self, route: Route, aim: aims.Aim) -> Reply:
        name, api = aims.name_of(route), self.world.api
        query = aim.query or {}
        if name == "POST /api/account/email/confirm":  # Cognito itself has to know the token
            bearer = {"authorization": f"Bearer {self._signed_in()['access_token']}"}
            return api.request(route.method, aim.path, aim.body, headers=bearer)
        user = None if route.open else self.world.names[WHO.get(name, "victim")]
        return api.request(route.method, aim.path, aim.body, user=user, query=query)

    def left(self) -> Counter[tuple[str, ...]]:
        """What is stored, without what is drawn and counted: ids, keys, times."""
        found: Counter[tuple[str, ...]] = Counter()
        for whose, content in self.world.stored().items():
            sampled = whose[-1].startswith(("limit#requests#", "limit#tickets#"))  # by chance
            # the others are repeated until they are received
            if not sampled and whose[0] not in ("posts", "PushQueue", "SNS"):
                found[tuple(_plain(each) for each in (*whose, content))] += 1
        return found


def _plain(text: str) -> str:
    text = re.sub(r"\{.*?\}", "", text) if len(text) > 5_000 else text
    return re.sub(r"[A-Za-z0-9_+/=-]{20,}|[0-9]+", "*", text)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with attacked() as made:
        yield Scene(made)


EARLIER: dict[str, Any] = {  # all others are deep
    "POST /api/chats/{chat}/decline": (),
    "POST /api/password": pytest.mark.slow,
    "PUT /api/account/email": pytest.mark.slow,
}
CASES = [
    pytest.param(route, id=name, marks=EARLIER.get(name, pytest.mark.deep))
    for route in ROUTES
    for name in [aims.name_of(route)]
]


@pytest.mark.parametrize("route", CASES)
def test_a_request_that_ended_anywhere_is_asked_again(scene: Scene, route: Route) -> None:
    name = aims.name_of(route)
    with scene.put_back():
        number = len(scene.requests(route))
    succeeded = False
    for which in range(number):
        with scene.put_back():
            aim = scene.requests(route)[which]
            expected = scene.ask(route, aim)
            succeeded |= expected.status < 300
            left = scene.left()
        for step in range(1, MOST_CALLS):
            with scene.put_back():
                aim = scene.requests(route)[which]
                with ending_at(step) as calls, suppress(Killed, Exception):
                    scene.ask(route, aim)
                if len(calls) < step:  # it had made all of them, and its response is lost
                    step = MOST_CALLS
                again = scene.ask(route, aim)
                where = f"{name} ended in front of call {calls[-1:]}, {len(calls)}"
                assert again.status in {expected.status, *AGAIN.get(name, ())}, (where, again)
                found = scene.left()
                allowed = re.compile(f"{TWICE.get(name, OWNER)}|{OWNER}")
                more = [each for each in found - left if not allowed.match(" ".join(each))]
                assert not more and not left - found, (where, more, left - found)
            if step == MOST_CALLS:
                break
        else:
            raise AssertionError(f"{name} makes more than {MOST_CALLS} calls")
    assert succeeded, "no request of this route succeeds"
