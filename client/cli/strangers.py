"""Commands about people: contacts, requests, invitations, roles, settings, mute and block."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from client.chat_client import ChatClient
from client.chats import USER
from client.cli.text import users_in
from client.cli.view import View
from client.errors import NotFound

HELP = """\
/requests              lists who wants to write to you, and groups that you are invited to
/join N  /decline N    accepts or declines the N-th of them
/contacts              lists your contacts, and whom you have blocked
/block USER            hides what a user writes to you; /unblock USER ends it
/leave                 leaves the open group for good
/mute [HOURS]          no pushes of the open chat; 0 ends it
/admin A,B  /dismiss A changes who is admin of the open group
/rule add=admins       sets who may add, remove or rename: members or admins
/settings [NAME=VALUE] shows or changes: groups, presence, requests, receipts"""

FOR_EVER = 99_999_999_999


class Strangers:
    def __init__(
        self, client: ChatClient, view: View, chat: Callable[[], str | None] = lambda: None
    ) -> None:
        """`chat`: the open one."""
        self._client, self._view, self._chat = client, view, chat
        self._listed: list[str] = []  # chats of the last /requests

    def commands(self) -> dict[str, Callable[[str], Awaitable[None]]]:
        return {
            "requests": self._requests,
            "join": self._join,
            "decline": self._decline,
            "contacts": self._contacts,
            "block": self._block,
            "unblock": self._unblock,
            "leave": self._leave,
            "mute": self._mute,
            "admin": self._admin,
            "dismiss": self._dismiss,
            "rule": self._rule,
            "settings": self._settings,
        }

    async def _requests(self, rest: str) -> None:
        lines: list[tuple[str, str]] = []
        for chat in await self._client.people.requests():
            peer = next((user for user in chat.members if user != self._client.user), "?")
            lines.append((chat.chat, f"{peer} wants to write to you"))
        for each in await self._client.people.invitations():
            lines.append((each.chat, f"{each.by} invites you to a group"))
        self._listed = [chat for chat, _ in lines]
        for number, (_, line) in enumerate(lines, start=1):
            self._view.notice(f"{number}: {line}; /join {number} or /decline {number}")
        if not lines:
            self._view.notice("no requests and no invitations")

    def _numbered(self, rest: str) -> str | None:
        if rest.isdecimal() and 1 <= int(rest) <= len(self._listed):
            return self._listed[int(rest) - 1]
        self._view.problem("/requests lists them with their numbers")
        return None

    async def _join(self, rest: str) -> None:
        if chat := self._numbered(rest):
            await self._client.people.accept(chat)
            self._view.notice("accepted; /chats lists it")

    async def _decline(self, rest: str) -> None:
        if chat := self._numbered(rest):
            await self._client.people.decline(chat)
            self._view.notice("declined")

    async def _contacts(self, rest: str) -> None:
        contacts = await self._client.people.contacts()
        for user, state in contacts.items():
            self._view.notice(user if state == "contact" else f"{user}, blocked")
        if not contacts:
            self._view.notice("no contacts yet: who you write to or answer becomes one")

    async def _block(self, rest: str) -> None:
        if await self._guarded(rest, self._client.people.block):
            self._view.notice(f"{rest} is blocked; /unblock {rest} ends it")

    async def _unblock(self, rest: str) -> None:
        if await self._guarded(rest, self._client.people.forget):
            self._view.notice(f"{rest} is not blocked")

    async def _guarded(self, user: str, act: Callable[[str], Awaitable[None]]) -> bool:
        if not USER.fullmatch(user):
            self._view.problem("whom? a user name is 3 to 32 of a-z, 0-9 and _")
            return False
        try:
            await act(user)
        except NotFound:
            self._view.problem(f"there is no user {user}")
            return False
        return True

    def _open(self) -> str | None:
        chat = self._chat()
        if chat is None:
            self._view.problem("no chat is open: /to opens one")
        return chat

    async def _leave(self, rest: str) -> None:
        if chat := self._open():
            await self._client.people.leave(chat)
            self._view.notice("you have left this group for good")

    async def _mute(self, rest: str) -> None:
        if rest and not rest.isdecimal():
            self._view.problem("/mute [HOURS]: a whole number; 0 ends it")
        elif chat := self._open():
            until = int(time.time()) + int(rest) * 3600 if rest else FOR_EVER
            await self._client.people.mute(chat, 0 if rest == "0" else until)
            self._view.notice("pushes again" if rest == "0" else "no pushes of this chat")

    async def _admin(self, rest: str) -> None:
        await self._change(appoint=users_in(rest))

    async def _dismiss(self, rest: str) -> None:
        await self._change(dismiss=users_in(rest))

    async def _rule(self, rest: str) -> None:
        name, _, value = rest.partition("=")
        if name not in ("add", "remove", "rename") or value not in ("members", "admins"):
            self._view.problem("/rule add=admins: add, remove or rename, and members or admins")
            return
        await self._change(rules={name: value})

    async def _change(
        self,
        appoint: list[str] | None = None,
        dismiss: list[str] | None = None,
        rules: dict[str, str] | None = None,
    ) -> None:
        chat = self._open()
        if chat is None or not (appoint or dismiss or rules):
            return
        people = self._client.people
        found = await people.change_admins(chat, appoint or (), dismiss or (), rules)
        of = found.rules
        self._view.notice(
            f"admins: {', '.join(found.admins)}; "
            f"add: {of.add}, remove: {of.remove}, rename: {of.rename}"
        )

    async def _settings(self, rest: str) -> None:
        changes: dict[str, str | bool] = {}
        if rest:
            name, _, value = rest.partition("=")
            known = {"true": True, "on": True, "false": False, "off": False}
            changes = {name: known.get(value, value)}
        for name, value in (await self._client.people.settings(changes)).items():
            self._view.notice(f"{name}={value}".lower())
