"""The client between connections: what each frame, command and moment in time asks for.

The caller opens a transaction of the ledger, calls one or more inputs, commits, and then carries
out what `outputs` returns. A caller whose transaction fails drops the engine and builds a new one
from the ledger: the ledger is the truth, the engine a view of it.

Long because every input of the client meets every part of it here; what they do is elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from client.core import events, frames
from client.core.catch_up import CatchUp
from client.core.cipher import Answer, Cipher, Draft, Lists, Request
from client.core.conversations import Conversations, Moved
from client.core.key_requests import KeyRequests
from client.core.ledger import Ledger, Place
from client.core.liveness import Liveness
from client.core.outbox import Outbox
from client.core.receipts import ReceiptPlan
from client.core.sending import Sending
from client.core.settings import Settings
from client.core.syncing import SyncPlan

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


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask the backend's key directory, and call `brought` or `not_brought`."""

    request: Request


Output = Transmit | Drop | Stop | Fetch | events.Event


class Engine:
    def __init__(
        self,
        user: str,
        device: str,
        ledger: Ledger,
        cipher: Cipher,
        random: Random,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        """`clock` gives epoch seconds; the `now` of the inputs may be any clock that goes on."""
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
        self._key_requests = KeyRequests(
            settings, lambda request: self._outputs.append(Fetch(request))
        )
        self._chats = Conversations(
            user,
            device,
            ledger,
            cipher,
            self._outputs.append,
            self._outbox,
            self._moved,
            self._knows,
            clock,
            lambda: clock() + settings.ask_after[0],
        )
        self._sending = Sending(
            user,
            device,
            ledger,
            cipher,
            self._key_requests,
            self._chats,
            self._outbox,
            settings,
            clock,
            self._outputs.append,
            lambda chat, now: self._catch_up.want_members(chat, now),
        )
        self._catch_up = CatchUp(
            self._sync,
            self._chats,
            self._outbox,
            self._receipts,
            settings,
            self._outputs.append,
            lambda chat: self._sending.left(chat, "not_found: you are not in this chat"),
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
        """Texts that the backend has not accepted yet."""
        return len(self._sending) + self._outbox.texts

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
            self._sending.next_due(self._now),
            self._catch_up.next_due(self._now),
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
        self._sending.opened()
        self._chats.members_changed()
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
        self._sending.closed()
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
        if self._chats.held:
            self._resume()
        if self._may_resend(now):
            self._sending.due(now)
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
                sent = self._outbox.frame_of(frame.message_id)
                self._chats.accepted(frame)
                self._sending.accepted(frame, sent)
                self._catch_up.chase(frame.chat, now)
            case frames.Receipt():
                self._chats.receipt(frame)
                self._catch_up.met(frame.chat, frame.user)  # perhaps it is no member (any more)
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
                self._key_requests.changed(frame.user)
                if frame.chat is not None:
                    self._catch_up.members_changed(frame.chat)
                self._outputs.append(events.DevicesChanged(frame.user, frame.chat))
            case frames.KeysLow():
                low = events.KeysLow(frame.remaining, frame.fallback_used)
                self._outputs.append(low)
        self.due(now)

    # -- commands

    def send(
        self, message_id: str, chat: str, text: str, now: float, *, urgent: bool = True
    ) -> None:
        """Stores a text, and seals and sends it when it can be. Raises MessageTooLarge."""
        self._sending.add(Draft(message_id, chat, text, urgent))
        self.due(now)

    def tell(
        self, chat: str, device: str, kind: str, fields: Mapping[str, Any], now: float
    ) -> None:
        """A hidden message of `kind` to one `user/device`, as soon as it can be sealed."""
        self._cipher.commission(chat, device, kind, fields)
        self.due(now)

    def accept(self, user: str, keys: Mapping[str, str], now: float) -> bool:
        """The user accepts the changed identities of `user`; what waited for that goes on.

        `keys` are what the user was shown, device -> Ed25519 key; others are not accepted. True
        if nothing of the user waits for that any more.
        """
        self._now = now
        accepted = self._cipher.accept(user, keys)
        self._chats.reopen(user)
        self.due(now)
        return accepted

    def compared(self, user: str, keys: Mapping[str, str], now: float) -> bool:
        """People have compared the keys of all devices of `user`; False if they are others now."""
        self._now = now
        same = self._cipher.compared(user, keys)
        if same:
            self._chats.reopen(user)
        self.due(now)
        return same

    def look_at(self, user: str) -> Lists:
        """For who fetches a device list, and calls `brought` or `not_brought`, without a Fetch."""
        return self._key_requests.look_at(user)

    def brought(self, answer: Answer, now: float) -> bool:
        """What a Fetch has fetched. False for a device list older than what is known."""
        self._now = now
        counts = self._sending.brought(answer, now)
        self.due(now)
        return counts

    def not_brought(self, request: Request, now: float) -> None:
        """It could not be fetched now."""
        self._sending.not_brought(request, now)
        self.due(now)

    def mark_read(self, chat: str, seq: int, now: float) -> None:
        self._now = now
        self._chats.read(chat, seq)
        self.due(now)

    def adding(self, chat: str, users: Collection[str]) -> None:
        """Before the backend is asked to add them to the chat."""
        self._chats.adding(chat, users)

    def chat_is(self, chat: str, members: Iterable[str], now: float) -> None:
        """As a REST answer says."""
        self._chats.members_are(chat, members, now)
        self.due(now)

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

    # -- who sent it, who is in it

    def _knows(self, message: frames.Message) -> bool:
        """Else it is asked for, and the message waits in front of the watermark."""
        device = f"{message.sender}/{message.sender_device}"
        return self._cipher.knows(message) or self._key_requests.look_up(device, self._now)

    def _resume(self) -> None:
        if self._chats.resume():
            for chat, log in self._chats.logs.items():
                if log.behind:
                    self._catch_up.chase(chat, self._now)
            self._catch_up.tell(self._now)

    # -- small

    def _may_resend(self, now: float) -> bool:
        return self.resumed or now >= self._opened_at + self._settings.resend_after

    def _transmit(self, documents: Iterable[Mapping[str, Any]]) -> None:
        self._outputs += [Transmit(dict(document)) for document in documents]

    def _watch(self, users: set[str]) -> None:
        names = sorted(users)
        chunks = [names[at : at + WATCH_LIMIT] for at in range(0, len(names), WATCH_LIMIT)]
        self._transmit(frames.watch(chunk) for chunk in chunks)
