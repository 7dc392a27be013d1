"""Receipts: the watermarks that this device reports, fewer of them in larger chats (rule 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from client.core import frames
from client.core.frames import Watermarks
from client.core.ledger import ReadPosition
from client.core.settings import Settings
from client.core.step import Step


@dataclass(slots=True)
class _Chat:
    delivered: int = 0
    read: int = 0
    sent: Watermarks = field(default_factory=Watermarks)  # on this connection
    senders: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)  # in receipts that may not have arrived
    since: float | None = None  # the first change that is not sent yet
    members: int = 2
    share: float = 0.0  # of the interval that the change waits
    sent_at: float = float("-inf")
    force: bool = False

    @property
    def dirty(self) -> bool:
        return self.force or self.delivered > self.sent.delivered or self.read > self.sent.read


class ReceiptPlan:
    def __init__(self, settings: Settings, random: Random) -> None:
        self._settings, self._random = settings, random
        self._chats: dict[str, _Chat] = {}
        self._dirty: set[str] = set()
        self._sent_at_ping: dict[str, Watermarks] = {}
        self._online = False
        self._not_before = float("-inf")  # until then the backend asked to wait

    def opened(self, confirmed: Mapping[str, Watermarks]) -> None:
        """Repeats receipts on a new connection: they have no response, so those of the last
        connection may be lost.
        """
        self._online = True
        self._sent_at_ping.clear()
        for chat, state in self._chats.items():
            state.sent = confirmed.get(chat, Watermarks())
            state.since = None
            state.named.clear()
            self._dirty.discard(chat)

    def closed(self) -> None:
        self._online = False

    def moved(
        self, chat: str, now: float, marks: Watermarks, senders: Iterable[str], members: int
    ) -> None:
        """The watermarks of `chat` are now these; `senders` wrote what they moved over."""
        state = self._chats.setdefault(chat, _Chat())
        state.delivered = max(state.delivered, marks.delivered)
        state.read = max(state.read, marks.read)
        state.senders.update(senders)
        state.members = members
        self._mark(chat, state, now)

    def delivered(self, chat: str) -> int:
        """Up to where this device has, or will have, reported the chat as delivered."""
        state = self._chats.get(chat)
        return state.delivered if state is not None else 0

    def repeat(self, chat: str, now: float) -> None:
        """The server's marks of this device are behind, so a receipt was lost, also for the senders
        that it named: repeats it.
        """
        state = self._chats.get(chat)
        if state is not None and (state.delivered or state.read):
            state.force = True
            state.senders |= state.named
            self._mark(chat, state, now)

    def forget(self, chat: str) -> None:
        """The user is no member any more: there is nobody to notify."""
        self._chats.pop(chat, None)
        self._dirty.discard(chat)

    def report_again(self, step: Step, position: ReadPosition, user: str) -> None:
        """Marks for repetition what the server may not have: nothing sent after it was confirmed.
        `user` is this device's own, who is not notified.
        """
        known, marks = position.reported, position.readable
        if marks.delivered <= known.delivered and marks.read <= known.read:
            return
        after = known.delivered if marks.read <= known.read else known.read
        after = min(after, known.delivered)
        senders = step.ledger.senders(position.chat, after, marks.delivered, user)
        members = len(step.ledger.members(position.chat))
        self.moved(position.chat, step.now, marks, senders, members)

    def failed(self, step: Step, retry_after: float | None) -> None:
        """The server could not take one of them now, and the error does not say which."""
        self.wait_until(step.now + (retry_after or 0.0))
        for position in step.ledger.read_positions():
            if position.readable != position.reported:
                self.repeat(position.chat, step.now)

    def wait_until(self, time: float) -> None:
        """Sends no receipt before that time: the backend asked to wait."""
        self._not_before = time

    def pinged(self) -> None:
        """Notes the receipts that the pong will confirm; not those whose other parts are not sent
        yet.
        """
        whole = {chat: state for chat, state in self._chats.items() if not state.force}
        self._sent_at_ping = {chat: state.sent for chat, state in whole.items()}

    def confirmed(self, step: Step) -> None:
        """A pong says that what was sent before the ping has arrived."""
        reported = {position.chat: position.reported for position in step.ledger.read_positions()}
        for chat, marks in self._sent_at_ping.items():
            state = self._chats.get(chat)
            if state is not None and state.sent is marks:  # a later part has the same marks
                state.named.clear()
            if chat in reported and reported[chat] != marks:
                step.ledger.set_reported(chat, marks)
        self._sent_at_ping.clear()

    def next_due(self) -> float | None:
        if not self._online:
            return None
        return min((self._due_at(self._chats[chat]) for chat in self._dirty), default=None)

    def due(self, now: float, *, everything: bool = False) -> list[dict[str, Any]]:
        """The frames to send now; `everything`: without waiting, because the client closes."""
        if not self._online:
            return []
        ready = [
            chat for chat in self._dirty if everything or self._due_at(self._chats[chat]) <= now
        ]
        return [self._frame(chat, now) for chat in sorted(ready)]

    def _mark(self, chat: str, state: _Chat, now: float) -> None:
        if state.dirty:
            self._dirty.add(chat)
            if state.since is None:
                state.since = now
                # all members get a message at the same moment: their receipts are spread
                state.share = self._random.uniform(0.5, 1.0) if state.members > 2 else 0.0

    def _due_at(self, state: _Chat) -> float:
        settings = self._settings
        interval = self._interval(state)
        delay = max(settings.receipt_delay, interval * state.share)
        if not state.senders and not state.force:
            delay = settings.quiet_receipt_delay
        since = state.since if state.since is not None else 0.0
        return max(since + delay, state.sent_at + interval, self._not_before)

    def _interval(self, state: _Chat) -> float:
        settings = self._settings
        interval = settings.receipt_per_member * min(state.members, settings.receipt_members)
        if state.members > settings.receipt_large_group:
            interval *= 2
        if state.read > state.sent.read:
            interval /= 2
        return max(interval, settings.receipt_per_member * 2)

    def _frame(self, chat: str, now: float) -> dict[str, Any]:
        state = self._chats[chat]
        named = sorted(state.senders)[: self._settings.receipt_senders]
        frame = frames.receipt(chat, state.delivered, state.read, named)
        state.sent = Watermarks(state.delivered, state.read)
        state.named |= {*named}
        state.senders.difference_update(named)
        state.since, state.sent_at = None, now
        state.force = bool(state.senders)  # the next receipt names the other senders
        self._dirty.discard(chat)
        self._mark(chat, state, now)
        return frame
