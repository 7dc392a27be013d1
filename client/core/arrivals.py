"""What becomes of one message that is taken: shown, kept waiting, filled in, or let pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from client.core.cipher import Cipher, Copy, Hidden, Text, Unreadable
from client.core.events import ControlReceived, Event, MessageReadable, MessageReceived
from client.core.frames import Message
from client.core.ids import is_shown
from client.core.ledger import Ledger
from client.core.ticks import State


class Place(NamedTuple):
    """Where messages wait: None stands for any."""

    sender: str
    device: str | None
    chat: str | None


class Arrivals:
    """`own_state`: how far an own message at that seq of a chat has come, with the others.

    `ask_at`: when to ask for one that can't be read. Everything inside one transaction.
    """

    def __init__(
        self,
        user: str,
        ledger: Ledger,
        cipher: Cipher,
        emit: Callable[[Event], None],
        own_state: Callable[[str, int], State],
        ask_at: Callable[[], float],
    ) -> None:
        self._user, self._ledger, self._cipher, self._emit = user, ledger, cipher, emit
        self._own_state, self._ask_at = own_state, ask_at

    def take(self, message: Message) -> None:
        """Stores and tells it, unless it is a second copy (rule 2)."""
        sender, device = message.sender, message.sender_device
        if self._ledger.has(message.chat, sender, device, message.message_id):
            return
        match self._cipher.open(message):
            case Text(text=text):
                self._show(message, text)
            case Copy() as copy:
                self._ledger.add_hidden(message, keep=False)
                self._copied(message, copy)
            case Hidden() as hidden:
                self._ledger.add_hidden(message, keep=False)
                place = self._hidden(message, hidden)
                if place is not None:
                    self.reopen(*place)
            case Unreadable() as why if is_shown(message.message_id):
                # Not lost: it keeps its place with its payload, and the user sees that it is there.
                self._show(message, None, why)
            case Unreadable(held=held):
                self._ledger.add_hidden(message, keep=held)

    def reopen(self, sender: str, device: str | None = None, chat: str | None = None) -> None:
        """What could not be opened of this sender may be by now."""
        places = {Place(sender, device, chat)}
        while places:
            # A key that is found opens what waits in a pass of its own: this one's list is old.
            waiting = self._ledger.waiting(*places.pop())
            places |= {place for message in waiting if (place := self._try_again(message))}

    def _try_again(self, message: Message) -> Place | None:
        """Where a key came for, if it was one."""
        match self._cipher.open(message):
            case Text(text=text):
                self._fill(message, message.message_id, text)
            case Copy() as copy:
                self._ledger.opened_hidden(message)
                self._copied(message, copy)
            case Hidden() as hidden:
                self._ledger.opened_hidden(message)
                return self._hidden(message, hidden)
            case Unreadable(reason=reason, ask=ask) if is_shown(message.message_id):
                self._ledger.wait(message, reason, self._ask_at() if ask else None)
            case Unreadable(held=False):
                self._ledger.opened_hidden(message)
        return None

    def _show(self, message: Message, text: str | None, why: Unreadable | None = None) -> None:
        own = message.sender == self._user
        reason = why.reason if why else None
        ask_at = self._ask_at() if why and why.ask else None
        state = self._own_state(message.chat, message.seq) if own else None
        self._ledger.add(message, text, state, reason, ask_at)
        self._emit(
            MessageReceived(
                message.chat,
                message.seq,
                message.message_id,
                message.sender,
                message.sender_device,
                message.sent_at,
                text,
                own,
                reason,
            )
        )

    def _copied(self, message: Message, copy: Copy) -> None:
        """Into the place of the text it is a copy of; in its own where that never came."""
        sender, device = message.sender, message.sender_device
        if self._fill(message, copy.of, copy.text):
            return
        if not self._ledger.has(message.chat, sender, device, copy.of):
            place = replace(message, message_id=copy.of, sent_at=copy.sent_at)
            self._show(place, copy.text)

    def _fill(self, message: Message, message_id: str, text: str) -> bool:
        """True if a message of the same sender waited for it."""
        chat, sender, device = message.chat, message.sender, message.sender_device
        filled = self._ledger.fill(chat, sender, device, message_id, text)
        if filled is None:
            return False
        own = sender == self._user
        self._emit(
            MessageReadable(chat, filled.seq, message_id, sender, device, filled.sent_at, text, own)
        )
        return True

    def _hidden(self, message: Message, hidden: Hidden) -> Place | None:
        """Passes on what is for others; where a key came for, if it was one."""
        chat, sender, device = message.chat, message.sender, message.sender_device
        if hidden.kind == "room_key":
            return Place(sender, device, chat)
        if hidden.kind not in ("request", ""):
            self._emit(ControlReceived(chat, sender, device, hidden.kind, hidden.fields))
        return None
