"""The check of the key directory's entries: only keys that the device itself has signed count."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from client.crypto.signing import device_document, introduction_document, key_document, verify
from client.errors import SignatureError

logger = logging.getLogger("client")

DEVICE = re.compile("[A-Za-z0-9_-]{1,64}")

Pair = tuple[str, str]  # (curve25519, ed25519), unpadded base64


def checked_list(user: str, found: Mapping[str, Any]) -> dict[str, Pair]:
    """The devices of `user` in a response. One whose entry it has not signed itself is none."""
    return {name: pair for name, entry in found.items() if (pair := _checked(user, name, entry))}


def checked_former(user: str, entries: Sequence[Any]) -> list[tuple[str, Pair]]:
    """Likewise of keys that devices had before, the latest first."""
    latest = sorted(filter(_is_former, entries), key=lambda entry: -entry["until"])
    return [
        (entry["device"], pair)
        for entry in latest
        if (pair := _checked(user, entry["device"], entry))
    ]


def checked_claim(user: str, device: str, ed25519: str, entry: object) -> str | None:
    """The claimed key in `entry`, if the device with this Ed25519 key signed it."""
    try:
        if not isinstance(entry, Mapping):
            raise TypeError("no object")
        document = key_document(user, device, entry["id"], entry["key"], bool(entry["fallback"]))
        verify(ed25519, document, entry["signature"])
        return str(entry["key"])
    except (SignatureError, KeyError, TypeError) as error:
        logger.warning("a claimed key of %s/%s is not used: %s", user, device, error)
        return None


def is_introduced(
    user: str, device: str, pair: Pair, entry: Any, trusted: Mapping[str, str]
) -> bool:
    """A device of `trusted` (its Ed25519 key by name) has signed these keys."""
    try:
        introduction = entry["introduction"]
        by = introduction["by"]
        document = introduction_document(by, user, device, *pair)
        verify(trusted[by], document, introduction["signature"])
    except (SignatureError, KeyError, TypeError):
        return False
    return True


def _checked(user: str, device: str, entry: Any) -> Pair | None:
    """The keys of the entry if it is signed by itself.

    The name has to be one: sessions with former identities stand under others (`retired`).
    """
    try:
        if DEVICE.fullmatch(device) is None:
            raise TypeError("no name of a device")
        curve25519, ed25519 = entry["keys"]["curve25519"], entry["keys"]["ed25519"]
        verify(ed25519, device_document(user, device, curve25519, ed25519), entry["signature"])
        return curve25519, ed25519
    except (SignatureError, KeyError, TypeError) as error:
        logger.warning("the keys of %s/%s are not used: %s", user, device, error)
        return None


def _is_former(entry: object) -> bool:
    """It has the form of an entry; its signature is checked by `_checked`."""
    return (
        isinstance(entry, Mapping)
        and isinstance(entry.get("device"), str)
        and isinstance(entry.get("until"), int)
    )
