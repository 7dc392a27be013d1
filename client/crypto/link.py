"""Linking: the offer of a new device, its code, and the confirmation that a signed-in device seals
for it. No I/O. The code is a hash of the offer. A device that has read it from the new device's
screen can check the keys in the offer without trusting the backend.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.core.bodies_generated import LinkOfferResponse
from client.crypto.padding import pad
from client.crypto.signing import canonical, introduction_document, verify
from client.errors import CannotLink, SignatureError

VERSION = 1
KIND = "link"
PURPOSE = b"SWITCHBOARD_LINK|"
CODE_BYTES = 20  # 160 bits: nobody finds another offer with the same code
QR = "SWITCHBOARD:LINK:1:"
CODE = re.compile("[A-Z2-7]{32}")  # base32, RFC 4648
GROUP = 4
NAME = re.compile("[A-Za-z0-9_-]{1,64}")
USER = re.compile("[a-z0-9_]{3,32}")
KEY = re.compile("[A-Za-z0-9+/]{43}")
SIGNATURE = re.compile("[A-Za-z0-9+/]{86}")


@dataclass(frozen=True, slots=True)
class Offer:
    """Of a new device: the name it will have, what it calls itself, and its public keys."""

    device: str
    label: str
    curve25519: str
    ed25519: str
    one_time_key: str

    @property
    def code(self) -> str:
        """32 characters of base32."""
        document = {
            "curve25519": self.curve25519,
            "device": self.device,
            "ed25519": self.ed25519,
            "label": self.label,
            "one_time_key": self.one_time_key,
        }
        digest = hashlib.sha256(PURPOSE + canonical(document)).digest()
        return base64.b32encode(digest[:CODE_BYTES]).decode()


@dataclass(frozen=True, slots=True)
class LinkedDevice:
    """What the signed-in device knows of one of the user's devices."""

    curve25519: str
    ed25519: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the new device gets. `by` is the device that linked it; it is among `devices`.

    `introduction` is its signature over the new device's keys, for all who trust it. A client of an
    earlier version gives none.
    """

    code: str
    user: str
    device: str
    by: str
    refresh_token: str
    devices: Mapping[str, LinkedDevice]
    introduction: str | None = None


def offer_of(response: LinkOfferResponse, code: str) -> Offer:
    """What the backend has under a code. Raises CannotLink where another code belongs to it."""
    offer = Offer(
        response.device,
        response.label,
        response.keys.curve25519,
        response.keys.ed25519,
        response.one_time_key,
    )
    if offer.code != code:
        raise CannotLink("false")
    return offer


def code_in(text: str) -> str:
    """The code in what was scanned or typed. Raises CannotLink."""
    code = re.sub(r"[\s-]", "", text).upper().removeprefix(QR)
    if not CODE.fullmatch(code):
        raise CannotLink("no_code")
    return code


def in_groups(code: str) -> str:
    """For people: ABCD EFGH and so on."""
    return " ".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


def write(confirmation: Confirmation) -> bytes:
    """The padded plaintext."""
    document: dict[str, Any] = {
        "v": VERSION,
        "kind": KIND,
        "code": confirmation.code,
        "user": confirmation.user,
        "device": confirmation.device,
        "from": confirmation.by,
        "refresh_token": confirmation.refresh_token,
        "devices": {
            name: {"curve25519": one.curve25519, "ed25519": one.ed25519, "verified": one.verified}
            for name, one in confirmation.devices.items()
        },
    }
    if confirmation.introduction is not None:
        document["introduction"] = confirmation.introduction
    return pad(json.dumps(document, separators=(",", ":")).encode())


def read(plaintext: bytes, offer: Offer, sender: str) -> Confirmation:
    """What the device with the identity key `sender` (Curve25519) has sealed for this offer.

    Raises CannotLink.
    """
    try:
        document = json.loads(plaintext.decode())
        confirmation = _confirmation(document)
        made_for = (document["v"], document["kind"], confirmation.code, confirmation.device)
        if isinstance(document["v"], bool) or made_for != (VERSION, KIND, offer.code, offer.device):
            raise ValueError("made for another offer")
        if confirmation.devices[confirmation.by].curve25519 != sender:
            raise ValueError("sealed by another device")
        if offer.device in confirmation.devices:
            raise ValueError("the account has a device of this name")
        _check_introduction(confirmation, offer)
    except (
        SignatureError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise CannotLink("false") from error
    return confirmation


def _check_introduction(made: Confirmation, offer: Offer) -> None:
    """Raises SignatureError."""
    if made.introduction is None:
        return
    keys = (offer.curve25519, offer.ed25519)
    document = introduction_document(made.by, made.user, offer.device, *keys)
    verify(made.devices[made.by].ed25519, document, made.introduction)


def _confirmation(document: Any) -> Confirmation:
    devices = {_text(name, NAME): _device(one) for name, one in document["devices"].items()}
    return Confirmation(
        _text(document["code"], CODE),
        _text(document["user"], USER),
        _text(document["device"], NAME),
        _text(document["from"], NAME),
        _text(document["refresh_token"], re.compile(r"[!-~]+")),
        devices,
        _text(document["introduction"], SIGNATURE) if "introduction" in document else None,
    )


def _device(one: Any) -> LinkedDevice:
    if not isinstance(one["verified"], bool):
        raise TypeError("verified is true or false")
    return LinkedDevice(_text(one["curve25519"], KEY), _text(one["ed25519"], KEY), one["verified"])


def _text(value: object, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError(f"not of the form {form.pattern}")
    return value
