"""The events of a client. Each is published after the state behind it is on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# frames that are events as they are
from client.core.frames_generated import DevicesChanged as DevicesChanged
from client.core.frames_generated import Displaced as Displaced
from client.core.frames_generated import KeysLow as KeysLow
from client.core.frames_generated import ServerFrame
from client.core.ticks import State


@dataclass(frozen=True, slots=True)
class Connected:
    """The connection is open; what was missed meanwhile is being fetched."""


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What was missed has been fetched.

    Not `complete`: a message before a newer one may still be on its way, and is requested again
    after some seconds.
    """

    complete: bool


@dataclass(frozen=True, slots=True)
class Disconnected:
    """`retry_in`: seconds until the next attempt, None if there will be none."""

    reason: str
    retry_in: float | None


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """In order and once. `text` is None where this device cannot read it yet."""

    chat: str
    seq: int
    message_id: str
    sender: str
    sender_device: str
    sent_at: float
    text: str | None
    own: bool  # written by this user (on another device, or before this store was made)
    reason: str | None = None  # why it waits, for people
    kind: str = "text"  # of its content; what is not `text` has its fields in the history
    counts: bool = True  # it is unread, and people are notified of it


@dataclass(frozen=True, slots=True)
class MessageReadable:
    """A message that was reported without its text has it now, in the same place."""

    chat: str
    seq: int
    message_id: str
    sender: str
    sender_device: str
    sent_at: float
    text: str
    own: bool
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class MessageChanged:
    """The history shows another message than before. `sender` is `user/device`.

    `what`: a `reaction`, an `edit` or a `deletion` by a user; `expired`: it has disappeared;
    `failed`: an own change of it was not accepted, and is taken back.
    """

    chat: str
    sender: str
    message_id: str
    what: str
    by: str | None


@dataclass(frozen=True, slots=True)
class ChatDescribed:
    """A user has set the chat's `timer`, `chat_name` or `chat_picture`; `chats` has what counts."""

    chat: str
    what: str
    by: str


@dataclass(frozen=True, slots=True)
class ProfileChanged:
    """A user has another name or picture."""

    user: str


@dataclass(frozen=True, slots=True)
class StateChanged:
    """An own message reached `state`; every stage is reported, in order."""

    chat: str
    message_id: str
    seq: int | None
    state: State
    text: str | None
    reason: str | None = None  # of FAILED


@dataclass(frozen=True, slots=True)
class MessagesMissing:
    """The messages at these positions (inclusive) expired before this device could fetch them."""

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
    """A member has (delivered) or has read everything in the chat up to here.

    For this user it is published when another device has shown more: messages that were unread here
    are read.
    """

    chat: str
    user: str
    delivered: int
    read: int


@dataclass(frozen=True, slots=True)
class MembersChanged:
    """The members of a known chat have changed. Those of a direct chat never do."""

    chat: str
    joined: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeviceAdded:
    """A user whose devices this one knows has a further one, and it is written to from now on."""

    user: str
    device: str


@dataclass(frozen=True, slots=True)
class IdentityChanged:
    """A device shows other keys than before, or is a new one of a verified user. Nothing is sent to
    the user until the keys are accepted; messages from the device are stored, and opened after
    that.
    """

    user: str
    device: str


@dataclass(frozen=True, slots=True)
class SendingHeld:
    """Texts to this chat wait until the changed identities of `users` are accepted."""

    chat: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ControlReceived:
    """A message between devices that encryption itself does not use (of `kind` `sas`, say)."""

    chat: str
    sender: str
    sender_device: str
    kind: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VerificationRequested:
    """The device wants to compare emoji; `ChatClient.verify` agrees, `confirm(..., False)` not."""

    user: str
    device: str


@dataclass(frozen=True, slots=True)
class EmojiShown:
    """Seven (picture, name): the device shows the same ones, unless somebody intercepts.
    `ChatClient.confirm` takes the people's decision.
    """

    user: str
    device: str
    emoji: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """People have compared what this device and that one show: the keys are the device's own."""

    user: str
    device: str


@dataclass(frozen=True, slots=True)
class VerificationCancelled:
    """`reason` as in docs/encryption.md; `by_peer`: the other device has ended it."""

    user: str
    device: str
    reason: str
    by_peer: bool


@dataclass(frozen=True, slots=True)
class ChatLeft:
    """The server no longer shows this chat to this user."""

    chat: str


@dataclass(frozen=True, slots=True)
class BeganAnew:
    """The backend has lost its data, and this user was signed up again. Chats before are `left`."""


@dataclass(frozen=True, slots=True)
class StoreFailing:
    """The store can't be written: its file is locked, or the disk is full. Published once. Arriving
    messages are fetched again and writing is tried again, until StoreWorking.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class StoreWorking:
    """The store can be written again."""


@dataclass(frozen=True, slots=True)
class FileProgress:
    """So many bytes of an own file are on their way; its message follows when all are there."""

    chat: str
    message_id: str
    done: int
    size: int


@dataclass(frozen=True, slots=True)
class FileFailed:
    """An own file was not uploaded: for good, or it is tried again after a while.

    `reason` begins with a code of the protocol, as that of a message that failed.
    """

    chat: str
    message_id: str
    reason: str
    final: bool


@dataclass(frozen=True, slots=True)
class SignedOut:
    """The tokens are no longer valid and there is no password to get new ones; the client stops."""

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
    | MessageReadable
    | MessageChanged
    | ChatDescribed
    | ProfileChanged
    | StateChanged
    | MessagesMissing
    | PresenceChanged
    | TypingSeen
    | WatermarksMoved
    | MembersChanged
    | DeviceAdded
    | IdentityChanged
    | SendingHeld
    | ControlReceived
    | VerificationRequested
    | EmojiShown
    | Verified
    | VerificationCancelled
    | ChatLeft
    | BeganAnew
    | StoreFailing
    | StoreWorking
    | FileProgress
    | FileFailed
    | SignedOut
    | ServerError
    | ServerFrame  # those that ask nothing of this client, and `devices_changed` and `displaced`
)
