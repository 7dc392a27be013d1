"""The interface of the engine's memory. One step of the engine is one transaction of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from client.core.cipher import Draft
from client.core.content import MessageContent, Reference
from client.core.frames import Message, Ranges, Watermarks
from client.core.ticks import State
from client.core.view import Change


@dataclass(frozen=True, slots=True)
class ReadPosition:
    """The position of this device in a chat. `reported`: the marks that the server is sure to have.
    `waits`: the first text of another user that its sender is still to be asked for.
    """

    chat: str
    watermark: int
    read: int
    reported: Watermarks
    waits: int | None = None
    left: bool = False  # the user is no longer in it

    @property
    def readable(self) -> Watermarks:
        """What is reported to the senders: a text that waits is neither delivered nor read."""
        top = self.watermark if self.waits is None else min(self.watermark, self.waits - 1)
        return Watermarks(top, min(self.read, top))


@dataclass(frozen=True, slots=True)
class Own:
    """A message of this user. `target`: the message that it changes."""

    chat: str
    message_id: str
    seq: int | None
    state: State
    text: str | None
    shown: bool = True
    target: Reference | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands; `gone`: it was `deleted` or has `expired`."""

    seq: int | None
    gone: str | None


@dataclass(frozen=True, slots=True)
class Filled:
    """The position of a message whose text has come."""

    seq: int
    sent_at: float


@dataclass(frozen=True, slots=True)
class Queued:
    """A sealed message that is not accepted yet, with the frame that carries it."""

    message_id: str
    chat: str
    frame: dict[str, Any]


class Ledger(Protocol):
    def read_positions(self) -> list[ReadPosition]: ...
    def open_chat(self, chat: str) -> None:
        """Makes the chat known, at watermark 0, unless it is."""

    def set_gone(self, chat: str, gone: bool) -> None:
        """Whether the user was in the chat and is no longer; what was written in it stays."""

    def set_watermark(self, chat: str, watermark: int) -> None: ...
    def set_read(self, chat: str, read: int) -> None: ...
    def set_reported(self, chat: str, reported: Watermarks) -> None: ...

    def undelivered(self, chat: str) -> Ranges:
        """The positions at which the backend hid this user's messages from the other user."""

    def set_undelivered(self, chat: str, ranges: Ranges) -> None: ...

    def has(self, chat: str, sender: str, device: str, message_id: str) -> bool:
        """Whether that message of another device was taken already, shown or not."""

    def add(
        self,
        message: Message,
        content: MessageContent | None,
        state: State | None,
        reason: str | None = None,
        ask_at: float | None = None,
    ) -> None:
        """Stores a received message at its place; `state` if this user wrote it elsewhere.

        Without a content it waits, for `reason`; its sender is to be asked at `ask_at` (epoch
        seconds). The payload is kept as long.
        """

    def add_hidden(self, message: Message, *, keep: bool) -> None:
        """Remembers a message that is not shown; `keep`: with its payload, to be opened later."""

    def fill(
        self, chat: str, sender: str, device: str, message_id: str, content: MessageContent
    ) -> Filled | None:
        """Stores `content` in the message that waited for it. None if none waited."""

    def wait(self, message: Message, reason: str, ask_at: float | None) -> None:
        """Records why it still can't be read. Its sender is asked at `ask_at`, unless it was asked
        for the last time.
        """

    def opened_hidden(self, message: Message) -> None:
        """Removes the payload of a stored hidden message, which was opened."""

    def waiting(
        self, sender: str, device: str | None = None, chat: str | None = None
    ) -> list[Message]:
        """Messages with a payload that could not be opened, shown and hidden, in order."""

    def asks(self, at: float) -> dict[tuple[str, str], list[str]]:
        """(chat, `user/device`) -> ids of messages it is to be asked for at `at`."""

    def to_ask(self, chat: str, device: str, at: float) -> list[str]:
        """The same of one device."""

    def next_ask(self, after: float) -> float | None:
        """The time, later than `after`, at which the next one is to be asked for."""

    def asked(
        self,
        chat: str,
        device: str,
        message_ids: Sequence[str],
        after: Sequence[float],
        at: float,
    ) -> None:
        """Counts a request at `at`, and sets the time of the next; `after` has the pause before
        each request.
        """

    def ask_at(self, chat: str, device: str, message_ids: Sequence[str], at: float | None) -> None:
        """Asks `device` at `at`, or never."""

    def first_waiting(self, chat: str) -> int | None:
        """The first text of somebody else that its sender is still to be asked for."""

    def senders(self, chat: str, after: int, to: int, besides: str) -> set[str]:
        """The senders, except `besides`, of the messages in (after, to]."""

    def add_missing(self, chat: str, first: int, last: int) -> None: ...

    def add_own(self, draft: Draft, sender: str, device: str) -> None:
        """Stores a text just written, as a draft: it is WAITING and has no seq."""

    def drafts(self) -> list[Draft]:
        """Texts that are not sealed, in the order of writing."""

    def undraft(self, message_id: str) -> None: ...

    def own(self, message_id: str) -> Own | None:
        """If this device wrote it."""

    def ticking(self, chat: str, everyone: Watermarks) -> list[Own]:
        """Own messages whose tick is behind these marks, in order; not all that nobody has read."""

    def place_own(self, message_id: str, seq: int, sent_at: float, now: float) -> None:
        """`sent_at` is the server's time; `now` is this device's, when it first learned of this."""

    def set_state(self, message_id: str, state: State, reason: str | None = None) -> None: ...

    # what changes messages and chats, and what disappears

    def changes(self, chat: str, target: Reference) -> list[Change]:
        """The messages that change that message, whether or not that one is here."""

    def writings(self, chat: str, kind: str) -> list[Change]:
        """The messages that have set the timer, the name or the picture of the chat."""

    def place(self, chat: str, of: Reference) -> Place | None:
        """None where that message is not here."""

    def erase(self, chat: str, of: Reference, why: str) -> None:
        """Removes the text of a message, and of what changes it; `why` as in `Place.gone`."""

    def keep_profile(self, profile: MessageContent) -> None:
        """The user's own, from this device or another one, unless there is a newer one."""

    def read_mark(self, chat: str) -> int:
        """Up to where the user has read the chat, on any device."""

    def count_from(self, chat: str, of: Reference, at: float) -> None:
        """That text disappears from `at` on, in epoch seconds, unless it does already."""

    def to_count(self, chat: str, to: int) -> list[tuple[Reference, int, float]]:
        """The texts of others up to there whose time to live does not count yet: that time, and
        sent_at.
        """

    def expired(self, now: float) -> list[tuple[str, Reference]]:
        """The texts that have disappeared by `now`, epoch seconds. After the clock was set back,
        their time counts anew.
        """

    def next_expiry(self) -> float | None:
        """The time at which the next text disappears."""

    def queue(self, message_id: str, chat: str, frame: dict[str, Any]) -> None: ...
    def unqueue(self, message_id: str) -> None: ...
    def queued(self) -> list[Queued]:
        """In the order of writing."""

    def kind(self, chat: str) -> str | None:
        """direct, group, or not known."""

    def request(self, chat: str) -> bool | None:
        """Whether a stranger has begun it, and the user has not answered; None: not known."""

    def set_request(self, chat: str, request: bool) -> None: ...

    def pair(self, chat: str) -> frozenset[str] | None:
        """The two people of a direct chat, this user among them; None where they aren't known."""

    def members(self, chat: str) -> dict[str, Watermarks]: ...
    def members_told(self, chat: str) -> bool:
        """Whether `set_members` was ever called for the chat."""

    def set_members(self, chat: str, members: Mapping[str, Watermarks], since: float) -> None:
        """Replaces the members of the chat. A new member, unless all are new, joined after the
        newest of: the seq of the last `members_seen`, this device's messages that were accepted
        before `since`, and the seq of `adding` for the user.
        """

    def adding(self, chat: str, users: Collection[str], at: int) -> None:
        """This device is about to add these users; `at` is the newest seq of the chat. What it has
        sealed by now, and is not accepted yet, is not for those of them who are no members.
        """

    def members_seen(self, chat: str, at: int) -> None:
        """Stores who the members were when `at` was the newest seq of the chat."""

    def set_member(self, chat: str, user: str, marks: Watermarks) -> None:
        """Stores a member's watermarks; does nothing for a user who is no member."""
