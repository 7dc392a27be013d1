"""What frames do to the chats: messages taken in order, acceptances, watermarks, ticks.

Everything here happens inside one transaction of the ledger. Events are collected and told by
the caller once that transaction is on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from client.core.chat_log import ChatLog, holes
from client.core.events import (
    DevicesMissing,
    Event,
    MessageReceived,
    MessagesMissing,
    StateChanged,
    WatermarksMoved,
)
from client.core.frames import Accepted, Message, Receipt, SyncedChat, Watermarks
from client.core.ledger import Ledger, Own
from client.core.ticks import State, reached, stage, stages
from client.crypto.cipher import Cipher, CipherError


@dataclass(frozen=True, slots=True)
class OwnPlace:
    """An own message stands at this position; `accepted` said so."""

    message_id: str


Entry = Message | OwnPlace


@dataclass(frozen=True, slots=True)
class Moved:
    """The watermarks of this device in `chat` are now these; `senders` are to be told."""

    chat: str
    delivered: int
    read: int
    senders: frozenset[str]


class Conversations:
    def __init__(
        self,
        user: str,
        device: str,
        ledger: Ledger,
        cipher: Cipher,
        emit: Callable[[Event], None],
        accepted: Callable[[str], None],
        moved: Callable[[Moved], None],
    ) -> None:
        self._user, self._device = user, device
        self._ledger, self._cipher = ledger, cipher
        self._emit, self._accepted, self._moved = emit, accepted, moved
        self._members: dict[str, dict[str, Watermarks]] = {}
        places = ledger.places()
        self.logs = {place.chat: ChatLog[Entry](place.watermark) for place in places}
        self._read = {place.chat: place.read for place in places}

    def log(self, chat: str) -> ChatLog[Entry]:
        if chat not in self.logs:
            self._ledger.open_chat(chat)
            self.logs[chat] = ChatLog()
            self._read[chat] = 0
        return self.logs[chat]

    def watermarks(self) -> dict[str, int]:
        return {chat: log.watermark for chat, log in self.logs.items()}

    def place(self, chat: str) -> Watermarks:
        return Watermarks(self.log(chat).watermark, self._read[chat])

    def message(self, message: Message) -> None:
        log = self.log(message.chat)
        self._take(message.chat, log.offer(message.seq, message))

    def accepted(self, frame: Accepted) -> None:
        own = self._ledger.own(frame.message_id)
        if own is None or own.chat != frame.chat:
            return
        self._place_own(own, frame.seq, frame.sent_at)
        log = self.log(frame.chat)
        self._take(frame.chat, log.offer(frame.seq, OwnPlace(frame.message_id)))
        if frame.missing or frame.stale:
            # With a payload for each device, `missing` ones have to be sent the message again:
            # the encryption layer listens to this event.
            self._emit(DevicesMissing(frame.chat, frame.message_id, frame.missing, frame.stale))

    def complete(self, chat: str, place: SyncedChat) -> None:
        """Nothing else at or below `complete_to` will appear: steps over what is not here."""
        log = self.log(chat)
        before = log.watermark
        taken = log.complete(place.complete_to)
        for first, last in holes(before, place.complete_to, {s for s, _ in taken}, place.missing):
            self._ledger.add_missing(chat, first, last)
            self._emit(MessagesMissing(chat, first, last))
        self._take(chat, taken, watermark_before=before)

    def receipt(self, frame: Receipt) -> None:
        marks = Watermarks(max(frame.delivered, frame.read), frame.read)
        self._raise_members(frame.chat, {frame.user: marks}, replace=False)

    def synced_members(self, chat: str, place: SyncedChat) -> None:
        if place.members:
            self._raise_members(chat, dict(place.members), replace=True)

    def members_are(self, chat: str, members: Iterable[str]) -> None:
        """As a REST answer says; it has no watermarks."""
        marks = {user: Watermarks() for user in members}
        self._raise_members(chat, marks, replace=True)

    def members(self, chat: str) -> dict[str, Watermarks]:
        if chat not in self._members:
            self.log(chat)
            self._members[chat] = self._ledger.members(chat)
        return self._members[chat]

    def read(self, chat: str, seq: int) -> None:
        """The user has seen everything in `chat` up to `seq`, here."""
        log, before = self.log(chat), self._read[chat]
        seq = min(seq, log.watermark)
        if seq <= before:
            return
        self._read[chat] = seq
        self._ledger.set_read(chat, seq)
        senders = self._ledger.senders(chat, before, seq, besides=self._user)
        self._moved(Moved(chat, log.watermark, seq, frozenset(senders)))

    def failed(self, message_id: str, reason: str) -> None:
        own = self._ledger.own(message_id)
        if own is None:
            return
        self._ledger.unqueue(message_id)
        self._accepted(message_id)
        if own.state is State.WAITING:
            self._ledger.set_state(message_id, State.FAILED, reason)
            failed = StateChanged(own.chat, message_id, None, State.FAILED, own.text, reason)
            self._emit(failed)

    def _take(
        self, chat: str, taken: list[tuple[int, Entry]], watermark_before: int | None = None
    ) -> None:
        log = self.logs[chat]
        senders = set()
        for seq, entry in taken:
            if isinstance(entry, Message):
                self._take_message(seq, entry)
                senders.add(entry.sender)
        if taken or (watermark_before is not None and log.watermark > watermark_before):
            self._ledger.set_watermark(chat, log.watermark)
            told = frozenset(senders - {self._user})
            self._moved(Moved(chat, log.watermark, self._read[chat], told))

    def _take_message(self, seq: int, message: Message) -> None:
        """Stores and tells it, unless it is a second copy (rule 2) or this device wrote it."""
        sender, device = message.sender, message.sender_device
        own = sender == self._user
        if own and device == self._device:
            written = self._ledger.own(message.message_id)
            if written is not None:
                if written.chat == message.chat:
                    self._place_own(written, seq, message.sent_at)
                return
        elif self._ledger.position(message.chat, sender, device, message.message_id) is not None:
            return
        text = self._open(message)
        everyone = reached(self.members(message.chat), self._user)
        self._ledger.add(message, text, stage(seq, everyone) if own else None)
        self._emit(
            MessageReceived(
                message.chat, seq, message.message_id, sender, device, message.sent_at, text, own
            )
        )

    def _open(self, message: Message) -> str | None:
        try:
            return self._cipher.open(message)
        except CipherError:
            # Not lost: it keeps its place with its payload, and the user sees that it is there.
            return None

    def _place_own(self, own: Own, seq: int, sent_at: float) -> None:
        """`accepted`, or met in a sync (rule 3). Of two copies the first position counts."""
        self._ledger.unqueue(own.message_id)
        self._accepted(own.message_id)
        if own.seq is not None and own.seq <= seq:
            return
        self._ledger.place_own(own.message_id, seq, sent_at)
        state = max(own.state, stage(seq, reached(self.members(own.chat), self._user)))
        self._ledger.set_state(own.message_id, state)
        told = stages(own.state, state) or [state]  # moved to its first copy: tell the new seq
        for reaches in told:
            self._emit(StateChanged(own.chat, own.message_id, seq, reaches, own.text))

    def _raise_members(self, chat: str, marks: dict[str, Watermarks], *, replace: bool) -> None:
        known = self.members(chat)
        after = {} if replace else dict(known)
        for user, new in marks.items():
            old = known.get(user, Watermarks())
            after[user] = Watermarks(max(old.delivered, new.delivered), max(old.read, new.read))
        if after == known:
            return
        self._members[chat] = after
        if replace:
            self._ledger.set_members(chat, after)
        else:
            for user in marks:
                self._ledger.set_member(chat, user, after[user])
        self._tell_watermarks(chat, known, after)

    def _tell_watermarks(
        self, chat: str, before: dict[str, Watermarks], after: dict[str, Watermarks]
    ) -> None:
        for user, marks in after.items():
            if marks == before.get(user, Watermarks()):
                continue
            if user == self._user:
                self._read_elsewhere(chat, marks.read)
            else:
                self._emit(WatermarksMoved(chat, user, marks.delivered, marks.read))
        everyone = reached(after, self._user)
        for own in self._ledger.unread_own(chat, max(everyone.delivered, everyone.read)):
            if own.seq is None:
                continue
            state = stage(own.seq, everyone)
            for reaches in stages(own.state, state):
                self._ledger.set_state(own.message_id, reaches)
                self._emit(StateChanged(chat, own.message_id, own.seq, reaches, own.text))

    def _read_elsewhere(self, chat: str, read: int) -> None:
        """Another device of this user has shown it."""
        if read > self._read[chat]:
            self._read[chat] = read
            self._ledger.set_read(chat, read)
