"""Server frames from text to types. Unknown types and unknown fields are let pass."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from client.core.frames import (
    Accepted,
    DevicesChanged,
    Displaced,
    Error,
    KeysLow,
    Message,
    Nudge,
    Pong,
    Presence,
    Ranges,
    Receipt,
    ServerFrame,
    Synced,
    SyncedChat,
    Typing,
    Watermarks,
)

_COUNTS = 1 << 53  # beyond that JSON numbers are not exact, and no count is as high


class FrameError(ValueError):
    """A server frame of a known type that does not have the fields of that type."""


def parse(text: str | bytes) -> ServerFrame | None:
    """The frame in `text`, or None for a type this client does not know.

    Raises FrameError when the text is not a JSON object or a field is not as it should be.
    """
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"not JSON: {error}") from error
    if not isinstance(frame, dict):
        raise FrameError(f"a frame is an object, got {type(frame).__name__}")
    build = _PARSERS.get(str(frame.get("type")))
    if build is None and "type" not in frame and "requestId" in frame:
        # API Gateway's own: the function failed, timed out or was throttled
        build = _failed
    if build is None:
        return None
    try:
        return build(frame)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise FrameError(f"{frame.get('type')}: {error!r}") from error


def parse_message(frame: Mapping[str, Any]) -> Message:
    """A `message` frame; REST answers carry the same shape."""
    payload = frame.get("payload")
    return Message(
        chat=_text(frame["chat"]),
        seq=_position(frame["seq"]),
        message_id=_text(frame["message_id"]),
        sender=_name(frame["sender"]),
        sender_device=_device(frame["sender"], frame["sender_device"]),
        sent_at=_time(frame["sent_at"]),
        alg=_text(frame["alg"]),
        payload=None if payload is None else _text(payload),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a string, got {value!r}")
    value.encode()  # half a character could neither be stored nor sent
    return value


def _name(value: object) -> str:
    """Of a user or of a device; `/` joins the two."""
    name = _text(value)
    if not name or "/" in name:
        raise ValueError(f"expected a name, got {value!r}")
    return name


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _COUNTS:
        raise TypeError(f"expected a count, got {value!r:.100}")
    return value


def _position(value: object) -> int:
    if _count(value) == 0:
        raise ValueError("positions start at 1")
    return _count(value)


def _device(user: object, device: object) -> str:
    """The device's own name: `phone`, also where the frame says `raju/phone`."""
    return _name(_text(device).removeprefix(f"{_text(user)}/"))


def _time(value: object) -> float:
    """Epoch seconds; the wire has milliseconds."""
    return _count(value) / 1000


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected seconds, got {value!r}")
    if not 0 <= value < _COUNTS or math.isnan(value):
        raise ValueError(f"expected seconds, got {value!r:.100}")
    return float(value)


def _devices(value: object) -> tuple[str, ...]:
    """`user/device` each."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {value!r}")
    return tuple(_full_name(name) for name in value)


def _full_name(value: object) -> str:
    user, _, device = _text(value).partition("/")
    return f"{_name(user)}/{_name(device)}"


def _ranges(value: object) -> Ranges:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise TypeError(f"expected a list of ranges, got {value!r}")
    return tuple((_position(first), _position(last)) for first, last in value)


def _members(value: Mapping[str, Any]) -> dict[str, Watermarks]:
    return {
        _text(user): Watermarks(_count(marks.get("delivered", 0)), _count(marks.get("read", 0)))
        for user, marks in value.items()
    }


def _accepted(frame: dict[str, Any]) -> Accepted:
    return Accepted(
        message_id=_text(frame["message_id"]),
        chat=_text(frame["chat"]),
        seq=_position(frame["seq"]),
        sent_at=_time(frame["sent_at"]),
        missing=_devices(frame.get("missing")),
        stale=_devices(frame.get("stale")),
    )


def _receipt(frame: dict[str, Any]) -> Receipt:
    return Receipt(
        chat=_text(frame["chat"]),
        user=_text(frame["user"]),
        delivered=_count(frame.get("delivered", 0)),
        read=_count(frame.get("read", 0)),
    )


def _synced(frame: dict[str, Any]) -> Synced:
    chats = {
        _text(chat): SyncedChat(
            seq=_count(place["seq"]),
            complete_to=_count(place["complete_to"]),
            missing=_ranges(place.get("missing")),
            members=_members(place.get("members") or {}),
        )
        for chat, place in frame["chats"].items()
    }
    retry_after = frame.get("retry_after")
    return Synced(
        chats=chats,
        more=bool(frame.get("more", False)),
        retry_after=None if retry_after is None else _seconds(retry_after),
    )


def _presence(frame: dict[str, Any]) -> Presence:
    last_seen = frame.get("last_seen")
    return Presence(
        user=_text(frame["user"]),
        online=bool(frame["online"]),
        last_seen=None if last_seen is None else _time(last_seen),
    )


def _error(frame: dict[str, Any]) -> Error:
    message_id, action = frame.get("message_id"), frame.get("action")
    return Error(
        code=_text(frame["code"]),
        message=_text(str(frame.get("message", ""))),
        message_id=None if message_id is None else _text(message_id),
        action=None if action is None else _text(action),
    )


def _failed(frame: dict[str, Any]) -> Error:
    return Error(code="internal", message=_text(str(frame.get("message", ""))))


_PARSERS: dict[str, Callable[[dict[str, Any]], ServerFrame]] = {
    "accepted": _accepted,
    "message": parse_message,
    "receipt": _receipt,
    "synced": _synced,
    "nudge": lambda frame: Nudge(_text(frame["chat"]), _position(frame["seq"])),
    "presence": _presence,
    "typing": lambda frame: Typing(_text(frame["chat"]), _text(frame["user"])),
    "devices_changed": lambda frame: DevicesChanged(
        _text(frame["user"]), None if frame.get("chat") is None else _text(frame["chat"])
    ),
    "keys_low": lambda frame: KeysLow(
        _count(frame["remaining"]), bool(frame.get("fallback_used", False))
    ),
    "displaced": lambda frame: Displaced(),
    "pong": lambda frame: Pong(),
    "error": _error,
}
