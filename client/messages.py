"""Messages of a client: texts, files, read marks, typing and whose presence is watched."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from client.chats import ChatMethods
from client.core.attachment import Attachment, FileDescription
from client.core.content import MessageContent, Reference
from client.core.engine import Engine
from client.core.ids import ulid
from client.core.step import Step
from client.errors import NotAMember
from client.files import Draft
from client.store.uploads import Upload
from client.transfer import Progress


class MessageMethods(ChatMethods):
    """The part of ChatClient for messages."""

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
        self,
        chat: str,
        attachment: Attachment,
        progress: Progress = lambda done, size: None,
    ) -> bytes:
        """The file of a message, checked. Raises FileGone, FileDamaged, Unreachable."""
        return await self._files.fetch(chat, attachment, progress)

    def mark_read(self, chat: str, seq: int) -> None:
        """The user has seen the chat up to `seq`. The senders are notified."""
        self._drive().step(Engine.mark_read, chat, seq)

    def typing(self, chat: str) -> None:
        """May be called on every key: it is sent once in a while."""
        self._drive().step(Engine.typing, chat)

    def watch(self, users: Iterable[str]) -> None:
        """PresenceChanged events for these users from now on."""
        self._drive().step(Engine.watch, set(users))

    @property
    def unaccepted(self) -> int:
        """How many own messages the backend has not accepted yet, files among them."""
        return self._drive().engine.unaccepted + len(self._store.uploads())

    def _uploaded(self, upload: Upload, content: Mapping[str, Any]) -> None:
        if self._drive().engine.left(upload.chat):
            raise NotAMember
        message = MessageContent("file", content)

        def write(engine: Engine, step: Step) -> None:
            if self._store.remove_upload(upload.message_id):  # else it was cancelled
                engine.send(step, upload.message_id, upload.chat, message)

        self._drive().step(write)
