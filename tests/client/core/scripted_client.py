"""An engine with a store in memory and no network; a test gives it its frames."""

from __future__ import annotations

from random import Random
from typing import Any

from client.core import frames
from client.core.cipher import FetchResult, Request
from client.core.content import text_content
from client.core.engine import Engine
from client.core.events import MessageReceived, StateChanged
from client.core.ids import ulid
from client.core.outputs import Fetch, Output, Transmit
from client.core.settings import Settings
from client.core.step import Step
from client.core.ticks import State
from client.store import Store
from tests.client.core.fake_cipher import FakeCipher, payload

ME, CHAT = "ravi", "c1"
MEMBERS = {"ravi": frames.Watermarks(), "raju": frames.Watermarks()}


class Client:
    """An engine whose clock stands still until `at` moves it."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.store = Store.open(":memory:", ME, "phone")
        self.settings = settings or Settings(sync_jitter=(1.0, 1.0))
        self.random = Random(5)
        self.now = 100.0
        self.restart()

    def restart(self) -> None:
        """As after a crash: only the store is left."""
        self.engine = Engine(ME, "phone", self.random, self.settings)
        self.engine.restore(self._step())
        self.sent: list[dict[str, Any]] = []
        self.reported: list[Output] = []
        self.fetches: list[Request] = []

    def _step(self) -> Step:
        return Step(self.now, self.now, self.store, FakeCipher())

    def step(self, act: Any, *args: Any) -> None:
        with self.store.transaction():
            act(self.engine, self._step(), *args)
        for output in self.engine.outputs():
            if isinstance(output, Transmit):
                self.sent.append(output.frame)
            elif isinstance(output, Fetch):
                self.fetches.append(output.request)
            else:
                self.reported.append(output)

    def open(self, *, sync: bool = True) -> None:
        self.step(Engine.opened)
        if sync:
            self.receive(synced(0, 0))
            self.sent.clear()

    def close(self) -> None:
        self.step(Engine.closed)

    def receive(self, *received: frames.ServerFrame) -> None:
        for frame in received:
            self.step(Engine.received, frame)

    def after(self, seconds: float) -> None:
        self.now += seconds
        self.step(Engine.due)

    def write(self, text: str = "hello", chat: str = CHAT) -> str:
        name = ulid(int(self.now * 1000), self.random)
        self.step(Engine.send, name, chat, text_content(text))
        return name

    def actions(self, name: str) -> list[dict[str, Any]]:
        return [frame for frame in self.sent if frame["action"] == name]

    def texts(self) -> list[str | None]:
        return [event.text for event in self.reported if isinstance(event, MessageReceived)]

    def states(self) -> list[tuple[State, int | None]]:
        return [(e.state, e.seq) for e in self.reported if isinstance(e, StateChanged)]

    def watermark(self, chat: str = CHAT) -> int:
        return {position.chat: position.watermark for position in self.store.read_positions()}[chat]


def named(number: int) -> str:
    """An id as texts have it."""
    return f"{number:026d}"


def message(seq: int, text: str | None = None, **fields: Any) -> frames.Message:
    known: dict[str, Any] = {
        "chat": CHAT, "seq": seq, "message_id": named(seq), "sender": "raju",
        "sender_device": "phone", "sent_at": 5.0, "alg": "megolm.v1",
        "payload": payload(text or f"m{seq}"),
    }  # fmt: skip
    return frames.Message(**{**known, **fields})


def synced(
    seq: int,
    complete_to: int,
    *,
    missing: frames.Ranges = (),
    after: int = 0,
    more: bool = False,
    cursor: str | None = None,
    retry_after: float | None = None,
    members: dict[str, frames.Watermarks] | None = None,
) -> frames.Synced:
    place = frames.SyncedChat(seq, after, complete_to, missing, members or MEMBERS)
    return frames.Synced({CHAT: place}, more, cursor, retry_after)


def own(seq: int, name: str, **fields: Any) -> frames.Message:
    return message(seq, message_id=name, sender=ME, **fields)


def listed(engine: Engine, step: Step, user: str) -> None:
    """The directory lists the user's devices."""
    engine.fetch_succeeded(step, FetchResult(engine.look_at(step, user), {}))
