"""Limits of the REST API, and the address by which a stranger's requests are counted."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from lambdas.api.app import address_of
from lambdas.api.routes import ROUTES
from lambdas.limits import Limit, sampled
from tests.lambdas.api.chats import act, group
from tests.support.lambdas.rest import PASSWORD, Rest

SOURCES = Path(__file__).parents[3] / "lambdas" / "api"
ACCOUNT = {"username": "x_somebody", "password": PASSWORD}
KEYS = {"curve25519": "A" * 43, "ed25519": "A" * 43}
LINK = {"device": "desk", "label": "x", "keys": KEYS, "one_time_key": "A" * 43}
LIMITED = {
    "a direct chat": ("chats.CHATS", "POST", "/api/chats", {"kind": "direct", "with": "{raju}"}),
    "a group": ("chats.CHATS", "POST", "/api/chats", {"kind": "group", "members": ["{raju}"]}),
    "members of a new group": (
        "chats.MEMBERS",
        "POST",
        "/api/chats",
        {"kind": "group", "members": ["{raju}"]},
    ),
    "members": ("groups.MEMBERS", "POST", "/api/chats/{chat}/members", {"add": ["{raju}"]}),
    "devices of others": ("devices.LOOKUPS", "GET", "/api/users/{raju}/devices", None),
    "contacts": ("contacts.LOOKUPS", "PUT", "/api/contacts/{raju}", {"state": "contact"}),
    "accounts": ("accounts.SIGN_UPS", "POST", "/api/sign-up", ACCOUNT),
    "sign-ins": ("accounts.SIGN_INS", "POST", "/api/sign-in", ACCOUNT),
    "passwords": (
        "accounts.SIGN_INS",
        "POST",
        "/api/password",
        {**ACCOUNT, "new_password": PASSWORD},
    ),
    "accounts that end": ("leaving.SIGN_INS", "POST", "/api/account/delete", ACCOUNT),
    "links that are offered": ("links.LINKS", "POST", "/api/links", LINK),
    "links": ("links.LINKS_OPENED", "GET", f"/api/links/{'A' * 32}", None),
    "links that are confirmed": (
        "links.LINKS_OPENED",
        "POST",
        f"/api/links/{'A' * 32}/confirm",
        {"curve25519": "A" * 43, "message": "eA"},
    ),
    "requests": ("app.REQUESTS", "GET", "/api/settings", None),
    "tickets": ("accounts.TICKETS", "POST", "/api/tickets", {"device": "phone"}),
    "renewed tokens": ("accounts.TOKENS", "POST", "/api/token", {"refresh_token": "x"}),
    "downloads": ("files.DOWNLOADS", "GET", f"/api/chats/{{chat}}/files/{'x' * 32}", None),
}

# These need more than one request: test_api_devices, test_api_keys, test_api_recovery; or are counted
# without a word to the user: test_api_invitations.
ELSEWHERE = {
    "groups.INVITATIONS",
    "devices.REGISTRATIONS",
    *("keys.CLAIMS", "keys.CLAIMS_BY_ONE"),
    *("recovery.CODES", "recovery.MAILS", "recovery.MAILS_BY_ADDRESS", "recovery.SIGN_INS"),
}
OPEN = {route.path for route in ROUTES if route.open}


def test_each_limit_of_the_api_is_tried() -> None:
    modules = [import_module(f"lambdas.api.{each.stem}") for each in SOURCES.glob("*.py")]
    limits = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, Limit)
    }
    assert limits == {row[0] for row in LIMITED.values()} | ELSEWHERE


@pytest.mark.parametrize("what", LIMITED)
def test_each_limit_answers_rate_limited_with_the_wait(
    api: Rest, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    ravi, raju, zoe = api.strangers("ravi", "raju", "zoe")
    chat = group(api, ravi, zoe).body["chat"]
    limit, method, path, body = LIMITED[what]
    monkeypatch.setattr("lambdas.limits.SAMPLE", 1)
    sampled.cache_clear()  # which has counted the request above
    monkeypatch.setattr(f"lambdas.api.{limit}", Limit(0, 30, "too many"))
    filled = json.loads(json.dumps([path, body]).replace("{raju}", raju).replace("{chat}", chat))
    reply = api.request(method, filled[0], filled[1], user=None if path in OPEN else ravi)
    assert (reply.status, reply.body["error"]["code"]) == (429, "rate_limited")
    assert reply.body["error"]["retry_after"] == 30
    assert reply.headers["retry-after"] == "30"


@pytest.mark.parametrize("what", [each for each in LIMITED if LIMITED[each][2] not in OPEN])
def test_each_limit_is_the_callers_alone(
    api: Rest, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    ravi, raju, zoe, mira = api.strangers("ravi", "raju", "zoe", "mira")
    chat = group(api, mira, ravi, zoe).body["chat"]
    assert [act(api, user, chat, "accept").status for user in (ravi, zoe)] == [200, 200]
    monkeypatch.setattr("lambdas.limits.SAMPLE", 1)
    sampled.cache_clear()
    monkeypatch.setattr(f"lambdas.api.{LIMITED[what][0]}", Limit(1, 600, "too many"))
    _, method, path, body = LIMITED[what]
    filled = json.loads(json.dumps([path, body]).replace("{raju}", raju).replace("{chat}", chat))
    asked = [api.request(method, *filled, user=user).status for user in (zoe, ravi, ravi)]
    free = what == "a direct chat"  # opened again, it is no new one
    assert [status == 429 for status in asked] == [False, False, not free], asked


def test_members_are_counted_one_by_one_and_each_is_named_who_comes_or_goes(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ravi, *others = api.sign_up("ravi", "raju", "zoe", "mira")
    for module in ("chats", "groups"):
        monkeypatch.setattr(f"lambdas.api.{module}.MEMBERS", Limit(4, 600, "too many"))
    chat = group(api, ravi, others[0]).body["chat"]  # the first of four
    assert group(api, ravi, *others, "x_1", "x_2").status == 429
    assert act(api, ravi, chat, "members", {"add": ["x_1", "x_2", "x_3", "x_4"]}).status == 429
    frames = api.connect(api.phone(ravi))
    assert act(api, ravi, chat, "members", {"add": others[1:]}).status == 200
    assert act(api, ravi, chat, "members", {"remove": others[1:]}).status == 200
    named = [each["user"] for each in frames if each.get("chat") == chat]
    assert sorted(named) == sorted([*others[1:], *others[1:]])


def test_an_address_is_the_one_that_the_load_balancer_saw(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambdas.api.accounts.SIGN_INS", Limit(1, 30, "too many"))

    def signs_in(forwarded: str) -> int:
        headers = {"x-forwarded-for": forwarded}
        return api.request("POST", "/api/sign-in", ACCOUNT, headers=headers).status

    assert signs_in("198.51.100.1") == 401
    assert signs_in("10.0.0.1, 198.51.100.1") == 429  # what the client claims changes nothing
    assert signs_in("198.51.100.1, 198.51.100.2") == 401
    assert signs_in("2001:db8:1:2::3") == 401
    assert signs_in("2001:db8:1:2:ffff::4") == 429  # the same network
    assert signs_in("2001:db8:1:3::3") == 401
    assert address_of(["10.0.0.1, 198.51.100.1", "10.0.0.2", "198.51.100.3"]) == "198.51.100.3"


def test_an_address_has_a_limit_of_its_own_for_each_thing(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambdas.limits.SAMPLE", 1)
    things = {
        "SIGN_UPS": ("/api/sign-up", {**ACCOUNT, "password": "short"}),
        "SIGN_INS": ("/api/sign-in", ACCOUNT),
        "TOKENS": ("/api/token", {"refresh_token": "x"}),
    }
    for name in things:
        monkeypatch.setattr(f"lambdas.api.accounts.{name}", Limit(1, 600, "too many"))
    for address in ("192.0.2.1", "192.0.2.2"):
        for limited in (False, True):
            for path, body in things.values():
                reply = api.request("POST", path, body, headers={"x-forwarded-for": address})
                assert (reply.status == 429) is limited, (path, address)


# what CloudFront says -> the address that is counted; None: the one of the load balancer's client
VIEWERS: list[tuple[str, str | None]] = [
    ("198.51.100.1:46532", "198.51.100.1"),
    ("198.51.100.1:1", "198.51.100.1"),
    ("198.51.100.2:46532", "198.51.100.2"),
    ("2001:db8:1:2::3:46532", "2001:db8:1:2::/64"),
    ("[2001:db8:1:2::4]:46532", "2001:db8:1:2::/64"),
    ("", None),
]


@pytest.mark.parametrize("behind", [True, False])
def test_behind_cloudfront_an_address_is_the_one_that_cloudfront_saw(
    api: Rest, monkeypatch: pytest.MonkeyPatch, behind: bool
) -> None:
    """Elsewhere anybody can send the header."""
    counted: list[str] = []
    monkeypatch.setattr(
        "lambdas.api.accounts.limit_address", lambda call, *_: counted.append(call.address)
    )
    deployed = api.deployed_with(BEHIND_CLOUDFRONT=str(behind).lower())
    own = "203.0.113.7"
    for viewer, _ in VIEWERS:
        headers = {"cloudfront-viewer-address": viewer, "x-forwarded-for": f"10.0.0.1, {own}"}
        deployed.request("POST", "/api/sign-in", ACCOUNT, headers=headers)
    assert counted == [(address if behind else None) or own for _, address in VIEWERS]
