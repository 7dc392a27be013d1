"""The part of an engine that takes messages, over a real store."""

from __future__ import annotations

from typing import Any

from client.core.arrivals import Arrivals
from client.core.changes import Changes
from client.core.cipher import Text, Unreadable
from client.core.content import MessageContent, Reference
from client.core.events import Event
from client.core.frames import Message
from client.core.settings import Settings
from client.core.step import Step
from client.store import Store
from tests.client.core.fake_cipher import FakeCipher

CHAT = "c"
TEXT = Reference("raju/phone", "01JDB2F6Y8W6X1T9N5R3Q7P0AB")
START, DAY = 1_800_000_000.0, 86_400.0


class Reader(FakeCipher):
    """Opens by message id, once that is readable."""

    def __init__(self) -> None:
        self.contents: dict[str, MessageContent] = {}
        self.readable: set[str] = set()
        self.blocked = False

    def open(self, message: Message) -> Any:
        if message.message_id not in self.readable:
            return Unreadable("its key is not here yet", ask=True, blocked=self.blocked)
        return Text(self.contents[message.message_id])


class Device:
    """The part of an engine that takes messages, over a real store."""

    def __init__(self, user: str = "ravi") -> None:
        self.store = Store.open(":memory:", user, "phone")
        self.cipher, self.events = Reader(), list[Event]()
        self.now = START
        self.changes = Changes(user, self.events.append)
        nothing: Any = _Nobody()
        self._arrivals = Arrivals(
            user, nothing, nothing, self.changes, Settings(), self.events.append
        )
        with self.store.transaction():
            self.store.open_chat(CHAT)

    def step(self) -> Step:
        return Step(self.now, self.now, self.store, self.cipher)

    def take(self, seq: int, of: Reference, content: MessageContent, *, readable: bool) -> None:
        self.cipher.contents[of.id] = content
        if readable:
            self.cipher.readable.add(of.id)
        user, _, device = of.by.partition("/")
        message = Message(CHAT, seq, of.id, user, device, START, "olm.v1", "sealed")
        with self.store.transaction():
            self._arrivals.take(self.step(), message)

    def read_all(self) -> None:
        """The keys of everything have come."""
        self.cipher.readable |= self.cipher.contents.keys()
        with self.store.transaction():
            for by in ("ravi", "raju", "mira"):
                self._arrivals.reopen(self.step(), by)

    def due(self, now: float) -> None:
        self.now = now
        with self.store.transaction():
            self.changes.due(self.step())

    def seen(self) -> list[tuple[Any, ...]]:
        return [
            (each.message_id, each.kind, each.text, each.edited, each.deleted, each.reactions)
            for each in self.store.history(CHAT)
        ]

    def stored(self) -> str:
        return str(self.store.db.execute("SELECT * FROM messages").fetchall())


class _Nobody:
    def everyone(self, *_: object) -> None:
        return None


def change(kind: str, of: Reference = TEXT, **fields: Any) -> MessageContent:
    return MessageContent(kind, {"of": of._asdict(), **fields})
