"""The place of encryption: everything that turns text into payloads and back is behind `Cipher`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Protocol

from client.core.frames import Message

# One payload for all devices, or one for each `user/device`.
Sealed = str | Mapping[str, str]


class CipherError(Exception):
    """This device cannot read a message; the message keeps its place and is shown as waiting."""


class Cipher(Protocol):
    """Called inside the transaction that stores the message, so ratchet state moves with it.

    `open` is called once for each message, in the order of the chat, after duplicates are gone.
    """

    @property
    def alg(self) -> str:
        """What the `send` frame says under `alg`."""

    def seal(self, chat: str, text: str, devices: Sequence[str]) -> Sealed:
        """`devices`: the `user/device` names that are to read it, own other devices included."""

    def open(self, message: Message) -> str:
        """Raises CipherError."""


class PlainCipher:
    """`test.v0`: base64 of UTF-8, readable by everybody. Stands in until there are ratchets."""

    alg = "test.v0"

    def seal(self, chat: str, text: str, devices: Sequence[str]) -> Sealed:
        return base64.b64encode(text.encode()).decode()

    def open(self, message: Message) -> str:
        if message.alg != self.alg:
            raise CipherError(f"unknown algorithm {message.alg}")
        if message.payload is None:
            raise CipherError("the sender made no payload for this device")
        try:
            return base64.b64decode(message.payload, validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise CipherError(f"not base64 of UTF-8: {error}") from error
