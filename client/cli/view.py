"""The interface of what the command line shows; one implementation for terminals, one for pipes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from client.core.events import MessageReadable, MessageReceived, StateChanged
from client.store.history import StoredMessage


class View(Protocol):
    @property
    def showing(self) -> bool:
        """The newest messages of the open chat are where the user sees them."""

    def opened(self, chat: str, title: str, unread: list[StoredMessage]) -> None:
        """Shows this chat from now on."""

    def titled(self, title: str) -> None:
        """The open chat has another title now."""

    def received(self, message: MessageReceived) -> None:
        """In the open chat."""

    def readable(self, message: MessageReadable) -> None:
        """A message of the open chat that was waited for."""

    def updated(self, message: StoredMessage) -> None:
        """A message of the open chat has changed: edited, deleted, with another reaction."""

    def offers(self, names: Sequence[str]) -> None:
        """The names of the commands, for completing a part of one."""

    def wrote(self) -> None:
        """An own message was added to the open chat."""

    def returned(self, line: str) -> bool:
        """A typed line was not taken. True: the user has it again, to enter it once more."""

    def changed(self, event: StateChanged) -> None:
        """An own message of the open chat reached a state."""

    def history(self, messages: list[StoredMessage]) -> None: ...

    def typing(self, user: str) -> None: ...

    def presence(self, text: str) -> None:
        """Shows the presence of the others in the open chat."""

    def connection(self, text: str) -> None:
        """How the connection is now."""

    def code(self, rows: list[str]) -> None:
        """A QR code in half blocks: what is drawn is to be dark, on a light ground."""

    def progress(self, text: str) -> None:
        """The progress of a file's upload or download; empty when there is none."""

    def notice(self, text: str) -> None: ...

    def problem(self, text: str) -> None: ...
