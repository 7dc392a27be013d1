"""Effects of messages that change something: other messages, chats, profiles; and expiry.

How a message is shown follows from what is stored (client/core/view.py). This module does what has
to be done at once: deleted and disappeared texts are removed from the store, and changes are
reported.
"""

from __future__ import annotations

from collections.abc import Callable

from client.core.content import MessageContent, Reference
from client.core.events import ChatDescribed, Event, MessageChanged, ProfileChanged
from client.core.step import Step
from client.core.view import view

DESCRIBING = ("timer", "chat_name", "chat_picture")


class Changes:
    def __init__(self, user: str, emit: Callable[[Event], None]) -> None:
        self._user, self._emit = user, emit

    def came(self, step: Step, chat: str, of: Reference, content: MessageContent) -> None:
        """This message can be read now, and is stored; perhaps what changes it was there before."""
        if content.target is not None:
            self._apply(step, chat, of.user, content, content.target)
        elif content.kind in DESCRIBING:
            self._emit(ChatDescribed(chat, content.kind, of.user))
        elif content.kind == "profile":
            if of.user == self._user:
                step.ledger.keep_profile(content)
            self._emit(ProfileChanged(of.user))
        elif view(of, step.ledger.changes(chat, of)).deleted:
            step.ledger.erase(chat, of, "deleted")

    def arrived(
        self, step: Step, chat: str, of: Reference, content: MessageContent, begins: float
    ) -> None:
        """The same of one that another device has sent; what disappears counts from `begins`."""
        self.came(step, chat, of, content)
        if content.expires is None:
            return
        place = step.ledger.place(chat, of)
        read = place is not None and (place.seq or 0) <= step.ledger.read_mark(chat)
        if of.user == self._user or read:
            step.ledger.count_from(chat, of, counted_from(step.time, begins, content.expires))

    def read(self, step: Step, chat: str, to: int) -> None:
        """The user has seen the chat up to there, here and now."""
        for of, _, _ in step.ledger.to_count(chat, to):
            step.ledger.count_from(chat, of, step.time)

    def read_elsewhere(self, step: Step, chat: str, to: int) -> None:
        """The same on another device, some time since it was sent."""
        for of, expires, sent_at in step.ledger.to_count(chat, to):
            step.ledger.count_from(chat, of, counted_from(step.time, sent_at, expires))

    def due(self, step: Step) -> None:
        """Removes what has disappeared by now."""
        for chat, of in step.ledger.expired(step.time):
            step.ledger.erase(chat, of, "expired")
            self._emit(MessageChanged(chat, *of, "expired", None))

    def next_due(self, step: Step) -> float | None:
        at = step.ledger.next_expiry()
        return None if at is None else step.now + max(0.0, at - step.time)

    def _apply(
        self, step: Step, chat: str, user: str, content: MessageContent, target: Reference
    ) -> None:
        place = step.ledger.place(chat, target)
        if place is None or (content.kind != "reaction" and user != target.user):
            return  # kept until it comes; or it has no effect, whatever comes
        if place.gone is not None:
            step.ledger.erase(chat, target, place.gone)  # what this says of it as well
        elif content.kind == "deletion":
            step.ledger.erase(chat, target, "deleted")
        self._emit(MessageChanged(chat, *target, content.kind, user))


def counted_from(now: float, sent_at: float, expires: float) -> float:
    """The time from which a text's time to live counts; `sent_at` is by another clock."""
    return now - min(max(now - sent_at, 0.0), expires)
