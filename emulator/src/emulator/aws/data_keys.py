"""The pairs of KMS's keys that sign, so that whoever has a public key can go on with it.

A key has another id after a restart, and is known again by its description. Short: keys for
encryption are not saved, since nothing is encrypted with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives import serialization
from moto.kms.models import kms_backends
from moto.kms.utils import ECDSAPrivateKey


def taken() -> dict[str, Any]:
    return {
        key.description: {
            "spec": key.key_spec,
            "private_key": key.private_key.private_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode(),
        }
        for key in _signing()
    }


def restore(saved: dict[str, Any], report: Callable[[str], None]) -> int:
    """How many keys got their pair back."""
    count = 0
    for key in _signing():
        found = saved.get(key.description)
        if found is None or found["spec"] != key.key_spec:
            continue
        text = found["private_key"].encode()
        key.private_key.private_key = serialization.load_pem_private_key(text, None)
        count += 1
    return count


def _signing() -> Iterator[Any]:
    for regions in kms_backends.values():
        for backend in regions.values():
            for key in backend.keys.values():
                if key.description and isinstance(key.private_key, ECDSAPrivateKey):
                    yield key
