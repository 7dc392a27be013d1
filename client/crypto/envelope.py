"""The envelope: the JSON inside a ciphertext, with chat, sender and receiver. No I/O.

The server sees only the frame around it. If the two differ, the message is forged, or was moved to
another place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from client.crypto.padding import pad

VERSION = 1
_NAMED = frozenset({"v", "chat", "id", "from", "to", "from_key", "to_key", "kind"})
_SHOWN = frozenset({"text", "copy", "content"})  # kinds whose `text` people read
_HALF = re.compile("[\ud800-\udfff]")  # of a character: JSON can say it, UTF-8 can't


class EnvelopeError(ValueError):
    """The plaintext is no envelope, or not one for this place; the message says why."""


@dataclass(frozen=True, slots=True)
class Device:
    """One end of a message: `user/device` and its Ed25519 identity key."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """`receiver` is None in a group message. `fields` are those of the kind."""

    chat: str
    id: str
    sender: Device
    receiver: Device | None
    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A field that is to be a string. Raises EnvelopeError."""
        value = self.fields.get(name)
        if not isinstance(value, str):
            raise EnvelopeError(f"{self.kind} without {name}")
        return value


def write(envelope: Envelope) -> bytes:
    """The padded plaintext."""
    document: dict[str, Any] = {
        "v": VERSION,
        "chat": envelope.chat,
        "id": envelope.id,
        "from": envelope.sender.name,
        "from_key": envelope.sender.key,
    }
    if envelope.receiver is not None:
        document |= {"to": envelope.receiver.name, "to_key": envelope.receiver.key}
    document |= {"kind": envelope.kind, **envelope.fields}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return pad(text.encode())


def read(plaintext: bytes, expected: Envelope) -> Envelope:
    """The envelope in `plaintext`; all but kind and fields must be as in `expected`.

    Raises EnvelopeError.
    """
    document = _parsed(plaintext)
    version = document.get("v")
    if isinstance(version, bool) or version != VERSION:
        raise EnvelopeError("not an envelope of this version")
    wanted: dict[str, object] = {
        "chat": expected.chat,
        "id": expected.id,
        "from": expected.sender.name,
        "from_key": expected.sender.key,
    }
    if expected.receiver is not None:
        wanted |= {"to": expected.receiver.name, "to_key": expected.receiver.key}
    for name, value in wanted.items():
        if document.get(name) != value:
            raise EnvelopeError(f"made for another {name}")
    kind = document.get("kind")
    if not isinstance(kind, str):
        raise EnvelopeError("without a kind")
    fields = {name: value for name, value in document.items() if name not in _NAMED}
    return Envelope(expected.chat, expected.id, expected.sender, expected.receiver, kind, fields)


def _parsed(plaintext: bytes) -> dict[str, Any]:
    """An object that can be stored and written again, as JSON and as UTF-8."""
    try:
        document = json.loads(plaintext.decode(), parse_constant=_reject)
        if not isinstance(document, dict):
            raise EnvelopeError("not an envelope")
        if document.get("kind") in _SHOWN:
            _replace_half_characters(document)
            content = document.get("content")
            if isinstance(content, dict):
                _replace_half_characters(content)
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise EnvelopeError("not an envelope") from error
    return document


def _replace_half_characters(document: dict[str, Any]) -> None:
    """Browsers cut texts anywhere."""
    text = document.get("text")
    if isinstance(text, str):
        document["text"] = _HALF.sub("\ufffd", text)


def _reject(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
