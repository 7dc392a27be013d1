"""Keys, signatures and texts that vectors are made of."""

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CHAT, ID = "Qn3jv0dXzq0Yk1mE8a2b9w", "01JDB2F6Y8W6X1T9N5R3Q7P0AB"
OF = {"by": "ravi/phone", "id": ID}
PICTURE = "/9j/wAARCABgAGADAREAAhEBAxEB"  # a JPEG's header, of 96 x 96 pixels


def seed(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def public(name: str) -> str:
    return unpadded(seed(name).public_key().public_bytes_raw())


def curve(name: str) -> str:
    """32 bytes that stand for a Curve25519 key; nothing is computed with them."""
    return unpadded(hashlib.sha256(f"curve of {name}".encode()).digest())


def canonical(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}
