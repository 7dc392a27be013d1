"""Ciphertexts of the sizes that clients send, sealed as docs/encryption.md has it.

The envelope is the clients' own, padded to its bucket; the bytes around it (ratchet key, index,
MAC, signature, base64) are vodozemac's, from sessions that are made here. So a figure that depends
on sizes follows the clients when they change.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import vodozemac

from client.crypto.envelope import Device, Envelope, write

TEXT = "See you at the station at seven, I have the tickets."
MESSAGE_ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
FRAME_BYTES = 30_000  # what clients keep a `send` under


@dataclass(frozen=True)
class Sealed:
    """The part of a `send` frame that is made by encryption: `alg`, and `to` or `payload`."""

    alg: str
    to: dict[str, str] | None = None
    payload: str | None = None

    def fields(self) -> dict[str, object]:
        part = {"to": self.to} if self.to is not None else {"payload": self.payload}
        return {"alg": self.alg, **part}


def direct_text(chat: str, sender: str, receivers: Sequence[str]) -> Sealed:
    """A line of text to each of these devices, on sessions that both sides have used."""
    fields = {"text": TEXT}
    to = {
        receiver: _olm(_envelope(chat, sender, receiver, "text", fields), used=True)
        for receiver in receivers
    }
    return Sealed("olm.v1", to=to)


def group_text(chat: str, sender: str) -> Sealed:
    """A line of text to all who have the session's key."""
    session = vodozemac.GroupSession()
    sealed = session.encrypt(write(_envelope(chat, sender, None, "text", {"text": TEXT})))
    return Sealed("megolm.v1", payload=f"{session.session_id}.{sealed.to_base64()}")


def group_key(chat: str, sender: str, receivers: Sequence[str]) -> list[Sealed]:
    """A new session's key to each of these devices, on new Olm sessions; a frame holds so many."""
    session = vodozemac.GroupSession()
    fields = {"session_id": session.session_id, "key": session.session_key.to_base64()}
    frames: list[dict[str, str]] = [{}]
    size = 0
    for receiver in receivers:
        payload = _olm(_envelope(chat, sender, receiver, "room_key", fields), used=False)
        more = len(receiver) + len(payload) + len('"":"",')
        if size + more > FRAME_BYTES - 500:  # what else stands in a frame
            frames.append({})
            size = 0
        frames[-1][receiver] = payload
        size += more
    return [Sealed("olm.v1", to=to) for to in frames]


def _envelope(
    chat: str, sender: str, receiver: str | None, kind: str, fields: dict[str, str]
) -> Envelope:
    key = "k" * 43  # 32 bytes, unpadded base64
    to = Device(receiver, key) if receiver is not None else None
    return Envelope(chat, MESSAGE_ID, Device(sender, key), to, kind, fields)


def _olm(envelope: Envelope, *, used: bool) -> str:
    ours, theirs = vodozemac.Account(), vodozemac.Account()
    theirs.generate_one_time_keys(1)
    (key,) = theirs.one_time_keys.values()
    session = ours.create_outbound_session(theirs.curve25519_key, key)
    if used:
        first = session.encrypt(b"").to_pre_key()
        assert first is not None
        receiving, _ = theirs.create_inbound_session(ours.curve25519_key, first)
        session.decrypt(receiving.encrypt(b""))
    kind, body = session.encrypt(write(envelope)).to_parts()
    return f"{kind}.{base64.b64encode(body).rstrip(b'=').decode()}"
