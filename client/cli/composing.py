"""Commands about messages, the open chat and the own profile."""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from client.chat_client import ChatClient
from client.cli.text import duration, one_line, sentence
from client.cli.view import View
from client.core.picture import LONGEST_PICTURE, LONGEST_SIDE, parse_picture
from client.core.ticks import State
from client.errors import ClientError
from client.store.history import StoredMessage

HELP = """\
/reply N TEXT          answers a message; /history shows its number N, and . is the last one
/react N EMOJI         reacts to a message; without an emoji it takes that back
/edit N TEXT           changes what you wrote; . is your last text
/delete N              deletes what you wrote for everybody
/expire TIME           what is written from now on disappears: 30s, 5m, 8h, 7d, off
/name NAME             names the open group
/picture [me] FILE     its picture, or your own: JPEG, PNG or WebP of at most 5,400 bytes; off: none
/profile [NAME]        your name for those you write to, off: none; without one: everybody's here
/info N                shows who has read what you wrote, and who has got it"""

_TIME = re.compile(r"(\d{1,9})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LOOKED_THROUGH = 10_000  # messages, for a number
OFF = "off"
INFO = {State.READ: "read by", State.DELIVERED: "delivered to", State.SENT: "not delivered yet to"}


class Composing:
    def __init__(
        self, client: ChatClient, view: View, chat: Callable[[], str | None] = lambda: None
    ) -> None:
        """`chat`: the open one."""
        self._client, self._view, self._open = client, view, chat

    def commands(self) -> dict[str, Callable[[str], Awaitable[None]]]:
        return {
            "reply": self._reply,
            "react": self._react,
            "edit": self._edit,
            "delete": self._delete,
            "expire": self._expire,
            "name": self._name,
            "picture": self._picture,
            "profile": self._profile,
            "info": self._info,
        }

    async def _reply(self, rest: str) -> None:
        message, text = self.meant(rest)
        if not text:
            raise ClientError("/reply N TEXT: what you answer")
        await self._client.send(message.chat, text, reply=message.reference)
        self._view.wrote()

    async def _react(self, rest: str) -> None:
        message, emoji = self.meant(rest)
        await self._client.writing.react(message.chat, message.reference, emoji or None)

    async def _edit(self, rest: str) -> None:
        message, text = self.meant(rest, own=True)
        if not text:
            raise ClientError("/edit N TEXT: the text that it is to have")
        await self._client.writing.edit(message.chat, message.reference, text)

    async def _delete(self, rest: str) -> None:
        message, _ = self.meant(rest, own=True)
        await self._client.writing.delete(message.chat, message.reference)

    async def _expire(self, rest: str) -> None:
        found = _TIME.fullmatch(rest)
        if rest != "off" and not found:
            raise ClientError("/expire TIME: a number with s, m, h or d behind it, or off")
        seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
        await self._client.writing.set_timer(self.chat(), seconds)
        what = f"disappears {duration(seconds)} after it is read" if seconds else "stays"
        self._view.notice(f"what is written here from now on {what}")

    async def _name(self, rest: str) -> None:
        await self._client.writing.set_name(self.chat(), rest or None)

    async def _picture(self, rest: str) -> None:
        whose, _, file = rest.partition(" ")
        named = file.strip() if whose == "me" else rest
        if not named:
            raise ClientError("/picture [me] FILE: the picture, or off")
        picture = None if named == OFF else _read(named)
        if whose == "me":
            name = self._client.writing.profile(self._client.user).name
            await self._client.writing.set_profile(name, picture)
        else:
            await self._client.writing.set_picture(self.chat(), picture)
        self._view.notice("the picture is set" if picture else "there is no picture now")

    async def _profile(self, rest: str) -> None:
        writing, me = self._client.writing, self._client.user
        if rest:
            name = None if rest == OFF else rest
            await writing.set_profile(name, writing.profile(me).picture)
        chat = self._open()
        for user in [me, *(self._client.chats.others(chat) if chat and not rest else ())]:
            known = writing.profile(user)
            shown = one_line(known.name) if known.name else "no name"
            self._view.notice(f"{user}: {shown}{', with a picture' if known.picture else ''}")

    async def _info(self, rest: str) -> None:
        message, _ = self.meant(rest, own=True)
        if message.sender != self._client.user:
            raise ClientError("of what others wrote, nobody tells you who has read it")
        if message.seq is None:
            raise ClientError("this message is not sent yet")
        by: dict[State, list[str]] = {}
        for user, state in sorted(self._client.messages.states(message.chat, message.seq).items()):
            by.setdefault(state, []).append(user)
        if not by:
            self._view.notice("nobody else who is in this chat was in it then")
        for state, words in INFO.items():
            if state in by:
                self._view.notice(f"{words} {', '.join(by[state])}")

    def chat(self) -> str:
        chat = self._open()
        if chat is None:
            raise ClientError("no chat is open: /to USER opens one")
        return chat

    def meant(self, rest: str, *, own: bool = False) -> tuple[StoredMessage, str]:
        """The message of a typed number, and the text after the number."""
        number, _, more = rest.partition(" ")
        me = self._client.user
        for message in reversed(self._client.messages.history(self.chat(), LOOKED_THROUGH)):
            last = number == "." and not message.deleted and (message.sender == me) == own
            if message.kind in ("text", "file") and (last or number == str(message.seq)):
                return message, more.strip()
        raise ClientError(
            f"there is no message {number}; /history shows their numbers"
            if number
            else "which one? /history shows the numbers, and . is the last"
        )


def _read(file: str) -> str:
    """Raises ClientError for what is no such picture."""
    try:
        with Path(file).open("rb") as opened:
            data = opened.read(LONGEST_PICTURE)
    except (OSError, ValueError) as error:
        raise ClientError(f"{file or 'no file'} can't be read: {sentence(error)}") from error
    picture = base64.b64encode(data).decode().rstrip("=")
    try:
        return parse_picture(picture)
    except ValueError as error:
        raise ClientError(
            "a picture is a JPEG, PNG or WebP of at most 5,400 bytes, and of at most "
            f"{LONGEST_SIDE} pixels on a side"
        ) from error
