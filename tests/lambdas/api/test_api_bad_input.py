"""Bad input over REST: errors of the protocol come back, nothing is written, nothing leaks."""

import asyncio
import base64
import json
import re
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from starlette.requests import Request
from starlette.types import Message

from lambdas import frames
from lambdas.api import api as api_function
from lambdas.api.app import BODY_LIMIT, DRAIN_LIMIT, read_body
from lambdas.api.routes import ROUTES
from lambdas.errors import ChatError
from tests.support.lambdas.events import http_request
from tests.support.lambdas.rest import REGION, Phone, Rest, rest, text_of, written_log
from tests.support.rows import rows

PROTECTED = [route for route in ROUTES if not route.open]
WITH_BODY = [route for route in ROUTES if route.body]
NAMES = [f"{route.method} {route.path}" for route in ROUTES]


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Rest, str]]:
    with rest() as api:
        (ravi,) = api.sign_up("ravi")
        api.phone(ravi)
        yield api, ravi


@pytest.fixture
def api(shared: tuple[Rest, str]) -> Iterator[Rest]:
    """Every test here ends with the tables as they were."""
    before = everything()
    yield shared[0]
    assert everything() == before


@pytest.fixture
def ravi(shared: tuple[Rest, str]) -> str:
    return shared[1]


def everything() -> list[str]:
    """All items but what counts requests, read past moto's API, over which this took most of this
    file's time."""
    tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables
    items = [item for name in ("Chats", "Users", "Tickets") for item in tables[name].all_items()]
    found = [json.dumps(item.to_json()) for item in items]
    return [item for item in found if '"limit#requests#' not in item]


def path_of(route: Any) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: {"device": "phone"}.get(name[1], "some"), route.path)


def test_the_routes_are_those_of_the_protocol_and_so_are_the_open_ones() -> None:
    page = (frames.SCHEMAS.parents[1] / "protocol" / "introduction.md").read_text()
    rows = re.findall(r"^\| `([A-Z]+ /api/\S+)`( \(open\))? \|", page, re.MULTILINE)
    written = {name: bool(mark) for name, mark in rows}
    assert written == {f"{route.method} {route.path}": route.open for route in ROUTES}


def test_every_schema_of_a_request_body_belongs_to_a_route() -> None:
    stems = {path.name.removesuffix(".request.json") for path in requests()}
    assert stems == {route.body for route in WITH_BODY}


def requests() -> Any:
    return (frames.SCHEMAS / "rest").glob("*.request.json")


def test_health_names_pool_and_instance_and_needs_no_token(api: Rest) -> None:
    reply = api.request("GET", "/api/health")
    pool, instance = reply.headers["x-served-by"].split("/")
    assert reply.body == {"status": "ok", "pool": pool, "instance": instance}


@cache
def _strangers_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.sampled
@pytest.mark.parametrize("route", PROTECTED, ids=lambda route: f"{route.method} {route.path}")
def test_without_a_valid_token_no_route_lets_anybody_in(api: Rest, ravi: str, route: Any) -> None:
    none = ".".join(
        base64.urlsafe_b64encode(text_of(part).encode()).rstrip(b"=").decode()
        for part in (
            {"alg": "none", "kid": "own"},
            {"username": ravi, "token_use": "access", "exp": 4_000_000_000},
        )
    )
    for authorization in (
        None,
        "",
        ravi,
        f"Basic {ravi}",
        f"Bearer {none}.",
        f"Bearer {api.token(ravi, exp=int(time.time()) - 1)}",
        f"Bearer {api.token(ravi, key=_strangers_key())}",
        f"Bearer {api.token(ravi, token_use='id')}",
        f"Bearer {api.token(ravi, iss='https://cognito-idp.us-east-1.amazonaws.com/x')}",
        f"Bearer {api.token(ravi, client_id='another')}",
        f"Bearer {api.token('Ravi')}",
    ):
        headers = {} if authorization is None else {"authorization": authorization}
        reply = api.request(route.method, path_of(route), {}, headers=headers)
        assert (reply.status, reply.body["error"]["code"]) == (401, "unauthorized")
        assert reply.headers["www-authenticate"] == "Bearer"


BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "NaN": b'{"x": NaN}',
    "infinity": b'{"x": -Infinity}',
    "too large a number": b'{"x": 1e999}',
    "bad UTF-8": b'{"device": "\xff\xfe"}',
    "a lone surrogate": b'{"device": "\\ud800"}',
    "UTF-16": '{"device": "phone"}'.encode("utf-16"),
    "deep arrays": b"[" * 60_000 + b"]" * 60_000,
    "deep objects": b'{"device":' * 10_000 + b"1" + b"}" * 10_000,
    "an array": b"[]",
    "a string": b'"phone"',
    "a number": b"7",
    "null": b"null",
    "no fields": b"{}",
    "nulls": b'{"device":null,"devices":null,"kind":null,"username":null,"refresh_token":null}',
}


@pytest.mark.sampled
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_does_not_fit_is_a_bad_request_on_every_route(
    api: Rest, ravi: str, body: bytes
) -> None:
    for route in WITH_BODY:
        reply = api.request(route.method, path_of(route), raw=body, user=ravi)
        assert (reply.status, reply.body["error"]["code"]) == (400, "bad_request"), route


WRONG: dict[str, list[dict[str, Any]]] = {
    "PUT /api/devices/phone": [
        {"keys": "x"},
        {"signature": 7},
        {"signature": "A" * 86},
        {"keys": {"curve25519": "A" * 43}},
        {"keys": {"curve25519": "A" * 43, "ed25519": "A" * 42 + "B"}},
        {"keys": {"curve25519": "A" * 42 + "=", "ed25519": "A" * 43}},
        {"push": {"platform": "smoke", "token": "x"}},
        {"push": {"platform": "fcm", "token": ""}},
        {"push": {"platform": "fcm", "token": "a b"}},
        {"push": {"platform": "fcm"}},
        {"push": "fcm"},
    ],
    "POST /api/chats": [
        {"kind": "secret", "with": "raju"},
        {"kind": "direct"},
        {"kind": "direct", "with": "RAJU"},
        {"kind": "direct", "members": ["raju"]},
        {"kind": "group", "members": []},
        {"kind": "group", "members": "raju"},
        {"kind": "group", "members": ["raju", "raju"]},
        {"kind": "group", "members": ["x/y"]},
        {"kind": "group", "members": [f"user{n}" for n in range(1_024)]},
        {"with": "raju"},
    ],
    "POST /api/chats/some/members": [
        {},
        {"add": []},
        {"add": ["A"]},
        {"add": "raju"},
        {"remove": [None]},
        {"add": [f"user{n}" for n in range(101)]},
    ],
    "POST /api/tickets": [{"device": "a/b"}, {"device": ""}, {"device": ["phone"]}],
    "POST /api/token": [{"refresh_token": ""}, {"refresh_token": "x" * 8193}],
    "POST /api/sign-in": [{"username": "ravi", "password": ""}, {"username": "ravi"}],
    "POST /api/sign-up": [{"username": "ravi", "password": "x" * 257}, {"password": "Passw0rd!!"}],
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_types_and_missing_fields_are_bad_requests(api: Rest, ravi: str, name: str) -> None:
    method, path = name.split()
    for changes in WRONG[name]:
        body = {**Phone(ravi).registration(), **changes} if method == "PUT" else changes
        reply = api.request(method, path, body, user=ravi)
        assert (reply.status, reply.body["error"]["code"]) == (400, "bad_request"), changes


@pytest.mark.parametrize("device", ["a.b", "a%2Fb", "a%20b", "x" * 65, "ä", "%00", "%ff", "%0A"])
def test_a_device_name_in_a_path_is_held_against_its_pattern(
    api: Rest, ravi: str, device: str
) -> None:
    for method, path, body in (
        ("PUT", f"/api/devices/{device}", Phone(ravi, device).registration()),
        ("DELETE", f"/api/devices/{device}", None),
        ("POST", f"/api/devices/{device}/one-time-keys", {"one_time_keys": {}}),
    ):
        expected = 404 if "%2F" in device else 400  # a slash makes it another path
        assert api.request(method, path, body, user=ravi).status == expected


def test_unknown_fields_are_ignored(api: Rest, ravi: str) -> None:
    body = {"one_time_keys": {}, "sender": "raju", "user": "raju"}
    reply = api.request("POST", "/api/devices/phone/one-time-keys", body, user=ravi)
    assert reply.body == {"remaining": 0, "fallback_used": False}


@rows("route", WITH_BODY, ids=lambda route: f"{route.method} {route.path}")
def test_a_body_over_128_kb_is_too_large(api: Rest, ravi: str, route: Any) -> None:
    for size in (BODY_LIMIT + 1, 129 * 1024, 900_000):
        raw = b'{"x":"' + b"a" * (size - 8) + b'"}'
        reply = api.request(route.method, path_of(route), raw=raw, user=ravi)
        assert (reply.status, reply.body["error"]["code"]) == (413, "too_large")
    raw = b'{"x":"' + b"a" * (BODY_LIMIT - 8) + b'"}'
    assert len(raw) == BODY_LIMIT
    assert api.request(route.method, path_of(route), raw=raw, user=ravi).status == 400


def test_a_body_of_128_kb_is_read_to_its_end(api: Rest, ravi: str) -> None:
    start, end = b'{"one_time_keys":{},"x":"', b'"}'
    raw = start + b"a" * (BODY_LIMIT - len(start) - len(end)) + end
    path = "/api/devices/phone/one-time-keys"
    assert len(raw) == BODY_LIMIT and api.request("POST", path, raw=raw, user=ravi).status == 200


def test_a_body_that_never_ends_is_left_after_a_mebibyte() -> None:
    chunk, given = b"a" * 64 * 1024, 0

    async def receive() -> Message:
        nonlocal given
        given += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": given < 8 * DRAIN_LIMIT}

    with pytest.raises(ChatError) as error:
        asyncio.run(read_body(Request({"type": "http"}, receive)))
    assert error.value.code == "too_large" and given <= DRAIN_LIMIT + len(chunk)


@rows(
    "path",
    ["/", "/api", "/api/", "/api/health/", "/api//health", "/api/nothing", "/API/health",
     "/api/chats/x", "/api/device", "/api/devices/phone/", "/index.html", "/api/health%2F",
     "/api/%ff", "*", ""],
)  # fmt: skip
def test_an_unknown_path_is_not_found(api: Rest, ravi: str, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        reply = api.request(method, path, user=ravi)
        assert (reply.status, reply.body["error"]["code"]) == (404, "not_found")


@pytest.mark.sampled
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_another_method_is_rejected_and_the_answer_names_the_right_ones(
    api: Rest, ravi: str, route: Any
) -> None:
    allowed = sorted(each.method for each in ROUTES if each.path == route.path)
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "BREW"):
        if method in allowed:
            continue
        reply = api.request(method, path_of(route), user=ravi)
        assert reply.status == 405
        assert reply.headers["allow"] == ", ".join(allowed)


def test_an_unexpected_fault_is_internal_and_keeps_its_details_to_the_log(
    api: Rest, ravi: str
) -> None:
    broken = api.deployed_with(USERS_TABLE="Nowhere")
    with written_log() as log:
        reply = broken.request("GET", f"/api/users/{ravi}/devices", user=ravi)
    assert (reply.status, reply.body["error"]["code"]) == (500, "internal")
    assert "ResourceNotFound" not in json.dumps(reply.body)
    failure = json.loads(log.getvalue().splitlines()[0])
    assert failure["level"] == "ERROR"
    assert "ResourceNotFoundException" in failure["exception"]


def test_no_line_of_the_log_has_a_token_a_key_or_a_path(api: Rest, ravi: str) -> None:
    with written_log() as log:
        api.request("GET", f"/api/users/{ravi}/devices", user=ravi, query={"secret": "s3cret"})
        api.request("GET", "/api/s3cret", user=ravi)
        api.request("GET", "/api/health", headers={"x-secret": "s3cret"})
    assert len(log.getvalue().splitlines()) == 3
    for secret in ("s3cret", ravi, "eyJ"):
        assert secret not in log.getvalue()


def test_strange_headers_do_not_break_the_bridge(api: Rest) -> None:
    for headers in (
        {"host": "a:b:c"},
        {"host": "[::1]:80"},
        {"x-forwarded-port": "none"},
        {"host": ""},
        {"x-amzn-trace-id": "x" * 10_000},
        {"content-length": "x"},
        {"content-type": "text/é"},
    ):
        assert api.request("GET", "/api/health", headers=headers).status == 200


def test_the_handler_answers_an_event_without_parts_it_does_not_need(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_function, "_app", lambda: api.app)
    health = http_request("GET", "/api/health", b"", {}, {})
    health["multiValueQueryStringParameters"] = {}
    health["body"] = ""
    response = api_function.handler(health, None)
    assert response["statusCode"] == 200
    assert response["multiValueHeaders"]["content-type"] == ["application/json"]
