"""Decryption of messages, and the check that each is from the place that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from client.core.cipher import Copy, Hidden, Opened, Text, Unreadable
from client.core.content import MessageContent, parse, text_content
from client.core.frames import Message
from client.core.ids import is_written
from client.crypto.envelope import Device, Envelope, EnvelopeError, read
from client.crypto.groups import InboundGroups, RoomKey
from client.crypto.identities import Identities, KnownDevice
from client.crypto.sealing import MEGOLM, OLM
from client.crypto.sessions import OlmSessions, Undecryptable

_WRITTEN = ("text", "content")  # kinds that people wrote
REQUESTED_AT_ONCE = 1_000  # more texts of one request are ignored


class Opener:
    """`me` is this device; `requested` is called with the texts that a device could not read, and
    the session of this device that repeats.

    `attempt` takes back what is stored inside it if that raises.
    """

    def __init__(
        self,
        me: Device,
        identities: Identities,
        sessions: OlmSessions,
        groups: InboundGroups,
        requested: Callable[[str, str, list[str], str | None], None],
        attempt: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._me, self._identities = me, identities
        self._sessions, self._groups = sessions, groups
        self._requested, self._attempt = requested, attempt

    def knows(self, message: Message) -> bool:
        name = _sender(message)
        return (
            message.payload is None
            or name == self._me.name
            or bool(self._identities.authors(name))
            or self._identities.blocked(name)
        )

    def open(self, message: Message) -> Opened:
        name = _sender(message)
        if name == self._me.name:
            return Unreadable("written here, before this device's state was made anew")
        if message.payload is None:
            return Unreadable("its sender did not know this device", ask=True)
        authors = self._identities.authors(name)
        if not authors and not self._identities.blocked(name):
            return Unreadable(f"{name} is not known")
        failures: list[Undecryptable | EnvelopeError] = []
        for author in authors:
            try:
                # The inside counts too: a ratchet that opened what is not for here has not moved.
                with self._attempt():
                    envelope = self._decrypted(message, message.payload, author)
            except (Undecryptable, EnvelopeError) as error:
                failures.append(error)
            else:
                return self._understood(envelope, former=author.former)
        return self._unreadable(name, failures)

    def _unreadable(
        self, name: str, failures: Sequence[Undecryptable | EnvelopeError]
    ) -> Unreadable:
        """Why it could not be opened; that with the present identity counts, which came first."""
        blocked = self._identities.blocked(name)
        if not failures:
            return Unreadable(f"the keys of {name} are not accepted", blocked=True)
        match failures[0]:
            case EnvelopeError() as error:
                return Unreadable(str(error), ask=True)
            case _ if blocked:
                return Unreadable(f"the new keys of {name} are not accepted", blocked=True)
            case error:
                return Unreadable(str(error), ask=error.ask)

    def _decrypted(self, message: Message, payload: str, sender: KnownDevice) -> Envelope:
        author = Device(sender.name, sender.ed25519)
        chat, message_id = message.chat, message.message_id
        if message.alg == OLM:
            expected = Envelope(chat, message_id, author, self._me, "")
            return read(self._sessions.decrypt(chat, sender, payload), expected)
        if message.alg == MEGOLM:
            expected = Envelope(chat, message_id, author, None, "")
            plaintext = self._groups.decrypt(chat, sender.name, message_id, payload)
            envelope = read(plaintext, expected)
            return envelope if envelope.kind in _WRITTEN else _of_no_kind(envelope)
        raise Undecryptable(f"it is made by {message.alg}, which this client does not know")

    def _understood(self, envelope: Envelope, *, former: bool) -> Opened:
        """A kind this client knows whose fields are not as they should be shows as nothing.

        A former identity asks for nothing any more.
        """
        if former and envelope.kind not in (*_WRITTEN, "copy", "room_key"):
            return Hidden("", {})
        fields, chat, device = envelope.fields, envelope.chat, envelope.sender.name
        try:
            match envelope.kind:
                case "text" | "content":
                    return Text(_content(envelope))
                case "copy":
                    sent_at = _milliseconds(fields) / 1000
                    if not is_written(envelope.text("of")):
                        raise EnvelopeError("copy of no text")
                    return Copy(envelope.text("of"), _content(envelope), sent_at)
                case "room_key":
                    key = RoomKey(envelope.text("session_id"), envelope.text("key"))
                    if not self._groups.add(chat, device, key):
                        raise EnvelopeError("room_key of no session")
                case "request":
                    repeats = fields.get("repeats")
                    session_id = repeats if isinstance(repeats, str) else None
                    self._requested(chat, device, _names(fields), session_id)
        except EnvelopeError:
            return Hidden("", {})
        return Hidden(envelope.kind, fields)


def _content(envelope: Envelope) -> MessageContent:
    """Raises EnvelopeError where there is none; of a wrong one it is known that it was sent."""
    if "content" in envelope.fields:
        return parse(envelope.fields["content"])
    return text_content(envelope.text("text"))


def _sender(message: Message) -> str:
    return f"{message.sender}/{message.sender_device}"


def _of_no_kind(envelope: Envelope) -> Envelope:
    return Envelope(envelope.chat, envelope.id, envelope.sender, None, "", {})


def _milliseconds(fields: Mapping[str, Any]) -> int:
    value = fields.get("sent_at")
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON has one kind of numbers
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 53:
        raise EnvelopeError("copy without sent_at")
    return value


def _names(fields: Mapping[str, Any]) -> list[str]:
    value = fields.get("of")
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise EnvelopeError("request without of")
    return value[:REQUESTED_AT_ONCE]
