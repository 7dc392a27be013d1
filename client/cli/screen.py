"""The chat on a terminal: the conversation fills the screen, and its ticks change in place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from prompt_toolkit.application import Application, get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import BufferControl, FormattedTextControl, HSplit, Layout, Window
from prompt_toolkit.layout.processors import BeforeInput
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style
from prompt_toolkit.utils import get_cwidth

from client.chat_client import ChatClient
from client.cli.bubbles import Line, Notice, fitted, lay_out, wrap
from client.cli.text import LONGEST_LINE, one_line, visible
from client.core.events import MessageReadable, MessageReceived, StateChanged
from client.store.history import StoredMessage

SHOWN = 200  # messages; more with each scroll to the top
TYPING_SHOWN = 5.0
TYPING_EVERY = 1.0  # seconds between two calls of `typed`
UNDO_STEPS = 100
TOO_LONG = f"a line has at most {LONGEST_LINE:,} characters; send it in parts"
NOTICES_KEPT = 60

STYLE = Style.from_dict(
    {
        "header": "bg:#1f4d3d #ffffff",
        "header.presence": "#b8e0cf",
        "header.offline": "#ffcf9e",
        "own": "bg:#1c5442 #ffffff",
        "theirs": "bg:#3a3f44 #ffffff",
        "unreadable": "bg:#3a3f44 #b0b0b0 italic",
        "failed": "bg:#5a2430 #ffffff",
        "time": "#8a8f94",
        "tick": "#8a8f94",
        "tick.read": "#34b7f1 bold",
        "tick.failed": "#ff6b6b bold",
        "day": "#8a8f94 bold",
        "notice": "#8a8f94 italic",
        "problem": "#ffb86b",
        "code": "bg:#ffffff #000000",
        "name1": "#7fd1b9 bold",
        "name2": "#e0b15e bold",
        "name3": "#c792ea bold",
        "name4": "#82aaff bold",
        "name5": "#f78c6c bold",
        "rule": "#4a4f54",
        "prompt": "#7fd1b9 bold",
    }
)


class Entry(Buffer):
    """The typed line. It takes a character more than can be sent, and no text beyond that.

    A step of undo is a copy of the line: with one for each key, a long paste took gigabytes.
    """

    def __init__(self, rejected: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._rejected = rejected

    def insert_text(self, data: str, *arguments: Any, **options: Any) -> None:
        if len(self.text) + len(data) > LONGEST_LINE + 1:
            self._rejected()
        else:
            super().insert_text(data, *arguments, **options)

    def save_to_undo_stack(self, clear_redo_stack: bool = True) -> None:
        super().save_to_undo_stack(clear_redo_stack)
        del self._undo_stack[:-UNDO_STEPS]


class Screen:
    """A View that draws. `entered` gets each line; `typed` is called for keys pressed."""

    def __init__(
        self,
        client: ChatClient,
        entered: Callable[[str], None],
        typed: Callable[[], None],
        seen: Callable[[], None],
        *,
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self._client = client
        self._entered, self._typed, self._seen = entered, typed, seen
        self._chat: str | None = None
        self._title = f"Switchboard · {client.user}"
        self._presence, self._connection = "", "connecting"
        self._typing: str | None = None
        self._typing_ends: asyncio.TimerHandle | None = None
        self._notices: dict[str, list[Notice]] = {}
        self._limit, self._offset, self._furthest = SHOWN, 0, 0
        self._problem, self._progress = "", ""
        self._names: Sequence[str] = ()  # of the commands
        self._typed_at = -TYPING_EVERY
        self._buffer = Entry(
            lambda: self.problem(TOO_LONG),
            multiline=False,
            history=InMemoryHistory(),
            accept_handler=self._accept,
            on_text_changed=self._changed,
        )
        self.app: Application[None] = Application(
            layout=self._layout(),
            key_bindings=self._keys(),
            style=STYLE,
            full_screen=True,
            mouse_support=False,  # so that text can be marked and copied
            input=input,
            output=output,
        )

    # -- as a View

    @property
    def showing(self) -> bool:
        return self._offset == 0 and self.app.is_running

    def opened(self, chat: str, title: str, unread: list[StoredMessage]) -> None:
        self._chat, self._title = chat, one_line(title)
        self._limit, self._offset = SHOWN, 0
        self._notices.clear()
        self._typing = None
        self._redraw()

    def titled(self, title: str) -> None:
        self._title = one_line(title)
        self._redraw()

    def received(self, message: MessageReceived) -> None:
        self._typing = None
        self._redraw()

    def readable(self, message: MessageReadable) -> None:
        self._redraw()

    def updated(self, message: StoredMessage) -> None:
        self._redraw()

    def offers(self, names: Sequence[str]) -> None:
        self._names = names

    def wrote(self) -> None:
        self._offset = 0
        self._redraw()

    def changed(self, event: StateChanged) -> None:
        self._redraw()

    def history(self, messages: list[StoredMessage]) -> None:
        self.notice("PageUp and PageDown go through the conversation")

    def typing(self, user: str) -> None:
        self._typing = one_line(user)
        if self._typing_ends is not None:
            self._typing_ends.cancel()
        loop = asyncio.get_running_loop()
        self._typing_ends = loop.call_later(TYPING_SHOWN, self._typing_over)
        self._redraw()

    def presence(self, text: str) -> None:
        self._presence = one_line(text)
        self._redraw()

    def connection(self, text: str) -> None:
        self._connection = one_line(text)
        self._redraw()

    def progress(self, text: str) -> None:
        self._progress = one_line(text)
        self._redraw()

    def code(self, rows: list[str]) -> None:
        self._note(tuple(rows))

    def notice(self, text: str) -> None:
        self._note(visible(text))

    def _note(self, text: Notice) -> None:
        newest = self._client.messages.history(self._chat, 1) if self._chat else []
        anchor = newest[-1].message_id if newest else ""
        kept = self._notices.setdefault(anchor, [])
        kept.append(text)
        del kept[:-NOTICES_KEPT]
        self._redraw()

    def problem(self, text: str) -> None:
        self._problem = visible(text)
        self._redraw()

    def returned(self, line: str) -> bool:
        if not self._buffer.text:  # else the next one is being typed; the up key brings this one
            self._buffer.document = Document(line[: LONGEST_LINE + 1])
        return True

    # -- drawing

    def _layout(self) -> Layout:
        prompt = BeforeInput([("class:prompt", "› ")])
        control = BufferControl(self._buffer, input_processors=[prompt])
        body = Window(FormattedTextControl(self._conversation, show_cursor=False))
        entry = Window(control, height=lambda: self._entry_rows(), wrap_lines=True)
        rows = [
            Window(FormattedTextControl(self._header), height=1, style="class:header"),
            body,
            Window(FormattedTextControl(self._foot), height=lambda: self._foot_rows()),
            entry,
        ]
        return Layout(HSplit(rows), focused_element=entry)

    def _entry_rows(self) -> int:
        width = max(get_app().output.get_size().columns - 2, 1)
        return min(6, 1 + len(self._buffer.text) // width)

    def _header(self) -> StyleAndTextTuples:
        """The title, what the other user does, and the connection if it is not open; a text that is
        too long is cut after a word.
        """
        beside = self._presence
        if self._typing is not None:  # a direct chat has their name as its title
            beside = "is typing…" if self._typing == self._title else f"{self._typing} is typing…"
        offline = "" if self._connection == "online" else f"({self._connection})"
        parts: StyleAndTextTuples = []
        left = get_app().output.get_size().columns
        for style, text in (
            ("bold", f" {self._title}"),
            ("class:header.presence", f" {beside}" if beside else ""),
            ("class:header.offline", f"  {offline}" if offline else ""),
        ):
            fitting = fitted(text, left)
            left -= get_cwidth(fitting)
            parts.append((style, fitting))
        return parts

    def _foot_rows(self) -> int:
        return len(self._problem_rows()) or 1

    def _problem_rows(self) -> list[str]:
        columns = get_app().output.get_size().columns
        return wrap(self._problem, max(8, columns - 4)) if self._problem else []

    def _foot(self) -> StyleAndTextTuples:
        if self._problem:
            return [("class:problem", " ! " + "\n   ".join(self._problem_rows()))]
        columns = get_app().output.get_size().columns
        if self._progress:
            return [("class:notice", f" {self._progress}"[:columns].ljust(columns))]
        if self._offset:
            return [("class:notice", " newer messages below: PageDown".ljust(columns))]
        return [("class:rule", "─" * columns)]

    def _lines(self) -> list[Line]:
        columns = get_app().output.get_size().columns
        messages = self._client.messages.history(self._chat, self._limit) if self._chat else []
        return lay_out(
            messages, self._client.user, columns, self._notices, group=self._named(messages)
        )

    def _named(self, messages: list[StoredMessage]) -> bool:
        """Whether names of senders are shown: not in a chat where only one other user can have
        written.
        """
        senders = {message.sender for message in messages} - {self._client.user}
        others = self._client.chats.others(self._chat) if self._chat else []
        return len(senders) > 1 or (len(others) == 1 and not senders.issubset(others))

    def _conversation(self) -> StyleAndTextTuples:
        """The rows that fit, up to the last one or as far above it as was scrolled."""
        lines, rows = self._lines(), self._rows()
        self._furthest = max(0, len(lines) - rows)
        self._offset = min(self._offset, self._furthest)
        end = len(lines) - self._offset
        shown = lines[max(0, end - rows) : end]
        fragments: StyleAndTextTuples = [("", "\n")] * (rows - len(shown))
        for number, line in enumerate(shown):
            fragments += [("", "\n")] if number else []
            fragments += line
        return fragments

    def _rows(self) -> int:
        around = 1 + self._foot_rows() + self._entry_rows()
        return max(1, get_app().output.get_size().rows - around)

    def _redraw(self) -> None:
        self.app.invalidate()

    # -- keys

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("c-d")
        @keys.add("c-c")
        def _(event: KeyPressEvent) -> None:
            self._entered("/quit")

        @keys.add("tab")
        def _(event: KeyPressEvent) -> None:
            self._complete(self._buffer.text)

        @keys.add("pageup")
        def _(event: KeyPressEvent) -> None:
            self._offset += max(1, self._rows() - 2)
            if self._offset >= self._furthest:
                self._limit += SHOWN  # the drawing finds out how many there are

        @keys.add("pagedown")
        def _(event: KeyPressEvent) -> None:
            self._offset = max(0, self._offset - max(1, self._rows() - 2))
            if self._offset == 0:
                self._seen()

        return keys

    def _complete(self, line: str) -> None:
        """As much of a command's name as is clear; of several, what they are."""
        if not line.startswith("/") or " " in line:
            return
        fitting = [f"/{name}" for name in sorted(self._names) if name.startswith(line[1:])]
        if not fitting:
            return
        first, last = fitting[0], fitting[-1]  # what these have in common, all have
        ends = (at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
        more = first[: next(ends, len(first))] + (" " if len(fitting) == 1 else "")
        self._buffer.document = Document(more)
        self.problem("" if len(fitting) == 1 else "  ".join(fitting))

    def _accept(self, buffer: Buffer) -> bool:
        self._problem = ""
        self._entered(buffer.text)
        return False  # the line is emptied

    def _changed(self, _: Any) -> None:
        now = time.monotonic()
        text = self._buffer.text
        if text and not text.startswith("/") and now >= self._typed_at + TYPING_EVERY:
            self._typed_at = now
            self._typed()

    def _typing_over(self) -> None:
        self._typing = None
        self._redraw()
