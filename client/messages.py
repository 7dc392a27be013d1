"""Messages of a client: texts, files, the history, read marks and typing."""

from __future__ import annotations

import time
from collections.abc import Mapping

from client.chats import Chats
from client.core.attachment import Attachment, FileDescription
from client.core.content import Reference
from client.core.engine import Engine
from client.core.ids import ulid
from client.core.ticks import State, stage
from client.errors import NotAMember
from client.files import Draft
from client.store.history import StoredMessage
from client.store.uploads import Upload
from client.this_device import ThisDevice
from client.transfer import Progress
from client.writing import Writing


class Messages:
    def __init__(self, device: ThisDevice, chats: Chats, writing: Writing) -> None:
        self._device, self._chats, self._writing = device, chats, writing

    async def send(
        self,
        chat: str,
        text: str,
        *,
        reply: Reference | None = None,
        urgent: bool = True,
    ) -> str:
        """As `ChatClient.send`."""
        if not text:
            raise ValueError("an empty text is no message")
        text.encode()  # a lone surrogate could never be sent
        chat = await self._chats.id_of(chat)
        return await self._writing.text(chat, text, reply=reply, urgent=urgent)

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
        chat = await self._chats.id_of(chat)
        if self._device.driver.engine.left(chat):
            raise NotAMember
        message_id = ulid(int(time.time() * 1000), self._device.random)
        more = {"reply": reply._asdict()} if reply else {}
        more |= self._writing.describe_file(chat)
        await self._device.files.add(Draft(message_id, chat, content, described, more))
        return message_id

    def uploads(self) -> list[Upload]:
        """Own files whose message is not written yet, in the order of sending."""
        return self._device.store.uploads()

    def cancel_upload(self, message_id: str) -> bool:
        """False if it is too late: the message is written."""
        return self._device.files.cancel(message_id)

    async def fetch_file(
        self,
        chat: str,
        attachment: Attachment,
        progress: Progress = lambda done, size: None,
    ) -> bytes:
        """The file of a message, checked. Raises FileGone, FileDamaged, Unreachable."""
        return await self._device.files.fetch(chat, attachment, progress)

    def history(self, chat: str, limit: int = 50, before: int | None = None) -> list[StoredMessage]:
        """The newest messages in order, below seq `before` if that is given."""
        _ = self._device.driver  # removes what has disappeared since
        return self._device.store.history(chat, limit, before)

    def get(self, chat: str, of: Reference) -> StoredMessage | None:
        """One message of the history, if it is there and shown."""
        return self._device.store.message(chat, of)

    def unread(self, chat: str) -> list[StoredMessage]:
        """What others wrote and nobody has marked read."""
        _ = self._device.driver
        return self._device.store.unread(chat)

    @property
    def unaccepted(self) -> int:
        """How many own messages the backend has not accepted yet, files among them."""
        return self._device.driver.engine.unaccepted + len(self._device.store.uploads())

    def states(self, chat: str, seq: int) -> Mapping[str, State]:
        """How far an own message is with each of the others, as far as this device knows.

        Members who joined later are left out: their marks do not concern it.
        """
        store = self._device.store
        hidden = store.undelivered(chat)
        return {
            user: stage(seq, marks, hidden)
            for user, marks in store.members(chat).items()
            if user != self._device.user and seq > (store.member_after(chat, user) or 0)
        }

    def mark_read(self, chat: str, seq: int) -> None:
        """The user has seen the chat up to `seq`. The senders are notified."""
        self._device.driver.step(Engine.mark_read, chat, seq)

    def typing(self, chat: str) -> None:
        """May be called on every key: it is sent once in a while."""
        self._device.driver.step(Engine.typing, chat)
