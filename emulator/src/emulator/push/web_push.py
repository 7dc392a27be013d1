"""A push service of browsers, and the browsers behind it, which decrypt what they are pushed.

POST /subscriptions with `{"key": <applicationServerKey>}` is a browser's `pushManager.subscribe`
and gives `{"endpoint", "p256dh", "auth"}`. POST to the endpoint is a push: checked by RFC 8030 and
RFC 8292, decrypted by RFC 8291. What it held is a push of the phone whose token is the endpoint's
last part. A browser on this machine asks its maker's push service, on the internet; one without
such a service, as in tests, subscribes here.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jwt
from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from emulator.listening import HttpListener, Port, read_body
from emulator.push.phones import Phones

PUSH_BYTES = 4096  # the least that a push service takes (RFC 8030, 7.2), and the most here
LONGEST_TOKEN = 24 * 3600  # seconds (RFC 8292, 2)
_PEM = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
TOPIC_CHARACTERS = 32
URGENCIES = ("very-low", "low", "normal", "high")


class Rejected(Exception):
    """A push that is rejected: the status of the response, and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Subscription(NamedTuple):
    """The subscription of one browser. `key` is the applicationServerKey: whose pushes it takes."""

    key: bytes
    private: ec.EllipticCurvePrivateKey
    auth: bytes

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


class WebPushServer:
    """`now` gives epoch seconds, `new_id` opaque texts for endpoints."""

    def __init__(
        self,
        *,
        port: Port,
        phones: Phones,
        now: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: secrets.token_urlsafe(16),
    ) -> None:
        self._phones = phones
        self._now = now
        self._new_id = new_id
        self._subscriptions: dict[str, Subscription] = {}
        self._listener = HttpListener(self._handle, port, "Web Push")

    async def start(self) -> None:
        await self._listener.start()

    async def stop(self) -> None:
        await self._listener.stop()

    @property
    def url(self) -> str:
        return self._listener.url

    def saved(self) -> Any:
        """The subscriptions, as JSON: a browser that is subscribed knows its keys, and stays so."""
        return {
            id: {
                "key": _encoded(each.key),
                "auth": _encoded(each.auth),
                "private": each.private.private_bytes(*_PEM).decode(),
            }
            for id, each in self._subscriptions.items()
        }

    def put_back(self, saved: Any) -> None:
        """Puts back what `saved` returned."""
        for id, each in saved.items():
            private = load_pem_private_key(each["private"].encode(), None)
            if isinstance(private, ec.EllipticCurvePrivateKey):
                made = Subscription(_decoded(each["key"]), private, _decoded(each["auth"]))
                self._subscriptions[id] = made

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        # a page of this machine is of another origin; the listener lets in no other page
        allowed = {"Access-Control-Allow-Origin": request.headers.get("Origin", "*")}
        body = await read_body(request, 2 * PUSH_BYTES)
        try:
            if request.method != "POST":
                raise Rejected(405, "only POST")
            if request.path == "/subscriptions":
                return web.json_response(self.subscribe(body), status=201, headers=allowed)
            self.push(request.path.removeprefix("/push/"), request.headers, body)
        except Rejected as rejected:
            return web.Response(status=rejected.status, text=str(rejected), headers=allowed)
        return web.Response(
            status=201, headers={"Location": f"{self.url}/message/{self._new_id()}"}
        )

    def subscribe(self, body: bytes) -> dict[str, str]:
        """Raises Rejected."""
        try:
            key = _decoded(json.loads(body)["key"])
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
        except (ValueError, KeyError, TypeError) as error:
            raise Rejected(400, "key is a point of P-256 in base64url") from error
        id = self._new_id()
        made = Subscription(key, ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(16))
        self._subscriptions[id] = made
        return {
            "endpoint": f"{self.url}/push/{id}",
            "p256dh": _encoded(made.public),
            "auth": _encoded(made.auth),
        }

    def push(self, id: str, headers: Any, body: bytes) -> None:
        """Raises Rejected."""
        subscription = self._subscriptions.get(id)
        if subscription is None or self._phones.uninstalled_at(id) is not None:
            raise Rejected(410, "this subscription has ended")
        self._check_sender(subscription, headers.get("Authorization", ""))
        shown = _checked(headers)
        if len(body) > PUSH_BYTES:
            raise Rejected(413, f"a push has at most {PUSH_BYTES} bytes")
        try:
            message = json.loads(decrypt(subscription, body))
        except (InvalidTag, ValueError, IndexError) as error:
            # a real push service can't read it, and takes it: the browser drops it
            raise Rejected(400, "the browser could not decrypt this, or it is no JSON") from error
        self._phones.receive(id, "web", message, shown)

    def _check_sender(self, subscription: Subscription, authorization: str) -> None:
        scheme, _, rest = authorization.partition(" ")
        given = dict(each.strip().partition("=")[::2] for each in rest.split(","))
        if scheme.lower() != "vapid" or not {"t", "k"} <= given.keys():
            raise Rejected(401, "Authorization is: vapid t=<token>, k=<key>")
        if given["k"] != _encoded(subscription.key):
            raise Rejected(403, "the browser has subscribed with another key")
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), subscription.key)
        try:
            claims = jwt.decode(
                given["t"],
                public,
                algorithms=["ES256"],
                audience=self.url,
                options={"require": ["aud", "exp"], "verify_exp": False},
            )
        except jwt.PyJWTError as error:
            raise Rejected(403, f"the token is not valid: {error}") from error
        if not self._now() < claims["exp"] <= self._now() + LONGEST_TOKEN:
            raise Rejected(403, "the token has expired, or is valid for more than 24 hours")


def _checked(headers: Any) -> dict[str, str]:
    """The headers of a push that say what becomes of it. Raises Rejected."""
    shown = {name: headers[name] for name in ("TTL", "Urgency", "Topic") if name in headers}
    if not shown.get("TTL", "").isdecimal():
        raise Rejected(400, "TTL is a number of seconds, and needed")
    if shown.get("Urgency", "normal") not in URGENCIES:
        raise Rejected(400, f"Urgency is one of {', '.join(URGENCIES)}")
    topic = shown.get("Topic", "-")
    if len(topic) > TOPIC_CHARACTERS or not topic.replace("-", "a").replace("_", "a").isalnum():
        raise Rejected(400, "Topic has at most 32 characters of base64url")
    if headers.get("Content-Encoding") != "aes128gcm":
        raise Rejected(400, "Content-Encoding is aes128gcm")
    return shown


def decrypt(subscription: Subscription, body: bytes) -> bytes:
    """Decrypts one record (RFC 8188, 2; RFC 8291, 3.4). Raises InvalidTag, ValueError,
    IndexError."""
    salt, length = body[:16], body[20]
    sender, record = body[21 : 21 + length], body[21 + length :]
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
    shared = subscription.private.exchange(ec.ECDH(), point)
    info = b"WebPush: info\0" + subscription.public + sender
    secret = HKDF(SHA256(), 32, subscription.auth, info).derive(shared)
    key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
    nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
    plaintext = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\0")
    if not plaintext.endswith(b"\x02"):
        raise ValueError("this is not the last record")
    return plaintext[:-1]


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
