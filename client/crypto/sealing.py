"""Sealing: `send` frames with one payload for each device, split where needed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from client.core.cipher import Outgoing
from client.core.content import MessageContent, written
from client.core.frames import SEND_LIMIT_BYTES, encode, send
from client.crypto.envelope import Device, Envelope, write
from client.crypto.groups import OutboundGroups
from client.crypto.identities import KnownDevice
from client.crypto.sessions import OlmSessions
from client.errors import MessageTooLarge

OLM, MEGOLM = "olm.v1", "megolm.v1"
BLOCK = 16
# Bytes of a ciphertext beside its blocks: 154 to 157 were seen of Olm, 80 of Megolm.
OVERHEAD = 180
LONGEST_NAME = "u" * 32 + "/" + "d" * 64
LONGEST_ID = "0" * 64
KEY = "A" * 43

Fields = Mapping[str, Any]


class Sealer:
    """`me` is this device; `new_id` makes the ids of messages that are not texts."""

    def __init__(
        self,
        me: Device,
        sessions: OlmSessions,
        groups: OutboundGroups,
        new_id: Callable[[], str],
    ) -> None:
        self._me, self._sessions, self._groups = me, sessions, groups
        self._new_id = new_id

    def check(self, content: MessageContent) -> None:
        """Raises MessageTooLarge if it does not fit into a frame, however sent."""
        receiver = Device(LONGEST_NAME, KEY)
        size = _frame_size(LONGEST_ID) + _entry_size(
            LONGEST_NAME,
            self._plaintext(LONGEST_ID, LONGEST_ID, receiver, "copy", copied("0" * 36, content, 0)),
        )
        if size > SEND_LIMIT_BYTES:
            raise MessageTooLarge(size, SEND_LIMIT_BYTES)

    def for_devices(
        self,
        chat: str,
        devices: Iterable[KnownDevice],
        kind: str,
        fields: Fields,
        message_id: str | None = None,
        *,
        newest: bool = False,
        urgent: bool = True,
        hidden: bool = True,
    ) -> Outgoing:
        """One frame. `newest`: on the newest session, not on the one that decrypted last."""
        message_id = message_id or self._new_id()
        payloads = {
            device.name: self._sessions.encrypt(
                chat,
                device.name,
                self._plaintext(
                    chat, message_id, Device(device.name, device.ed25519), kind, fields
                ),
                newest=newest,
            )
            for device in devices
        }
        return Outgoing(message_id, OLM, payloads, urgent, hidden)

    def for_group(
        self, chat: str, message_id: str, content: MessageContent, *, urgent: bool, hidden: bool
    ) -> Outgoing:
        plaintext = self._plaintext(chat, message_id, None, *envelope_of(content))
        payload = self._groups.encrypt(chat, plaintext)
        return Outgoing(message_id, MEGOLM, payload, urgent, hidden)

    def parts(
        self, chat: str, devices: Collection[KnownDevice], kind: str, fields: Fields
    ) -> list[list[KnownDevice]]:
        """The devices in as few parts as frames take; sizes are known before anything is sealed."""
        parts: list[list[KnownDevice]] = []
        room = 0
        for device in devices:
            receiver = Device(device.name, device.ed25519)
            plaintext = self._plaintext(chat, LONGEST_ID, receiver, kind, fields)
            size = _entry_size(device.name, plaintext)
            if size > room:
                parts.append([])
                room = SEND_LIMIT_BYTES - _frame_size(chat)
            parts[-1].append(device)
            room -= size
        return parts

    def _plaintext(
        self, chat: str, message_id: str, receiver: Device | None, kind: str, fields: Fields
    ) -> bytes:
        return write(Envelope(chat, message_id, self._me, receiver, kind, fields))


def envelope_of(content: MessageContent) -> tuple[str, dict[str, Any]]:
    """Kind and fields. A plain text is sent as clients that know no other content do."""
    if content.plain:
        return "text", {"text": content.text}
    return "content", {"content": written(content)}


def copied(of: str, content: MessageContent, sent_at: float) -> dict[str, Any]:
    """The fields of a `copy`; `sent_at` in epoch seconds, on the wire in ms."""
    _, fields = envelope_of(content)
    return {"of": of, **fields, "sent_at": round(sent_at * 1000)}


def _frame_size(chat: str) -> int:
    return len(encode(send(LONGEST_ID, chat, MEGOLM, {}, urgent=False, hidden=True)))


def _entry_size(name: str, plaintext: bytes) -> int:
    """At most that many bytes stand in a frame for one device."""
    ciphertext = (len(plaintext) // BLOCK + 1) * BLOCK + OVERHEAD
    return len(f'"{name}":"0.",') + -(-ciphertext * 4 // 3)
