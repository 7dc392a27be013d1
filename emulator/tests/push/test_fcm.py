"""FCM over the wire, with the client's own library; and the phones that it reaches."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.push.scene import NOW, Time, private, public

from emulator.push.fcm import GRANT, FcmServer, ServiceAccount
from emulator.push.phones import Phones

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GOOGLE_KEY = rsa.generate_private_key(65537, 2048)


def run(scenario: Any) -> None:
    asyncio.run(scenario())


@contextlib.asynccontextmanager
async def fcm() -> AsyncIterator[Any]:
    clock = Time()
    phones = Phones(clock)
    account = ServiceAccount("push@demo.example", public(GOOGLE_KEY))
    server = FcmServer(port=0, project="demo", account=account, phones=phones, now=clock)
    await server.start()
    async with httpx.AsyncClient(base_url=server.url) as http:
        try:
            yield server, phones, clock, http
        finally:
            await server.stop()


async def granted(server: Any, http: Any, key: Any = GOOGLE_KEY, **claims: Any) -> Any:
    assertion = jwt.encode(
        {
            "iss": "push@demo.example",
            "scope": SCOPE,
            "aud": f"{server.url}/token",
            "iat": int(NOW),
            "exp": int(NOW) + 3600,
            **claims,
        },
        private(key),
        algorithm="RS256",
    )
    return await http.post("/token", data={"grant_type": GRANT, "assertion": assertion})


async def bearer(server: Any, http: Any, **claims: Any) -> Any:
    response = await granted(server, http, **claims)
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


def message(**more: Any) -> Any:
    return {"message": {"token": "phone:1", "data": {"message_id": "m1", "chat_id": "c1"}, **more}}


SEND = "/v1/projects/demo/messages:send"


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body that comes in two pieces, the second one after a while."""
    yield body[:20]
    await asyncio.sleep(0.02)
    yield body[20:]


def test_fcm_reads_a_message_that_comes_in_pieces() -> None:
    async def scenario() -> None:
        async with fcm() as (server, _phones, _clock, http):
            headers = await bearer(server, http)
            body = in_pieces(json.dumps(message()).encode())
            response = await http.post(SEND, content=body, headers=headers)
            assert response.status_code == 200, response.text

    run(scenario)


def test_fcm_delivers_a_message_and_keeps_what_the_phone_received() -> None:
    async def scenario() -> None:
        async with fcm() as (server, _phones, clock, http):
            grant = (await granted(server, http)).json()
            assert (grant["token_type"], grant["expires_in"]) == ("Bearer", 3600)
            headers = await bearer(server, http)
            android = {"priority": "high", "ttl": "2419200s", "collapse_key": "c1"}
            response = await http.post(SEND, json=message(android=android), headers=headers)
            assert response.status_code == 200
            assert response.json()["name"].startswith("projects/demo/messages/")
            clock.now += 5
            await http.post(SEND, json=message(data={"n": "2"}), headers=headers)
            assert [push.as_json() for push in server.phone("phone:1")] == [
                {
                    "platform": "fcm",
                    "received_at": NOW,
                    "message": {
                        "data": {"message_id": "m1", "chat_id": "c1"},
                        "android": android,
                    },
                },
                {"platform": "fcm", "received_at": NOW + 5, "message": {"data": {"n": "2"}}},
            ]
            assert server.phone("nobody") == []

    run(scenario)


@pytest.mark.parametrize(
    ("request_document", "message"),
    [
        ({}, "message is required"),
        ({"message": "x"}, "message is required"),
        ([], "message is required"),
        ({**message(), "extra": 1}, 'Unknown name "extra"'),
        (message(sound="x"), "Unknown name \"sound\" at 'message'"),
        (message(data={"n": 1}), "message.data[0].value"),
        (message(data={"from": "x"}), "Invalid data payload key: from"),
        (message(data={"google.x": "x"}), "Invalid data payload key: google.x"),
        (message(data={"x": "y" * 4096}), "too big"),
        (message(notification={"title": 1}), "title"),
        (message(notification={"colour": "red"}), 'Unknown name "colour"'),
        (message(android={"priority": "urgent"}), "priority"),
        (message(android={"ttl": 5}), "ttl"),
        (message(android={"ttl": "2419201s"}), "ttl"),
        (message(android={"volume": 5}), 'Unknown name "volume"'),
        (message(token="no token!"), "not a valid FCM registration token"),
        (message(token=5), "not a valid FCM registration token"),
        ({"message": {"topic": "news"}}, "token"),
        ({"message": {"data": {}}}, "token"),
    ],
)
def test_fcm_rejects_what_is_no_message(request_document: Any, message: str) -> None:
    async def scenario() -> None:
        async with fcm() as (server, _phones, _clock, http):
            headers = await bearer(server, http)
            response = await http.post(SEND, json=request_document, headers=headers)
            error = response.json()["error"]
            assert (response.status_code, error["code"]) == (400, 400)
            assert error["status"] == "INVALID_ARGUMENT"
            assert message in error["message"]
            assert server.phone("phone:1") == []

    run(scenario)


def test_fcm_takes_4096_bytes_camel_case_and_a_dry_run() -> None:
    async def scenario() -> None:
        async with fcm() as (server, _phones, _clock, http):
            headers = await bearer(server, http)
            full = message(data={"x": "y" * 4095})
            assert (await http.post(SEND, json=full, headers=headers)).status_code == 200
            camel = message(android={"collapseKey": "c", "ttl": "1.5s"}, fcmOptions={})
            assert (await http.post(SEND, json=camel, headers=headers)).status_code == 200
            dry = {**message(), "validate_only": True}
            assert (await http.post(SEND, json=dry, headers=headers)).status_code == 200
            assert len(server.phone("phone:1")) == 2

    run(scenario)


def test_fcm_says_unregistered_once_the_app_is_gone() -> None:
    async def scenario() -> None:
        async with fcm() as (server, phones, _clock, http):
            headers = await bearer(server, http)
            phones.uninstall("phone:1")
            response = await http.post(SEND, json=message(), headers=headers)
            assert response.status_code == 404
            assert response.json()["error"] == {
                "code": 404,
                "message": "Requested entity was not found.",
                "status": "NOT_FOUND",
                "details": [
                    {
                        "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
                        "errorCode": "UNREGISTERED",
                    }
                ],
            }

    run(scenario)


def test_fcm_needs_a_live_access_token_for_the_project() -> None:
    async def scenario() -> None:
        async with fcm() as (server, _phones, clock, http):
            headers = await bearer(server, http)
            for wrong in ({}, {"Authorization": "Bearer forged"}, {"Authorization": "Basic x"}):
                response = await http.post(SEND, json=message(), headers=wrong)
                assert (response.status_code, response.json()["error"]["status"]) == (
                    401,
                    "UNAUTHENTICATED",
                )
            other = SEND.replace("demo", "other")
            response = await http.post(other, json=message(), headers=headers)
            assert (response.status_code, response.json()["error"]["status"]) == (
                403,
                "PERMISSION_DENIED",
            )
            elsewhere = await bearer(server, http, scope="https://example.com/other")
            response = await http.post(SEND, json=message(), headers=elsewhere)
            assert response.status_code == 403
            clock.now += 3600
            assert (await http.post(SEND, json=message(), headers=headers)).status_code == 401
            assert (await http.post(SEND, content=b"{", headers=headers)).status_code == 401
            assert (await http.get(SEND)).status_code == 404

    run(scenario)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "other@demo.example"},
        {"aud": "https://oauth2.example/token"},
        {"exp": int(NOW) - 1},
        {"exp": int(NOW) + 7200},
        {"iat": int(NOW) + 600, "exp": int(NOW) + 700},
        {"key": rsa.generate_private_key(65537, 2048)},
    ],
)
def test_fcm_grants_no_token_for_a_bad_assertion(claims: Any) -> None:
    async def scenario() -> None:
        async with fcm() as (server, _phones, _clock, http):
            response = await granted(server, http, **claims)
            assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
            form = {"grant_type": "password", "assertion": "x"}
            response = await http.post("/token", data=form)
            assert response.json()["error"] == "unsupported_grant_type"

    run(scenario)


def test_phones_keep_the_last_thousand() -> None:
    phones = Phones(time.time)
    for n in range(1001):
        phones.receive("t", "fcm", {"n": n})
    received = phones.phone("t")
    assert (len(received), received[0].message["n"]) == (1000, 1)


def test_phones_are_listed_with_the_latest_push_first() -> None:
    clock = Time()
    phones = Phones(clock)
    phones.receive("old", "fcm", {})
    clock.now += 1
    phones.receive("new", "apns", {})
    phones.uninstall("old")
    assert phones.summary() == [
        {"token": "new", "platform": "apns", "count": 1, "last_at": NOW + 1, "uninstalled": False},
        {"token": "old", "platform": "fcm", "count": 1, "last_at": NOW, "uninstalled": True},
    ]
