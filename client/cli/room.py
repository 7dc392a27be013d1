"""The open chat of a command-line client, and the events that concern it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from dataclasses import replace

from client.chat_client import ChatClient
from client.cli.text import ago, one_line, shown, title, why
from client.cli.view import View
from client.core import events, frames_generated
from client.core.content import Reference
from client.core.ticks import State
from client.crypto.identities import KnownDevice, Trust
from client.errors import (
    ClientError,
    Closed,
    NotFound,
    RateLimited,
    ServerFault,
    StoreUnavailable,
    Unreachable,
)
from client.store.history import ChatSummary

PRESENCE_WAIT = 5.0  # seconds for the first reports of somebody
# Errors of acts that nobody typed are not shown: StoreFailing or Disconnected has reported them
# once.
UNTYPED = (StoreUnavailable, Closed)
# Errors of typed lines; the client handles errors of everything else by itself.
TYPED = frozenset({"send", "watch"})
APPEARS_EVERY = 2.0  # how often to look for somebody who has not signed up yet
NOT_YET = (NotFound, Unreachable, RateLimited)  # after these, and a 5xx, it looks again


class Room:
    def __init__(self, client: ChatClient, view: View) -> None:
        self._client, self._view = client, view
        self.chat: str | None = None
        self.awaited: str | None = None  # a user whom the first chat is to be with
        self.ended = asyncio.Event()  # nobody will type anything any more
        self._shown = 0  # seq up to which the open chat was given to the view
        self._title = ""
        self._watched: set[str] = set()
        self._presence: dict[str, events.PresenceChanged] = {}
        self._heard_presence = asyncio.Event()
        self.changed: dict[str, list[KnownDevice]] = {}  # devices whose new keys were announced

    # -- beginning

    def begin_offline(self, to: str | None) -> None:
        """Opens what is known without asking anybody, so that nothing is missed."""
        known = self._client.chats.known_direct(to) if to is not None else None
        if known is not None:
            self.open(known)
        else:
            self.awaited = to

    async def begin(self, to: str | None) -> None:
        """The first chat: the one asked for, the one with news, or the only one."""
        with contextlib.suppress(ClientError):
            await self._client.chats.refresh()
        if to is not None:
            await self._open_when_there(to)
        elif self.chat is None:
            chats = self._client.chats.all()
            waiting = [chat for chat in chats if chat.unread]
            here = [chat for chat in chats if not chat.left]
            if waiting or len(here) == 1:
                self.open((waiting or here)[-1].chat)
            else:
                self._view.notice("no chat is open: /to USER opens one, /help shows the rest")

    async def _open_when_there(self, user: str) -> None:
        """Opens the chat once the other user has signed up: of two people one starts first."""
        try:
            chat = await self._client.chats.direct(user)
        except NotFound:
            self._view.notice(f"waiting for {user}, who has not signed up yet")
            appeared = await self._appearance(user)
            if appeared is None:
                return
            chat = appeared
        if self.chat != chat:
            self.open(chat)

    async def _appearance(self, user: str) -> str | None:
        """The chat with `user`, once they have a device; None if the wait is over without.

        A text that is written before that is encrypted for no device: a device that is registered
        later has to ask for it, and shows it late.
        """
        self.awaited = user
        while self.awaited == user and not self.ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ended.wait(), APPEARS_EVERY)
            try:
                if await self._client.devices.of(user):
                    return await self._client.chats.direct(user)
            except NOT_YET:
                continue
            except ServerFault as error:
                if error.status < 500:  # a response that contradicts what is known here
                    raise
        return None

    # -- the open chat

    def open(self, chat: str, sender: str = "") -> None:
        """`sender` is used as the chat's name as long as its members are not known."""
        self.chat, self.awaited = chat, None
        self._title = self._title_of(chat, sender)
        unread = self._client.messages.unread(chat)
        summary = self._summary(chat)
        self._shown = summary.watermark if summary else 0
        self._view.opened(chat, self._title, unread)
        if summary is not None and summary.left:
            self._view.notice("you are no longer a member: this can be read, and nothing be added")
        self.reading()
        self._meet()

    def reading(self) -> None:
        """Marks as read what the view shows of the open chat."""
        summary = self._summary(self.chat) if self.chat is not None else None
        if summary is not None and self._view.showing and summary.watermark > summary.read:
            with contextlib.suppress(*UNTYPED):
                self._client.messages.mark_read(summary.chat, summary.watermark)

    def keys_pressed(self) -> None:
        if self.chat is not None:
            with contextlib.suppress(*UNTYPED):
                self._client.messages.typing(self.chat)

    def others(self) -> list[str]:
        """The other members of the open chat."""
        return self._client.chats.others(self.chat) if self.chat is not None else []

    def peer(self) -> str | None:
        """The other user of the open chat, if it is a direct one."""
        summary = self._summary(self.chat) if self.chat is not None else None
        others = self.others() if summary is not None and summary.kind == "direct" else []
        return others[0] if len(others) == 1 else None

    async def presence_of(self, users: Iterable[str]) -> list[str]:
        """A line for each user, with the presence that the backend reports now."""
        asked = list(users)
        for user in asked:
            self._presence.pop(user, None)
        self._client.people.watch(asked)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PRESENCE_WAIT):
                while not self._presence.keys() >= set(asked):
                    self._heard_presence.clear()
                    await self._heard_presence.wait()
        return [self._seen(user) for user in asked]

    # -- what is heard

    def happened(self, event: events.Event) -> None:
        match event:
            case events.MessageReceived():
                self._received(event)
            case events.MessageReadable() if event.chat == self.chat:
                self._view.readable(event)
            case events.MessageChanged() if event.chat == self.chat:
                self._changed(event)
            case events.ChatDescribed():
                self._meet()
            case events.StateChanged() if event.chat == self.chat:
                self._view.changed(event)
            case events.StateChanged(state=State.FAILED):
                self._view.problem(f"not sent: {one_line(event.text)} ({event.reason})")
            case events.TypingSeen() if event.chat == self.chat:
                self._view.typing(event.user)
            case events.PresenceChanged():
                self._presence[event.user] = event
                self._heard_presence.set()
                self._show_presence()
            case events.MessagesMissing() if event.chat == self.chat:
                count = event.last - event.first + 1
                self._view.notice(f"{count} older message(s) expired before this device came")
            case events.MembersChanged():
                self._came_and_went(event)
            case events.CaughtUp():
                self._meet()
                self.reading()  # what could not be written before
            case events.FileProgress() | events.FileFailed():
                self._file(event)
            case events.ChatLeft() if event.chat == self.chat:
                self._view.problem("you are no longer a member of this chat")
            case frames_generated.Invited():
                self._view.notice(f"{event.user} invites you to a group: /requests shows it")
            case events.ServerError() if event.action in TYPED:
                self._view.problem(f"{event.action}: {event.message}")
            case events.IdentityChanged() | events.DeviceAdded() | events.SendingHeld():
                self._devices(event)
            case _:
                self._client_state(event)

    def _changed(self, event: events.MessageChanged) -> None:
        of = Reference(event.sender, event.message_id)
        message = self._client.messages.get(event.chat, of)
        if message is not None:
            self._view.updated(message)

    def _came_and_went(self, event: events.MembersChanged) -> None:
        where = ""
        if event.chat != self.chat:
            summary = self._summary(event.chat)
            named = summary is not None and summary.name
            where = f" {named or 'the group of ' + self._title_of(event.chat, event.chat)}"
        for users, what in ((event.joined, "joined"), (event.left, "left")):
            for user in users:
                self._view.notice(f"{user} {what}{where}")
        self._meet()

    def show_changed(self, user: str) -> None:
        """Shows changed keys; from now on /accept means these."""
        devices = self._client.devices.known(user)
        self.changed[user] = [device for device in devices if device.trust is Trust.CHANGED]

    def _devices(
        self, event: events.IdentityChanged | events.DeviceAdded | events.SendingHeld
    ) -> None:
        match event:
            case events.DeviceAdded():
                whose = "you have" if event.user == self._client.user else f"{event.user} has"
                self._view.notice(f"{whose} a new device: {event.device}")
            case events.IdentityChanged():
                self.show_changed(event.user)
                self._view.problem(
                    f"{event.user}/{event.device} shows keys that you don't know: it was made "
                    f"anew, or somebody sits in between. What you write to {event.user} waits: "
                    f"/safety {event.user} compares, /accept {event.user} accepts them as they are"
                )
            case events.SendingHeld():
                for user in event.users:
                    self.show_changed(user)
                names = " and ".join(event.users)
                self._view.problem(
                    f"not sent: it waits until you /accept the changed keys of {names}"
                )

    def _file(self, event: events.FileProgress | events.FileFailed) -> None:
        match event:
            case events.FileProgress():
                done = event.done >= event.size
                share = 100 * event.done // event.size
                self._view.progress("" if done else f"sending a file: {share} %")
            case events.FileFailed():
                self._view.progress("")
                again = "" if event.final else "; it is tried again"
                self._view.problem(f"a file was not sent: {why(event.reason)}{again}")

    def _client_state(self, event: events.Event) -> None:
        """What concerns this client as a whole: its connection, its store, its account."""
        match event:
            case events.Connected():
                self._view.connection("online")
            case events.Disconnected(retry_in=None):
                self._view.connection("offline")
            case events.Disconnected():
                self._view.connection(f"offline, trying again: {event.reason}")
            case events.Displaced():
                who = f"{self._client.user}/{self._client.device}"
                self._view.problem(
                    f"displaced: {who} connected elsewhere, and this client has stopped; "
                    "start it again to take over"
                )
            case events.SignedOut():
                self._view.problem(f"signed out: {event.reason}")
            case events.BeganAnew():
                self._view.problem(
                    "the backend has lost its data, and you were signed up again: older chats can"
                    " be read; /to USER begins a new one"
                )
            case events.StoreFailing():
                self._view.problem(f"{event.reason}; it is tried again until it works")
            case events.StoreWorking():
                self._view.notice("what happens is written again")
            case _:
                pass

    def _received(self, event: events.MessageReceived) -> None:
        if self.chat is None and self.awaited in (None, event.sender) and not event.own:
            self.open(event.chat, event.sender)
        elif event.chat == self.chat:
            if event.seq > self._shown:  # not among those that `open` has shown
                self._shown = event.seq
                self._view.received(replace(event, text=self._text_of(event)))
                self.reading()
        elif not event.own and event.counts:
            name = self._title_of(event.chat, event.sender)
            where = "" if name == event.sender else f" in {name}"
            self._view.notice(f"{event.sender} wrote{where}: /to {name}")

    # -- small

    def _text_of(self, event: events.MessageReceived) -> str | None:
        of = Reference(f"{event.sender}/{event.sender_device}", event.message_id)
        message = self._client.messages.get(event.chat, of)
        return event.text if message is None or message.content is None else shown(message)

    def _meet(self) -> None:
        """Watches the members of the open chat, which may become known later than its first
        message.
        """
        if self.chat is None:
            return
        name = self._title_of(self.chat, self._title)
        if name != self._title:
            self._title = name
            self._view.titled(name)
        others = self.others()
        if others and not self._watched.issuperset(others):
            with contextlib.suppress(*UNTYPED):
                self._client.people.watch(others)
                self._watched.update(others)
        self._show_presence()

    def _summary(self, chat: str) -> ChatSummary | None:
        return next((one for one in self._client.chats.all() if one.chat == chat), None)

    def _title_of(self, chat: str, otherwise: str) -> str:
        summary = self._summary(chat)
        if summary is not None and (summary.name or summary.members):
            return title(summary, self._client.user)
        return otherwise or chat

    def _show_presence(self) -> None:
        others = self.others()
        known = [user for user in others if user in self._presence]
        if len(others) == 1:
            text = self._seen(others[0]).removeprefix(f"{others[0]} ") if known else ""
        else:
            online = [user for user in known if self._presence[user].online]
            text = f"{len(online) + 1} of {len(others) + 1} online" if others else ""
        self._view.presence(text)

    def _seen(self, user: str) -> str:
        known = self._presence.get(user)
        if known is None:
            return f"{user}: no response"
        if known.online:
            return f"{user} is online"
        if known.last_seen is None:
            return f"{user} is offline"
        return f"{user} was last seen {ago(known.last_seen, time.time())}"
