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


def restore(saved: dict[str, Any], report: Callable[[str], None]) -> int:
    keys = dict(_signing())
    for name, pem in saved.items():
        if name in keys:
            keys[name].private_key.private_key = load_pem_private_key(pem.encode(), None)
        else:
            report(f"the template has no key that signs ({name}) any more: it is left")
    return len(saved.keys() & keys)


def _signing() -> Iterator[tuple[str, Any]]:
    for regions in kms_backends.values():
        for backend in regions.values():
            for key in backend.keys.values():
                if key.key_usage == "SIGN_VERIFY":
                    yield f"{key.key_spec} {key.description}", key
