"""Chats of a client: who is in them, how far each member is, and their history."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping

from client.base import ClientBase
from client.core.content import Reference
from client.core.engine import Engine
from client.core.frames import Watermarks
from client.core.ticks import State, stage
from client.errors import ServerFault, Unreachable
from client.people import People
from client.store.history import ChatSummary, StoredMessage

USER = re.compile(r"[a-z0-9_]{3,32}")
logger = logging.getLogger("client")


class ChatMethods(ClientBase):
    """The part of ChatClient for chats and their members."""

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
        """The direct chat with `user`, if this device has seen it; makes no request."""
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
        self,
        chat: str,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
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
                self._know(chat.chat, chat.members, chat.kind, None, request=chat.request)
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

    async def chat_id(self, chat_or_user: str) -> str:
        """A chat this device knows by that id, or else the direct chat with that user."""
        if self._drive().engine.knows(chat_or_user) or not USER.fullmatch(chat_or_user):
            return chat_or_user
        return await self.direct(chat_or_user)

    # -- inside

    def _know(
        self,
        chat: str,
        members: Iterable[str],
        kind: str,
        name: str | None,
        *,
        request: bool = False,
    ) -> None:
        """Raises ServerFault if the chat is known as direct, or as a group, and can't be this."""
        members = frozenset(members)
        known, pair = self._store.kind(chat), self._store.pair(chat)
        of_two = len(members) == 2 and self.user in members
        if kind == "direct" and (not of_two or known == "group"):
            raise _contradiction(f"{chat} is said to be a direct chat, and can't be one")
        if pair is not None and (kind != "direct" or members != pair):
            raise _contradiction(f"{chat} is said to be another's, or a group, and is direct")
        self._store.describe(chat, kind, name)
        self._drive().step(Engine.chat_is, chat, members, request=request)


def _contradiction(message: str) -> ServerFault:
    """Who is in a direct chat never changes, whoever says so, and nor does what kind it is."""
    return ServerFault("internal", message, 200)
