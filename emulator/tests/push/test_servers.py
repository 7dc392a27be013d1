"""FCM and APNs over the wire, with the clients' own libraries."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import h2.config
import h2.connection
import h2.events
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from emulator.providers import EmulatorError
from emulator.push.apns import ApnsServer
from emulator.push.apns_rules import Provider
from emulator.push.fcm import GRANT, FcmServer, ServiceAccount
from emulator.push.phones import Phones

NOW = 1_800_000_000.0
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
DEVICE = "ab" * 32
BUNDLE = "com.example.chat"
GOOGLE_KEY = rsa.generate_private_key(65537, 2048)
APPLE_KEY = ec.generate_private_key(ec.SECP256R1())


def private(key: Any) -> Any:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public(key: Any) -> Any:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


class Time:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Any:
        return self.now


def run(scenario: Any) -> None:
    asyncio.run(scenario())


# FCM


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


# APNs


@contextlib.asynccontextmanager
async def apns() -> AsyncIterator[Any]:
    clock = Time()
    phones = Phones(clock)
    provider = Provider("KEY1234567", "TEAM123456", BUNDLE, public(APPLE_KEY))
    server = ApnsServer(port=0, provider=provider, phones=phones, now=clock)
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=server.url, http1=False, http2=True) as http:
            yield server, phones, clock, http
    finally:
        await server.stop()


def provider_token(key: Any = APPLE_KEY, kid: Any = "KEY1234567", **claims: Any) -> Any:
    given = {"iss": "TEAM123456", "iat": int(NOW), **claims}
    return jwt.encode(given, private(key), algorithm="ES256", headers={"kid": kid})


def headers(**more: Any) -> Any:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    given = {
        "authorization": f"bearer {provider_token()}",
        "apns-topic": BUNDLE,
        "apns-push-type": "alert",
        "apns-priority": "10",
        **named,
    }
    return {name: value for name, value in given.items() if value is not None}


PAYLOAD = {
    "aps": {"alert": {"loc-key": "NEW_MESSAGE"}, "mutable-content": 1, "thread-id": "c1"},
    "message_id": "m1",
    "chat_id": "c1",
}


async def push(http: Any, device: Any = DEVICE, payload: Any = PAYLOAD, **more: Any) -> Any:
    return await http.post(f"/3/device/{device}", json=payload, headers=headers(**more))


def test_apns_delivers_a_notification_and_keeps_what_the_phone_received() -> None:
    async def scenario() -> None:
        async with apns() as (server, _phones, _clock, http):
            apns_id = str(uuid.uuid4())
            response = await push(http, apns_id=apns_id, apns_collapse_id="m1")
            assert (response.http_version, response.status_code) == ("HTTP/2", 200)
            assert response.headers["apns-id"] == apns_id.upper()
            assert response.content == b""
            assert uuid.UUID((await push(http)).headers["apns-id"])
            first, _second = (each.as_json() for each in server.phone(DEVICE))
            assert first == {
                "platform": "apns",
                "received_at": NOW,
                "message": PAYLOAD,
                "headers": {
                    "apns-topic": BUNDLE,
                    "apns-push-type": "alert",
                    "apns-priority": "10",
                    "apns-id": apns_id,
                    "apns-collapse-id": "m1",
                },
            }

    run(scenario)


@pytest.mark.parametrize(
    ("more", "status", "reason"),
    [
        ({"authorization": None}, 403, "MissingProviderToken"),
        ({"authorization": "bearer x.y.z"}, 403, "InvalidProviderToken"),
        ({"authorization": "basic x"}, 403, "InvalidProviderToken"),
        ({"authorization": "bearer " + provider_token(kid="OTHER")}, 403, "InvalidProviderToken"),
        ({"authorization": "bearer " + provider_token(iss="OTHER")}, 403, "InvalidProviderToken"),
        (
            {"authorization": "bearer " + provider_token(ec.generate_private_key(ec.SECP256R1()))},
            403,
            "InvalidProviderToken",
        ),
        (
            {"authorization": "bearer " + provider_token(iat=int(NOW) + 600)},
            403,
            "InvalidProviderToken",
        ),
        (
            {"authorization": "bearer " + provider_token(iat=int(NOW) - 3600)},
            403,
            "ExpiredProviderToken",
        ),
        ({"apns_topic": None}, 400, "MissingTopic"),
        ({"apns_topic": "com.other.app"}, 400, "TopicDisallowed"),
        ({"apns_push_type": "loud"}, 400, "InvalidPushType"),
        ({"apns_priority": "7"}, 400, "BadPriority"),
        ({"apns_push_type": "background"}, 400, "BadPriority"),
        ({"apns_expiration": "soon"}, 400, "BadExpirationDate"),
        ({"apns_collapse_id": "x" * 65}, 400, "BadCollapseId"),
        ({"apns_id": "7"}, 400, "BadMessageId"),
        ({"device": "raju"}, 400, "BadDeviceToken"),
        ({"device": "ab" * 31}, 400, "BadDeviceToken"),
        ({"device": ""}, 400, "MissingDeviceToken"),
        ({"device": "a/b"}, 404, "BadPath"),
        ({"payload": {}}, 400, "PayloadEmpty"),
        ({"payload": "text"}, 400, "PayloadEmpty"),
        ({"payload": {"x": "y" * 4096}}, 413, "PayloadTooLarge"),
        ({"payload": {"x": "y" * 100_000}}, 413, "PayloadTooLarge"),
    ],
)
def test_apns_says_why_it_rejects(more: Any, status: int, reason: Any) -> None:
    async def scenario() -> None:
        async with apns() as (server, _phones, _clock, http):
            response = await push(http, **more)
            assert (response.status_code, response.json()) == (status, {"reason": reason})
            assert server.phone(DEVICE) == []

    run(scenario)


def test_apns_takes_4096_bytes_and_other_topics_of_the_app() -> None:
    async def scenario() -> None:
        async with apns() as (_server, _phones, _clock, http):
            empty = len(b'{"x":""}')
            full = {"x": "y" * (4096 - empty)}
            assert (await push(http, payload=full)).status_code == 200
            voip = await push(http, apns_topic=f"{BUNDLE}.voip", apns_push_type="voip")
            assert voip.status_code == 200
            calm = await push(http, apns_push_type="background", apns_priority="5")
            assert calm.status_code == 200
            assert (await http.get("/3/device/x")).json() == {"reason": "MethodNotAllowed"}

    run(scenario)


def test_apns_says_unregistered_and_since_when_once_the_app_is_gone() -> None:
    async def scenario() -> None:
        async with apns() as (_server, phones, _clock, http):
            phones.uninstall(DEVICE)
            response = await push(http)
            assert response.status_code == 410
            assert response.json() == {"reason": "Unregistered", "timestamp": int(NOW * 1000)}

    run(scenario)


def test_apns_serves_many_streams_of_one_connection() -> None:
    async def scenario() -> None:
        async with apns() as (server, _phones, _clock, http):
            responses = await asyncio.gather(
                *(push(http, payload={"n": str(n)}) for n in range(50))
            )
            assert {response.status_code for response in responses} == {200}
            received = {each.message["n"] for each in server.phone(DEVICE)}
            assert received == {str(n) for n in range(50)}

    run(scenario)


def test_apns_responds_to_an_accepted_notification_with_headers_alone() -> None:
    async def scenario() -> None:
        async with apns() as (server, _phones, _clock, _http):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            client = h2.connection.H2Connection(h2.config.H2Configuration())
            client.initiate_connection()
            given = {":method": "POST", ":scheme": "http", ":authority": "x"}
            pairs = [*given.items(), (":path", f"/3/device/{DEVICE}"), *headers().items()]
            client.send_headers(1, pairs)
            client.send_data(1, b'{"aps": {}}', end_stream=True)
            writer.write(client.data_to_send())
            seen: list[Any] = []
            async with asyncio.timeout(10):
                while not any(isinstance(event, h2.events.StreamEnded) for event in seen):
                    seen += client.receive_data(await reader.read(65536))
            kinds = [type(event) for event in seen if getattr(event, "stream_id", 0) == 1]
            assert kinds == [h2.events.ResponseReceived, h2.events.StreamEnded]
            writer.write(b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x")  # DATA on stream 0
            async with asyncio.timeout(10):
                while await reader.read(65536):  # closed, and the server lives on
                    pass
            writer.close()

    run(scenario)


def test_a_taken_port_is_named() -> None:
    async def scenario() -> None:
        async with apns() as (server, phones, clock, _http):
            second = ApnsServer(
                port=server.port,
                provider=Provider("k", "t", BUNDLE, public(APPLE_KEY)),
                phones=phones,
                now=clock,
            )
            with pytest.raises(EmulatorError, match=f"port {server.port} for APNs"):
                await second.start()

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
