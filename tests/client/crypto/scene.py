"""Devices with real ratchets over the real handlers in memory: no sockets, and time stands still.

A device is an engine with its store, as the driver would run it. What it wants of the directory
is fetched when the test says so, or at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from client.core.cipher import FetchResult, Lists, Request
from client.core.content import text_content
from client.core.engine import Engine
from client.core.events import Event, MessageReadable, MessageReceived
from client.core.frames import ServerFrame, encode
from client.core.ids import ulid
from client.core.outputs import Drop, Fetch, Stop, Transmit
from client.core.parsing import parse
from client.core.settings import Settings
from client.core.step import Step
from client.crypto.account import KEYS_WANTED, AccountKeys
from client.crypto.encryption import Encryption
from client.store.store import Store
from client.store.vault import Vault
from lambdas.errors import ChatError
from lambdas.frames import Frame
from tests.client.connected import Connected
from tests.support.backend.clock import EPOCH
from tests.support.backend.people import People
from tests.support.memory_store import migrate

NEVER = (1e9, 1e9)
SETTINGS = Settings(quiet_receipt_delay=2.0, reconnect_between=NEVER, ping_between=NEVER)


class Device(Connected):
    first_keys = 10  # one-time keys: making and checking them takes most of the time

    def __init__(
        self,
        user: str,
        name: str,
        backend: People,
        settings: Settings = SETTINGS,
        behind: float = 0.0,
    ) -> None:
        super().__init__(user, name, backend)
        self.settings = settings
        self.random = Random(f"{user}/{name}")
        self.vault = Vault.in_memory()
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.db)
        self.behind = behind  # of its clock, against the backend's
        self.wanted: list[Request] = []
        self.claims_at = 0.0  # by the backend's clock: before that it takes none from this device
        self.claims: list[tuple[str, ...]] = []  # the devices of each
        self.events: list[Event] = []
        self.start()
        self.publish()

    @property
    def address(self) -> str:
        return f"{self.user}/{self.name}"

    def start(self) -> None:
        """As after a crash: only the store is left."""
        self.store = self.new_store()
        self.account = AccountKeys(self.store, self.user, self.name, self.clock)
        self.encryption = Encryption(
            self.store, self.account, self.user, self.name, self.random, self.clock
        )
        self.engine = Engine(self.user, self.name, self.random, self.settings)
        self.engine.restore(self._step())
        self.wanted.clear()

    def new_store(self) -> Store:
        return Store(self.db, self.user, self.name, self.vault)

    def clock(self) -> float:
        return EPOCH + self.backend.now - self.behind

    def publish(self) -> None:
        registered = self.backend.register(self.user, self.name, self.account.registration())
        self.account.registered(registered["time"] / 1000)
        self.replenish(KEYS_WANTED - self.first_keys, new_fallback=True)

    def replenish(self, remaining: int, *, new_fallback: bool = False) -> None:
        body = self.account.upload(remaining, new_fallback=new_fallback)
        self.backend.upload(self.user, self.name, body)
        self.account.published()

    # -- steps

    def _step(self) -> Step:
        return Step(self.backend.now, self.clock(), self.store, self.encryption)

    def step(self, act: Any, *args: Any) -> Any:
        """Gives what the input of the engine returns."""
        with self.store.transaction():
            result = act(self.engine, self._step(), *args)
        for output in self.engine.outputs():
            match output:
                case Transmit():
                    self.up.append(output.frame)
                case Fetch():
                    self.wanted.append(output.request)
                case Drop() | Stop():
                    self.leave()
                case _:
                    self.events.append(output)
        return result

    def connect(self) -> None:
        self.open_connection()
        self.step(Engine.opened)

    def leave(self) -> None:
        self.lose_connection()
        self.step(Engine.closed)

    def crash(self) -> None:
        self.lose_connection()
        self.start()

    def send(self, chat: str, text: str) -> str:
        name = ulid(int(self.clock() * 1000), self.random)
        self.step(Engine.send, name, chat, text_content(text))
        return name

    def accept(self, user: str) -> None:
        """The user accepts the keys that are shown now."""
        keys = {one.device: one.ed25519 for one in self.encryption.identities.devices(user)}
        self.step(Engine.accept, user, keys)

    # -- what travels

    def handled(self, at: int = 0) -> None:
        """The backend handles a frame that is on its way to it."""
        assert self.connection is not None
        response = self.backend.handle(self.connection, self.up.pop(at))
        if response is not None:
            self.down.append(response)

    def receive(self, at: int = 0, *, keep: bool = False) -> None:
        parsed = self.parsed(self.down[at] if keep else self.down.pop(at))
        self.step(Engine.received, parsed)

    @staticmethod
    def parsed(frame: Frame) -> ServerFrame:
        parsed = parse(encode(frame))
        assert parsed is not None
        return parsed

    def fetch(self, at: int = 0) -> None:
        """The directory responds to one request."""
        request = self.wanted.pop(at)
        former: list[Frame] = []
        wait = 0.0
        try:
            if isinstance(request, Lists):
                former = self.backend.former(request.user)
                found = self.backend.listed(request.user)
            else:
                self.claims.append(request.devices)
                wait = max(0.0, self.claims_at - self.backend.now)
                found = {} if wait else self.backend.claim(list(request.devices), self.user)
        except ChatError:
            found = {}
        self.step(Engine.fetch_succeeded, FetchResult(request, found, former, wait))

    def busy(self) -> bool:
        return bool(self.up or self.down or self.wanted)

    def ended(self) -> bool:
        """Whether the backend has closed the connection, and everything before it is here."""
        return self.connection is not None and self.connection.state == "closed" and not self.down

    # -- what is there

    def texts(self, chat: str) -> list[str | None]:
        return [message.text for message in self.store.history(chat, 1000)]

    def readable(self) -> list[str]:
        """Message ids, in the order in which their texts were reported."""
        return [
            event.message_id
            for event in self.events
            if isinstance(event, MessageReceived | MessageReadable) and event.text is not None
        ]

    def reported(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @contextmanager
    def table(self) -> Iterator[sqlite3.Connection]:
        with self.store.transaction() as db:
            yield db


class Scene:
    """Some devices, and everything that is under way between them."""

    def __init__(self, *addresses: str, settings: Settings = SETTINGS) -> None:
        self.backend = People()
        self.settings = settings
        self.devices: dict[str, Device] = {}
        for address in addresses:
            self.add(address)
        for device in self.devices.values():
            device.connect()
        self.settle()

    def __getitem__(self, address: str) -> Device:
        return self.devices[address]

    def add(self, address: str, behind: float = 0.0) -> Device:
        user, name = address.split("/")
        device = Device(user, name, self.backend, self.settings, behind)
        self.devices[address] = device
        return device

    def direct(self, one: str, other: str) -> str:
        return self._known(self.backend.direct(one, other), "direct")

    def group(self, *users: str) -> str:
        return self._known(self.backend.group(*users), "group")

    def _known(self, chat: str, kind: str) -> str:
        members = self.backend.members(chat)
        for device in self.devices.values():
            if device.user in members:
                device.store.describe(chat, kind)
                device.step(Engine.chat_is, chat, members)
        return chat

    def settle(self, *, seconds: float = 0.0) -> None:
        """Until nothing is under way; then so much time passes, and again."""
        for _ in range(10_000):
            for device in self.devices.values():
                while device.wanted:
                    device.fetch()
                while device.online and device.up:
                    device.handled()
                while device.online and device.down:
                    device.receive()
                if device.ended():
                    device.leave()
            if not any(device.busy() for device in self.devices.values() if device.online):
                break
        else:
            raise AssertionError("it never came to rest")
        if seconds:
            self.backend.now += seconds
            for device in self.devices.values():
                device.step(Engine.due)
            self.settle()

    def close(self) -> None:
        for device in self.devices.values():
            device.db.close()


def say(scene: Scene, who: str, chat: str, *texts: str) -> str:
    """One text after another; the id of the last."""
    for text in texts:
        name = scene[who].send(chat, text)
        scene.settle()
    return name


def frames(scene: Scene, chat: str) -> list[dict[str, Any]]:
    """Every message of the chat, as it was sent."""
    return scene.backend.messages(chat)


def break_sessions(device: Device) -> None:
    with device.table() as db:
        db.execute("DELETE FROM olm_sessions")
