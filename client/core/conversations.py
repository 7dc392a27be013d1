"""The chats of this device: messages taken in order, acceptances, watermarks, read marks.

Everything here happens inside one step. Events are collected, and published by the caller once
that step is on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from client.core.arrivals import Arrivals
from client.core.chat_log import ChatLog, holes
from client.core.events import Event, MessagesMissing, WatermarksMoved
from client.core.frames import Accepted, KeysLow, Message, Ranges, Receipt, SyncedChat, Watermarks
from client.core.ids import is_shown, is_written
from client.core.membership import Membership
from client.core.own_messages import OwnMessages
from client.core.receipts import ReceiptPlan
from client.core.step import Step


@dataclass(frozen=True, slots=True)
class OwnPlace:
    """An own message stands at this position; `accepted` said so."""

    message_id: str


Entry = Message | OwnPlace


class Conversations:
    def __init__(
        self,
        user: str,
        own: OwnMessages,
        membership: Membership,
        arrivals: Arrivals,
        receipts: ReceiptPlan,
        emit: Callable[[Event], None],
    ) -> None:
        self._user, self._own, self._membership = user, own, membership
        self._arrivals, self._receipts, self._emit = arrivals, receipts, emit
        self.logs: dict[str, ChatLog[Entry]] = {}
        self.left: set[str] = set()  # where the user is no longer; what was written there stays
        self._read: dict[str, int] = {}
        self._held: set[str] = set()
        self._waiting: set[str] = set()  # chats with a text that is still to be asked for
        self._gone: dict[str, Ranges] = {}  # expired positions above the watermark
        self._renewed: set[str] = set()  # chats, on this connection

    def restore(self, step: Step) -> None:
        for position in step.ledger.read_positions():
            self.logs[position.chat] = ChatLog(position.watermark)
            self._read[position.chat] = position.read
            if position.left:
                self.left.add(position.chat)
            if position.waits is not None:
                self._waiting.add(position.chat)

    def opened(self) -> None:
        self._renewed.clear()

    def is_outdated(self, step: Step, chat: str) -> None:
        """Called when the backend has more of this device than the store, which is an older copy or
        a new one. Its ratchets may have been used since, so they encrypt nothing more. This is
        found before the first text of a connection is sealed. One-time keys that were uploaded
        since are missing as well.
        """
        if chat not in self._renewed:
            self._renewed.add(chat)
            if step.cipher.renew(chat):
                self._emit(KeysLow(remaining=0, fallback_used=True))

    def log(self, step: Step, chat: str) -> ChatLog[Entry]:
        if chat not in self.logs:
            step.ledger.open_chat(chat)
            self.logs[chat] = ChatLog()
            self._read[chat] = 0
        return self.logs[chat]

    def leave(self, step: Step, chat: str) -> None:
        log = self.log(step, chat)
        log.highest = log.watermark  # there will be nothing to fetch
        self.left.add(chat)
        self._receipts.forget(chat)
        step.ledger.set_gone(chat, True)

    def is_in(self, step: Step, chat: str) -> None:
        if chat in self.left:
            self.left.discard(chat)
            step.ledger.set_gone(chat, False)

    def watermarks(self) -> dict[str, int]:
        return {chat: log.watermark for chat, log in self.logs.items()}

    # -- positions

    def message(self, step: Step, message: Message) -> None:
        log = self.log(step, message.chat)
        before = log.watermark
        taken = log.offer(message.seq, message, self._ready(step))
        self._take(step, message.chat, before, taken)

    def accepted(self, step: Step, frame: Accepted) -> None:
        own = step.ledger.own(frame.message_id)
        if own is not None and own.chat == frame.chat:
            members = self._membership.members(step, frame.chat)
            self._own.placed(step, own, frame.seq, frame.sent_at, members)
        elif self._own.queued_in(frame.message_id) == frame.chat:
            self._own.unqueue(step, frame.message_id)
        else:
            return
        log = self.log(step, frame.chat)
        before = log.watermark
        taken = log.offer(frame.seq, OwnPlace(frame.message_id), self._ready(step))
        self._take(step, frame.chat, before, taken)

    def complete(self, step: Step, chat: str, place: SyncedChat) -> None:
        """Nothing else at or below `complete_to` will appear: steps over what is not here."""
        log = self.log(step, chat)
        before = log.watermark
        self._gone[chat] = tuple(
            (first, min(last, place.complete_to))
            for first, last in place.missing
            if first <= place.complete_to
        )
        self._take(step, chat, before, log.complete(place.complete_to, self._ready(step)))

    def resume(self, step: Step) -> bool:
        """Takes messages that were held until their sender's keys were known. True if any was
        taken.
        """
        moved = False
        for chat in sorted(self._held):
            log = self.logs[chat]
            before = log.watermark
            self._take(step, chat, before, log.resume(self._ready(step)))
            moved |= log.watermark > before
        return moved

    @property
    def held(self) -> bool:
        """Whether a message waits until its sender's keys are known."""
        return bool(self._held)

    # -- members

    def receipt(self, step: Step, frame: Receipt) -> None:
        self.log(step, frame.chat)
        self._membership.undelivered(step, frame.chat, frame.undelivered)
        self._membership.receipt(step, frame)
        self._read_elsewhere(step, frame.chat)

    def synced_members(self, step: Step, chat: str, place: SyncedChat) -> None:
        self._membership.request_is(step, chat, place.request)
        self._membership.undelivered(step, chat, place.undelivered)
        self._membership.synced(step, chat, place.members, place.seq)
        self._read_elsewhere(step, chat)

    def members_are(self, step: Step, chat: str, members: Iterable[str]) -> None:
        """Stores the members that a REST response lists, which has no watermarks."""
        marks = {user: Watermarks() for user in members}
        self._membership.listed(step, chat, marks, self.log(step, chat).highest)
        self._read_elsewhere(step, chat)

    def adding(self, step: Step, chat: str, users: Collection[str]) -> None:
        """This device is about to add them: nothing that is there or sealed by now is for them."""
        step.ledger.adding(chat, users, self.log(step, chat).highest)

    # -- reading

    def read(self, step: Step, chat: str, seq: int) -> None:
        """The user has seen everything in `chat` up to `seq`, here."""
        log, before = self.log(step, chat), self._read[chat]
        seq = min(seq, log.watermark)
        if seq <= before:
            return
        self._read[chat] = seq
        step.ledger.set_read(chat, seq)
        self._arrivals.changes.read(step, chat, seq)
        senders = step.ledger.senders(chat, before, seq, besides=self._user)
        self._report(step, chat, senders)

    def report_readable(self, step: Step) -> None:
        """Reports texts as delivered that waited and are readable now, or given up."""
        for chat in sorted(self._waiting):
            before, after = self._receipts.delivered(chat), self._readable(step, chat)
            if after > before:
                self._report(step, chat, step.ledger.senders(chat, before, after, self._user))

    def _report(self, step: Step, chat: str, senders: Collection[str]) -> None:
        top = self._readable(step, chat)
        if chat in self.left:
            return  # there is nobody to notify
        marks = Watermarks(top, min(self._read[chat], top))
        members = len(self._membership.members(step, chat))
        self._receipts.moved(chat, step.now, marks, senders, members)

    def _readable(self, step: Step, chat: str) -> int:
        """The seq up to which every text can be read, or will not be requested again."""
        waits, watermark = step.ledger.first_waiting(chat), self.logs[chat].watermark
        if waits is None or waits > watermark:
            self._waiting.discard(chat)
            return watermark
        self._waiting.add(chat)
        return waits - 1

    def _read_elsewhere(self, step: Step, chat: str) -> None:
        """Another device of this user may have shown it."""
        mine = self._membership.members(step, chat).get(self._user, Watermarks())
        if mine.read > self._read[chat]:
            self._read[chat] = mine.read
            step.ledger.set_read(chat, mine.read)
            self._arrivals.changes.read_elsewhere(step, chat, mine.read)
            self._emit(WatermarksMoved(chat, self._user, mine.delivered, mine.read))

    # -- taking

    def _ready(self, step: Step) -> Callable[[Entry], bool]:
        def ready(entry: Entry) -> bool:
            return not isinstance(entry, Message) or self._arrivals.known(step, entry)

        return ready

    def _take(self, step: Step, chat: str, before: int, taken: list[tuple[int, Entry]]) -> None:
        log = self.logs[chat]
        senders = set()
        for seq, entry in taken:
            if isinstance(entry, Message):
                self._take_message(step, seq, entry)
                senders.add(entry.sender)
            if is_shown(entry.message_id) and self._is_own(entry):
                self._membership.request_is(step, chat, False)
        if log.held is None:
            self._held.discard(chat)
        else:
            self._held.add(chat)
        if log.watermark == before:
            return
        gone = self._gone.get(chat, ())
        for first, last in holes(before, log.watermark, {seq for seq, _ in taken}, gone):
            step.ledger.add_missing(chat, first, last)
            self._emit(MessagesMissing(chat, first, last))
        step.ledger.set_watermark(chat, log.watermark)
        others = senders - {self._user}
        self._report(step, chat, others)

    def _is_own(self, entry: Entry) -> bool:
        """This user sent it, on any device."""
        return isinstance(entry, OwnPlace) or entry.sender == self._user

    def _take_message(self, step: Step, seq: int, message: Message) -> None:
        """Takes a message; one that this device wrote itself is not opened, but gets its place
        (rule 3).
        """
        if self._own.wrote(message):
            written = step.ledger.own(message.message_id)
            if written is not None:
                if written.chat == message.chat:
                    members = self._membership.members(step, message.chat)
                    self._own.placed(step, written, seq, message.sent_at, members)
                return
            if not is_written(message.message_id):
                self._own.unqueue(step, message.message_id)
                return
            self.is_outdated(step, message.chat)
        self._arrivals.take(step, message)
