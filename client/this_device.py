"""This device of a user, shared by all parts of a client: store, account, files, engine, events."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, TypedDict, TypeVar

from client.account import Account, Push, SignIn
from client.core.cipher import FetchResult, Request
from client.core.content import MessageContent, written
from client.core.engine import Engine
from client.core.events import Event
from client.core.ids import change_id, ulid
from client.core.settings import Settings
from client.core.step import Step
from client.crypto.encryption import Encryption
from client.directory import fetch
from client.driver import Driver
from client.errors import NotAMember, StoreUnavailable, Unreachable
from client.feed import Feed
from client.files import Files
from client.store import Store
from client.store.uploads import Upload

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


class ThisDevice:
    """`happened` gets each event of the engine, and passes it on to the feed."""

    def __init__(
        self,
        api_url: str,
        sign_in: SignIn,
        store: Path | str,
        options: Options,
        happened: Callable[[Event], None],
    ) -> None:
        self.user, self.device = sign_in.user, sign_in.device
        self.name = f"{self.user}/{self.device}"
        self.settings = options.get("settings", Settings())
        self.random = options.get("random") or SystemRandom()
        self.feed = Feed()
        self.store = Store.open(store, self.user, self.device, options.get("passphrase"))
        push = Push(options.get("platform", "fcm"), options.get("push_token"))
        self.account = self._account_of(api_url, sign_in, push)
        self.keys, self.api = self.account.keys, self.account.api
        encryption = Encryption(
            self.store, self.keys, self.user, self.device, self.random, time.time
        )
        self.identities = encryption.identities
        self.files = Files(
            self.api,
            self.store,
            self.settings,
            self.random,
            self._send_upload,
            self.feed.publish,
        )
        self._encryption, self._happened = encryption, happened
        self._driver: Driver | None = None

    def _account_of(self, api_url: str, sign_in: SignIn, push: Push) -> Account:
        """Closes the store when it raises: nobody else could."""
        try:
            return Account(
                api_url,
                sign_in,
                push,
                self.store,
                self.random,
                lambda: self.driver.step(Engine.begin_anew),
            )
        except BaseException:
            self.store.close()
            raise

    @property
    def driver(self) -> Driver:
        """Made when it is first asked for: it needs the event loop, and reads the store."""
        if self._driver is None:
            self._driver = Driver(
                Engine(self.user, self.device, self.random, self.settings),
                self.store,
                self._encryption,
                self._happened,
                self._fetch,
            )
            with contextlib.suppress(StoreUnavailable):
                self._driver.step(Engine.due)
        return self._driver

    @property
    def online(self) -> bool:
        return self._driver is not None and self._driver.online

    async def close(self) -> None:
        if self._driver is not None:
            self._driver.cancel()
        self.feed.close()
        await self.files.close()
        await self.api.close()
        self.store.close()

    def caught_up(self) -> None:
        """Everything that waited for this device is here."""
        with contextlib.suppress(StoreUnavailable):  # the next time it has caught up
            self._encryption.forget_unused()

    async def when_writable(self, act: Callable[[], Awaitable[T]]) -> T:
        """Runs `act`, which may be repeated, and again where nothing could be written."""
        while True:
            try:
                return await act()
            except StoreUnavailable as error:
                await self.driver.wait_for_store(error)

    async def send(self, chat: str, content: MessageContent, urgent: bool) -> str:
        """Writes a message; gives its id. Raises NotAMember, MessageTooLarge, StoreUnavailable."""
        if self.driver.engine.left(chat):
            raise NotAMember
        milliseconds = int(time.time() * 1000)
        new_id = ulid if content.counts(shown_id=False) else change_id
        message_id = new_id(milliseconds, self.random)
        self.driver.step(Engine.send, message_id, chat, content, urgent=urgent)
        return message_id

    def send_to_device(self, chat: str, device: str, content: MessageContent) -> None:
        """`device` is `user/device`; nobody else gets it."""
        fields = {"content": written(content)}
        self.driver.step(Engine.send_to_device, chat, device, "content", fields)

    async def may_name(self, chat: str) -> bool:
        """Whether this user may name the chat; True if the backend, which knows, can't be asked."""
        try:
            listed = await self.api.chats()
        except Unreachable:
            return True
        found = next((each for each in listed if each.chat == chat), None)
        if found is None or found.rules is None or found.rules.rename != "admins":
            return True
        return self.user in (found.admins or ())

    def _send_upload(self, upload: Upload, content: Mapping[str, Any]) -> bool:
        """False where it was cancelled meanwhile."""
        if self.driver.engine.left(upload.chat):
            raise NotAMember
        message = MessageContent("file", content)

        def write(engine: Engine, step: Step) -> bool:
            waits = self.store.remove_upload(upload.message_id)
            if waits:
                engine.send(step, upload.message_id, upload.chat, message)
            return waits

        return self.driver.step(write)

    async def _fetch(self, request: Request) -> FetchResult:
        return await fetch(self.api, request)
