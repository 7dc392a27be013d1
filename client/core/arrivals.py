"""The handling of arrived messages, in order: each is shown, stored until it can be read, or
ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from client.core.changes import Changes
from client.core.cipher import Copy, Hidden, Text, Unreadable
from client.core.content import MessageContent, Reference
from client.core.events import ControlReceived, Event, MessageReadable, MessageReceived
from client.core.frames import Message
from client.core.ids import is_shown, is_written
from client.core.key_requests import KeyRequests
from client.core.membership import Membership
from client.core.settings import Settings
from client.core.step import Step
from client.core.ticks import stage


class Waiting(NamedTuple):
    """Where messages wait: None stands for any."""

    sender: str
    device: str | None
    chat: str | None


class Arrivals:
    def __init__(
        self,
        user: str,
        membership: Membership,
        key_requests: KeyRequests,
        changes: Changes,
        settings: Settings,
        emit: Callable[[Event], None],
    ) -> None:
        self._user, self._membership, self._key_requests = user, membership, key_requests
        self.changes, self._settings, self._emit = changes, settings, emit

    def known(self, step: Step, message: Message) -> bool:
        """Whether enough is known to open it; if not, the sender's keys are requested first."""
        device = f"{message.sender}/{message.sender_device}"
        return step.cipher.knows(message) or self._key_requests.look_up(device, step.now)

    def take(self, step: Step, message: Message) -> None:
        """Stores it and reports it, unless it is a second copy (rule 2)."""
        sender, device = message.sender, message.sender_device
        if step.ledger.has(message.chat, sender, device, message.message_id):
            return
        match step.cipher.open(message):
            case Text(content=content):
                self._show(step, message, content)
            case Copy() as copy:
                step.ledger.add_hidden(message, keep=False)
                self._copied(step, message, copy)
            case Hidden() as hidden:
                step.ledger.add_hidden(message, keep=False)
                place = self._hidden(message, hidden)
                if place is not None:
                    self.reopen(step, *place)
            case Unreadable() as why if is_written(message.message_id):
                # The message is not lost: it stays in its place with its payload, and the user sees
                # that a text is there.
                self._show(step, message, None, why)
            case Unreadable(blocked=blocked):
                step.ledger.add_hidden(message, keep=blocked)

    def reopen(
        self, step: Step, sender: str, device: str | None = None, chat: str | None = None
    ) -> None:
        """Tries again to open the waiting messages of this sender."""
        places = {Waiting(sender, device, chat)}
        while places:
            # A key that is found starts a pass of its own over the waiting messages: the list of
            # this pass is outdated then.
            waiting = step.ledger.waiting(*places.pop())
            places |= {place for message in waiting if (place := self._try_again(step, message))}

    def _try_again(self, step: Step, message: Message) -> Waiting | None:
        """The device whose messages a key is for, if the message was a key."""
        match step.cipher.open(message):
            case Text(content=content):
                self._fill(step, message, message.message_id, content)
            case Copy() as copy:
                step.ledger.opened_hidden(message)
                self._copied(step, message, copy)
            case Hidden() as hidden:
                step.ledger.opened_hidden(message)
                return self._hidden(message, hidden)
            case Unreadable(reason=reason, ask=ask) if is_written(message.message_id):
                step.ledger.wait(message, reason, self._ask_at(step) if ask else None)
            case Unreadable(blocked=False):
                step.ledger.opened_hidden(message)
        return None

    def _show(
        self,
        step: Step,
        message: Message,
        content: MessageContent | None,
        why: Unreadable | None = None,
    ) -> None:
        own = message.sender == self._user
        reason = why.reason if why else None
        ask_at = self._ask_at(step) if why and why.ask else None
        everyone = self._membership.everyone(step, message.chat) if own else None
        hidden = step.ledger.undelivered(message.chat) if own else ()
        state = stage(message.seq, everyone, hidden) if everyone is not None else None
        step.ledger.add(message, content, state, reason, ask_at)
        of = _reference(message, message.message_id)
        if content is not None:
            self.changes.arrived(step, message.chat, of, content, message.sent_at)
        if not (content.shown if content else is_shown(message.message_id)):
            return
        place = step.ledger.place(message.chat, of)
        gone = place is not None and place.gone is not None
        text = None if content is None else "" if gone else content.text
        shown_id = is_shown(message.message_id)
        counts = content.counts(shown_id=shown_id) if content else shown_id
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
                content.kind if content else "text",
                counts and not gone,
            )
        )

    def _copied(self, step: Step, message: Message, copy: Copy) -> None:
        """Puts a copy into the place of its original text, or into its own place if the original
        never came.
        """
        sender, device = message.sender, message.sender_device
        if self._fill(step, message, copy.of, copy.content):
            return
        if not step.ledger.has(message.chat, sender, device, copy.of):
            place = replace(message, message_id=copy.of, sent_at=copy.sent_at)
            self._show(step, place, copy.content)

    def _fill(self, step: Step, message: Message, message_id: str, content: MessageContent) -> bool:
        """True if a message of the same sender waited for it."""
        chat, sender, device = message.chat, message.sender, message.sender_device
        filled = step.ledger.fill(chat, sender, device, message_id, content)
        if filled is None:
            return False
        of = _reference(message, message_id)
        # Nobody has seen it here, also if the chat was read further: the time until it disappears
        # begins now.
        begins = filled.sent_at if sender == self._user else step.time
        self.changes.arrived(step, chat, of, content, begins)
        if content.shown:
            place = step.ledger.place(chat, of)
            text = "" if place and place.gone else content.text
            own, kind = sender == self._user, content.kind
            sent = (message_id, sender, device, filled.sent_at)
            self._emit(MessageReadable(chat, filled.seq, *sent, text, own, kind))
        return True

    def _hidden(self, message: Message, hidden: Hidden) -> Waiting | None:
        """Handles a hidden message; returns whose messages can be opened now, if it was a key."""
        chat, sender, device = message.chat, message.sender, message.sender_device
        if hidden.kind == "room_key":
            return Waiting(sender, device, chat)
        if hidden.kind not in ("request", ""):
            self._emit(ControlReceived(chat, sender, device, hidden.kind, hidden.fields))
        return None

    def _ask_at(self, step: Step) -> float:
        """The time at which to ask the sender of a message that can't be read."""
        return step.time + self._settings.ask_after[0]


def _reference(message: Message, message_id: str) -> Reference:
    return Reference(f"{message.sender}/{message.sender_device}", message_id)
