"""The base of ChatClient: the device's store, account, files, engine and events.

`ChatClient` has one file for each subject: `ChatMethods` (chats.py) extends this class,
`MessageMethods` (messages.py) extends that, `DeviceMethods` (devices.py) that, and `ChatClient`
(chat_client.py) is the last. TypeScript has the same files.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, TypedDict, TypeVar, Unpack

from client.account import Account, Push, SignIn
from client.connection import Connection
from client.core.cipher import FetchResult, Request
from client.core.content import MessageContent, written
from client.core.engine import Engine
from client.core.events import Event
from client.core.ids import change_id, ulid
from client.core.settings import Settings
from client.crypto.encryption import Encryption
from client.directory import fetch
from client.driver import Driver
from client.errors import NotAMember, StoreUnavailable, Unreachable
from client.feed import Feed
from client.files import Files
from client.store import Store
from client.store.uploads import Upload
from client.verification import Verification
from client.writing import Writing

T = TypeVar("T")


class Options(TypedDict, total=False):
    """What a ChatClient may be given by name; each of them has a default.

    `platform` is `fcm` (the default), `apns`, `apns_sandbox` or None; without a `push_token` a
    random one is made once and kept. The keys are encrypted under `passphrase`, or else under a
    key in a file beside the store. `label` is what the device calls itself, for its user alone:
    printable ASCII of at most 64 characters.
    """

    label: str
    platform: str | None
    push_token: str | None
    passphrase: str | None
    settings: Settings
    random: Random


class ClientBase(ABC):
    """What all methods of a client need. `_happened` gets each event before it is published."""

    def __init__(
        self,
        api_url: str,
        user: str,
        password: str | Callable[[], str] | None = None,
        device: str = "phone",
        store: Path | str = ":memory:",
        **options: Unpack[Options],
    ) -> None:
        self.user, self.device = user, device
        self._settings = options.get("settings", Settings())
        self._random = options.get("random") or SystemRandom()
        self._feed = Feed()
        self._store = Store.open(store, user, device, options.get("passphrase"))
        push = Push(options.get("platform", "fcm"), options.get("push_token"))
        sign_in = SignIn(user, device, password, options.get("label"))
        self._account = self._account_of(api_url, sign_in, push)
        self._encryption = Encryption(
            self._store,
            self._account.keys,
            user,
            device,
            self._random,
            time.time,
        )
        self._api = self._account.api
        self._files = Files(
            self._api,
            self._store,
            self._settings,
            self._random,
            self._uploaded,
            self._feed.publish,
        )
        self._direct: dict[str, str] = {}
        self._replenished = False  # since it connected
        self._driver: Driver | None = None
        self._verification: Verification | None = None
        self._connection: Connection | None = None
        self._running: asyncio.Task[None] | None = None
        self._uploading: asyncio.Task[None] | None = None
        self._chores: set[asyncio.Task[None]] = set()
        self._held: dict[str, list[Event]] = {}  # by chats of which is asked what they are

    def _account_of(self, api_url: str, sign_in: SignIn, push: Push) -> Account:
        """Closes the store when it raises: nobody else could."""
        try:
            return Account(
                api_url,
                sign_in,
                push,
                self._store,
                self._random,
                lambda: self._drive().step(Engine.begin_anew),
            )
        except BaseException:
            self._store.close()
            raise

    @abstractmethod
    def _happened(self, event: Event) -> None:
        """Starts the work that follows from an event, and publishes it."""

    @abstractmethod
    def _uploaded(self, upload: Upload, content: Mapping[str, Any]) -> None:
        """Writes the message of a file that has been uploaded."""

    async def writable(self) -> None:
        """Returns once this device's state can be written."""
        await self._drive().writable()

    # -- what a user writes

    @property
    def writing(self) -> Writing:
        """Reactions, edits, deletions, timers, names, pictures and profiles."""
        return Writing(self.user, self._store, self._write, self._may_name, self._send_to_device)

    def _send_to_device(self, chat: str, device: str, content: MessageContent) -> None:
        fields = {"content": written(content)}
        self._drive().step(Engine.send_to_device, chat, device, "content", fields)

    async def _may_name(self, chat: str) -> bool:
        """Whether this user may name the chat; True if the backend, which knows, can't be asked."""
        try:
            listed = await self._api.chats()
        except Unreachable:
            return True
        found = next((each for each in listed if each.chat == chat), None)
        if found is None or found.rules is None or found.rules.rename != "admins":
            return True
        return self.user in (found.admins or ())

    async def _write(self, chat: str, content: MessageContent, urgent: bool) -> str:
        if self._drive().engine.left(chat):
            raise NotAMember
        milliseconds = int(time.time() * 1000)
        new_id = ulid if content.counts(shown_id=False) else change_id
        message_id = new_id(milliseconds, self._random)
        self._drive().step(Engine.send, message_id, chat, content, urgent=urgent)
        return message_id

    # -- listening

    def events(self) -> AsyncGenerator[Event, None]:
        """Everything that happens from the first `anext` on."""
        return self._feed.stream()

    async def wait_for(
        self,
        predicate: Callable[[Event], bool],
        timeout: float = 10.0,  # noqa: ASYNC109 - its error says what happened instead
    ) -> Event:
        """The first event, past or to come, that fits. Raises TimeoutError."""
        return await self._feed.wait_for(predicate, timeout)

    @property
    def online(self) -> bool:
        return self._driver is not None and self._driver.online

    # -- inside

    def _drive(self) -> Driver:
        if self._driver is None:
            self._driver = Driver(
                Engine(self.user, self.device, self._random, self._settings),
                self._store,
                self._encryption,
                self._happened,
                self._fetch,
            )
            with contextlib.suppress(StoreUnavailable):
                self._driver.step(Engine.due)
        return self._driver

    async def _fetch(self, request: Request) -> FetchResult:
        return await fetch(self._api, request)

    async def _when_writable(self, act: Callable[[], Awaitable[T]]) -> T:
        """Runs `act`, which may be repeated, and again where nothing could be written."""
        while True:
            try:
                return await act()
            except StoreUnavailable as error:
                await self._drive().wait_for_store(error)
