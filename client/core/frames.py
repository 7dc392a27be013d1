"""The frames of `chat.v1`: the generated types, and what this client adds to them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

# the types of server frames, and a builder for each client frame
from client.core.frames_generated import *  # noqa: F403
from client.core.frames_generated import receipt_frame, send_frame, sync_frame, watch_frame

# Keep one `send` under this: API Gateway closes the connection (1009) on a frame over 32 KB.
SEND_LIMIT_BYTES = 30_000

Ranges = tuple[tuple[int, int], ...]


def encode(frame: Mapping[str, Any]) -> str:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def send(
    message_id: str,
    chat: str,
    alg: str,
    sealed: str | Mapping[str, str],
    *,
    urgent: bool = True,
    hidden: bool = False,
) -> dict[str, Any]:
    """`sealed` is one payload for all, or a payload for each `user/device`."""
    return send_frame(
        message_id=message_id,
        chat=chat,
        alg=alg,
        payload=sealed if isinstance(sealed, str) else None,
        to=None if isinstance(sealed, str) else dict(sealed),
        urgent=None if urgent else False,
        hidden=True if hidden else None,
    )


def receipt(chat: str, delivered: int, read: int, senders: Iterable[str]) -> dict[str, Any]:
    """A watermark that is 0 is left out: there is nothing to report yet."""
    return receipt_frame(
        chat=chat, senders=sorted(senders), delivered=delivered or None, read=read or None
    )


def sync(chats: Mapping[str, int] | None = None, cursor: str | None = None) -> dict[str, Any]:
    """Without `chats`: every chat of the user, from the place the server has for this device."""
    return sync_frame(chats=None if chats is None else dict(chats), cursor=cursor)


def watch(users: Iterable[str]) -> dict[str, Any]:
    return watch_frame(users=sorted(users))
