"""Ed25519 signatures over canonical JSON: the signed documents, and their verification.

Canonical JSON has its keys sorted, no spaces, and is UTF-8. Keys and signatures travel as unpadded
base64. A key has exactly one accepted encoding, because a key with two could be handed out twice.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lambdas.errors import bad_request

KEY_BYTES = 32
SIGNATURE_BYTES = 64


def canonical(document: Mapping[str, Any]) -> bytes:
    """The bytes that are signed."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def decode(text: str, size: int, what: str) -> bytes:
    """`text` as `size` bytes. Raises ChatError bad_request for any encoding but the canonical."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise bad_request(f"{what} is not unpadded base64") from None
    if len(raw) != size:
        raise bad_request(f"{what} has {len(raw)} bytes, not {size}")
    # padding inside the text, or bits in its last character that belong to no byte
    if encode(raw) != text:
        raise bad_request(f"{what} is not unpadded base64 in its canonical form")
    return raw


def encode(raw: bytes) -> str:
    return base64.b64encode(raw).rstrip(b"=").decode()


def device_document(user: str, device: str, curve25519: str, ed25519: str) -> dict[str, Any]:
    """The document that a device signs about itself."""
    return {"curve25519": curve25519, "device": device, "ed25519": ed25519, "user": user}


def key_document(user: str, device: str, id: str, key: str, *, fallback: bool) -> dict[str, Any]:
    """The document that a device signs about a one-time key or a fallback key."""
    document: dict[str, Any] = {"device": device, "id": id, "key": key, "user": user}
    return {**document, "fallback": True} if fallback else document


def verify(document: Mapping[str, Any], signature: str, ed25519: str, what: str) -> None:
    """Raises ChatError bad_request unless `ed25519` signed `document`."""
    key = decode(ed25519, KEY_BYTES, "the ed25519 key")
    signed = decode(signature, SIGNATURE_BYTES, f"the signature of {what}")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signed, canonical(document))
    except (InvalidSignature, ValueError):
        raise bad_request(f"the signature of {what} is wrong") from None
