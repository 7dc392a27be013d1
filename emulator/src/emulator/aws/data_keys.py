"""The keys of KMS that sign, as they are saved and put back: who knows the public one expects it to
stay. The template makes a key anew at each start, with another id, so it is known by its
description."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from moto.kms.models import kms_backends

PEM = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def taken() -> dict[str, Any]:
    return {
        name: key.private_key.private_key.private_bytes(*PEM).decode() for name, key in _signing()
    }


def restore(saved: dict[str, Any], _report: Callable[[str], None]) -> int:
    """A key that the template no longer has is left."""
    found = [(key, saved[name]) for name, key in _signing() if name in saved]
    for key, pem in found:
        key.private_key.private_key = load_pem_private_key(pem.encode(), None)
    return len(found)


def _signing() -> Iterator[tuple[str, Any]]:
    for regions in kms_backends.values():
        for backend in regions.values():
            for key in backend.keys.values():
                if key.key_usage == "SIGN_VERIFY":
                    yield f"{key.key_spec} {key.description}", key
