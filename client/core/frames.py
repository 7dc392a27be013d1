"""The frames of `chat.v1`: what the server sends as types, what the client sends as builders."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# Keep one `send` under this: API Gateway closes the connection (1009) on a frame over 32 KB.
SEND_LIMIT_BYTES = 30_000

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    message_id: str
    chat: str
    seq: int
    sent_at: float
    missing: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    chat: str
    seq: int
    message_id: str
    sender: str
    sender_device: str
    sent_at: float
    alg: str
    payload: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    chat: str
    user: str
    delivered: int
    read: int


@dataclass(frozen=True, slots=True)
class Watermarks:
    delivered: int = 0
    read: int = 0


@dataclass(frozen=True, slots=True)
class SyncedChat:
    seq: int
    complete_to: int
    missing: Ranges = ()
    members: Mapping[str, Watermarks] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Synced:
    chats: Mapping[str, SyncedChat]
    more: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Nudge:
    chat: str
    seq: int


@dataclass(frozen=True, slots=True)
class Presence:
    user: str
    online: bool
    last_seen: float | None = None


@dataclass(frozen=True, slots=True)
class Typing:
    chat: str
    user: str


@dataclass(frozen=True, slots=True)
class DevicesChanged:
    """`chat`: the user came into it or left it; None: the user's devices are others now."""

    user: str
    chat: str | None = None


@dataclass(frozen=True, slots=True)
class KeysLow:
    remaining: int
    fallback_used: bool


@dataclass(frozen=True, slots=True)
class Displaced:
    pass


@dataclass(frozen=True, slots=True)
class Pong:
    pass


@dataclass(frozen=True, slots=True)
class Error:
    code: str
    message: str
    message_id: str | None = None
    action: str | None = None


ServerFrame = (
    Accepted
    | Message
    | Receipt
    | Synced
    | Nudge
    | Presence
    | Typing
    | DevicesChanged
    | KeysLow
    | Displaced
    | Pong
    | Error
)


def encode(frame: Mapping[str, Any]) -> str:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def send(
    message_id: str,
    chat: str,
    alg: str,
    sealed: str | Mapping[str, str],
    *,
    urgent: bool = True,
) -> dict[str, Any]:
    """`sealed` is one payload for all, or a payload for each `user/device`."""
    frame: dict[str, Any] = {"action": "send", "message_id": message_id, "chat": chat, "alg": alg}
    if isinstance(sealed, str):
        frame["payload"] = sealed
    else:
        frame["to"] = dict(sealed)
    if not urgent:
        frame["urgent"] = False
    return frame


def receipt(chat: str, delivered: int, read: int, senders: Iterable[str]) -> dict[str, Any]:
    frame: dict[str, Any] = {"action": "receipt", "chat": chat, "senders": sorted(senders)}
    if delivered:
        frame["delivered"] = delivered
    if read:
        frame["read"] = read
    return frame


def sync(chats: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Without `chats`: every chat of the user, from the place the server has for this device."""
    return {"action": "sync"} if chats is None else {"action": "sync", "chats": dict(chats)}


def typing(chat: str) -> dict[str, Any]:
    return {"action": "typing", "chat": chat}


def watch(users: Iterable[str]) -> dict[str, Any]:
    return {"action": "watch", "users": sorted(users)}


def ping() -> dict[str, Any]:
    return {"action": "ping"}
