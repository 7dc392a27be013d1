"""A device with real ratchets whose disk, memory and network fail when the schedule says so."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from client.core.cipher import FetchResult, Lists
from client.core.engine import Engine
from client.core.frames import Message, Synced
from client.core.settings import Settings
from client.store.store import Store
from lambdas.frames import Frame
from tests.client.crypto.scene import Device
from tests.support.backend.people import People
from tests.support.memory_store import migrate

QUICK = Settings(
    resend_after=3.0,
    sync_timeout=30.0,
    quiet_receipt_delay=2.0,
)


class Crashed(Exception):
    pass


class Spied(Exception):
    """Takes back what a look at somebody's messages has changed."""


class Disk(sqlite3.Connection):
    """Crashes in front of the n-th change of a transaction, or right after its commit."""

    fuse: int | None = None

    def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
        if self.fuse is not None and not statement.startswith(("SELECT", "ROLLBACK")):
            self.fuse -= 1
            if self.fuse < 0:
                self.fuse = None
                if statement == "COMMIT":
                    super().execute(statement)  # on disk, but nobody was notified
                raise Crashed
        return super().execute(statement, *arguments)


@dataclass
class Flight:
    """A server frame under way. `after`: frames that the channel keeps in front of it."""

    frame: Frame
    after: list[Flight] = field(default_factory=list)
    live: bool = False  # a post of somebody's send: may be lost, or come twice


class RatchetDevice(Device):
    """`listed_members`: who is in a chat, and `listed`: a user's devices, as the backend last said; of two
    lists the one that was asked for later counts.
    """

    first_keys = 30

    def __init__(self, user: str, name: str, backend: People) -> None:
        self.flights: list[Flight] = []
        self.answers: list[FetchResult] = []  # of the directory, on their way here
        self.listed_members: dict[str, frozenset[str]] = {}
        self.listed: dict[str, tuple[int, frozenset[str]]] = {}
        self.syncing: list[Flight] | None = None
        self.copy = b""
        self.registered_at = backend.now
        super().__init__(user, name, backend, QUICK)

    def new_store(self) -> Store:
        if not isinstance(self.db, Disk):
            self.db.close()
            self.db = sqlite3.connect(":memory:", isolation_level=None, factory=Disk)
            migrate(self.db)
        return super().new_store()

    def start(self) -> None:
        super().start()
        self.answers.clear()
        self.listed.clear()  # requests are numbered anew

    # -- its disk

    def back_up(self) -> None:
        self.copy = self.db.serialize()

    def restore(self) -> None:
        """Its machine is set up from the copy; the user has been notified of nothing yet."""
        self.lose_connection()
        disk = sqlite3.connect(":memory:", isolation_level=None, factory=Disk)
        disk.deserialize(self.copy)
        self.db.close()
        self.db = disk
        self.events.clear()
        self.start()

    # -- steps

    def attempt(self, act: Callable[..., Any], *args: Any, fuse: int | None) -> None:
        """A step that the machine may not survive."""
        disk = self.db
        assert isinstance(disk, Disk)
        disk.fuse = fuse
        try:
            self.step(act, *args)
        except Crashed:
            self.crash()
        finally:
            disk.fuse = None

    def lose_connection(self) -> None:
        super().lose_connection()
        self.flights.clear()

    # -- what travels

    def post(self, frame: Frame) -> None:
        flight = Flight(frame, live=self.syncing is None)
        if self.syncing is not None:
            self.syncing.append(flight)
        self.flights.append(flight)

    def handled(self, at: int = 0) -> None:
        assert self.connection is not None
        frame = self.up.pop(at)
        self.syncing = [] if frame["action"] == "sync" else None
        answer = self.backend.handle(self.connection, frame)
        sent, self.syncing = self.syncing or [], None
        if answer is not None:
            self.flights.append(Flight(answer, after=sent))

    def deliverable(self) -> list[Flight]:
        return [
            one for one in self.flights if not any(other in self.flights for other in one.after)
        ]

    def take(self, flight: Flight, *, keep: bool = False, fuse: int | None = None) -> None:
        if not keep:
            self.flights = [one for one in self.flights if one is not flight]
        parsed = self.parsed(flight.frame)
        self.attempt(Engine.received, parsed, fuse=fuse)
        if isinstance(parsed, Synced):
            for chat, place in parsed.chats.items():
                if self.store.members(chat).keys() == place.members.keys():  # else it was outdated
                    self.listed_members[chat] = frozenset(place.members)

    def look(self, user: str) -> None:
        """A program asks for a list; the directory has answered, and the answer is under way."""
        request = self.step(Engine.look_at, user)
        self.answers.append(FetchResult(request, self.backend.listed(user)))

    def hear(self) -> None:
        answer = self.answers.pop(0)
        if isinstance(answer.request, Lists):
            self._list(answer.request, answer.found)
        self.step(Engine.fetch_succeeded, answer)

    def fetch(self, at: int = 0) -> None:
        request = self.wanted[at]
        if isinstance(request, Lists):
            self._list(request, self.backend.listed(request.user))
        super().fetch(at)

    def _list(self, request: Lists, found: Mapping[str, Any]) -> None:
        if request.number > self.listed.get(request.user, (0, frozenset()))[0]:
            names = frozenset(f"{request.user}/{name}" for name in found)
            self.listed[request.user] = request.number, names

    def fail(self, at: int) -> None:
        """The directory does not answer."""
        request = self.wanted.pop(at)
        self.step(Engine.fetch_failed, request)

    def busy(self) -> bool:
        return bool(self.up or self.flights or self.wanted or self.answers)

    # -- what is there

    def watermark(self, chat: str) -> int:
        return {position.chat: position.watermark for position in self.store.read_positions()}.get(
            chat, 0
        )

    def trouble(self, chat: str) -> str:
        """For whoever reads a failure."""
        log = self.engine._parts.chats.logs.get(chat)
        rows = self.db.execute(
            "SELECT seq, text, reason, asked, ask_at FROM messages WHERE chat = ? AND seq NOT NULL",
            (chat,),
        ).fetchall()
        return (
            f"{self.address} online={self.online} at={log.watermark if log else None} "
            f"of {log.highest if log else None}, held={log.held if log else None}, {rows}"
        )

    def could_open(self, message: Message) -> bool:
        """If the server showed it to this device, members and history or not."""
        opened: list[object] = []
        try:
            with self.store.transaction():
                found = self.backend.listed(message.sender)
                self.encryption.learn(message.sender, found)
                opened.append(self.encryption.open(message))
                raise Spied
        except Spied:
            return type(opened[0]).__name__ == "Text"
