"""Signatures as the protocol has them: Ed25519 over canonical JSON, unpadded base64."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from vodozemac import Ed25519PublicKey, Ed25519Signature

from client.errors import SignatureError


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Raises SignatureError: what comes in as a key or a signature is checked as one."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureError(f"not base64: {error}") from error


def canonical(document: Mapping[str, Any]) -> bytes:
    """Keys sorted, no spaces, UTF-8."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def verify(ed25519: str, document: Mapping[str, Any], signature: str) -> None:
    """Raises SignatureError unless the holder of `ed25519` signed `document`."""
    try:
        signed = Ed25519Signature.from_base64(signature)
        Ed25519PublicKey.from_base64(ed25519).verify_signature(canonical(document), signed)
    except ValueError as error:  # what vodozemac raises is below it
        raise SignatureError(f"not signed by {ed25519}: {dict(document)}") from error


def device_document(user: str, device: str, curve25519: str, ed25519: str) -> dict[str, str]:
    return {"curve25519": curve25519, "device": device, "ed25519": ed25519, "user": user}


def introduction_document(
    by: str, user: str, device: str, curve25519: str, ed25519: str
) -> dict[str, str]:
    """What the device `by` signs about one of the same user that it has linked."""
    return {**device_document(user, device, curve25519, ed25519), "by": by}


def key_document(user: str, device: str, id: str, key: str, fallback: bool) -> dict[str, Any]:
    document: dict[str, Any] = {"device": device, "id": id, "key": key, "user": user}
    return {**document, "fallback": True} if fallback else document
