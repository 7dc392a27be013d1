"""The push service of browsers: the pushes that it accepts, and those that it rejects as real ones
do."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.rows import rows

from emulator.push.phones import Phones
from emulator.push.web_push import WebPushServer

NOW = 1_800_000_000.0
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
MESSAGE = {"chat_id": "c", "message_id": "m", "unread": 1}


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def octets(given: str) -> bytes:
    return base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))


class World:
    def __init__(self, server: WebPushServer, phones: Phones, http: aiohttp.ClientSession) -> None:
        self.server, self.phones, self.http = server, phones, http

    async def subscribe(self) -> dict[str, str]:
        body = json.dumps({"key": text(point(KEY))})
        async with self.http.post(f"{self.server.url}/subscriptions", data=body) as response:
            assert response.status == 201
            found: dict[str, str] = await response.json()
            return found

    def headers(
        self, signed_by: ec.EllipticCurvePrivateKey = KEY, **changes: Any
    ) -> dict[str, str]:
        claims = {"aud": self.server.url, "exp": int(NOW) + 3600, **changes}
        token = jwt.encode(claims, signed_by, "ES256")
        return {
            "Authorization": f"vapid t={token}, k={text(point(signed_by))}",
            "TTL": "60",
            "Urgency": "high",
            "Topic": "abc",
            "Content-Encoding": "aes128gcm",
        }

    async def push(
        self, subscription: dict[str, str], headers: dict[str, str], body: Any = None
    ) -> int:
        sealed = seal(subscription, json.dumps(MESSAGE).encode()) if body is None else body
        async with self.http.post(
            subscription["endpoint"], data=sealed, headers=headers
        ) as response:
            return response.status

    def received(self, subscription: dict[str, str]) -> list[Any]:
        return [each.message for each in self.phones.phone(token_of(subscription))]


def token_of(subscription: dict[str, str]) -> str:
    return subscription["endpoint"].rpartition("/")[2]


def seal(subscription: dict[str, str], plaintext: bytes) -> bytes:
    """RFC 8291, 3.4, as a sender does it."""
    receiver, auth = octets(subscription["p256dh"]), octets(subscription["auth"])
    own, salt = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), receiver)
    shared = own.exchange(ec.ECDH(), public)
    secret = HKDF(SHA256(), 32, auth, b"WebPush: info\0" + receiver + point(own)).derive(shared)
    key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
    nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
    record = AESGCM(key).encrypt(nonce, plaintext + b"\x02" + bytes(9), None)
    return salt + (4096).to_bytes(4, "big") + bytes([65]) + point(own) + record


def run_scene(scene: Callable[[World], Awaitable[None]]) -> None:
    async def whole() -> None:
        phones = Phones(lambda: NOW)
        server = WebPushServer(port=0, phones=phones, now=lambda: NOW)
        await server.start()
        async with aiohttp.ClientSession(trust_env=False) as http:
            await scene(World(server, phones, http))
        await server.stop()

    asyncio.run(whole())


def test_a_push_may_come_in_pieces() -> None:
    async def scene(world: World) -> None:
        subscription = await world.subscribe()
        sealed = seal(subscription, json.dumps(MESSAGE).encode())

        async def pieces() -> AsyncIterator[bytes]:
            yield sealed[:20]
            await asyncio.sleep(0.02)
            yield sealed[20:]

        assert await world.push(subscription, world.headers(), pieces()) == 201
        assert world.received(subscription) == [MESSAGE]

    run_scene(scene)


def test_a_browser_decrypts_what_it_is_pushed() -> None:
    async def scene(world: World) -> None:
        browser, other = await world.subscribe(), await world.subscribe()
        assert await world.push(browser, world.headers()) == 201
        (push,) = world.phones.phone(token_of(browser))
        assert (push.platform, push.message) == ("web", MESSAGE)
        assert push.headers == {"TTL": "60", "Urgency": "high", "Topic": "abc"}
        assert world.received(other) == []

    run_scene(scene)


Change = Callable[[World], dict[str, str]]


@rows(
    ("status", "headers"),
    [
        (401, lambda world: {**world.headers(), "Authorization": "Bearer x"}),
        (403, lambda world: world.headers(OTHER)),
        (403, lambda world: world.headers(aud="https://elsewhere.example")),
        (403, lambda world: world.headers(exp=int(NOW))),
        (403, lambda world: world.headers(exp=int(NOW) + 24 * 3600 + 1)),
        (403, lambda world: {**world.headers(), "Authorization": forged(world)}),
        (400, lambda world: {**world.headers(), "TTL": ""}),
        (400, lambda world: {**world.headers(), "Topic": "x" * 33}),
        (400, lambda world: {**world.headers(), "Topic": "a b"}),
        (400, lambda world: {**world.headers(), "Urgency": "now"}),
        (400, lambda world: {**world.headers(), "Content-Encoding": "aesgcm"}),
    ],
)
def test_a_push_that_breaks_a_rule_is_rejected(status: int, headers: Change) -> None:
    async def scene(world: World) -> None:
        browser = await world.subscribe()
        assert await world.push(browser, headers(world)) == status
        assert world.received(browser) == []

    run_scene(scene)


def forged(world: World) -> str:
    """Signed by somebody else, who names the key that the browser knows."""
    return world.headers(OTHER)["Authorization"].partition(", k=")[0] + f", k={text(point(KEY))}"


def test_what_is_too_large_or_for_another_browser_is_rejected() -> None:
    async def scene(world: World) -> None:
        browser, other = await world.subscribe(), await world.subscribe()
        large = seal(browser, b"x" * 4096)
        assert await world.push(browser, world.headers(), large) == 413
        assert await world.push(browser, world.headers(), seal(other, b"{}")) == 400
        assert await world.push(browser, world.headers(), b"short") == 400

    run_scene(scene)


def test_a_subscription_that_has_ended_is_gone() -> None:
    async def scene(world: World) -> None:
        browser = await world.subscribe()
        world.phones.uninstall(token_of(browser))
        assert await world.push(browser, world.headers()) == 410
        unknown = {**browser, "endpoint": f"{world.server.url}/push/unknown"}
        assert await world.push(unknown, world.headers()) == 410

    run_scene(scene)


def test_a_key_that_is_none_subscribes_to_nothing() -> None:
    async def scene(world: World) -> None:
        for body in (b"", b"{}", b'{"key": "AAAA"}', b'{"key": 1}', b"[]"):
            async with world.http.post(f"{world.server.url}/subscriptions", data=body) as response:
                assert response.status == 400
        async with world.http.get(f"{world.server.url}/subscriptions") as response:
            assert response.status == 405

    run_scene(scene)
