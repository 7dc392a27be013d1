"""The commands about files: /file, /save and /uploads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from client.chat_client import ChatClient
from client.cli.text import bytes_of, one_line, sentence
from client.cli.view import View
from client.core.attachment import Attachment, FileDescription, safe_name
from client.core.picture import may_be_drawn
from client.errors import ClientError
from client.store.history import StoredMessage

HELP = """\
/file PATH             sends a file; a JPEG, PNG, WebP or GIF goes as a picture
/save N [PATH]         saves the file of a message, here or at PATH; /history shows its number N
/uploads [stop]        lists your files that are not uploaded yet, or stops the last of them"""

MOST = 1 << 30  # bytes; a file is read at once, and the backend's limit is lower


class Attaching:
    def __init__(
        self, client: ChatClient, view: View, find: Callable[[str], tuple[StoredMessage, str]]
    ) -> None:
        """`find` returns the message of a typed number, and the text after the number."""
        self._client, self._view, self._find = client, view, find

    def commands(self, chat: Callable[[], str]) -> dict[str, Callable[[str], Awaitable[None]]]:
        """`chat` gives the open one."""

        async def send(rest: str) -> None:
            await self._send(chat(), rest)

        return {"file": send, "save": self._save, "uploads": self._uploads}

    async def _send(self, chat: str, rest: str) -> None:
        if not rest:
            raise ClientError("/file PATH: the file that you send")
        name, content = await asyncio.to_thread(_read, rest)
        await self._client.messages.send_file(chat, content, FileDescription(name=name))
        self._view.notice(f"{one_line(name)} is encrypted, and goes out when it is uploaded")

    async def _save(self, rest: str) -> None:
        message, where = self._find(rest)
        file = message.content.file if message.content else None
        if file is None:
            raise ClientError("there is no file in that message; /history shows which have one")

        def progress(done: int, size: int) -> None:
            self._view.progress(f"fetching {file.name}: {100 * done // size} %")

        try:
            content = await self._client.messages.fetch_file(message.chat, file, progress)
        finally:
            self._view.progress("")
        saved = await asyncio.to_thread(_write, content, file, where)
        self._view.notice(f"saved as {one_line(str(saved))}")
        if file.kind == "picture" and not may_be_drawn(content):
            self._view.notice("it is no picture that this client knows, or has very many pixels")

    async def _uploads(self, rest: str) -> None:
        waiting = self._client.messages.uploads()
        if rest not in ("", "stop"):
            raise ClientError("/uploads, or /uploads stop")
        if not waiting:
            self._view.notice("no file waits for its upload")
        elif rest:
            name = waiting[-1].content["file"]["name"]
            stopped = self._client.messages.cancel_upload(waiting[-1].message_id)
            self._view.notice(f"{name} is {'not sent' if stopped else 'sent already'}")
        else:
            for upload in waiting:
                name = upload.content["file"]["name"]
                self._view.notice(f"{name}, {bytes_of(upload.size)}, waits for its upload")


def _read(file: str) -> tuple[str, bytes]:
    """Name and content. Raises ClientError for what can't be sent."""
    path = Path(file)
    try:
        path = path.expanduser()
        if path.stat().st_size > MOST:
            raise ClientError(f"{path} is too large: a file has at most {bytes_of(MOST)}")
        content = path.read_bytes()
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: no home folder
        raise ClientError(f"{path} can't be read: {sentence(error)}") from error
    if not content:
        raise ClientError(f"{path} is empty")
    return path.name, content


def _write(content: bytes, file: Attachment, where: str) -> Path:
    """Replaces nothing: with a folder, or without `where`, another name is found.

    Raises ClientError.
    """
    to = Path(where)
    try:
        to = to.expanduser()
        names = _names(to / safe_name(file.name)) if to.is_dir() else [to]
        for path in names:
            try:
                with path.open("xb") as opened:  # nor is a link followed
                    opened.write(content)
            except FileExistsError:
                continue
            return path
    except (OSError, ValueError, RuntimeError) as error:
        raise ClientError(f"{to} can't be written: {sentence(error)}") from error
    raise ClientError(f"{names[-1]} is there already, and is not replaced")


def _names(path: Path) -> list[Path]:
    """report.pdf, report (1).pdf, and so on."""
    more = (path.with_name(f"{path.stem} ({number}){path.suffix}") for number in range(1, 1_000))
    return [path, *more]
