"""People: contacts, requests, invitations, roles, settings and whose presence is watched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from client.chats import Chats
from client.core.bodies_generated import AdminsResponse, Invitation, ListedChat
from client.core.engine import Engine
from client.this_device import ThisDevice


class People:
    """The backend keeps all of this: each call asks it. Raises ApiError, Unreachable."""

    def __init__(self, device: ThisDevice, chats: Chats) -> None:
        self._api, self._device, self._chats = device.api, device, chats

    async def invitations(self) -> tuple[Invitation, ...]:
        """The groups that the user is invited to."""
        return await self._api.invitations()

    async def requests(self) -> list[ListedChat]:
        """Direct chats that somebody who is no contact has begun."""
        return [each for each in await self._api.chats() if each.request and not each.blocked]

    async def accept(self, chat: str) -> None:
        """Joins a group that the user is invited to, or accepts a request."""
        members = await self._api.accept(chat)
        listed = {each.chat: each.kind for each in await self._api.chats()}
        self._chats.know(chat, members, listed.get(chat, "group"))

    async def decline(self, chat: str) -> None:
        """Declines an invitation, or a request."""
        await self._api.decline(chat)

    async def leave(self, chat: str) -> None:
        """Leaves a group for good: nobody puts the user back. Its history stays here."""
        await self._api.leave(chat)
        self._device.driver.step(Engine.leave, chat)

    async def contacts(self) -> dict[str, str]:
        """user -> contact or blocked."""
        return {each.user: each.state for each in await self._api.contacts()}

    async def add(self, user: str) -> None:
        """Makes the user a contact, without a chat."""
        await self._api.set_contact(user, "contact")

    async def block(self, user: str) -> None:
        """Hides what the user writes in the direct chat, from now on."""
        await self._api.set_contact(user, "blocked")

    async def forget(self, user: str) -> None:
        """Unblocks the user, or ends being a contact."""
        await self._api.remove_contact(user)

    async def mute(self, chat: str, until: int) -> None:
        """No pushes of the chat until then, in epoch seconds; 0 ends it."""
        await self._api.mute(chat, until)

    async def change_admins(
        self,
        chat: str,
        appoint: Iterable[str] = (),
        dismiss: Iterable[str] = (),
        rules: Mapping[str, str] | None = None,
    ) -> AdminsResponse:
        """Changes who is admin of a group; for add, remove and rename: "members" or "admins"."""
        return await self._api.change_admins(chat, appoint, dismiss, rules)

    async def settings(self, changes: Mapping[str, str | bool] | None = None) -> dict[str, Any]:
        """The user's settings, after these changes."""
        if changes:
            return asdict(await self._api.change_settings(changes))
        return asdict(await self._api.settings())

    def watch(self, users: Iterable[str]) -> None:
        """PresenceChanged events for these users from now on; makes no request."""
        self._device.driver.step(Engine.watch, set(users))
