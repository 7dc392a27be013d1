"""Writing: texts and replies, and what changes messages, chats and the own profile."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from client.core.changes import DESCRIBING
from client.core.content import VERSION, MessageContent, Reference, parse, text_content
from client.core.view import newest
from client.errors import CannotWrite
from client.store import Store
from client.store.history import Profile, read_profile, read_setting

Send = Callable[[str, MessageContent, bool], Awaitable[str]]
MayName = Callable[[str], Awaitable[bool]]
SendToDevice = Callable[[str, str, MessageContent], None]


class Writing:
    """`send` takes a chat, a content and whether it is urgent; it gives the message id. `may_name`:
    whether the rules of the group let the user change its name and picture. `send_to_device` takes
    a chat, `user/device` and a content, which nobody else gets.

    All of these return once what was written is on disk, as `ChatClient.send` does, and raise what
    that raises, and CannotWrite where it would have no effect for others.
    """

    def __init__(
        self,
        user: str,
        store: Store,
        send: Send,
        may_name: MayName,
        send_to_device: SendToDevice,
    ) -> None:
        self._user, self._store = user, store
        self._send, self._may_name, self._send_to_device = send, may_name, send_to_device

    async def text(
        self, chat: str, text: str, *, reply: Reference | None = None, urgent: bool = True
    ) -> str:
        """It disappears after the chat's time, if it has one."""
        expires = read_setting(self._store.db, chat, "timer", "seconds")
        content = text_content(text, reply=reply, expires=expires)
        message_id = await self._send(chat, content, urgent)
        await self.introduce(chat)
        return message_id

    def describe_file(self, chat: str) -> dict[str, Any]:
        """The fields of a file's message that follow from its chat, as those of a text."""
        expires = read_setting(self._store.db, chat, "timer", "seconds")
        return {"expires": expires} if expires else {}

    async def introduce(self, chat: str) -> None:
        """Sends this user's profile to a direct chat that does not have its newest version."""
        saved = self._store.saved_profile()
        if saved is not None and self._is_direct(chat) and not self._has_sent(chat, saved):
            await self._send(chat, saved, False)

    async def react(self, chat: str, to: Reference, emoji: str | None) -> str:
        """One reaction for each user and message; None takes it back."""
        return await self._change(chat, "reaction", of=to._asdict(), emoji=emoji)

    async def edit(self, chat: str, of: Reference, text: str) -> str:
        """Edits a text that this user wrote. Raises CannotWrite for any other message."""
        message = self._store.message(chat, of)
        if of.user != self._user or message is None or message.kind != "text":
            raise CannotWrite("you can edit only what you wrote")
        if message.deleted:
            raise CannotWrite("it is deleted")
        return await self._change(chat, "edit", of=of._asdict(), text=text)

    async def delete(self, chat: str, of: Reference) -> str:
        """For everybody; only of what the user wrote."""
        if of.user != self._user:
            raise CannotWrite("you can delete only what you wrote")
        return await self._change(chat, "deletion", of=of._asdict())

    async def set_timer(self, chat: str, seconds: int) -> str:
        """What is written from now on disappears after that time; 0: it stays."""
        return await self._change(chat, "timer", seconds=seconds)

    async def set_name(self, chat: str, name: str | None) -> str:
        return await self._describe(chat, "chat_name", name=name)

    async def set_picture(self, chat: str, picture: str | None) -> str:
        """A JPEG, PNG or WebP in unpadded base64, of at most 5,400 bytes."""
        return await self._describe(chat, "chat_picture", picture=picture)

    async def set_profile(self, name: str | None, picture: str | None) -> None:
        """Whom the user has written to directly gets it; others with the first text or file."""
        before = self._store.saved_profile()
        at = max(int(time.time() * 1000), before.fields["at"] + 1 if before else 0)
        content = _content("profile", name=name, picture=picture, at=at)
        self._store.save_profile(content)
        for chat in self._store.chats():
            if self._is_direct(chat.chat) and not chat.left and self._store.wrote_in(chat.chat):
                await self._send(chat.chat, content, False)

    def profile(self, user: str) -> Profile:
        """A user's name and picture, as this device knows them."""
        if user != self._user:
            return read_profile(self._store.db, user)
        saved = self._store.saved_profile()
        fields = saved.fields if saved else {"name": None, "picture": None}
        return Profile(user, fields["name"], fields["picture"])

    async def repeat_for_newcomers(self, chat: str) -> None:
        """Sends name, picture and timer again: new members can't read messages from before."""
        for content in self._repeated(chat):
            await self._send(chat, content, False)

    async def repeat_for_device(self, device: str) -> None:
        """The same of all chats, and the own profile, for a new device of this user alone."""
        chats = [each.chat for each in self._store.chats() if not each.left]
        for chat in chats:
            for content in self._repeated(chat):
                self._send_to_device(chat, device, content)
        saved = self._store.saved_profile()
        # Where others have it: else the new device would think that they do.
        there = [chat for chat in chats if saved is not None and self._has_sent(chat, saved)]
        if saved is not None and there:
            self._send_to_device(there[0], device, saved)

    async def introduce_to(self, user: str, device: str) -> None:
        """Gives the own profile to a new device of somebody who has it, and to that alone."""
        saved = self._store.saved_profile()
        if saved is None:
            return
        for chat in (each.chat for each in self._store.chats() if user in each.members):
            if self._is_direct(chat) and self._has_sent(chat, saved):
                self._send_to_device(chat, f"{user}/{device}", saved)
                return

    def _has_sent(self, chat: str, profile: MessageContent) -> bool:
        own = (each for each in self._store.writings(chat, "profile") if each.user == self._user)
        return any(each.content.fields["at"] >= profile.fields["at"] for each in own)

    def _repeated(self, chat: str) -> list[MessageContent]:
        found = [newest(self._store.writings(chat, kind)) for kind in DESCRIBING]
        return [
            MessageContent(each.content.kind, {**each.content.fields, "at": min(at, each.seq)})
            for each in found
            if each is not None and each.seq is not None
            for at in (each.content.fields.get("at", each.seq),)
        ]

    def _is_direct(self, chat: str) -> bool:
        """To send a profile into; one whose kind isn't known yet and in which two are may be."""
        kind = self._store.kind(chat)
        return kind == "direct" or (kind is None and len(self._store.members(chat)) == 2)

    async def _describe(self, chat: str, kind: str, **fields: Any) -> str:
        if self._store.kind(chat) == "direct":
            raise CannotWrite("only a group has a name and a picture of its own")
        if not await self._may_name(chat):
            raise CannotWrite("only admins may change the name and the picture of this group")
        return await self._change(chat, kind, **fields)

    async def _change(self, chat: str, kind: str, **fields: Any) -> str:
        return await self._send(chat, _content(kind, **fields), False)


def _content(kind: str, **fields: Any) -> MessageContent:
    """Raises ValueError for a field that others would reject."""
    return _checked(MessageContent(kind, fields))


def _checked(content: MessageContent) -> MessageContent:
    read = parse({"v": VERSION, "kind": content.kind, **content.fields})
    if read.kind != content.kind:
        raise ValueError(f"this is no {content.kind.replace('_', ' ')} that can be sent")
    return read
