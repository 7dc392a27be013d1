"""The client as a program uses it: signing in, the connection, the account.

Its other methods are in the classes that it extends, see base.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

from client.connection import Connection
from client.core.bodies_generated import StoredItem
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
from client.devices import DeviceMethods
from client.errors import Closed, ServerFault, Unauthorized

DELETING_REQUESTS = 1000  # each leaves some 100 chats
logger = logging.getLogger("client")


class ChatClient(DeviceMethods):
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

    async def __aenter__(self) -> Self:
        try:
            await self.sign_up_or_in()
            await self.connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # -- coming and going

    async def sign_up_or_in(self) -> bool:
        """Signs in, with kept tokens if they are still good; a new user is signed up first.

        True for a new user. Raises Unauthorized where the password is wrong or needed. Where
        nothing can be written, it waits.
        """
        return await self._when_writable(self._account.sign_up_or_in)

    async def connect(self, timeout: float = 30.0) -> None:  # noqa: ASYNC109 - for callers' ease
        """Registers the device, connects, and returns when what was missed has been fetched.

        From then on the connection is kept, and made again when it is lost, until `close`.
        Raises TimeoutError if that takes longer than `timeout`; the client goes on trying. Where
        nothing can be written, it waits, before `timeout` begins.
        """
        if self._running is not None and not self._running.done():
            raise Closed("this client is connected already")
        await self._when_writable(self._account.register)
        connection = Connection(
            self._drive(),
            Backoff(self._settings, self._random),
            self._account.ticket,
            self._account.come_back,
            self._happened,
        )
        self._connection = connection

        def start() -> None:
            self._running = asyncio.create_task(connection.run())
            if self._uploading is None:
                self._uploading = asyncio.create_task(self._files.run())

        async with asyncio.timeout(timeout):
            await self._until_caught_up(start, complete=False)

    async def close(self) -> None:
        """Sends the receipts that are left, closes the connection and the store."""
        try:
            if self._connection is not None:
                with contextlib.suppress(Closed):
                    self._verify().leave()
                    await self._connection.close()
        finally:
            await self._end()

    async def abort(self) -> None:
        """Ends like a crash: nothing more is sent or written."""
        if self._connection is not None:
            self._connection.abort()
        await self._end()

    def cut(self) -> None:
        """Loses the connection, as a bad network would; the client connects again."""
        if self._connection is not None:
            self._connection.cut()

    async def sync(self, timeout: float = 30.0) -> None:  # noqa: ASYNC109 - for callers' ease
        """Fetches whatever is not here yet; returns when every chat is complete."""

        def start() -> None:
            self._drive().step(Engine.sync)

        async with asyncio.timeout(timeout):
            await self._until_caught_up(start, complete=True)

    # -- the account

    async def change_password(self, password: str, new_password: str) -> None:
        """This device stays signed in; all others have to sign in again."""
        await self._api.change_password(self.user, password, new_password)
        self._account.password_is(new_password)

    async def set_email(self, email: str, password: str) -> None:
        """Has a code mailed to the address, with which `confirm_email` confirms it."""
        await self._api.set_email(email, password)

    async def confirm_email(self, code: str) -> None:
        """From then on a forgotten password can be reset by mail to that address."""
        await self._api.confirm_email(code)

    async def forgot_password(self) -> None:
        """Has a code mailed to the user's confirmed address. Nobody learns whether there is one."""
        await self._api.forgot_password(self.user)

    async def reset_password(self, code: str, new_password: str) -> None:
        """Signs in with another password, by the code; all other devices have to sign in again."""
        await self._api.reset_password(self.user, code, new_password)
        self._account.password_is(new_password)

    async def sign_out(self, *, everywhere: bool = False) -> None:
        """Ends this sign-in and removes this device, or all of the user's; closes the client."""
        await self._api.sign_out(self.device, everywhere=everywhere)
        await self.close()

    async def delete_account(self, password: str) -> None:
        """Deletes the account with all that the backend has of it, for good; closes the client."""
        for _ in range(DELETING_REQUESTS):
            if await self._api.delete_account(self.user, password):
                await self.close()
                return
        raise ServerFault("internal", "the account is not deleted yet; do it again", 500)

    async def stored_items(self) -> list[StoredItem]:
        """Everything that the backend has stored of this user's account."""
        return await self._api.account()

    # -- inside

    def _happened(self, event: Event) -> None:
        match event:
            case KeysLow():
                self._chore(self._account.replenish(fallback_used=event.fallback_used))
            case Connected():
                self._replenished = False
                self._files.wake()
            case CaughtUp(complete=True) if not self._replenished:
                self._replenished = True
                self._chore(self._account.replenish())
            case MembersChanged() if self._store.added(event.chat, event.joined):
                self._chore(self.writing.repeat_for_newcomers(event.chat))
            case ChatDescribed() | ControlReceived() if self._store.kind(event.chat) is None:
                self._when_known(event)
                return
            case DeviceAdded() if event.user == self.user:
                device = f"{event.user}/{event.device}"
                self._chore(self.writing.repeat_for_device(device))
            case DeviceAdded():
                self._chore(self.writing.introduce_to(event.user, event.device))
            case _:
                pass
        self._feed.publish(event)
        self._verify().happened(event)

    def _when_known(self, event: ChatDescribed | ControlReceived) -> None:
        """Asks first what the chat is: only a group has a name and a picture, and emoji are
        compared in a direct one. Once for all that comes meanwhile, which keeps its order."""
        held = self._held.setdefault(event.chat, [])
        held.append(event)
        if len(held) == 1:
            self._chore(self._ask_what_it_is(event.chat))

    async def _ask_what_it_is(self, chat: str) -> None:
        try:
            await self.refresh_chats()
        finally:
            for event in self._held.pop(chat):
                self._feed.publish(event)
                self._verify().happened(event)

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
        """Starts something and waits for the CaughtUp it leads to."""
        with self._feed.listen() as listener:
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
        if self._verification is not None:
            self._verification.stop()
        if self._driver is not None:
            self._driver.cancel()
        self._feed.close()
        await self._files.close()
        await self._api.close()
        self._store.close()
