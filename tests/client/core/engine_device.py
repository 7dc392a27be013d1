"""A device of the engine's model: a real engine and store, which may crash between any two writes.

The network between it and the backend may lose, repeat and reorder what the protocol lets it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from client.core.engine import Engine
from client.core.events import Event
from client.core.frames import encode
from client.core.ledger import Ledger
from client.core.outputs import Drop, Fetch, Stop, Transmit
from client.core.parsing import parse
from client.core.settings import Settings
from client.core.step import Step
from client.store.store import Store
from client.store.vault import Vault
from lambdas.frames import Frame
from tests.client.connected import Connected
from tests.client.core.fake_cipher import FakeCipher
from tests.support.backend.people import People
from tests.support.memory_store import migrate

QUICK = Settings(resend_after=3.0, sync_timeout=30.0, quiet_receipt_delay=2.0)
WRITING = ("open_", "set_", "add", "place_", "queue", "unqueue", "undraft", "members_")


class Crashed(Exception):
    pass


class CrashingStore(Store):
    """Crashes in front of the n-th write of a transaction, or right after its commit."""

    fuse: int | None = None
    WRITES = frozenset(name for name in dir(Ledger) if name.startswith(WRITING))

    def __getattribute__(self, name: str) -> Any:
        if name in CrashingStore.WRITES:
            self.burn()
        return super().__getattribute__(name)

    def burn(self) -> None:
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Crashed

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        with super().transaction() as db:
            yield db
        self.burn()  # on disk, but nobody was notified


@dataclass
class Flight:
    """A server frame under way. `after`: frames that the channel keeps in front of it."""

    frame: Frame
    after: list[Flight] = field(default_factory=list)
    live: bool = False  # a post of somebody's send: may be lost without anybody noticing


class Device(Connected):
    down: list[Flight]

    def __init__(self, user: str, backend: People, random: Random) -> None:
        super().__init__(user, "phone", backend)
        self.random = random
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.db)
        self.syncing: list[Flight] | None = None
        self.backup: bytes | None = None
        self.reinstalled = False
        self.events: list[Event] = []
        self.start()

    def start(self) -> None:
        self.store = CrashingStore(self.db, self.user, "phone", Vault.in_memory())
        self.engine = Engine(self.user, "phone", self.random, QUICK)
        self.engine.restore(self._step())

    def lose_store(self) -> None:
        """The same device, installed again, from a backup if there is one: it knows nothing, or not
        all that it knew; the backend remembers it.
        """
        self.disconnect()
        self.db.close()
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        if self.backup is None:
            migrate(self.db)
        else:
            self.db.deserialize(self.backup)
        self.events.clear()
        self.reinstalled = True
        self.start()

    # -- steps

    def _step(self) -> Step:
        return Step(self.backend.now, self.backend.clock(), self.store, FakeCipher())

    def step(self, act: Any, *args: Any, fuse: int | None = None) -> None:
        self.store.fuse = fuse
        try:
            with self.store.transaction():
                act(self.engine, self._step(), *args)
        except Crashed:
            self.lose_connection()
            self.start()
            return
        self.store.fuse = None
        for output in self.engine.outputs():
            match output:
                case Transmit():
                    assert self.online
                    self.up.append(output.frame)
                case Drop() | Stop():
                    self.disconnect()
                case Fetch():
                    pass  # FakeCipher needs no keys
                case _:
                    self.events.append(output)

    def post(self, frame: Frame) -> None:
        flight = Flight(frame, live=frame["type"] == "message" and self.syncing is None)
        if self.syncing is not None:
            self.syncing.append(flight)
        self.down.append(flight)

    def connect(self) -> None:
        self.open_connection()
        self.step(Engine.opened)

    def disconnect(self) -> None:
        self.lose_connection()
        self.step(Engine.closed)

    def handled(self, index: int) -> None:
        """The backend handles one of the frames under way to it, in whatever order."""
        assert self.connection is not None
        frame = self.up.pop(index)
        before = list(self.down)
        self.syncing = [] if frame["action"] == "sync" else None
        response = self.backend.handle(self.connection, frame)
        sent, self.syncing = self.syncing or [], None
        assert before == self.down[: len(before)]
        if response is not None:
            self.down.append(Flight(response, after=sent))

    def deliverable(self) -> list[Flight]:
        return [one for one in self.down if not any(other in self.down for other in one.after)]

    def receive(self, flight: Flight, *, keep: bool = False, fuse: int | None = None) -> None:
        if not keep:
            self.down = [one for one in self.down if one is not flight]
        frame = parse(encode(flight.frame))
        assert frame is not None
        self.step(Engine.received, frame, fuse=fuse)

    # -- what is there

    def watermark(self, chat: str) -> int:
        return {position.chat: position.watermark for position in self.store.read_positions()}.get(
            chat, 0
        )

    def shown(self, chat: str) -> list[tuple[int, str, str]]:
        rows = self.db.execute(
            "SELECT seq, sender, message_id FROM messages "
            "WHERE chat = ? AND seq IS NOT NULL ORDER BY seq",
            (chat,),
        )
        return [(seq, sender, name) for seq, sender, name in rows]
