"""Web Push: what a browser subscribes with, and the request that wakes it. No I/O.

A browser gives an endpoint, which is a URL at its maker's push service, and two keys. Anybody who
knows all three can push to it, so they are kept as secret as a token of FCM or APNs.

RFC 8030 (the request), RFC 8291 with RFC 8188 (the encryption, aes128gcm).
"""

import base64
import hashlib
import hmac
import json
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lambdas.errors import bad_request
from lambdas.notifications.message import TTL_SECONDS, Push, Ring, TakeBack, is_urgent

PLATFORM = "web"
# The push services of Chromium, Firefox, Safari and Edge. The push function sends requests to any
# endpoint that a user names, so it must not be led to an address of our own network: hence a list
# of hosts, and not a check of addresses, which a name can change between the check and the request.
# chromium.googlesource.com/chromium/src, components/push_messaging/push_messaging_constants.cc
# github.com/web-push-libs/webpush-java/wiki/Endpoints (what each browser gives out)
HOST = re.compile(
    r"fcm\.googleapis\.com|(?:[a-z0-9-]+\.)+(?:push\.services\.mozilla|push\.apple|notify\.windows)\.com"
)
ENDPOINT = re.compile(r"https://[!-~]{1,1000}")
APPLE = ".push.apple.com"
POINT_BYTES = 65  # a point of P-256, uncompressed
SECRET_BYTES = 16
RECORD_BYTES = 4096  # RFC 8291, 4: one record, and push services need not take more
# Pushes of all kinds have one length, so that the push service learns nothing from it.
PADDED_BYTES = 256


class Subscription(NamedTuple):
    """`p256dh` and `auth` in base64url without padding, as the browser's toJSON gives them."""

    endpoint: str
    p256dh: str
    auth: str

    @property
    def name(self) -> str:
        """The name of the subscription, stored in place of an endpoint's ARN. The endpoint itself
        is secret.
        """
        return f"{PLATFORM}:{hashlib.sha256(self.endpoint.encode()).hexdigest()}"

    @property
    def origin(self) -> str:
        url = urlsplit(self.endpoint)
        return f"{url.scheme}://{url.netloc}"


class Request(NamedTuple):
    """A POST to the endpoint, but for its authorization."""

    headers: dict[str, str]
    body: bytes


def is_web(endpoint: str) -> bool:
    """Whether a device's endpoint is the name of a Web Push subscription, not an ARN."""
    return endpoint.startswith(f"{PLATFORM}:")


def require_subscription(subscription: Subscription, also: str = "") -> None:
    """Raises ChatError bad_request for what no push service gives out.

    `also` is the URL of one that stands in for those: endpoints below it are accepted too.
    """
    if not (also and subscription.endpoint.startswith(f"{also}/")):
        _require_endpoint(subscription.endpoint)
    if len(_decoded("auth", subscription.auth)) != SECRET_BYTES:
        raise bad_request(f"auth is {SECRET_BYTES} bytes in base64url")
    try:
        _point(_decoded("p256dh", subscription.p256dh))
    except ValueError:
        raise bad_request("p256dh is an uncompressed point of P-256 in base64url") from None


def _require_endpoint(endpoint: str) -> None:
    try:
        url = urlsplit(endpoint)
        allowed = (
            ENDPOINT.fullmatch(endpoint) is not None
            and HOST.fullmatch(url.netloc) is not None  # so without a port, user or password
            and not url.fragment
        )
    except ValueError:
        allowed = False
    if not allowed:
        raise bad_request("the endpoint is an https URL of a browser's push service")


def is_sent(subscription: Subscription, push: Push) -> bool:
    """False for a taking back in Safari, which ends a subscription after three pushes that showed
    nothing. There the next push, or the page when it is opened, closes the notifications of what
    was read.
    """
    return not (isinstance(push, TakeBack) and subscription.origin.endswith(APPLE))


def request(
    subscription: Subscription, push: Push, *, key: ec.EllipticCurvePrivateKey, salt: bytes
) -> Request:
    """`key` and `salt`, of 16 bytes, are new for each request."""
    body = encrypt(subscription, _payload(push), key=key, salt=salt)
    headers = {
        "content-type": "application/octet-stream",
        "content-encoding": "aes128gcm",
        "content-length": str(len(body)),
        "ttl": str(TTL_SECONDS),
        "urgency": "high" if is_urgent(push) else "normal",
        "topic": topic(push.chat),
    }
    return Request(headers, body)


def topic(chat: str) -> str:
    """A push that was not delivered yet is replaced by a later one with the same topic, which has
    at most 32 characters of base64url (RFC 8030, 5.4). It does not show the chat's id."""
    return _encoded(hashlib.sha256(chat.encode()).digest())[:32]


def _payload(push: Push) -> bytes:
    """The same ids and numbers as the other platforms get."""
    if isinstance(push, Ring):
        ids: dict[str, str | int] = {"message_id": push.message_id}
    else:
        ids = {"read": push.read}
    document = {"chat_id": push.chat, **ids, "unread": push.unread}
    return json.dumps(document, separators=(",", ":")).encode()


def encrypt(
    subscription: Subscription,
    plaintext: bytes,
    *,
    key: ec.EllipticCurvePrivateKey,
    salt: bytes,
    padded_to: int = PADDED_BYTES,
) -> bytes:
    """The body of a request: RFC 8188's header and one record."""
    receiver = _decoded("p256dh", subscription.p256dh)
    sender = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = key.exchange(ec.ECDH(), _point(receiver))
    content_key, nonce = derive(shared, _decoded("auth", subscription.auth), receiver, sender, salt)
    padding = bytes(max(0, padded_to - len(plaintext)))
    sealed = AESGCM(content_key).encrypt(nonce, plaintext + b"\x02" + padding, None)
    return salt + RECORD_BYTES.to_bytes(4) + bytes([len(sender)]) + sender + sealed


def derive(
    shared: bytes, auth: bytes, receiver: bytes, sender: bytes, salt: bytes
) -> tuple[bytes, bytes]:
    """The content encryption key and the nonce (RFC 8291, 3.4)."""
    secret = _hmac(_hmac(auth, shared), b"WebPush: info\0" + receiver + sender + b"\x01")
    root = _hmac(salt, secret)
    content_key = _hmac(root, b"Content-Encoding: aes128gcm\0\x01")[:16]
    return content_key, _hmac(root, b"Content-Encoding: nonce\0\x01")[:12]


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _point(encoded: bytes) -> ec.EllipticCurvePublicKey:
    """Raises ValueError for what is no point of the curve, which would give the key away."""
    if len(encoded) != POINT_BYTES:
        raise ValueError("not an uncompressed point")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), encoded)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(name: str, text: str) -> bytes:
    """The schema allows letters of base64url alone, so only the length can be wrong."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise bad_request(f"{name} is no base64url") from None
