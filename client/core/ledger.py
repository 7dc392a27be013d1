"""What the engine needs to remember. One call of the engine is one transaction of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from client.core.frames import Message, Watermarks
from client.core.ticks import State


@dataclass(frozen=True, slots=True)
class Place:
    """Where this device stands in a chat. `reported`: what the server surely knows of it."""

    chat: str
    watermark: int
    read: int
    reported: Watermarks


@dataclass(frozen=True, slots=True)
class Own:
    """A message of this user."""

    chat: str
    message_id: str
    seq: int | None
    state: State
    text: str | None


@dataclass(frozen=True, slots=True)
class Queued:
    """An own message that is not accepted yet, with the frame that carries it."""

    message_id: str
    chat: str
    frame: dict[str, Any]


class Ledger(Protocol):
    def places(self) -> list[Place]: ...
    def open_chat(self, chat: str) -> None:
        """Makes the chat known, at watermark 0, unless it is."""

    def set_watermark(self, chat: str, watermark: int) -> None: ...
    def set_read(self, chat: str, read: int) -> None: ...
    def set_reported(self, chat: str, reported: Watermarks) -> None: ...

    def position(self, chat: str, sender: str, device: str, message_id: str) -> int | None:
        """The seq at which that message is stored; None if it is not stored or has none yet."""

    def add(self, message: Message, text: str | None, state: State | None) -> None:
        """Stores a received message at its place; `state` if this user wrote it elsewhere."""

    def senders(self, chat: str, after: int, to: int, besides: str) -> set[str]:
        """Who but `besides` wrote the messages in (after, to]."""

    def add_missing(self, chat: str, first: int, last: int) -> None: ...

    def add_own(
        self, chat: str, message_id: str, sender: str, device: str, text: str | None, alg: str
    ) -> None:
        """Stores a message just written; it is WAITING and has no seq."""

    def own(self, message_id: str) -> Own | None:
        """If this device wrote it."""

    def unread_own(self, chat: str, to: int) -> list[Own]:
        """Own messages at or below `to` that are SENT or DELIVERED, in order."""

    def place_own(self, message_id: str, seq: int, sent_at: float) -> None: ...
    def set_state(self, message_id: str, state: State, reason: str | None = None) -> None: ...

    def queue(self, message_id: str, chat: str, frame: dict[str, Any]) -> None: ...
    def unqueue(self, message_id: str) -> None: ...
    def queued(self) -> list[Queued]:
        """In the order of writing."""

    def members(self, chat: str) -> dict[str, Watermarks]: ...
    def set_members(self, chat: str, members: Mapping[str, Watermarks]) -> None:
        """Replaces the members of the chat."""

    def set_member(self, chat: str, user: str, marks: Watermarks) -> None: ...
