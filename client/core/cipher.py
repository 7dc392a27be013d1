"""The interface between the engine and encryption. The ratchets are behind `Cipher`.

Every method is called inside the transaction that stores what it leads to, so that ratchet state
moves with the message it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from client.core.content import MessageContent
from client.core.frames import Message

# -- what is asked of the backend's key directory


@dataclass(frozen=True, slots=True)
class Lists:
    """Ask for the devices of `user`."""

    number: int
    user: str


@dataclass(frozen=True, slots=True)
class Claims:
    """Claim a key of each of these devices, for sessions in `chat`.

    `asking`: the session is for saying that a message of that device can't be read.
    """

    number: int
    chat: str
    devices: tuple[str, ...]
    asking: bool = False


Request = Lists | Claims
Fresh = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class FetchResult:
    """`found`: the entries of the directory's response by device, unchecked.

    `former`, of a list: entries of devices that were removed, and of identities before these.
    """

    request: Request
    found: Mapping[str, Any]
    former: Sequence[Any] = ()
    retry_after: float = 0.0  # of claims that the backend did not take now, seconds


# -- sending


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that was written and waits to be sealed."""

    message_id: str
    chat: str
    content: MessageContent
    urgent: bool = True


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One `send` frame: a payload for each `user/device`, or one for all.

    `hidden`: it brings nobody a text that was not announced before, so it wakes no phone.
    """

    message_id: str
    alg: str
    payloads: str | Mapping[str, str]
    urgent: bool = True
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Chat:
    """`members` is None while it isn't known who is in it (any more)."""

    chat: str
    group: bool
    members: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Wants:
    """What has to be fetched from the key directory, or decided by the user, before a text can be
    sealed in a chat.
    """

    members: bool = False
    lists: frozenset[str] = frozenset()  # users
    claims: frozenset[str] = frozenset()  # devices
    blocked: frozenset[str] = frozenset()  # users whose changed identity is not accepted

    def __bool__(self) -> bool:
        return bool(self.members or self.lists or self.claims or self.blocked)


@dataclass(frozen=True, slots=True)
class Sealing:
    """`done`: the text is among the frames; else they have to be accepted before it is sealed."""

    frames: Sequence[Outgoing]
    done: bool


# -- receiving


@dataclass(frozen=True, slots=True)
class Text:
    """A message that people wrote: a text, or a change of one."""

    content: MessageContent


@dataclass(frozen=True, slots=True)
class Copy:
    """The content of an earlier message of the same device; `sent_at` in epoch seconds."""

    of: str
    content: MessageContent
    sent_at: float


@dataclass(frozen=True, slots=True)
class Hidden:
    """Nothing to show. `fields` are those of the kind."""

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """`reason` is for people. `ask`: the sender may help; `blocked`: accepting its keys may."""

    reason: str
    ask: bool = False
    blocked: bool = False


Opened = Text | Copy | Hidden | Unreadable


@dataclass(frozen=True, slots=True)
class Found:
    """The news in a device list. Names are `user/device`."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class Cipher(Protocol):
    """`fresh` says whether a user's device list is up to date; devices are `user/device`."""

    # -- texts

    def check(self, draft: Draft) -> None:
        """Raises MessageTooLarge if the text would not fit into a frame."""

    def wants(self, chat: Chat, fresh: Fresh, tried: Container[str]) -> Wants:
        """`tried`: devices that have no key to claim now; they are left out."""

    def seal(self, draft: Draft, chat: Chat) -> Sealing:
        """To be called when nothing is wanted."""

    def users_with_unknown_devices(self, devices: Collection[str]) -> set[str]:
        """The users of those devices that are not known to be registered."""

    def queue_copies(self, chat: str, message_id: str, devices: Collection[str]) -> None:
        """Queues a copy for devices that did not receive the message."""

    def forget(self, devices: Collection[str]) -> None:
        """The devices are not registered any more."""

    # -- what single devices get

    def devices_to_send_to(self) -> dict[str, set[str]]:
        """The devices for which to-device messages are queued, by chat."""

    def to_device_wants(self, chat: Chat, fresh: Fresh, tried: Container[str]) -> Wants: ...

    def seal_to_device(self, chat: Chat) -> list[Outgoing]:
        """The to-device messages that can be sealed; those that never can are dropped."""

    def renew(self, chat: str) -> bool:
        """Ends the chat's sessions of this store, an older copy whose sessions were used since:
        nothing more is encrypted with them. True if there were any with other devices.
        """

    def leave(self, chat: str) -> None:
        """The user has left the chat: drops what is queued for its devices."""

    def queue_to_device(self, chat: str, device: str, kind: str, fields: Mapping[str, Any]) -> None:
        """Queues a hidden message of `kind` for one device."""

    def registered(self, device: str) -> bool:
        """Its user's list had it."""

    def reachable(self, device: str) -> bool:
        """Registered, with an identity that is trusted."""

    def ask(self, chat: str, device: str, message_ids: Sequence[str]) -> Outgoing:
        """Asks for texts that can't be read, on the newest session with their sender."""

    # -- the directory's responses

    def learn(self, user: str, found: Mapping[str, Any], former: Sequence[Any]) -> Found:
        """`former` identities open what was sent with them; nothing is encrypted for them."""

    def claimed(self, request: Claims, found: Mapping[str, Any]) -> set[str]:
        """The devices among those asked for with which there is a new session now."""

    def accept(self, user: str, keys: Mapping[str, str]) -> bool:
        """The user of this device accepts the changed identities of `user`: those that are listed
        now, and that `keys` (device -> Ed25519 key) says were shown. True if that was all.
        """

    def compared(self, user: str, keys: Mapping[str, str]) -> bool:
        """People have compared `keys` (device -> Ed25519 key): all are accepted and verified.

        False, and nothing has changed, if they are not those of the devices that are listed now.
        """

    # -- messages that arrive

    def knows(self, message: Message) -> bool:
        """Whether enough is known of its sender to open it."""

    def open(self, message: Message) -> Opened:
        """Once for each message, in the order of the chat, after duplicates are gone."""
