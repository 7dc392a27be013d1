"""Linking a new device over REST: what each call gets in each state of a link."""

import math
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from lambdas.keys.links import CONFIRMED_SECONDS, LINK_SECONDS, Links, code_of
from lambdas.keys.links import Link as Stored
from lambdas.limits import LINKS_OPENED, Limit
from lambdas.settings import Aws
from lambdas.tables import user_key
from tests.support.lambdas.rest import Phone, Reply, Rest, key, rest

SEALED = {"curve25519": key(7), "message": "c2VhbGVk"}
OTHER = {**SEALED, "message": "bWFsbG9yeQ"}
numbers = count(1000)


class Link:
    """An offer of its own, and the calls about it."""

    def __init__(self, api: Rest) -> None:
        self.api = api
        phone = Phone("nobody")
        self.body: dict[str, Any] = {
            "device": "web-1",
            "label": 'Chrome "on" Linux',
            "keys": {"curve25519": phone.curve25519, "ed25519": phone.ed25519},
            "one_time_key": key(next(numbers)),
        }
        rest = {name: self.body[name] for name in ("device", "label", "one_time_key")}
        self.code = code_of({**rest, **self.body["keys"]})
        self.path = f"/api/links/{self.code}"

    def offer(self) -> Reply:
        return self.api.request("POST", "/api/links", self.body)

    def offered(self, user: str) -> Reply:
        return self.api.request("GET", self.path, user=user)

    def confirm(self, user: str, sealed: dict[str, Any] = SEALED) -> Reply:
        return self.api.request("POST", f"{self.path}/confirm", sealed, user=user)

    def confirmation(self) -> Reply:
        return self.api.request("GET", f"{self.path}/confirmation")


@pytest.fixture(scope="module")
def shared() -> Iterator[Rest]:
    with rest() as api:
        yield api


@pytest.fixture
def api(shared: Rest) -> Rest:
    return shared


@pytest.fixture
def ravi(api: Rest) -> str:
    (user,) = api.sign_up("ravi")
    return user


class At(Aws):
    """The same backend, with another clock."""

    moment = 0.0

    def now(self) -> float:
        return self.moment


def at(api: Rest, moment: float) -> Rest:
    aws = At(api.aws.settings)
    vars(aws).update(vars(api.aws) | {"moment": moment})
    return Rest(aws, api.gateway)


def later(api: Rest) -> Rest:
    return at(api, api.aws.now() + LINK_SECONDS + 1)


STATES = ("unknown", "open", "confirmed", "expired", "confirmed and expired")
# what each call gets, in the order of STATES
TABLE = {
    "offered": (404, 200, 409, 404, 404),
    "confirm": (404, 200, 409, 404, 404),
    "confirm again": (404, 200, 200, 404, 404),
    "confirmation": (404, 200, 200, 404, 404),
    "offer": (201, 201, 409, 409, 409),
}


@pytest.mark.parametrize("call", TABLE)
@pytest.mark.parametrize("state", STATES)
def test_what_a_call_gets_depends_on_the_state_of_its_link_alone(
    api: Rest, ravi: str, state: str, call: str
) -> None:
    link = Link(api)
    if state != "unknown":
        assert link.offer().body == {"expires_in": LINK_SECONDS}
    if "confirmed" in state:
        assert link.confirm(ravi).body == {"confirmed": True}
    if "expired" in state:
        link.api = later(api)
    calls: dict[str, Callable[[], Reply]] = {
        "offered": lambda: link.offered(ravi),
        "confirm": lambda: link.confirm(ravi, OTHER),
        "confirm again": lambda: link.confirm(ravi),
        "confirmation": link.confirmation,
        "offer": link.offer,
    }
    assert calls[call]().status == TABLE[call][STATES.index(state)]


def test_the_new_device_gets_what_was_sealed_for_it_as_often_as_it_asks(
    api: Rest, ravi: str
) -> None:
    link = Link(api)
    link.offer()
    assert set(link.confirmation().body) == {"expires_in"}
    link.confirm(ravi)
    for _ in range(2):
        assert link.confirmation().body.items() >= SEALED.items()


@pytest.mark.sampled
@pytest.mark.parametrize("seconds", [0.0, 90.0, 118.9, 119.0, 119.2, 119.99, 120.0, 120.3])
@pytest.mark.parametrize("part", [0.0, 0.6])
def test_what_can_be_read_can_be_confirmed_and_found_for_half_a_minute_more(
    api: Rest, ravi: str, part: float, seconds: float
) -> None:
    begun = math.floor(api.aws.now())
    link = Link(at(api, begun + part))
    link.offer()
    link.api = at(api, begun + seconds)
    stands = seconds < LINK_SECONDS
    assert link.offered(ravi).status == (200 if stands else 404)
    assert link.confirm(ravi).status == (200 if stands else 404)
    until = max(LINK_SECONDS, math.floor(seconds) + CONFIRMED_SECONDS) if stands else LINK_SECONDS
    for moment in sorted({max(seconds, until + after) for after in (-2, -0.1, 0)}):
        link.api = at(api, begun + moment)
        assert link.confirmation().status == (200 if moment < until else 404)
        assert link.confirm(ravi).status == (200 if moment < until else 404)


@pytest.mark.parametrize(
    ("meanwhile", "status"), [("the same", 200), ("another", 409), ("deleted", 404)]
)
def test_a_confirmation_that_comes_between_is_the_one_that_counts(
    api: Rest, ravi: str, meanwhile: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = Link(api)
    link.offer()
    real = Links.get

    def late(self: Links, code: str, now: float) -> Stored | None:
        read = real(self, code, now)
        monkeypatch.setattr(Links, "get", real)
        if meanwhile == "deleted":
            api.aws.users.delete(user_key(f"link#{code}", "link"))
        else:
            link.confirm(ravi, SEALED if meanwhile == "the same" else OTHER)
        return read

    monkeypatch.setattr(Links, "get", late)
    assert link.confirm(ravi).status == status


def test_the_signed_in_device_is_shown_just_what_makes_the_code(api: Rest, ravi: str) -> None:
    link = Link(api)
    link.offer()
    shown = link.offered(ravi).body
    assert shown.pop("expires_in") <= LINK_SECONDS
    assert shown == link.body
    flat = {name: shown[name] for name in ("device", "label", "one_time_key")} | shown["keys"]
    assert code_of(flat) == link.code


def test_of_two_users_who_have_seen_a_code_the_second_learns_it(api: Rest) -> None:
    ravi, mallory = api.sign_up("ravi", "mallory")
    link = Link(api)
    link.offer()
    assert link.confirm(mallory, OTHER).status == 200
    reply = link.confirm(ravi)
    assert (reply.status, reply.body["error"]["code"]) == (409, "conflict")
    assert (
        link.confirmation().body["message"] == OTHER["message"]
    )  # and the new device names mallory


@pytest.mark.parametrize("code", ["some", "A" * 31, "a" * 32, "A" * 31 + "1", "A" * 33])
def test_what_is_no_code_is_not_found(api: Rest, ravi: str, code: str) -> None:
    assert api.request("GET", f"/api/links/{code}", user=ravi).status == 404
    assert api.request("GET", f"/api/links/{code}/confirmation").status == 404


def test_codes_can_be_neither_tried_nor_made_without_end(api: Rest, ravi: str) -> None:
    path = f"/api/links/{'A' * 32}"
    tried = [api.request("GET", path, user=ravi).status for _ in range(LINKS_OPENED.at_once + 1)]
    assert tried == [404] * LINKS_OPENED.at_once + [429]


@pytest.mark.parametrize("name", ["curve25519", "ed25519", "one_time_key"])
def test_a_key_has_one_encoding(api: Rest, name: str) -> None:
    body = Link(api).body
    place = body if name == "one_time_key" else body["keys"]
    place[name] = place[name][:-1] + "B"  # bits that belong to no byte
    assert api.request("POST", "/api/links", body).status == 400


def test_one_address_offers_so_many_devices_and_others_go_on(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambdas.api.links.LINKS", Limit(2, 30, "too many"))

    def offers(address: str) -> int:
        headers = {"x-forwarded-for": address}
        return api.request("POST", "/api/links", Link(api).body, headers=headers).status

    addresses = ["203.0.113.40"] * 3 + ["203.0.113.41"]
    assert [offers(address) for address in addresses] == [201, 201, 429, 201]
