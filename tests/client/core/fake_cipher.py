"""A Cipher without keys, which encrypts nothing: the engine's own tests are about order."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Container, Mapping, Sequence
from typing import Any

from client.core.cipher import (
    Chat,
    Claims,
    Draft,
    Found,
    Fresh,
    Opened,
    Outgoing,
    Sealing,
    Text,
    Unreadable,
    Wants,
)
from client.core.content import text_content
from client.core.frames import SEND_LIMIT_BYTES, Message
from client.errors import MessageTooLarge

ALG = "megolm.v1"


def payload(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class FakeCipher:
    def check(self, draft: Draft) -> None:
        size = len(payload(draft.content.text)) + 200
        if size > SEND_LIMIT_BYTES:
            raise MessageTooLarge(size, SEND_LIMIT_BYTES)

    def wants(self, chat: Chat, fresh: Fresh, tried: Container[str]) -> Wants:
        return Wants()

    def seal(self, draft: Draft, chat: Chat) -> Sealing:
        frame = Outgoing(draft.message_id, ALG, payload(draft.content.text), draft.urgent)
        return Sealing([frame], done=True)

    def users_with_unknown_devices(self, devices: Collection[str]) -> set[str]:
        return set()

    def queue_copies(self, chat: str, message_id: str, devices: Collection[str]) -> None:
        pass

    def forget(self, devices: Collection[str]) -> None:
        pass

    def devices_to_send_to(self) -> dict[str, set[str]]:
        return {}

    def to_device_wants(self, chat: Chat, fresh: Fresh, tried: Container[str]) -> Wants:
        return Wants()

    def seal_to_device(self, chat: Chat) -> list[Outgoing]:
        return []

    def leave(self, chat: str) -> None:
        pass

    def queue_to_device(self, chat: str, device: str, kind: str, fields: Mapping[str, Any]) -> None:
        pass

    def registered(self, device: str) -> bool:
        return True

    def reachable(self, device: str) -> bool:
        return False

    def ask(self, chat: str, device: str, message_ids: Sequence[str]) -> Outgoing:
        raise AssertionError("nobody is reachable")

    def renew(self, chat: str) -> bool:
        return False

    def learn(self, user: str, found: Mapping[str, Any], former: Sequence[Any]) -> Found:
        return Found()

    def claimed(self, request: Claims, found: Mapping[str, Any]) -> set[str]:
        return set()

    def accept(self, user: str, keys: Mapping[str, str]) -> bool:
        return True

    def compared(self, user: str, keys: Mapping[str, str]) -> bool:
        return True

    def knows(self, message: Message) -> bool:
        return True

    def open(self, message: Message) -> Opened:
        if message.alg != ALG or message.payload is None:
            return Unreadable("not for this device")
        try:
            return Text(text_content(base64.b64decode(message.payload, validate=True).decode()))
        except (binascii.Error, ValueError):
            return Unreadable("broken")
