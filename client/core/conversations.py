"""What frames do to the chats: messages taken in order, acceptances, watermarks, ticks.

Everything here happens inside one transaction of the ledger. Events are collected and told by
the caller once that transaction is on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from client.core.arrivals import Arrivals
from client.core.chat_log import ChatLog, holes
from client.core.cipher import Cipher
from client.core.events import (
    Event,
    MembersChanged,
    MessagesMissing,
    StateChanged,
    WatermarksMoved,
)
from client.core.frames import Accepted, Message, Ranges, Receipt, SyncedChat, Watermarks
from client.core.ids import is_shown
from client.core.ledger import Ledger, Own
from client.core.outbox import Outbox
from client.core.ticks import State, reached, stage, stages


@dataclass(frozen=True, slots=True)
class OwnPlace:
    """An own message stands at this position; `accepted` said so."""

    message_id: str


Entry = Message | OwnPlace

# Who came into a chat unnoticed is sent again what was written in the minute before it was noticed.
NOTICED_WITHIN = 60.0


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
        outbox: Outbox,
        moved: Callable[[Moved], None],
        known: Callable[[Message], bool],
        clock: Callable[[], float],
        ask_at: Callable[[], float],
    ) -> None:
        """`known`: whether it is known who sent a message; `ask_at`: when to ask for one.

        `clock` gives epoch seconds.
        """
        self._user, self._device = user, device
        self._ledger, self._outbox = ledger, outbox
        self._emit, self._moved, self._known, self._clock = emit, moved, known, clock
        self._arrivals = Arrivals(user, ledger, cipher, emit, self._own_state, ask_at)
        self.reopen = self._arrivals.reopen
        self._members: dict[str, dict[str, Watermarks]] = {}
        self._told: dict[str, float] = {}  # when the server last said who is in a chat
        self._held: set[str] = set()
        self._gone: dict[str, Ranges] = {}  # expired positions above the watermark
        places = ledger.places()
        self.logs = {place.chat: self._new_log(place.watermark) for place in places}
        self._read = {place.chat: place.read for place in places}

    def _new_log(self, watermark: int = 0) -> ChatLog[Entry]:
        def ready(entry: Entry) -> bool:
            return not isinstance(entry, Message) or self._known(entry)

        return ChatLog(watermark, ready=ready)

    def log(self, chat: str) -> ChatLog[Entry]:
        if chat not in self.logs:
            self._ledger.open_chat(chat)
            self.logs[chat] = self._new_log()
            self._read[chat] = 0
        return self.logs[chat]

    def watermarks(self) -> dict[str, int]:
        return {chat: log.watermark for chat, log in self.logs.items()}

    def place(self, chat: str) -> Watermarks:
        return Watermarks(self.log(chat).watermark, self._read[chat])

    def message(self, message: Message) -> None:
        log = self.log(message.chat)
        before = log.watermark
        self._take(message.chat, before, log.offer(message.seq, message))

    def accepted(self, frame: Accepted) -> None:
        own = self._ledger.own(frame.message_id)
        if own is not None and own.chat == frame.chat:
            self._place_own(own, frame.seq, frame.sent_at)
        elif self._outbox.chat_of(frame.message_id) == frame.chat:
            self._unqueue(frame.message_id)
        else:
            return
        log = self.log(frame.chat)
        before = log.watermark
        self._take(frame.chat, before, log.offer(frame.seq, OwnPlace(frame.message_id)))

    def complete(self, chat: str, place: SyncedChat) -> None:
        """Nothing else at or below `complete_to` will appear: steps over what is not here."""
        log = self.log(chat)
        before = log.watermark
        self._gone[chat] = tuple(
            (first, min(last, place.complete_to))
            for first, last in place.missing
            if first <= place.complete_to
        )
        self._take(chat, before, log.complete(place.complete_to))

    def resume(self) -> bool:
        """Takes what was held until it is known who sent it. True if anything moved."""
        moved = False
        for chat in sorted(self._held):
            log = self.logs[chat]
            before = log.watermark
            self._take(chat, before, log.resume())
            moved |= log.watermark > before
        return moved

    @property
    def held(self) -> bool:
        """Something that is here waits until it is known who sent it."""
        return bool(self._held)

    def receipt(self, frame: Receipt) -> None:
        """Says how far a member is, and never who is one."""
        marks = Watermarks(max(frame.delivered, frame.read), frame.read)
        self._raise_marks(frame.chat, {frame.user: marks})

    def synced_members(self, chat: str, place: SyncedChat, now: float | None) -> None:
        """`now` is None if they may have changed since they were asked about."""
        if now is None:
            self._raise_marks(chat, place.members)
        else:
            self._members_are(chat, place.members, place.seq, now)

    def members_are(self, chat: str, members: Iterable[str], now: float) -> None:
        """As a REST answer says; it has no watermarks."""
        marks = {user: Watermarks() for user in members}
        self._members_are(chat, marks, self.log(chat).highest, now)

    def adding(self, chat: str, users: Collection[str]) -> None:
        """This device is about to add them: nothing that is there or sealed by now is for them."""
        self._ledger.adding(chat, users, self.log(chat).highest)

    def members_changed(self, chat: str | None = None) -> None:
        """Of this chat, or perhaps of any: what was told is no longer true."""
        if chat is None:
            self._told.clear()
        else:
            self._told.pop(chat, None)

    def told_at(self, chat: str) -> float | None:
        """When the server last said, on this connection, who is in the chat."""
        return self._told.get(chat)

    def for_others(self, chat: str) -> bool:
        """A direct chat that is said to be somebody else's: nothing may be sent there."""
        told = self._ledger.kind(chat) == "direct" and self._ledger.members_told(chat)
        return told and self._ledger.pair(chat) is None

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
        self._unqueue(message_id)
        own = self._ledger.own(message_id)
        if own is None:
            return
        if own.state is State.WAITING:
            self._ledger.set_state(message_id, State.FAILED, reason)
            failed = StateChanged(own.chat, message_id, None, State.FAILED, own.text, reason)
            self._emit(failed)

    def _take(self, chat: str, before: int, taken: list[tuple[int, Entry]]) -> None:
        log = self.logs[chat]
        senders = set()
        for seq, entry in taken:
            if isinstance(entry, Message):
                self._take_message(seq, entry)
                senders.add(entry.sender)
        if log.held is None:
            self._held.discard(chat)
        else:
            self._held.add(chat)
        if log.watermark == before:
            return
        gone = self._gone.get(chat, ())
        for first, last in holes(before, log.watermark, {seq for seq, _ in taken}, gone):
            self._ledger.add_missing(chat, first, last)
            self._emit(MessagesMissing(chat, first, last))
        self._ledger.set_watermark(chat, log.watermark)
        told = frozenset(senders - {self._user})
        self._moved(Moved(chat, log.watermark, self._read[chat], told))

    def _take_message(self, seq: int, message: Message) -> None:
        """What this device wrote itself is not opened, but has its place now (rule 3)."""
        if (message.sender, message.sender_device) == (self._user, self._device):
            written = self._ledger.own(message.message_id)
            if written is not None:
                if written.chat == message.chat:
                    self._place_own(written, seq, message.sent_at)
                return
            if not is_shown(message.message_id):
                self._unqueue(message.message_id)
                return
        self._arrivals.take(message)

    def _own_state(self, chat: str, seq: int) -> State:
        return stage(seq, reached(self.members(chat), self._user))

    def _unqueue(self, message_id: str) -> None:
        self._ledger.unqueue(message_id)
        self._outbox.remove(message_id)

    def _place_own(self, own: Own, seq: int, sent_at: float) -> None:
        """`accepted`, or met in a sync (rule 3). Of two copies the first position counts."""
        self._unqueue(own.message_id)
        if own.seq is not None and own.seq <= seq:
            return
        self._ledger.place_own(own.message_id, seq, sent_at, self._clock())
        state = max(own.state, self._own_state(own.chat, seq))
        self._ledger.set_state(own.message_id, state)
        told = stages(own.state, state) or [state]  # moved to its first copy: tell the new seq
        for reaches in told:
            self._emit(StateChanged(own.chat, own.message_id, seq, reaches, own.text))

    def _members_are(self, chat: str, marks: Mapping[str, Watermarks], at: int, now: float) -> None:
        """These are all; `at` is the newest seq of the chat by then. An empty list says nothing."""
        if not marks:
            return
        self._told[chat] = now
        known = self.members(chat)
        others = self._ledger.pair(chat) is None and known.keys() != marks.keys()
        if others:
            told = self._ledger.members_told(chat)
            members = {user: known.get(user, Watermarks()) for user in marks}
            self._ledger.set_members(chat, members, self._clock() - NOTICED_WITHIN)
            self._members[chat] = members
            if told:
                joined, left = marks.keys() - known.keys(), known.keys() - marks.keys()
                self._emit(MembersChanged(chat, tuple(sorted(joined)), tuple(sorted(left))))
        self._ledger.members_seen(chat, at)
        self._raise_marks(chat, marks, others=others)

    def _raise_marks(
        self, chat: str, marks: Mapping[str, Watermarks], *, others: bool = False
    ) -> None:
        """Of those who are members; `others`: they are not the same as before."""
        known = self.members(chat)
        after = dict(known)
        for user in known.keys() & marks.keys():
            old, new = known[user], marks[user]
            after[user] = Watermarks(max(old.delivered, new.delivered), max(old.read, new.read))
            if after[user] != old:
                self._ledger.set_member(chat, user, after[user])
        if others or after != known:
            self._members[chat] = after
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
        for own in self._ledger.ticking(chat, everyone):
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
