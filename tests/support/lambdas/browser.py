"""A browser that has subscribed to pushes: what it gives away, and how it reads a push."""

import base64
import os

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lambdas.notifications.web_push import Subscription


class Browser:
    """Reads by RFC 8291 and RFC 8188, written a second time and with another library's HKDF."""

    def __init__(
        self,
        endpoint: str,
        private: ec.EllipticCurvePrivateKey | None = None,
        auth: bytes | None = None,
    ) -> None:
        self.private = private or ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16) if auth is None else auth
        self.public = self.private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        self.subscription = Subscription(endpoint, text_of(self.public), text_of(self.auth))

    def open(self, body: bytes) -> bytes:
        """The plaintext of one record. Raises InvalidTag."""
        salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
        sender, record = body[21 : 21 + length], body[21 + length :]
        assert size >= 18 and len(record) <= size
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self.private.exchange(ec.ECDH(), point)
        info = b"WebPush: info\0" + self.public + sender
        secret = HKDF(SHA256(), 32, self.auth, info).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
        plaintext = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\0")
        assert plaintext[-1] == 2  # the delimiter of the last record
        return plaintext[:-1]


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
