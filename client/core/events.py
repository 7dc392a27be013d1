"""What a client tells its user. Each is told after the state behind it is on disk."""

from __future__ import annotations

from dataclasses import dataclass

from client.core.ticks import State


@dataclass(frozen=True, slots=True)
class Connected:
    """The connection is open; what was missed meanwhile is being fetched."""


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What was missed has been fetched.

    Not `complete`: something in front of a newer message may still be on its way, and is asked
    for again in some seconds.
    """

    complete: bool


@dataclass(frozen=True, slots=True)
class Disconnected:
    """`retry_in`: seconds until the next attempt, None if there will be none."""

    reason: str
    retry_in: float | None


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """In order and once. `text` is None where this device cannot read it (yet)."""

    chat: str
    seq: int
    message_id: str
    sender: str
    sender_device: str
    sent_at: float
    text: str | None
    own: bool  # written by this user (on another device, or before this store was made)


@dataclass(frozen=True, slots=True)
class StateChanged:
    """An own message reached `state`; every stage is told, in order."""

    chat: str
    message_id: str
    seq: int | None
    state: State
    text: str | None
    reason: str | None = None  # of FAILED


@dataclass(frozen=True, slots=True)
class MessagesMissing:
    """These positions (inclusive) expired before this device could fetch them."""

    chat: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    user: str
    online: bool
    last_seen: float | None


@dataclass(frozen=True, slots=True)
class TypingSeen:
    chat: str
    user: str


@dataclass(frozen=True, slots=True)
class WatermarksMoved:
    """A member has (delivered) or has read everything in the chat up to here."""

    chat: str
    user: str
    delivered: int
    read: int


@dataclass(frozen=True, slots=True)
class DevicesChanged:
    user: str


@dataclass(frozen=True, slots=True)
class DevicesMissing:
    """An accepted message did not reach `missing`; `stale` are no devices any more."""

    chat: str
    message_id: str
    missing: tuple[str, ...]
    stale: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeysLow:
    remaining: int
    fallback_used: bool


@dataclass(frozen=True, slots=True)
class ChatLeft:
    """The server no longer shows this chat to this user."""

    chat: str


@dataclass(frozen=True, slots=True)
class Displaced:
    """The same device connected elsewhere; this client stops."""


@dataclass(frozen=True, slots=True)
class SignedOut:
    """The tokens are no longer good and there is no password to get new ones; it stops."""

    reason: str


@dataclass(frozen=True, slots=True)
class ServerError:
    """An error frame that names no message."""

    code: str
    message: str
    action: str | None


Event = (
    Connected
    | CaughtUp
    | Disconnected
    | MessageReceived
    | StateChanged
    | MessagesMissing
    | PresenceChanged
    | TypingSeen
    | WatermarksMoved
    | DevicesChanged
    | DevicesMissing
    | KeysLow
    | ChatLeft
    | Displaced
    | SignedOut
    | ServerError
)
