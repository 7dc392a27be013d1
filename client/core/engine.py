"""The client between connections: what each frame, command and moment in time asks for.

The caller opens a transaction of the ledger, calls one or more inputs, commits, and then carries
out what `outputs` returns. A caller whose transaction fails drops the engine and builds a new one
from the ledger: the ledger is the truth, the engine a view of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from client.core import events, frames
from client.core.catch_up import CatchUp
from client.core.conversations import Conversations, Moved
from client.core.ledger import Ledger, Place
from client.core.liveness import Liveness
from client.core.outbox import Outbox
from client.core.receipts import ReceiptPlan
from client.core.settings import Settings
from client.core.syncing import SyncPlan
from client.crypto.cipher import Cipher, Sealed
from client.errors import MessageTooLarge

# Everything else that an error says of a message will be the same next time.
RETRYABLE = frozenset({"rate_limited", "internal"})
WATCH_LIMIT = 100  # users in one `watch` frame


@dataclass(frozen=True, slots=True)
class Transmit:
    """Send this frame on the open connection."""

    frame: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Drop:
    """Leave the open connection. `planned`: connect again at once; it was only its time."""

    reason: str
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """Leave the open connection and do not connect again."""


Output = Transmit | Drop | Stop | events.Event


class Engine:
    def __init__(
        self,
        user: str,
        device: str,
        ledger: Ledger,
        cipher: Cipher,
        random: Random,
        settings: Settings,
    ) -> None:
        self._user, self._device = user, device
        self._ledger, self._cipher, self._settings = ledger, cipher, settings
        self._outputs: list[Output] = []
        self._now = 0.0
        self._online = False
        self._opened_at = 0.0
        self._watched: set[str] = set()
        self._watch_at: float | None = None
        self._typed: dict[str, float] = {}
        self._told_at_ping: dict[str, frames.Watermarks] | None = None
        self._sync = SyncPlan(settings)
        self._outbox = Outbox(settings, random)
        self._receipts = ReceiptPlan(settings)
        self._liveness = Liveness(settings, random)
        self._chats = Conversations(
            user, device, ledger, cipher, self._outputs.append, self._outbox.remove, self._moved
        )
        self._catch_up = CatchUp(
            self._sync, self._chats, self._outbox, self._receipts, settings, self._outputs.append
        )
        for queued in ledger.queued():
            self._outbox.add(queued.message_id, queued.chat, queued.frame, maybe_sent=True)

    # -- what the caller asks

    @property
    def resumed(self) -> bool:
        """On this connection the server has answered for every chat."""
        return self._online and self._sync.resumed

    @property
    def unaccepted(self) -> int:
        return len(self._outbox)

    def knows(self, chat: str) -> bool:
        return chat in self._chats.logs

    def outputs(self) -> list[Output]:
        """What is to be done now that the transaction is on disk, in order."""
        done = self._outputs.copy()
        self._outputs.clear()
        return done

    def next_due(self) -> float | None:
        """When to call `due` at the latest, on the clock of the inputs."""
        if not self._online:
            return None
        times = [
            self._liveness.next_due(),
            self._sync.next_due(),
            self._outbox.next_due(self._may_resend(self._now)),
            None if self.resumed else self._opened_at + self._settings.resend_after,
            self._receipts.next_due(),
            self._watch_at,
        ]
        return min((at for at in times if at is not None), default=None)

    # -- the connection

    def opened(self, now: float) -> None:
        self._now, self._online, self._opened_at = now, True, now
        self._told_at_ping = None
        self._liveness.opened(now)
        self._sync.opened(now)
        self._catch_up.opened()
        self._outbox.opened()
        places = self._ledger.places()
        self._receipts.opened({place.chat: place.reported for place in places})
        for place in places:
            self._tell_again(place)
        self._watch_at = now if self._watched else None
        self._outputs.append(events.Connected())
        self.due(now)

    def closed(self, now: float) -> None:
        self._now, self._online = now, False
        self._liveness.closed()
        self._sync.closed()
        self._outbox.closed()
        self._receipts.closed()

    def closing(self, now: float) -> None:
        """The user leaves: says at once what would have waited for company."""
        self._transmit(self._receipts.due(now, everything=True))

    def due(self, now: float) -> None:
        self._now = now
        if not self._online:
            return
        if self._liveness.dead(now) or self._sync.expired(now):
            what = "ping" if self._liveness.dead(now) else "sync"
            self._outputs.append(Drop(f"no answer to {what}"))
            return
        if self._liveness.reconnect_due(now):
            self._transmit(self._receipts.due(now, everything=True))
            self._outputs.append(Drop("time to reconnect", planned=True))
            return
        asked = self._sync.due(now, self._chats.watermarks)
        self._transmit([asked] if asked else [])
        for entry in self._outbox.due(now, self._may_resend(now)):
            self._transmit([entry.frame])
            if entry.attempts > 1:
                self._liveness.probe(now)
        self._transmit(self._receipts.due(now))
        if self._watch_at is not None and now >= self._watch_at:
            self._watch(self._watched)
            self._watch_at = now + self._settings.watch_interval
        if self._liveness.ping_due(now):
            self._told_at_ping = self._receipts.told()
            self._transmit([frames.ping()])

    def received(self, frame: frames.ServerFrame, now: float) -> None:
        self._now = now
        self._liveness.heard()
        match frame:
            case frames.Message():
                self._message(frame)
            case frames.Accepted():
                self._chats.accepted(frame)
                self._catch_up.chase(frame.chat, now)
            case frames.Receipt():
                self._chats.receipt(frame)
                self._catch_up.met(frame.chat, frame.user)
            case frames.Synced():
                self._catch_up.synced(frame, now)
            case frames.Nudge():
                self._catch_up.nudged(frame, now)
            case frames.Error():
                self._error(frame)
            case frames.Pong():
                self._confirm_receipts()
            case frames.Displaced():
                self._outputs += [events.Displaced(), Stop()]
            case frames.Presence():
                seen = events.PresenceChanged(frame.user, frame.online, frame.last_seen)
                self._outputs.append(seen)
            case frames.Typing():
                self._outputs.append(events.TypingSeen(frame.chat, frame.user))
            case frames.DevicesChanged():
                self._outputs.append(events.DevicesChanged(frame.user))
            case frames.KeysLow():
                low = events.KeysLow(frame.remaining, frame.fallback_used)
                self._outputs.append(low)
        self.due(now)

    # -- commands

    def send(
        self,
        message_id: str,
        chat: str,
        text: str | None,
        now: float,
        *,
        devices: Sequence[str] = (),
        sealed: Sealed | None = None,
        urgent: bool = True,
    ) -> None:
        """Seals (unless `sealed` is given), stores and sends. Raises MessageTooLarge."""
        payloads = self._cipher.seal(chat, text or "", devices) if sealed is None else sealed
        frame = frames.send(message_id, chat, self._cipher.alg, payloads, urgent=urgent)
        size = len(frames.encode(frame).encode())
        if size > frames.SEND_LIMIT_BYTES:
            raise MessageTooLarge(size, frames.SEND_LIMIT_BYTES)
        self._chats.log(chat)
        alg = self._cipher.alg
        self._ledger.add_own(chat, message_id, self._user, self._device, text, alg)
        self._ledger.queue(message_id, chat, frame)
        self._outbox.add(message_id, chat, frame, maybe_sent=False)
        self.due(now)

    def mark_read(self, chat: str, seq: int, now: float) -> None:
        self._now = now
        self._chats.read(chat, seq)
        self.due(now)

    def chat_is(self, chat: str, members: Iterable[str]) -> None:
        """As a REST answer says."""
        self._chats.members_are(chat, members)

    def typing(self, chat: str, now: float) -> None:
        if self._online and now - self._typed.get(chat, -1e9) >= self._settings.typing_interval:
            self._typed[chat] = now
            self._transmit([frames.typing(chat)])

    def watch(self, users: Iterable[str], now: float) -> None:
        """Until the client ends; subscriptions are renewed before the server forgets them."""
        users = set(users)
        self._watched |= users
        if self._online and users:
            self._watch(users)
            if self._watch_at is None:
                self._watch_at = now + self._settings.watch_interval

    def sync(self, now: float) -> None:
        self._sync.want_all(now)
        self.due(now)

    # -- frames

    def _message(self, message: frames.Message) -> None:
        question = self._sync.question
        late = message.seq <= self._chats.log(message.chat).watermark
        if late and question is not None and question.chats is None:
            self._receipts.repeat(message.chat, self._now)  # the server has us further back
        self._chats.message(message)
        self._catch_up.chase(message.chat, self._now)
        self._catch_up.met(message.chat, message.sender)

    def _error(self, error: frames.Error) -> None:
        retryable = error.code in RETRYABLE
        if error.message_id is not None and error.message_id in self._outbox:
            if retryable:
                self._outbox.retry(error.message_id, self._now)
            else:
                self._chats.failed(error.message_id, f"{error.code}: {error.message}")
            return
        if error.action == "sync":
            self._catch_up.refused(retryable, self._now)
        elif error.action in ("receipt", None) and retryable:
            self._repeat_receipts()
        if error.message_id is None:
            self._outputs.append(events.ServerError(error.code, error.message, error.action))

    def _tell_again(self, place: Place) -> None:
        """What the server may not know: nothing that was sent after it has been answered."""
        known = place.reported
        if place.watermark > known.delivered or place.read > known.read:
            after = known.delivered if place.read <= known.read else known.read
            after = min(after, known.delivered)
            senders = self._ledger.senders(place.chat, after, place.watermark, self._user)
            self._receipts.moved(place.chat, self._now, place.watermark, place.read, senders)

    def _repeat_receipts(self) -> None:
        """One of them may be what was refused, and the error does not say which."""
        for place in self._ledger.places():
            if self._chats.place(place.chat) != place.reported:
                self._receipts.repeat(place.chat, self._now)

    def _confirm_receipts(self) -> None:
        """A pong says that what was sent before the ping has arrived."""
        told, self._told_at_ping = self._told_at_ping or {}, None
        reported = {place.chat: place.reported for place in self._ledger.places()}
        for chat, marks in told.items():
            self._receipts.arrived(chat, marks)
            if chat in reported and reported[chat] != marks:
                self._ledger.set_reported(chat, marks)

    def _moved(self, moved: Moved) -> None:
        self._receipts.moved(moved.chat, self._now, moved.delivered, moved.read, moved.senders)

    # -- small

    def _may_resend(self, now: float) -> bool:
        return self.resumed or now >= self._opened_at + self._settings.resend_after

    def _transmit(self, documents: Iterable[Mapping[str, Any]]) -> None:
        self._outputs += [Transmit(dict(document)) for document in documents]

    def _watch(self, users: set[str]) -> None:
        names = sorted(users)
        chunks = [names[at : at + WATCH_LIMIT] for at in range(0, len(names), WATCH_LIMIT)]
        self._transmit(frames.watch(chunk) for chunk in chunks)
