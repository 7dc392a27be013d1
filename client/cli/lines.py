"""The chat for pipes and scripts: a line in, a line out.

raju: hi            a message in the open chat
raju: (waiting ...  one that can't be read yet, and why
raju (earlier): hi  one that was waited for
sent 3 hello        an own message was accepted at position 3
delivered 3         all others have it
read 3              all others have read it
failed hello: ...   it was refused
* text              a notice
! text              something went wrong
█▀▀ ▄               a QR code, of half blocks
"""

from __future__ import annotations

import asyncio
import codecs
import os
import threading
from collections.abc import AsyncIterator, Callable

from client.cli.qr import coloured
from client.cli.text import history_line, one_line
from client.core.events import MessageReadable, MessageReceived, StateChanged
from client.core.ticks import State
from client.store.history import StoredMessage


class Lines:
    """A View that writes lines."""

    showing = True

    def __init__(self, write: Callable[[str], None], *, colours: bool = False) -> None:
        self._write, self._colours = write, colours

    def opened(self, chat: str, title: str, unread: list[StoredMessage]) -> None:
        self._write(f"* chat with {title}")
        for message in unread:
            self._write(f"{message.sender}: {one_line(message.text, message.reason)}")

    def titled(self, title: str) -> None:
        self._write(f"* chat with {title}")

    def received(self, message: MessageReceived) -> None:
        self._write(f"{message.sender}: {one_line(message.text, message.reason)}")

    def readable(self, message: MessageReadable) -> None:
        self._write(f"{message.sender} (earlier): {one_line(message.text)}")

    def wrote(self) -> None:
        pass  # `sent` reports it

    def changed(self, event: StateChanged) -> None:
        match event.state:
            case State.SENT:
                self._write(f"sent {event.seq} {one_line(event.text)}")
            case State.DELIVERED | State.READ:
                self._write(f"{event.state.name.lower()} {event.seq}")
            case State.FAILED:
                self._write(f"failed {one_line(event.text)}: {event.reason}")
            case State.WAITING:
                pass

    def history(self, messages: list[StoredMessage]) -> None:
        for message in messages:
            self._write(history_line(message))

    def typing(self, user: str) -> None:
        self._write(f"* {user} is typing")

    def presence(self, text: str) -> None:
        pass  # /who reports it

    def connection(self, text: str) -> None:
        self._write(f"* {text}")

    def code(self, rows: list[str]) -> None:
        for row in rows:
            self._write(coloured(row) if self._colours else row)

    def notice(self, text: str) -> None:
        self._write(f"* {text}")

    def problem(self, text: str) -> None:
        self._write(f"! {text}")


async def input_lines(descriptor: int = 0) -> AsyncIterator[str]:
    """Lines of standard input, until it ends. It may be anything: a pipe, a file, a terminal."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def notify(line: str | None) -> None:
        loop.call_soon_threadsafe(lines.put_nowait, line)

    # A daemon, and with no buffer of Python's: a read that never returns must not hold up the exit
    threading.Thread(target=_read, args=(descriptor, notify), daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line


def _read(descriptor: int, notify: Callable[[str | None], None]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    rest = ""
    try:
        while chunk := os.read(descriptor, 65536):
            *lines, rest = (rest + decoder.decode(chunk)).split("\n")
            for line in lines:
                notify(line)
        if rest:
            notify(rest)
        notify(None)
    except (OSError, RuntimeError):
        return  # the descriptor or the loop is gone: so is whoever listened
