"""The client as a program uses it: sign in, connect, write, read, listen.

Long because it is the whole surface of the library in one class; what it does is elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from random import Random, SystemRandom
from types import TracebackType
from typing import Any, Self, TypedDict, TypeVar, Unpack

from client.account import Account, Push, SignIn
from client.connection import Connection
from client.core.attachment import Attachment, FileDescription
from client.core.bodies_generated import OwnDevice, StoredItem
from client.core.cipher import FetchResult, Request
from client.core.content import MessageContent, Reference, written
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
from client.core.frames import Watermarks
from client.core.ids import change_id, ulid
from client.core.liveness import Backoff
from client.core.settings import Settings
from client.core.step import Step
from client.core.ticks import State, stage
from client.crypto.encryption import Encryption
from client.crypto.envelope import Device
from client.crypto.identities import KnownDevice, Trust
from client.crypto.safety_number import SafetyNumber
from client.crypto.sas import Stage
from client.directory import fetch
from client.driver import Driver
from client.errors import (
    CannotVerify,
    ClientError,
    Closed,
    NotAMember,
    ServerFault,
    StoreUnavailable,
    Unauthorized,
    Unreachable,
)
from client.feed import Feed
from client.files import Draft, Files
from client.linking import Linking
from client.people import People
from client.store import Store
from client.store.history import ChatSummary, StoredMessage
from client.store.uploads import Upload
from client.transfer import Progress
from client.verification import Verification, chosen
from client.writing import Writing

USER = re.compile(r"[a-z0-9_]{3,32}")
DELETING_REQUESTS = 1000  # each leaves some 100 chats
ATTEMPTS = 3  # at a device list that changes while it is asked for
logger = logging.getLogger("client")
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
        self._settings = options.get("settings", Settings())
        self._random = options.get("random") or SystemRandom()
        self._feed = Feed()
        self._store = Store.open(store, user, device, options.get("passphrase"))
        push = Push(options.get("platform", "fcm"), options.get("push_token"))
        sign_in = SignIn(user, device, password, options.get("label"))
        self._account = self._account_of(api_url, sign_in, push)
        self._encryption = Encryption(
            self._store, self._account.keys, user, device, self._random, time.time
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
        self._asked: set[str] = set()  # chats of which is asked what they are

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

    # -- chats

    async def direct(self, user: str) -> str:
        """The id of the one direct chat with `user`.

        Raises ServerFault if the backend names a chat that is not of these two alone.
        """
        if user not in self._direct or self._drive().engine.left(self._direct[user]):
            try:
                response = await self._api.direct(user)
            except Unreachable:
                known = self.known_direct(user)
                if known is None:
                    raise
                return known
            if set(response.members) != {self.user, user}:
                raise _contradiction(f"the chat that is named is not that with {user} alone")
            self._know(response.chat, response.members, "direct", None)
            self._direct[user] = response.chat
        return self._direct[user]

    def known_direct(self, user: str) -> str | None:
        """The direct chat with `user`, if this device has seen it; asks nobody."""
        both = tuple(sorted({self.user, user}))
        for chat in reversed(self._store.chats()):
            if chat.kind == "direct" and not chat.left and chat.members == both:
                return chat.chat
        return None

    async def group(self, members: Iterable[str], name: str | None = None) -> str:
        """The id of a new group. Its members get the name, as long as they are members."""
        meant = [self.user, *members]
        response = await self._api.group(meant[1:])
        # The intended members come first: so it is reported if the backend has put others in.
        self._know(response.chat, meant if response.members else [], "group", name)
        self._know(response.chat, response.members, "group", None)
        if name is not None:
            await self.writing.set_name(response.chat, name)
        return response.chat

    async def members(
        self, chat: str, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> list[str]:
        """Adds and removes; the members after that. Without either, those this device knows."""
        add, remove = list(add), list(remove)
        if not add and not remove:
            return sorted(self._store.members(chat))
        # Before the call, whose response may be lost, and after it, for what was accepted since.
        self._drive().step(Engine.adding, chat, add)
        members = await self._api.change_members(chat, add, remove)
        self._drive().step(Engine.adding, chat, add)
        self._know(chat, members, "group", None)
        return sorted(members)

    @property
    def people(self) -> People:
        """Contacts, requests, invitations, roles and settings."""
        return People(
            self._api,
            lambda chat, of, kind: self._know(chat, of, kind, None),
            lambda chat: self._drive().step(Engine.leave, chat),
        )

    def others(self, chat: str) -> list[str]:
        """Who else is in the chat, as far as this device knows."""
        return sorted(self._store.members(chat).keys() - {self.user})

    def watermarks(self, chat: str) -> Mapping[str, Watermarks]:
        """How far each member is, as far as this device knows: what ticks are derived from."""
        return self._store.members(chat)

    def states(self, chat: str, seq: int) -> Mapping[str, State]:
        """How far an own message is with each of the others, as far as this device knows.

        Whoever is known to have joined later is left out: their marks say nothing of it.
        """
        hidden = self._store.undelivered(chat)
        return {
            user: stage(seq, marks, hidden)
            for user, marks in self._store.members(chat).items()
            if user != self.user and seq > (self._store.member_after(chat, user) or 0)
        }

    async def refresh_chats(self) -> None:
        """Asks the backend for the list of chats: kinds and members, and which are no more."""
        known = {position.chat for position in self._store.read_positions()}
        listed = await self._api.chats()
        for chat in listed:
            try:
                self._know(chat.chat, chat.members, chat.kind, None)
            except ServerFault as error:
                logger.warning("not taken: %s", error)
        for name in known - {chat.chat for chat in listed}:
            self._drive().step(Engine.leave, name)

    def chats(self) -> list[ChatSummary]:
        """All chats this device knows, the most recently active last.

        Those that the user has `left` too: they can be read.
        """
        return self._store.chats()

    def history(self, chat: str, limit: int = 50, before: int | None = None) -> list[StoredMessage]:
        """The newest messages in order, below seq `before` if that is given."""
        self._drive()  # removes what has disappeared since
        return self._store.history(chat, limit, before)

    def message(self, chat: str, of: Reference) -> StoredMessage | None:
        """One message of the history, if it is there and shown."""
        return self._store.message(chat, of)

    def unread(self, chat: str) -> list[StoredMessage]:
        """What others wrote and nobody has marked read."""
        self._drive()
        return self._store.unread(chat)

    # -- talking

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
        MessageTooLarge, NotAMember, and StoreUnavailable: then the text is nowhere but with the
        caller, who tries it again when `writable` returns.
        """
        if not text:
            raise ValueError("an empty text is no message")
        text.encode()  # a lone surrogate could never be sent
        return await self.writing.text(await self.chat_id(chat), text, reply=reply, urgent=urgent)

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

    async def send_file(
        self,
        chat: str,
        content: bytes,
        described: FileDescription,
        *,
        reply: Reference | None = None,
    ) -> str:
        """Sends a file to a chat id or to a user; gives the message_id.

        It returns when the encrypted file is on disk. It is uploaded as soon as there is a
        network, and again until it has arrived; its message is sent after that. FileProgress and
        FileFailed say how far it is. Raises NotAMember and StoreUnavailable, as `send`.
        """
        if not content:
            raise ValueError("an empty file is none")
        chat = await self.chat_id(chat)
        if self._drive().engine.left(chat):
            raise NotAMember
        message_id = ulid(int(time.time() * 1000), self._random)
        more = {"reply": reply._asdict()} if reply else {}
        more |= await self.writing.describe_file(chat)
        await self._files.add(Draft(message_id, chat, content, described, more))
        return message_id

    def uploads(self) -> list[Upload]:
        """Own files whose message is not written yet, in the order of sending."""
        return self._store.uploads()

    def cancel_upload(self, message_id: str) -> bool:
        """False if it is too late: the message is written."""
        return self._files.cancel(message_id)

    async def fetch_file(
        self, chat: str, attachment: Attachment, progress: Progress = lambda done, size: None
    ) -> bytes:
        """The file of a message, checked. Raises FileGone, FileDamaged, Unreachable."""
        return await self._files.fetch(chat, attachment, progress)

    async def writable(self) -> None:
        """Returns once this device's state can be written."""
        await self._drive().writable()

    async def chat_id(self, chat_or_user: str) -> str:
        """A chat this device knows by that id, or else the direct chat with that user."""
        if self._drive().engine.knows(chat_or_user) or not USER.fullmatch(chat_or_user):
            return chat_or_user
        return await self.direct(chat_or_user)

    def mark_read(self, chat: str, seq: int) -> None:
        """The user has seen the chat up to `seq`. The senders are notified."""
        self._drive().step(Engine.mark_read, chat, seq)

    def typing(self, chat: str) -> None:
        """May be called on every key: it is sent once in a while."""
        self._drive().step(Engine.typing, chat)

    def watch(self, users: Iterable[str]) -> None:
        """PresenceChanged events for these users from now on."""
        self._drive().step(Engine.watch, set(users))

    async def sync(self, timeout: float = 30.0) -> None:  # noqa: ASYNC109 - for callers' ease
        """Fetches whatever is not here yet; returns when every chat is complete."""

        def start() -> None:
            self._drive().step(Engine.sync)

        async with asyncio.timeout(timeout):
            await self._until_caught_up(start, complete=True)

    # -- devices and whom to trust

    async def devices(self, user: str) -> list[KnownDevice]:
        """The user's devices as the backend lists them now; this device is not among them.

        Of a user who is known, what is known if the backend can't be reached.
        """
        for _ in range(ATTEMPTS):
            request = self._drive().step(Engine.look_at, user)
            try:
                result = await fetch(self._api, request)
            except Unreachable:
                known = self.known_devices(user)
                if not known:
                    raise
                return known
            if self._fetched(result):
                break  # else they have changed since they were asked for
        return self.known_devices(user)

    def _fetched(self, result: FetchResult) -> bool:
        return self._drive().step(Engine.fetch_succeeded, result)

    async def own_devices(self) -> tuple[OwnDevice, ...]:
        """This user's devices with their names and when they were seen, this one among them."""
        return await self._api.own_devices()

    async def remove_device(self, device: str) -> None:
        """Removes one of this user's devices from the account; it gets nothing from then on."""
        await self._api.remove_device(device)
        with contextlib.suppress(ClientError):
            await self.devices(self.user)  # the others hear of it by `devices_changed`

    @property
    def linking(self) -> Linking:
        """Letting a new device of this user in."""
        me = f"{self.user}/{self.device}"
        identities = self._encryption.identities
        keys = self._account.keys
        return Linking(me, self._api, keys, identities, self._drive, self.devices)

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

    def trust(self, user: str) -> Trust:
        """What is known of the user's devices together: VERIFIED if all of them are."""
        return self._encryption.identities.trust(user)

    def known_devices(self, user: str) -> list[KnownDevice]:
        """The devices as the backend listed them last; makes no request."""
        return self._encryption.identities.devices(user)

    def accept_identity(self, user: str, shown: Iterable[KnownDevice]) -> bool:
        """Trusts the keys of these devices, as the user was shown them.

        True: that was all, and sending to the user goes on. False: there are others by now.
        """
        keys = {device.device: device.ed25519 for device in shown if device.user == user}
        return self._drive().step(Engine.accept, user, keys)

    async def verify(self, user: str, device: str | None = None) -> KnownDevice:
        """Asks the device to compare emoji, or agrees to what it asks; gives the device.

        EmojiShown follows once both have agreed, and Verified or VerificationCancelled at the
        end; whoever is away is waited for, up to a day. `device` may be left out if there is no
        choice. Raises CannotVerify.
        """
        device = device or self._verify().asked_by(user)
        meant = chosen(await self.devices(user), user, device)
        self._verify().start(await self._common_chat(user), meant)
        return meant

    def confirm(self, user: str, match: bool, device: str | None = None) -> None:
        """Whether the emoji of EmojiShown are the same on both; False ends it at any time.

        `device` may be left out if there is no choice. Raises CannotVerify.
        """
        self._verify().confirm(user, device, match)

    def comparisons(self) -> dict[str, Stage]:
        """The emoji comparisons under way, by `user/device`."""
        return self._verify().stages()

    async def safety_number(self, user: str) -> SafetyNumber:
        """The same as `user` sees for this user, unless somebody sits in between.

        Raises CannotVerify if the user has no device.
        """
        await self._lists(user)
        return self._verify().safety_number(user)

    async def compare_safety_number(self, user: str, shown: str) -> bool:
        """`shown` is what `user` sees: the digits, or the content of the QR code.

        True: all devices of the user are verified now, and changed keys accepted. Raises
        ValueError if it is no safety number of the two.
        """
        await self._lists(user)
        return self._verify().compare(user, shown)

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

    @property
    def unaccepted(self) -> int:
        """How many own messages the backend has not accepted yet, files among them."""
        return self._drive().engine.unaccepted + len(self._store.uploads())

    @property
    def push_token(self) -> str | None:
        session = self._store.session()
        return session.push_token if session else None

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

    def _verify(self) -> Verification:
        if self._verification is None:
            me = Device(f"{self.user}/{self.device}", self._account.keys.ed25519)
            self._verification = Verification(
                me,
                self._encryption.identities,
                self._random,
                self._drive,
                self._feed.publish,
                self._may_compare,
            )
        return self._verification

    def _may_compare(self, chat: str, user: str) -> bool:
        return user == self.user or user in (self._store.pair(chat) or ())

    async def _common_chat(self, user: str) -> str:
        """Where this device and one of `user` meet; own devices do in any chat."""
        if user != self.user:
            return await self.direct(user)
        chats = [each for each in self.chats() if not each.left]
        if not chats:
            raise CannotVerify("your own devices meet in a chat, and there is none yet")
        return chats[-1].chat

    async def _lists(self, user: str) -> None:
        """Brings the devices of both up to date, if the backend can be reached."""
        await self.devices(user)
        with contextlib.suppress(Unreachable):
            await self.devices(self.user)

    def _is_unknown(self, chat: str) -> bool:
        return chat not in self._asked and self._store.kind(chat) is None

    async def _when_known(self, event: ChatDescribed | ControlReceived) -> None:
        """Asks first what the chat is: only a group has a name and a picture, and emoji are
        compared in a direct one."""
        self._asked.add(event.chat)
        try:
            await self.refresh_chats()
        finally:
            self._asked.discard(event.chat)
            self._feed.publish(event)
            self._verify().happened(event)

    async def _fetch(self, request: Request) -> FetchResult:
        return await fetch(self._api, request)

    def _uploaded(self, upload: Upload, content: Mapping[str, Any]) -> None:
        if self._drive().engine.left(upload.chat):
            raise NotAMember
        message = MessageContent("file", content)

        def write(engine: Engine, step: Step) -> None:
            if self._store.remove_upload(upload.message_id):  # else it was cancelled
                engine.send(step, upload.message_id, upload.chat, message)

        self._drive().step(write)

    def _know(self, chat: str, members: Iterable[str], kind: str, name: str | None) -> None:
        """Raises ServerFault if the chat is known as direct, or as a group, and can't be this."""
        members = frozenset(members)
        known, pair = self._store.kind(chat), self._store.pair(chat)
        of_two = len(members) == 2 and self.user in members
        if kind == "direct" and (not of_two or known == "group"):
            raise _contradiction(f"{chat} is said to be a direct chat, and can't be one")
        if pair is not None and (kind != "direct" or members != pair):
            raise _contradiction(f"{chat} is said to be another's, or a group, and is direct")
        self._store.describe(chat, kind, name)
        self._drive().step(Engine.chat_is, chat, members)

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
            case ChatDescribed() if self._is_unknown(event.chat):
                self._chore(self._when_known(event))
                return
            case ControlReceived() if not self._store.kind(event.chat):
                self._chore(self._when_known(event))
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

    async def _when_writable(self, act: Callable[[], Awaitable[T]]) -> T:
        """Runs `act`, which may be repeated, and again where nothing could be written."""
        while True:
            try:
                return await act()
            except StoreUnavailable as error:
                await self._drive().wait_for_store(error)

    def _chore(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._chores.add(task)
        task.add_done_callback(self._chore_done)

    def _chore_done(self, task: asyncio.Task[None]) -> None:
        self._chores.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # Not fatal: the server says `keys_low` again.
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


def _contradiction(message: str) -> ServerFault:
    """Who is in a direct chat never changes, whoever says so, and nor does what kind it is."""
    return ServerFault("internal", message, 200)
