"""The environment's key pair, by which push services know who pushes (VAPID, RFC 8292).

The private key was made in KMS and never leaves it. A browser subscribes with the public key, and
its push service takes pushes from the holder of the private one alone.
"""

import base64
import json
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

# RFC 8292, 2: at most 24 hours. A call of KMS for each push service and half a day is next to none.
VALID_SECONDS = 12 * 3600
RENEWED_BEFORE = 3600


class _Token(NamedTuple):
    text: str
    expires_at: float


class VapidKey:
    """`key_id` is KMS's. `contact` is a mailto: or https: URL by which the owner of a push service
    finds us, or "": Apple's then responds with 403."""

    def __init__(self, kms: Any, key_id: str, contact: str, now: Callable[[], float]) -> None:
        self._kms = kms
        self._key_id = key_id
        self._contact = contact
        self._now = now
        self._public = ""
        self._tokens: dict[str, _Token] = {}
        self._lock = threading.Lock()  # a container serves requests in threads

    def public(self) -> str:
        """The applicationServerKey: an uncompressed point in base64url."""
        with self._lock:
            if not self._public:
                der = self._kms.get_public_key(KeyId=self._key_id)["PublicKey"]
                point = load_der_public_key(der).public_bytes(
                    Encoding.X962, PublicFormat.UncompressedPoint
                )
                self._public = _encoded(point)
            return self._public

    def authorization(self, origin: str) -> str:
        """The header of a request to a push service, named by its origin."""
        public = self.public()
        with self._lock:
            token = self._tokens.get(origin)
            if token is None or token.expires_at - RENEWED_BEFORE <= self._now():
                token = self._tokens[origin] = self._signed(origin)
        return f"vapid t={token.text}, k={public}"

    def _signed(self, origin: str) -> _Token:
        expires_at = int(self._now()) + VALID_SECONDS
        claims: dict[str, str | int] = {"aud": origin, "exp": expires_at}
        if self._contact:
            claims["sub"] = self._contact
        parts = ({"typ": "JWT", "alg": "ES256"}, claims)
        text = ".".join(
            _encoded(json.dumps(part, separators=(",", ":")).encode()) for part in parts
        )
        signature = self._kms.sign(
            KeyId=self._key_id,
            Message=text.encode(),
            MessageType="RAW",
            SigningAlgorithm="ECDSA_SHA_256",
        )["Signature"]
        # KMS gives a DER structure, and a JWT has the two numbers (RFC 7518, 3.4)
        size = ec.SECP256R1().key_size // 8
        numbers = b"".join(number.to_bytes(size) for number in decode_dss_signature(signature))
        return _Token(f"{text}.{_encoded(numbers)}", expires_at)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
