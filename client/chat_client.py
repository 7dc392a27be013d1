"""The client as a program uses it: signing in, the connection, sending, events, and its parts.

Each subject is a part, made and connected here: `chats`, `messages`, `writing`, `people`,
`devices`, `verification`, `linking`, `account`. A program calls `client.messages.history(chat)` on
the part, and what every program needs on the client: `send`, `events`, `wait_for`. Each part is in
the file of its name, in TypeScript too. What they share is the device (this_device.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from pathlib import Path
from typing import Any, Self, Unpack

from client.account import SignIn
from client.chats import Chats
from client.connection import Connection
from client.core.content import Reference
from client.core.engine import Engine
from client.core.events import (
    CaughtUp,
    ChatDescribed,
    Connected,
    ControlReceived,
    DeviceAdded,
    Disconnected,
    Displaced,
    Event,
    KeysLow,
    MembersChanged,
    SignedOut,
)
from client.core.liveness import Backoff
from client.devices import Devices
from client.errors import Closed, Unauthorized
from client.linking import Linking
from client.messages import Messages
from client.people import People
from client.this_device import Options, ThisDevice
from client.verification import Verification
from client.writing import Writing

logger = logging.getLogger("client")


class ChatClient:
    """One device of one user.

    `device` names this installation among all of the user's: two of the same name are one device
    for the backend, and the second one to connect throws the first one out.

    `store` is a file (made if it is not there) or `:memory:`; everything the device knows is in
    it, tokens and keys included. `password` may be a function; it is called once the kept tokens
    are no longer good.

        async with ChatClient("http://127.0.0.1:8080", "ravi", "secret") as chat:
            await chat.send("raju", "hello")
            async for event in chat.events():
                ...

    Methods raise ClientError and what is below it (client/errors.py).
    """

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
        sign_in = SignIn(user, device, password, options.get("label"))
        this = self._this = ThisDevice(api_url, sign_in, store, options, self._happened)
        self.account = this.account
        self.writing = Writing(user, this.store, this.send, this.may_name, this.send_to_device)
        this.files.when_sent(self.writing.introduce)
        self.chats = Chats(this, self.writing)
        self.messages = Messages(this, self.chats, self.writing)
        self.people = People(this, self.chats)
        self.devices = Devices(this)
        self.verification = Verification(this, self.devices, self.chats)
        self.linking = Linking(this, self.devices)
        self._replenished = False  # since it connected
        self._connection: Connection | None = None
        self._running: asyncio.Task[None] | None = None
        self._uploading: asyncio.Task[None] | None = None
        self._chores: set[asyncio.Task[None]] = set()
        self._held: dict[str, list[Event]] = {}  # by chats of which is asked what they are

    async def __aenter__(self) -> Self:
        try:
            await self.sign_up_or_in()
            await self.connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # -- coming and going

    async def sign_up_or_in(self) -> bool:
        """Signs in, with stored tokens if they are still valid; a new user is signed up first. True
        for a new user. Raises Unauthorized if the password is wrong or missing. While the store
        can't be written, it waits.
        """
        return await self._this.when_writable(self.account.sign_up_or_in)

    async def connect(self, timeout: float = 30.0) -> None:  # noqa: ASYNC109 - for callers' ease
        """Registers the device, connects, and returns when what was missed has been fetched.

        From then on the connection is kept, and made again when it is lost, until `close`.
        Raises TimeoutError if that takes longer than `timeout`; the client goes on trying. While
        the store can't be written it waits, before `timeout` begins.
        """
        if self._running is not None and not self._running.done():
            raise Closed("this client is connected already")
        await self._this.when_writable(self.account.register)
        connection = Connection(
            self._this.driver,
            Backoff(self._this.settings, self._this.random),
            self.account.ticket,
            self.account.come_back,
            self._happened,
        )
        self._connection = connection

        def start() -> None:
            self._running = asyncio.create_task(connection.run())
            if self._uploading is None:
                self._uploading = asyncio.create_task(self._this.files.run())

        async with asyncio.timeout(timeout):
            await self._until_caught_up(start, complete=False)

    async def close(self) -> None:
        """Sends the receipts that are left, closes the connection and the store."""
        try:
            if self._connection is not None:
                with contextlib.suppress(Closed):
                    self.verification.leave()
                    await self._connection.close()
        finally:
            await self._end()

    async def abort(self) -> None:
        """Ends like a crash: nothing more is sent or written."""
        if self._connection is not None:
            self._connection.abort()
        await self._end()

    def cut(self) -> None:
        """Cuts the connection, as a bad network would; the client connects again."""
        if self._connection is not None:
            self._connection.cut()

    async def sync(self, timeout: float = 30.0) -> None:  # noqa: ASYNC109 - for callers' ease
        """Fetches whatever is not here yet; returns when every chat is complete."""

        def start() -> None:
            self._this.driver.step(Engine.sync)

        async with asyncio.timeout(timeout):
            await self._until_caught_up(start, complete=True)

    async def sign_out(self, *, everywhere: bool = False) -> None:
        """Ends this sign-in and removes this device, or all of the user's; closes the client."""
        await self.account.sign_out(everywhere=everywhere)
        await self.close()

    async def delete_account(self, password: str) -> None:
        """Deletes the account with all that the backend has of it, for good; closes the client."""
        await self.account.delete(password)
        await self.close()

    # -- sending and listening

    async def send(
        self,
        chat: str,
        text: str,
        *,
        reply: Reference | None = None,
        urgent: bool = True,
    ) -> str:
        """Writes to a chat id or to a user, perhaps in reply to a message; gives the message_id.

        It returns when the text is on disk: it is encrypted and sent as soon as there is a
        connection and its receivers' keys are known, and again until it is accepted. Raises
        MessageTooLarge, NotAMember, and StoreUnavailable: then nothing is stored, and the caller
        calls it again when `writable` returns.
        """
        return await self.messages.send(chat, text, reply=reply, urgent=urgent)

    async def writable(self) -> None:
        """Returns once this device's state can be written."""
        await self._this.driver.writable()

    def events(self) -> AsyncGenerator[Event, None]:
        """Everything that happens from the first `anext` on."""
        return self._this.feed.stream()

    async def wait_for(
        self,
        predicate: Callable[[Event], bool],
        timeout: float = 10.0,  # noqa: ASYNC109 - its error says what happened instead
    ) -> Event:
        """The first event, past or to come, that fits. Raises TimeoutError."""
        return await self._this.feed.wait_for(predicate, timeout)

    @property
    def online(self) -> bool:
        return self._this.online

    # -- inside

    def _happened(self, event: Event) -> None:
        match event:
            case KeysLow():
                self._chore(self.account.replenish(fallback_used=event.fallback_used))
            case Connected():
                self._replenished = False
                self._this.files.wake()
            case CaughtUp(complete=True) if not self._replenished:
                self._replenished = True
                self._this.caught_up()
                self._chore(self.account.replenish())
            case MembersChanged() if self._this.store.added(event.chat, event.joined):
                self._chore(self.writing.repeat_for_newcomers(event.chat))
            case ChatDescribed() | ControlReceived() if self._this.store.kind(event.chat) is None:
                self._when_known(event)
                return
            case DeviceAdded() if event.user == self.user:
                device = f"{event.user}/{event.device}"
                self._chore(self.writing.repeat_for_device(device))
            case DeviceAdded():
                self._chore(self.writing.introduce_to(event.user, event.device))
            case _:
                pass
        self._this.feed.publish(event)
        self.verification.happened(event)

    def _when_known(self, event: ChatDescribed | ControlReceived) -> None:
        """Delays events until the kind of their chat is known: only a group has a name and a
        picture, and emoji are compared in a direct chat. One request serves all events that come
        meanwhile; their order stays.
        """
        held = self._held.setdefault(event.chat, [])
        held.append(event)
        if len(held) == 1:
            self._chore(self._ask_what_it_is(event.chat))

    async def _ask_what_it_is(self, chat: str) -> None:
        try:
            await self.chats.refresh()
        finally:
            for event in self._held.pop(chat):
                self._this.feed.publish(event)
                self.verification.happened(event)

    def _chore(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._chores.add(task)
        task.add_done_callback(self._chore_done)

    def _chore_done(self, task: asyncio.Task[None]) -> None:
        self._chores.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # Not fatal: the server sends `keys_low` again.
            logger.warning("not done: %s", task.exception())

    async def _until_caught_up(self, start: Callable[[], None], *, complete: bool) -> None:
        """Calls `start` and waits for the CaughtUp event that follows."""
        with self._this.feed.listen() as listener:
            start()
            while (event := await listener.get()) is not None:
                match event:
                    case CaughtUp() if event.complete or not complete:
                        return
                    case Displaced():
                        raise Closed("this device connected elsewhere")
                    case SignedOut():
                        raise Unauthorized("unauthorized", event.reason, 401)
                    case Disconnected(retry_in=None):
                        raise Closed(event.reason)
        raise Closed("the client was closed")

    async def _end(self) -> None:
        running = (self._running, self._uploading, *self._chores)
        tasks = [task for task in running if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.verification.end()
        await self._this.close()
