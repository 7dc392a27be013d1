"""Chats of a client: direct chats and groups, who is in them, and how far each member is."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping

from client.core.engine import Engine
from client.core.frames import Watermarks
from client.errors import ServerFault, Unreachable
from client.store.history import ChatSummary
from client.this_device import ThisDevice
from client.writing import Writing

USER = re.compile(r"[a-z0-9_]{3,32}")
logger = logging.getLogger("client")


class Chats:
    def __init__(self, device: ThisDevice, writing: Writing) -> None:
        self._device, self._writing = device, writing
        self._direct: dict[str, str] = {}

    async def direct(self, user: str) -> str:
        """The id of the one direct chat with `user`.

        Raises ServerFault if the backend names a chat that is not of these two alone.
        """
        if user not in self._direct or self._device.driver.engine.left(self._direct[user]):
            try:
                response = await self._device.api.direct(user)
            except Unreachable:
                known = self.known_direct(user)
                if known is None:
                    raise
                return known
            if set(response.members) != {self._device.user, user}:
                raise _contradiction(f"the chat that is named is not that with {user} alone")
            self.know(response.chat, response.members, "direct")
            self._direct[user] = response.chat
        return self._direct[user]

    def known_direct(self, user: str) -> str | None:
        """The direct chat with `user`, if this device has seen it; makes no request."""
        both = tuple(sorted({self._device.user, user}))
        for chat in reversed(self._device.store.chats()):
            if chat.kind == "direct" and not chat.left and chat.members == both:
                return chat.chat
        return None

    async def group(
        self, members: Iterable[str], name: str | None = None, request_id: str | None = None
    ) -> str:
        """The id of a new group. Its members get the name, as long as they are members.

        A caller who calls again after an error, with the same `request_id`, gets one group.
        """
        meant = [self._device.user, *members]
        response = await self._device.api.group(meant[1:], request_id)
        # The intended members come first: so it is reported if the backend has put others in.
        self.know(response.chat, meant if response.members else [], "group", name)
        self.know(response.chat, response.members, "group")
        if name is not None:
            await self._writing.set_name(response.chat, name)
        return response.chat

    async def change_members(
        self, chat: str, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> list[str]:
        """Adds and removes; the members after that."""
        add, remove = list(add), list(remove)
        # Before the call, whose response may be lost, and after it, for what was accepted since.
        self._device.driver.step(Engine.adding, chat, add)
        members = await self._device.api.change_members(chat, add, remove)
        self._device.driver.step(Engine.adding, chat, add)
        self.know(chat, members, "group")
        return sorted(members)

    async def refresh(self) -> None:
        """Asks the backend for the list of chats: kinds and members, and which are no more."""
        known = {position.chat for position in self._device.store.read_positions()}
        listed = await self._device.api.chats()
        for chat in listed:
            try:
                self.know(chat.chat, chat.members, chat.kind, request=chat.request)
            except ServerFault as error:
                logger.warning("not taken: %s", error)
        for name in known - {chat.chat for chat in listed}:
            self._device.driver.step(Engine.leave, name)

    def all(self) -> list[ChatSummary]:
        """All chats this device knows, the most recently active last.

        Those that the user has `left` too: they can be read.
        """
        return self._device.store.chats()

    def watermarks(self, chat: str) -> Mapping[str, Watermarks]:
        """Each member's watermarks, as far as this device knows. Ticks are derived from them."""
        return self._device.store.members(chat)

    def members(self, chat: str) -> list[str]:
        """The chat's members, as far as this device knows."""
        return sorted(self._device.store.members(chat))

    def others(self, chat: str) -> list[str]:
        """The chat's other members, as far as this device knows."""
        return [user for user in self.members(chat) if user != self._device.user]

    async def id_of(self, chat_or_user: str) -> str:
        """A chat this device knows by that id, or else the direct chat with that user."""
        known = self._device.driver.engine.knows(chat_or_user)
        if known or not USER.fullmatch(chat_or_user):
            return chat_or_user
        return await self.direct(chat_or_user)

    def know(
        self,
        chat: str,
        members: Iterable[str],
        kind: str,
        name: str | None = None,
        *,
        request: bool = False,
    ) -> None:
        """Stores what the backend reports of a chat. Raises ServerFault if that contradicts what is
        known: the kind of a chat never changes.
        """
        members, store = frozenset(members), self._device.store
        known, pair = store.kind(chat), store.pair(chat)
        of_two = len(members) == 2 and self._device.user in members
        if kind == "direct" and (not of_two or known == "group"):
            raise _contradiction(f"{chat} is said to be a direct chat, and can't be one")
        if pair is not None and (kind != "direct" or members != pair):
            raise _contradiction(f"{chat} is said to be another's, or a group, and is direct")
        store.describe(chat, kind, name)
        self._device.driver.step(Engine.chat_is, chat, members, request=request)


def _contradiction(message: str) -> ServerFault:
    """Whether a report contradicts what is known: neither a chat's kind nor the two members of a
    direct chat ever change.
    """
    return ServerFault("internal", message, 200)
