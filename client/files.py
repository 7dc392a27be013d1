"""Files of a device: the uploads that wait, and the download of a message's file.

A file is encrypted once and stored before the network is asked, so that it survives a restart. Its
message is written when the upload is done, in the same transaction that removes it from here.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from client.api import Api
from client.core.attachment import (
    Attachment,
    FileDescription,
    FileKind,
    described,
    guess_file_type,
    kind_of,
    written,
)
from client.core.bodies_generated import FileResponse
from client.core.events import Event, FileFailed, FileProgress
from client.core.liveness import Backoff
from client.core.picture import may_be_drawn
from client.core.settings import Settings
from client.crypto.files import open_file, seal, sealed_size
from client.errors import (
    ApiError,
    ClientError,
    MessageTooLarge,
    NotAMember,
    ServerFault,
    StoreUnavailable,
    Unreachable,
)
from client.store.store import Store
from client.store.uploads import Upload
from client.transfer import Progress, Rejected, Transfer

DOWNLOADS = 5  # tries of one file, each going on where the one before ended
SIGNATURES = 3  # forms that are asked for, for one file, before it is given up
FORM_MARGIN = 60.0  # seconds; a form that expires sooner is not used again
# What the backend says of a file alone, which will be the same next time. All else passes: the
# account may be disabled for a while, and a firewall or load balancer rejects what is sound.
FINAL_CODES = frozenset({"too_large", "not_found"})
logger = logging.getLogger("client")

Send = Callable[[Upload, Mapping[str, Any]], bool]
"""Writes the message of an upload and removes the upload. False where it was cancelled."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A file to be sent; `more` are further fields of its message."""

    message_id: str
    chat: str
    content: bytes
    description: FileDescription
    more: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """The form of an upload, and when it was asked for (Unix time)."""

    message_id: str
    response: FileResponse
    at: float

    def serves(self, upload: Upload, now: float) -> bool:
        """False as well if the clock was set back, since the form's end is not known then."""
        age = now - self.at
        good = 0 <= age < self.response.expires_in - FORM_MARGIN
        return good and self.message_id == upload.message_id


async def _nothing(_chat: str) -> None:
    """What follows a written message, until `when_sent` names it."""


class Files:
    def __init__(
        self,
        api: Api,
        store: Store,
        settings: Settings,
        random: Random,
        send: Send,
        publish: Callable[[Event], None],
    ) -> None:
        self._api, self._store = api, store
        self._send, self._publish = send, publish
        self._sent: Callable[[str], Awaitable[None]] = _nothing
        self._settings, self._random = settings, random
        self._transfer = Transfer()
        self._backoff = Backoff(settings, random)
        self._wake = asyncio.Event()
        # The upload for which the backend allows no form for a while: only its end shortens that.
        self._limited: str | None = None
        self._freed = asyncio.Event()
        self._rejected: dict[str, int] = {}
        self._clock = time.time
        self._form: Form | None = None  # of the upload that was tried last
        self._sending: dict[str, asyncio.Future[None]] = {}  # by message id: one, at most

    def wake(self) -> None:
        """There is something to upload, or a network again."""
        self._wake.set()

    def when_sent(self, act: Callable[[str], Awaitable[None]]) -> None:
        """`act` is called with the chat of each message that was written."""
        self._sent = act

    async def close(self) -> None:
        await self._transfer.close()

    async def add(self, draft: Draft) -> None:
        """Encrypts a file and stores it for the upload."""
        content, description = draft.content, draft.description
        key = secrets.token_bytes(32)
        sealed = await asyncio.to_thread(seal, content, key)
        description = replace(description, kind=description.kind or _kind_of(description, content))
        attachment = described(description, len(content), _encoded(key), _encoded(sealed.digest))
        message: dict[str, Any] = {"file": written(attachment), **draft.more}
        if description.caption:
            message["text"] = description.caption
        with self._store.transaction():
            self._store.add_upload(draft.message_id, draft.chat, message, sealed.body)
        self.wake()

    def cancel(self, message_id: str) -> bool:
        """False if it is too late: the message is written."""
        with self._store.transaction():
            removed = self._store.remove_upload(message_id)
        if removed and message_id in self._sending:
            self._sending[message_id].cancel()
        if removed and message_id == self._limited:
            self._freed.set()
        return removed

    async def run(self) -> None:
        """Uploads what waits, one after another, until it is cancelled."""
        while True:
            self._wake.clear()
            self._freed.clear()
            pause: float | None = None
            try:
                waiting = self._store.uploads()
                if waiting and (pause := await self._upload(waiting[0])) is None:
                    self._backoff.connected()
                    continue
            except StoreUnavailable:
                pause = self._backoff.pause()
            with contextlib.suppress(TimeoutError):
                wake = self._wake if self._limited is None else self._freed
                async with asyncio.timeout(pause):
                    await wake.wait()
            self._limited = None

    async def _upload(self, upload: Upload) -> float | None:
        """Seconds to wait before the next try; None if it is done, or given up."""
        body = self._store.upload_body(upload.message_id)
        if body is None:
            return None
        try:
            form = await self._form_of(upload, len(body))
            if self._is_cancelled(upload) or not await self._put(upload, form, body):
                return None
            file = {**upload.content["file"], "id": form.file}
            written = self._send(upload, {**upload.content, "file": file})
        except ClientError as error:
            return None if self._is_cancelled(upload) else self._failed(upload, error)
        if written:
            with contextlib.suppress(ClientError):  # it goes with the next one
                await self._sent(upload.chat)
        return None

    async def _put(self, upload: Upload, form: FileResponse, body: bytes) -> bool:
        """False if the upload was cancelled: nothing more is sent from then on."""
        put = self._transfer.put(form.url, form.fields, body, self._progress_of(upload))
        sending = self._sending[upload.message_id] = asyncio.ensure_future(put)
        try:
            await asyncio.wait({sending})
        finally:  # also when this one is cancelled, with the whole client
            del self._sending[upload.message_id]
            sending.cancel()
        if sending.cancelled():
            return False
        sending.result()
        return True

    def _is_cancelled(self, upload: Upload) -> bool:
        return all(each.message_id != upload.message_id for each in self._store.uploads())

    def _failed(self, upload: Upload, error: ClientError) -> float | None:
        """Seconds to wait before the next try; None if it is given up."""
        if isinstance(error, ApiError) and error.code == "rate_limited":
            self._publish(FileFailed(upload.chat, upload.message_id, _reason(error), final=False))
            self._limited = None if error.retry_after is None else upload.message_id
            return error.retry_after or self._backoff.pause()
        if isinstance(error, Rejected):
            self._form = None
            tries = self._rejected[upload.message_id] = self._rejected.get(upload.message_id, 0) + 1
            if tries < SIGNATURES:
                return self._backoff.pause()
        elif not _is_final(error):
            logger.info("a file is not uploaded yet: %s", error)
            return self._backoff.pause()
        self._give_up(upload, error)
        return None

    async def _form_of(self, upload: Upload, size: int) -> FileResponse:
        """That of the last try, where it is still good: each form counts against the limits."""
        now = self._clock()
        if self._form is None or not self._form.serves(upload, now):
            response = await self._api.file_form(upload.chat, size)
            self._form = Form(upload.message_id, response, now)
        return self._form.response

    def _give_up(self, upload: Upload, error: ClientError) -> None:
        with self._store.transaction():
            self._store.remove_upload(upload.message_id)
        self._rejected.pop(upload.message_id, None)
        self._publish(FileFailed(upload.chat, upload.message_id, _reason(error), final=True))

    def _progress_of(self, upload: Upload) -> Progress:
        def report(done: int, size: int) -> None:
            self._publish(FileProgress(upload.chat, upload.message_id, done, size))

        return report

    async def fetch(self, chat: str, attachment: Attachment, progress: Progress) -> bytes:
        """The content, checked. After a lost connection only the missing bytes are fetched. Raises
        FileGone, FileDamaged, Unreachable, and other errors of the backend.
        """
        size, body = sealed_size(attachment.size), bytearray()
        backoff = Backoff(self._settings, self._random)
        for attempt in range(1, DOWNLOADS + 1):
            try:
                found = await self._api.file_url(chat, attachment.id)
                await self._transfer.get(found.url, body, size, progress)
                break
            except (Unreachable, ServerFault):
                if len(body) == size:
                    break  # lost after the last byte
                if attempt == DOWNLOADS:
                    raise
                await asyncio.sleep(backoff.pause())
        key, digest = (base64.b64decode(text + "=") for text in (attachment.key, attachment.digest))
        return await asyncio.to_thread(open_file, bytes(body), key, digest, attachment.size)


def _kind_of(description: FileDescription, content: bytes) -> FileKind:
    """The kind to send it as: a picture that nobody should decode is sent as a file."""
    kind = kind_of(description.type or guess_file_type(description.name))
    return "file" if kind == "picture" and not may_be_drawn(content) else kind


def _is_final(error: ClientError) -> bool:
    if isinstance(error, ApiError):
        return error.code in FINAL_CODES
    return isinstance(error, NotAMember | MessageTooLarge)


def _reason(error: ClientError) -> str:
    """As that of a message: the code of the protocol, and what was said."""
    match error:
        case ApiError():
            return f"{error.code}: {error.message}"
        case MessageTooLarge():
            return f"too_large: {error}"
        case NotAMember():
            return f"not_found: {error}"
    return f"internal: {error}"


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")
