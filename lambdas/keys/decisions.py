"""Rules of one-time keys: uploads, claims, and when to notify a device to upload more. No I/O."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from lambdas.errors import bad_request
from lambdas.frames import Frame
from lambdas.keys import signatures

STORED_LIMIT = 100  # unclaimed one-time keys of one device
LOW = 20  # with fewer the device is notified


class DeviceKeys(NamedTuple):
    """A device's identity: public keys, unpadded base64, and its own signature over them.

    `introduction` is what the device that linked it has signed, `{by, signature}`, or None. Only
    clients check it, since only they know whether they trust that device.
    """

    curve25519: str
    ed25519: str
    signature: str
    introduction: Mapping[str, str] | None = None

    def as_protocol(self) -> Frame:
        keys = {"curve25519": self.curve25519, "ed25519": self.ed25519}
        signed = {"keys": keys, "signature": self.signature}
        return {**signed, "introduction": self.introduction} if self.introduction else signed


class FormerDevice(NamedTuple):
    """Keys that a device had: what it sent with them can be read `until` then (epoch seconds)."""

    device: str
    keys: DeviceKeys
    until: int

    def as_protocol(self) -> Frame:
        return {"device": self.device, **self.keys.as_protocol(), "until": self.until * 1000}


class SignedKey(NamedTuple):
    """A one-time or fallback key as its device uploaded it."""

    id: str
    key: str
    signature: str


class Claim(NamedTuple):
    """A key that was handed out, and the number of one-time keys left.

    `again`: this fallback key was handed out before.
    """

    key: SignedKey
    fallback: bool
    remaining: int
    again: bool = False

    def as_protocol(self) -> Frame:
        return {**self.key._asdict(), "fallback": self.fallback}


def device_keys(user: str, device: str, body: Frame) -> DeviceKeys:
    """The keys in the body of PUT /api/devices/{device}. Raises ChatError bad_request."""
    curve25519, ed25519 = body["keys"]["curve25519"], body["keys"]["ed25519"]
    keys = DeviceKeys(curve25519, ed25519, body["signature"], _introduction(device, body))
    signatures.decode(keys.curve25519, signatures.KEY_BYTES, "the curve25519 key")
    document = signatures.device_document(user, device, keys.curve25519, keys.ed25519)
    signatures.verify(document, keys.signature, keys.ed25519, "the device keys")
    return keys


def _introduction(device: str, body: Frame) -> Mapping[str, str] | None:
    given = body.get("introduction")
    if given is None:
        return None
    if given["by"] == device:
        raise bad_request("a device does not introduce itself")
    signatures.decode(given["signature"], signatures.SIGNATURE_BYTES, "the introduction")
    return {"by": given["by"], "signature": given["signature"]}


def one_time_keys(user: str, device: str, ed25519: str, body: Frame) -> list[SignedKey]:
    """The one-time keys of an upload, in its order. Raises ChatError bad_request."""
    entries: Mapping[str, Any] = body["one_time_keys"]
    keys = [SignedKey(id, entry["key"], entry["signature"]) for id, entry in entries.items()]
    for key in keys:
        _check(user, device, ed25519, key, fallback=False)
    if len({key.key for key in keys}) < len(keys):
        raise bad_request("the same one-time key stands under two ids")
    return keys


def fallback_key(user: str, device: str, ed25519: str, body: Frame) -> SignedKey | None:
    """The fallback key of an upload, if it has one. Raises ChatError bad_request."""
    entry = body.get("fallback_key")
    if entry is None:
        return None
    key = SignedKey(entry["id"], entry["key"], entry["signature"])
    _check(user, device, ed25519, key, fallback=True)
    return key


def _check(user: str, device: str, ed25519: str, key: SignedKey, *, fallback: bool) -> None:
    what = f"the fallback key {key.id}" if fallback else f"the one-time key {key.id}"
    signatures.decode(key.key, signatures.KEY_BYTES, what)
    document = signatures.key_document(user, device, key.id, key.key, fallback=fallback)
    signatures.verify(document, key.signature, ed25519, what)


def still_new(
    keys: Iterable[SignedKey], known: set[str], remaining: int, limit: int = STORED_LIMIT
) -> list[SignedKey]:
    """Those of `keys` to store: a key that was ever uploaded is skipped.

    So a repeated upload is harmless, and a key is never handed out twice. Raises ChatError
    bad_request if more than `limit` would be stored.
    """
    new = [key for key in keys if key.key not in known]
    if remaining + len(new) > limit:
        raise bad_request(
            f"at most {limit} one-time keys are kept for a device; {remaining} are there already"
        )
    return new


def keys_low(claim: Claim) -> Frame | None:
    """The frame for the device whose key was claimed, if it should upload more.

    Once for each fallback key. A device that misses the frame learns it when it uploads.
    """
    if claim.again or (claim.remaining >= LOW and not claim.fallback):
        return None
    return {"type": "keys_low", "remaining": claim.remaining, "fallback_used": claim.fallback}
