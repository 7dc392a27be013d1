"""The dispatcher of typed lines: each is a command, or a message to the open chat."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, cast

from client.chat_client import ChatClient
from client.chats import USER
from client.cli.attaching import HELP as ATTACHING
from client.cli.attaching import Attaching
from client.cli.composing import HELP as COMPOSING
from client.cli.composing import Composing
from client.cli.own_account import OwnAccount
from client.cli.room import Room
from client.cli.strangers import HELP as STRANGERS
from client.cli.strangers import Strangers
from client.cli.text import LONGEST_LINE, ago, duration, one_line, sentence, title, users_in
from client.cli.verifying import HELP as VERIFYING
from client.cli.verifying import Verifying
from client.cli.view import View
from client.core.bodies_generated import OwnDevice
from client.crypto.identities import KnownDevice, Trust
from client.errors import ClientError, NotFound, StoreUnavailable

COMMAND_COLUMNS = 23  # of a line of HELP, in front of what the command does
HELP = f"""\
/to USER               opens the chat with a user, or a group by its name
/group NAME A,B        makes a group with these users, who get its name
/add A,B  /remove A,B  changes who is in the open group
/chats                 lists your chats
/history [N]           shows the last messages of the open chat
/who [A,B]             shows who is online
/typing                shows the others that you are typing
/devices [USER]        lists the devices of a user, or your own
/link CODE             lets a new device of yours in, by the code that it shows
/unlink DEVICE         removes one of your devices from your account
/password              changes your password; your other devices have to sign in again
/email ADDRESS         an address to which a code is mailed if you forget your password
/email CODE            confirms that address, with the code that was mailed to it
/signout [all]         signs out and removes this device, or all of your devices
/export FILE           writes what the backend has stored of your account into a file
/delete-account        deletes your account for good; its name is never given out again
/accept USER           accepts the changed keys of a user's devices
{COMPOSING}
{ATTACHING}
{STRANGERS}
{VERIFYING}
/quit                  leaves, as Ctrl-D does; the tab key completes a command
/help [COMMAND]        shows this, or what one command does; the key Page Up shows what was above
Anything else is sent; // at the beginning sends a /"""

STORE_RETRY = 1.0  # seconds
LEAVING = frozenset({"quit", "exit", "q"})


class Commands:
    def __init__(self, client: ChatClient, room: Room, view: View) -> None:
        # a warning about compared keys is a result: the typed line is not given back
        verifying = Verifying(client, view, room.peer).commands()
        self._problems_shown = CountingView(view)
        view = cast(View, self._problems_shown)
        self._client, self._room, self._view = client, room, view
        self._leaving = False
        composing = Composing(client, view, lambda: room.chat)
        self._known: dict[str, Callable[[str], Awaitable[None]]] = {
            "to": self._to,
            "group": self._group,
            "add": self._add,
            "remove": self._remove,
            "chats": self._chats,
            "history": self._history,
            "who": self._who,
            "typing": self._typing,
            "devices": self._devices,
            "unlink": self._unlink,
            "accept": self._accept,
            **composing.commands(),
            **Attaching(client, view, composing.meant).commands(composing.chat),
            **Strangers(client, view, lambda: room.chat).commands(),
            **verifying,
            **OwnAccount(client, view, self.leave).commands(),
            "help": self._help,
        }
        view.offers([*self._known, "quit"])

    async def entered(self, line: str) -> bool:
        """False: the user wants to leave."""
        line = line.rstrip("\r\n")
        if len(line) > LONGEST_LINE:
            self._view.problem(
                f"a line has at most {LONGEST_LINE:,} characters; this one was not sent"
            )
            self._view.returned(line)
            return True
        if line.startswith("/") and not line.startswith("//"):
            name, _, rest = line[1:].partition(" ")
            if name in LEAVING:
                return False
            before = self._problems_shown.count
            await self._guarded(self._run(name, rest.strip()))
            if self._problems_shown.count != before:
                self._view.returned(line)
            return not self._leaving
        if line.strip():
            await self._text(line)
        return True

    async def _text(self, line: str) -> None:
        """A text that can't be sent now goes back into the input line. In a pipe, where nobody
        types, it is tried again if that may help.
        """
        said: str | None = None
        while True:
            try:
                await self._say(line[1:] if line.startswith("//") else line)
            except (ClientError, ValueError) as error:
                if sentence(error) != said:
                    said = sentence(error)
                    self._view.problem(said)
                if self._view.returned(line) or not isinstance(error, StoreUnavailable):
                    return
            else:
                return
            await self._client.writable()
            await asyncio.sleep(STORE_RETRY)

    def leave(self) -> None:
        """Ends the program after this line."""
        self._leaving = True

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except (ClientError, ValueError) as error:
            self._view.problem(sentence(error))

    async def _run(self, name: str, rest: str) -> None:
        command = self._known.get(name)
        if command is None:
            self._view.problem(f"there is no /{name}; /help shows what there is")
            return
        await command(rest)

    async def _say(self, text: str) -> None:
        if self._room.chat is None:
            chats = [each for each in self._client.chats.all() if not each.left]
            if self._room.awaited is not None:
                raise ClientError(f"{self._room.awaited} has not signed up yet")
            if len(chats) != 1:
                raise ClientError("no chat is open: /to USER opens one")
            self._room.open(chats[0].chat)
        if self._room.chat is not None:
            await self._client.send(self._room.chat, text)
            self._view.wrote()

    async def _to(self, rest: str) -> None:
        for summary in reversed(self._client.chats.all()):
            if rest and rest == summary.name:
                self._room.open(summary.chat)
                return
        user = rest.lower()  # as user names are
        if not USER.fullmatch(user):
            self._view.problem("/to USER: a user name is 3 to 32 of a-z, 0-9 and _")
            return
        try:
            self._room.open(await self._client.chats.direct(user))
        except NotFound:
            self._view.problem(f"there is no user {user}")

    async def _group(self, rest: str) -> None:
        name, _, members = rest.partition(" ")
        if not name or not users_in(members):
            self._view.problem("/group NAME A,B: a name, and who is in it")
            return
        self._room.open(await self._client.chats.group(users_in(members), name))

    async def _add(self, rest: str) -> None:
        await self._change("add", add=users_in(rest), remove=[])

    async def _remove(self, rest: str) -> None:
        await self._change("remove", add=[], remove=users_in(rest))

    async def _change(self, command: str, add: list[str], remove: list[str]) -> None:
        if self._room.chat is None or not (add or remove):
            self._view.problem(f"open a group first, and name the users: /{command} raju,meena")
            return
        members = await self._client.chats.change_members(self._room.chat, add, remove)
        self._view.notice(f"in this group now: {', '.join(members)}")

    async def _chats(self, rest: str) -> None:
        chats = self._client.chats.all()
        if not chats:
            self._view.notice("no chats yet: /to USER opens one")
        for summary in chats:
            parts = [title(summary, self._client.user)]
            parts += [f"with {', '.join(summary.members)}"] if summary.name else []
            parts += [f"{summary.unread} unread"] if summary.unread else []
            parts += [f"texts disappear after {duration(summary.timer)}"] if summary.timer else []
            parts += ["you are no longer a member"] if summary.left else []
            parts += ["open"] if summary.chat == self._room.chat else []
            self._view.notice(", ".join(parts))

    async def _history(self, rest: str) -> None:
        if self._room.chat is None:
            self._view.problem("no chat is open: /to USER opens one")
            return
        limit = int(rest) if rest.isdecimal() else 20
        self._view.history(self._client.messages.history(self._room.chat, limit))

    async def _who(self, rest: str) -> None:
        users = users_in(rest) or self._room.others()
        if not users:
            self._view.problem("no chat is open; /who USER asks about somebody")
            return
        for line in await self._room.presence_of(users):
            self._view.notice(line)

    async def _typing(self, rest: str) -> None:
        self._room.keys_pressed()

    async def _devices(self, rest: str) -> None:
        user = rest or self._client.user
        if not USER.fullmatch(user):
            self._view.problem("/devices USER: a user name is 3 to 32 of a-z, 0-9 and _")
            return
        found = await self._client.devices.of(user)
        names: dict[str, str] = {}
        if user == self._client.user:
            with contextlib.suppress(ClientError):  # the keys are what is asked for
                names = {each.device: _described(each) for each in await self._client.devices.own()}
            own = self._client.device
            self._view.notice(f"{names.get(own, own)}: this device")
        elif not found:
            self._view.notice(f"{user} has no device")
        self._show(found, names)

    def _show(
        self, devices: Iterable[KnownDevice], names: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        for device in devices:
            name = names.get(device.device, device.device)
            self._view.notice(f"{name}: {device.ed25519} ({device.trust.value})")
            self._room.show_changed(device.user)

    async def _unlink(self, rest: str) -> None:
        names = {device.device for device in await self._client.devices.of(self._client.user)}
        if rest not in names:
            self._view.problem(f"you have no other device {rest}" if rest else "/unlink DEVICE")
            return
        await self._client.devices.remove(rest)
        self._view.notice(f"{rest} is removed")

    async def _accept(self, rest: str) -> None:
        if not rest:
            self._view.problem("/accept USER: somebody whose keys have changed")
            return
        if self._client.verification.trust(rest) is not Trust.CHANGED:
            self._view.problem(f"the keys of {rest} have not changed")
            return
        shown = self._room.changed.pop(rest, [])
        if shown and self._client.verification.accept(rest, shown):
            self._view.notice(f"the keys of {rest} are accepted from now on")
            return
        self._view.problem(f"{rest} shows keys that you have not seen; /accept {rest} again:")
        self._show(self._client.devices.known(rest))

    async def _help(self, rest: str) -> None:
        """All of it, or the lines about one command."""
        asked, all_lines = f"/{rest.lstrip('/')}", HELP.splitlines()
        about = [line for line in all_lines if asked in _words(line[:COMMAND_COLUMNS])]
        lines = (
            about or [line for line in all_lines if asked in _words(line)] if rest else all_lines
        )
        if not lines:
            self._view.problem(f"there is no {asked}; /help shows what there is")
        for line in lines:
            self._view.notice(line)


class CountingView:
    """A view that counts the problems it is given: a line that led to one stays typed."""

    def __init__(self, view: View) -> None:
        self._shown = view
        self.count = 0

    def problem(self, text: str) -> None:
        self.count += 1
        self._shown.problem(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shown, name)


def _words(line: str) -> list[str]:
    return [word.rstrip(",;") for word in line.split()]


def _described(device: OwnDevice) -> str:
    """`web-1a2b (Chrome on Linux, last seen 12:03)`."""
    about = [one_line(device.label)] if device.label else []
    if device.connected:
        about.append("online")
    elif device.seen:
        about.append(f"last seen {ago(device.seen / 1000, time.time())}")
    return f"{device.device} ({', '.join(about)})" if about else device.device
