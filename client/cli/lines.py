"""The chat for pipes and scripts: a line in, a line out.

raju: hi            a message in the open chat
raju: (waiting ...  one that can't be read yet, and why
raju (earlier): hi  one that was waited for
sent 3 hello        an own message was accepted at position 3
delivered 3         all others have it
read 3              all others have read it
failed hello: ...   it was rejected
~ 3 raju: hi (edi.. a message of the open chat is another now: /history shows it like that
* text              a notice
! text              something went wrong
█▀▀ ▄               a QR code, of half blocks
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence

from client.cli.qr import coloured
from client.cli.text import LONGEST_LINE, history_line, one_line, shown, why
from client.core.events import MessageReadable, MessageReceived, StateChanged
from client.core.ticks import State
from client.store.history import StoredMessage


class Lines:
    """A View that writes lines. Texts of others can neither send control characters to the terminal
    nor begin a line of their own.
    """

    showing = True

    def __init__(self, write: Callable[[str], None], *, colours: bool = False) -> None:
        self._out, self._colours = write, colours

    def _write(self, line: str) -> None:
        self._out(one_line(line))

    def opened(self, chat: str, title: str, unread: list[StoredMessage]) -> None:
        self._write(f"* chat with {title}")
        for message in unread:
            self._write(f"{message.sender}: {one_line(shown(message))}")

    def titled(self, title: str) -> None:
        self._write(f"* chat with {title}")

    def received(self, message: MessageReceived) -> None:
        self._write(f"{message.sender}: {one_line(message.text, message.reason)}")

    def readable(self, message: MessageReadable) -> None:
        self._write(f"{message.sender} (earlier): {one_line(message.text)}")

    def updated(self, message: StoredMessage) -> None:
        self._write(f"~ {history_line(message)}")

    def offers(self, names: Sequence[str]) -> None:
        pass  # nobody types them here

    def wrote(self) -> None:
        pass  # `sent` reports it

    def returned(self, line: str) -> bool:
        return False  # the program that wrote it into a pipe can't take it back

    def changed(self, event: StateChanged) -> None:
        if not event.text and event.state is not State.FAILED:
            return  # a name or a timer: `~` and the notices report those
        match event.state:
            case State.SENT:
                self._write(f"sent {event.seq} {one_line(event.text)}")
            case State.DELIVERED | State.READ:
                self._write(f"{event.state.name.lower()} {event.seq}")
            case State.FAILED:
                self._write(f"failed {one_line(event.text)}: {one_line(why(event.reason or ''))}")
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

    def progress(self, text: str) -> None:
        pass  # the end of it is a notice

    def code(self, rows: list[str]) -> None:
        for row in rows:
            self._out(coloured(row) if self._colours else row)

    def notice(self, text: str) -> None:
        self._write(f"* {text}")

    def problem(self, text: str) -> None:
        self._write(f"! {text}")


class InputLines:
    """Lines of standard input, until it ends. It may be anything: a pipe, a file, a terminal.

    `ended` is set as soon as there is nothing more to read, also while lines still wait.
    """

    def __init__(self, descriptor: int = 0) -> None:
        self.ended = asyncio.Event()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def notify(line: str | None) -> None:
            loop.call_soon_threadsafe(self._read, line)

        # A daemon, and with no buffer of Python's: a read that never returns must not hold up the
        # exit.
        threading.Thread(target=_read, args=(descriptor, notify), daemon=True).start()

    async def __aiter__(self) -> AsyncIterator[str]:
        while (line := await self._lines.get()) is not None:
            yield line

    def _read(self, line: str | None) -> None:
        self._lines.put_nowait(line)
        if line is None:
            self.ended.set()


def _read(descriptor: int, notify: Callable[[str | None], None]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    rest = ""
    try:
        while chunk := os.read(descriptor, 65536):
            first, *others = decoder.decode(chunk).split("\n")
            # A character more than a line may have shows that it is too long. The rest is dropped:
            # with each chunk, all of it would be copied again.
            rest += first[: LONGEST_LINE + 1 - len(rest)]
            for other in others:
                notify(rest)
                rest = other[: LONGEST_LINE + 1]
    except RuntimeError:
        return  # the event loop has ended, and with it the reader
    except OSError:
        pass  # the terminal is gone, and nothing more will come
    with contextlib.suppress(RuntimeError):
        if rest:
            notify(rest)
        notify(None)
