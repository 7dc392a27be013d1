"""APNs over the wire, with the clients' own libraries."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

import h2.config
import h2.connection
import h2.events
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.gateway.scene import HandClock, moved_on
from tests.push.scene import BUNDLE, NOW, Time, private, public

from emulator.clock import Clock
from emulator.providers import EmulatorError
from emulator.push.apns import ApnsServer
from emulator.push.apns_rules import Provider
from emulator.push.phones import Phones

DEVICE = "ab" * 32
APPLE_KEY = ec.generate_private_key(ec.SECP256R1())


def run(scenario: Any) -> None:
    asyncio.run(scenario())


@contextlib.asynccontextmanager
async def apns(of_bodies: Clock | None = None) -> AsyncIterator[Any]:
    clock = Time()
    phones = Phones(clock)
    provider = Provider("KEY1234567", "TEAM123456", BUNDLE, public(APPLE_KEY))
    server = ApnsServer(port=0, provider=provider, phones=phones, now=clock, clock=of_bodies)
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


def test_a_notification_that_never_ends_is_reset_and_the_connection_serves_the_next_one() -> None:
    async def scenario() -> None:
        clock = HandClock()
        async with apns(clock) as (server, _phones, _clock, _http):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            client = h2.connection.H2Connection(h2.config.H2Configuration())
            client.initiate_connection()
            given = {":method": "POST", ":scheme": "http", ":authority": "x"}
            pairs = [*given.items(), (":path", f"/3/device/{DEVICE}"), *headers().items()]
            seen: list[Any] = []

            async def until_seen(kind: Any) -> None:
                writer.write(client.data_to_send())
                while not any(isinstance(event, kind) for event in seen):
                    data = await reader.read(65536)
                    assert data, "the connection ended"
                    seen.extend(client.receive_data(data))

            client.send_headers(1, pairs)
            client.send_data(1, b'{"aps": ')
            await moved_on(clock, until_seen(h2.events.StreamReset))
            assert server.phone(DEVICE) == []
            client.send_headers(3, pairs)
            client.send_data(3, b'{"aps": {}}', end_stream=True)
            await until_seen(h2.events.StreamEnded)
            assert len(server.phone(DEVICE)) == 1
            writer.close()

    asyncio.run(asyncio.wait_for(scenario(), 20))


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


def test_clients_of_two_kinds_share_no_context() -> None:
    """Each sets in it what it speaks: one that they shared would speak either to a server."""
    assert httpx.create_ssl_context() is not httpx.create_ssl_context()
