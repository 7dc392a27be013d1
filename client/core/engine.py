"""The engine: what each frame, command and moment in time asks of the client, without I/O.

Each input is called inside a step, which is one transaction; when that is on disk, the caller
carries out what `outputs` returns. A caller whose transaction fails drops the engine and builds a
new one: the ledger is the truth, the engine a view of it.

Long because every input of the client meets every part of it here; what they do is elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from random import Random
from typing import Any

from client.core import events, frames
from client.core.arrivals import Arrivals
from client.core.catch_up import CatchUp
from client.core.changes import Changes
from client.core.cipher import Draft, FetchResult, Lists, Request
from client.core.content import MessageContent, Reference
from client.core.conversations import Conversations
from client.core.key_requests import KeyRequests
from client.core.liveness import Liveness
from client.core.membership import Membership
from client.core.outbox import Outbox
from client.core.outputs import Drop, Fetch, Output, Stop, Transmit
from client.core.own_messages import OwnMessages
from client.core.presence import PresencePlan
from client.core.receipts import ReceiptPlan
from client.core.sending import Sending
from client.core.settings import Settings
from client.core.step import Step
from client.core.syncing import SyncPlan
from client.core.ticks import State

# Everything else that an error says of a message will be the same next time.
RETRYABLE = frozenset({"rate_limited", "internal"})


class Engine:
    def __init__(self, user: str, device: str, random: Random, settings: Settings) -> None:
        self._user, self._device = user, device
        self._random, self._settings = random, settings
        self._outputs: list[Output] = []
        self._step: Step | None = None  # the last one
        self._online = False
        self._opened_at = 0.0
        self._limited_until = 0.0
        self._sync = SyncPlan(settings, random)
        self._outbox = Outbox(settings, random)
        self._receipts = ReceiptPlan(settings, random)
        self._presence = PresencePlan(settings)
        self._liveness = Liveness(settings, random)
        self._keys = KeyRequests(settings, lambda request: self._outputs.append(Fetch(request)))
        emit = self._outputs.append
        self._own = OwnMessages(user, device, self._outbox, emit)
        self._membership = Membership(user, self._sync, self._own, settings, emit)
        self._changes = Changes(user, emit)
        self._arrivals = Arrivals(user, self._membership, self._keys, self._changes, settings, emit)
        self._chats = Conversations(
            user, self._own, self._membership, self._arrivals, self._receipts, emit
        )
        self._sending = Sending(user, self._keys, self._membership, self._own, settings, emit)
        self._catch_up = CatchUp(
            self._sync, self._chats, self._membership, self._outbox, self._receipts, settings
        )

    def anew(self) -> Engine:
        """An engine to be restored in place of this one, after a transaction that failed.

        Whom the user watches is on no disk, and goes with it.
        """
        fresh = Engine(self._user, self._device, self._random, self._settings)
        fresh._presence = self._presence
        fresh._presence.closed()
        return fresh

    def restore(self, step: Step) -> None:
        """What the ledger has: to be called once, before anything else."""
        self._step = step
        self._chats.restore(step)
        self._own.restore(step)
        self._sending.restore(step)

    # -- what the caller asks

    @property
    def resumed(self) -> bool:
        """On this connection the server has responded for every chat."""
        return self._online and self._sync.resumed

    @property
    def unaccepted(self) -> int:
        """Texts that the backend has not accepted yet."""
        return len(self._sending) + self._outbox.texts

    def knows(self, chat: str) -> bool:
        return chat in self._chats.logs

    def left(self, chat: str) -> bool:
        """The user was in that chat, and is no longer."""
        return chat in self._chats.left

    def outputs(self) -> list[Output]:
        """What is to be done now that the transaction is on disk, in order."""
        done = self._outputs.copy()
        self._outputs.clear()
        return done

    def next_due(self) -> float | None:
        """When to call `due` at the latest, on the clock of the inputs."""
        if self._step is None:
            return None
        disappears = self._changes.next_due(self._step)
        if not self._online:
            return disappears
        times = [
            disappears,
            self._liveness.next_due(),
            self._sync.next_due(),
            self._outbox.next_due(self._may_resend(self._step.now)),
            None if self.resumed else self._opened_at + self._settings.resend_after,
            self._receipts.next_due(),
            self._sending.next_due(self._step),
            self._membership.next_due(self._step.now),
            self._presence.next_due(),
        ]
        return min((at for at in times if at is not None), default=None)

    # -- the connection

    def opened(self, step: Step) -> None:
        self._step, self._online, self._opened_at = step, True, step.now
        self._liveness.opened(step.now)
        self._sync.opened(step.now)
        self._membership.opened()
        self._chats.opened()
        self._outbox.opened()
        self._sending.opened()
        positions = step.ledger.read_positions()
        self._receipts.opened({position.chat: position.reported for position in positions})
        for position in positions:
            if not position.left:
                self._receipts.report_again(step, position, self._user)
        self._presence.opened(step.now)
        self._outputs.append(events.Connected())
        self.due(step)

    def closed(self, step: Step) -> None:
        self._step, self._online = step, False
        self._liveness.closed()
        self._sync.closed()
        self._outbox.closed()
        self._sending.closed()
        self._receipts.closed()
        self._presence.closed()

    def closing(self, step: Step) -> None:
        """The user leaves: sends at once the receipts that were to be batched."""
        self._transmit(self._receipts.due(step.now, everything=True))

    def due(self, step: Step) -> None:
        self._step, now = step, step.now
        self._changes.due(step)
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
            self._resume(step)
        if self._may_resend(now):
            self._sending.due(step)
        asked = self._sync.due(now, self._chats.watermarks)
        self._transmit([asked] if asked else [])
        for entry in self._outbox.due(now, self._may_resend(now)):
            self._transmit([entry.frame])
            if entry.attempts > 1:
                self._liveness.probe(now)
        self._chats.report_readable(step)
        self._transmit(self._receipts.due(now))
        self._transmit(self._presence.due(now))
        if self._liveness.ping_due(now):
            self._receipts.pinged()
            self._transmit([frames.ping_frame()])

    def received(self, step: Step, frame: frames.ServerFrame) -> None:
        self._step = step
        self._liveness.heard()
        match frame:
            case frames.Message():
                self._message(step, frame)
                self._transmit(self._presence.wrote(step.now, frame.sender))
            case frames.Messages():
                for message in frame.messages:
                    self._message(step, message)
            case frames.Accepted():
                sent = self._outbox.frame_of(frame.message_id)
                self._chats.accepted(step, frame)
                self._sending.accepted(step, frame, sent)
                self._catch_up.ask_for_gap(step, frame.chat)
            case frames.Receipt():
                self._chats.receipt(step, frame)
            case frames.Synced():
                self._catch_up.synced(step, frame)
                self._outputs += self._catch_up.news(step.now)
            case frames.Nudge():
                self._catch_up.nudged(step, frame)
            case frames.ErrorFrame():
                self._error(step, frame)
            case frames.Pong():
                self._receipts.confirmed(step)
            case frames.Displaced():
                self._outputs += [frame, Stop()]
            case frames.Presence():
                self._presence.seen(frame.user, online=frame.online)
                seen = events.PresenceChanged(frame.user, frame.online, frame.last_seen)
                self._outputs.append(seen)
            case frames.Typing():
                self._outputs.append(events.TypingSeen(frame.chat, frame.user))
            case frames.DevicesChanged():
                self._keys.changed(frame.user)
                if frame.chat is not None:
                    self._membership.changed(frame.chat, known=self.knows(frame.chat))
                self._outputs.append(frame)
            case frames.ChatChanged():
                if not self.left(frame.chat):
                    self._membership.chat_changed(step, frame.chat)
                self._outputs.append(frame)
            case _:  # `keys_low`, and every type that asks nothing of this engine
                self._outputs.append(frame)
        self.due(step)

    # -- commands

    def send(
        self,
        step: Step,
        message_id: str,
        chat: str,
        content: MessageContent,
        *,
        urgent: bool = True,
    ) -> None:
        """Stores what was written, and seals and sends it when it can be.

        Raises MessageTooLarge, and then nothing has changed.
        """
        draft = Draft(message_id, chat, content, urgent)
        step.cipher.check(draft)
        self._chats.log(step, chat)
        target = content.target
        if content.kind == "deletion" and target and self._withdrawn(step, chat, target):
            return
        self._sending.add(step, draft)
        me = f"{self._user}/{self._device}"
        self._changes.came(step, chat, Reference(me, message_id), content)
        self.due(step)

    def _withdrawn(self, step: Step, chat: str, target: Reference) -> bool:
        """A text that nobody has got is deleted here, and nothing is sent."""
        if target.by != f"{self._user}/{self._device}":
            return False
        own = step.ledger.own(target.id)
        unsent = self._sending.withdraw(step, chat, target.id)
        if not unsent and (own is None or own.state is not State.FAILED):
            return False
        step.ledger.erase(chat, target, "deleted")
        self._outputs.append(events.MessageChanged(chat, *target, "deletion", self._user))
        return True

    def send_to_device(
        self, step: Step, chat: str, device: str, kind: str, fields: Mapping[str, Any]
    ) -> None:
        """A hidden message of `kind` to one `user/device`, as soon as it can be sealed."""
        step.cipher.queue_to_device(chat, device, kind, fields)
        self.due(step)

    def accept(self, step: Step, user: str, keys: Mapping[str, str]) -> bool:
        """The user accepts the changed identities of `user`; what waited for that goes on.

        `keys` are what the user was shown, device -> Ed25519 key; others are not accepted. True
        if nothing of the user waits for that any more.
        """
        accepted = step.cipher.accept(user, keys)
        self._arrivals.reopen(step, user)
        self.due(step)
        return accepted

    def compared(self, step: Step, user: str, keys: Mapping[str, str]) -> bool:
        """People have compared the keys of all devices of `user`; False if they are others now."""
        same = step.cipher.compared(user, keys)
        if same:
            self._arrivals.reopen(step, user)
        self.due(step)
        return same

    def look_at(self, step: Step, user: str) -> Lists:
        """For a caller who fetches a device list itself, without a Fetch, and then calls
        `fetch_succeeded` or `fetch_failed`.
        """
        return self._keys.look_at(user)

    def fetch_succeeded(self, step: Step, result: FetchResult) -> bool:
        """The response to a Fetch. False for a device list older than what is known."""
        counts = self._sending.fetch_succeeded(step, result)
        self.due(step)
        return counts

    def fetch_failed(self, step: Step, request: Request) -> None:
        """There was no response to a Fetch."""
        self._sending.fetch_failed(step, request)
        self.due(step)

    def mark_read(self, step: Step, chat: str, seq: int) -> None:
        self._chats.read(step, chat, seq)
        self.due(step)

    def adding(self, step: Step, chat: str, users: Collection[str]) -> None:
        """Before the backend is asked to add them to the chat."""
        self._chats.adding(step, chat, users)

    def chat_is(
        self, step: Step, chat: str, members: Iterable[str], *, request: bool = False
    ) -> None:
        """The user is in this chat, as a REST response has said. `request`: it is one of a stranger
        that the user has not answered.
        """
        self._chats.is_in(step, chat)
        self._chats.members_are(step, chat, members)
        self._membership.request_is(step, chat, request)
        self.due(step)

    def leave(self, step: Step, chat: str) -> None:
        """The user is no longer in this chat, as a REST response has said."""
        self._chats.leave(step, chat)

    def begin_anew(self, step: Step) -> None:
        """The backend has lost its data: the chats of this store can be read, and are no more."""
        over = [chat for chat in self._chats.logs if not self.left(chat)]
        for chat in over:
            self._sending.left(step, chat, "not_found: the backend has lost this chat")
            self._chats.leave(step, chat)
        if over:
            self._outputs.append(events.BeganAnew())

    def typing(self, step: Step, chat: str) -> None:
        if not self.left(chat) and self._membership.may_send_unasked(step, chat):
            members = len(step.ledger.members(chat))
            self._transmit(self._presence.typing(step.now, chat, members))

    def watch(self, step: Step, users: Collection[str]) -> None:
        """Until the client ends; subscriptions are renewed before the server forgets them."""
        self._transmit(self._presence.watch(step.now, users))

    def sync(self, step: Step) -> None:
        self._sync.want_all(step.now)
        self.due(step)

    # -- frames

    def _message(self, step: Step, message: frames.Message) -> None:
        question = self._sync.question
        late = message.seq <= self._receipts.delivered(message.chat)
        if late and question is not None and question.chats is None:
            self._receipts.repeat(message.chat, step.now)  # the server has us further back
        self._chats.message(step, message)
        self._catch_up.ask_for_gap(step, message.chat)
        self._membership.met(step, message.chat, message.sender)
        if self.left(message.chat):
            self._membership.want(step, message.chat)  # put back, perhaps

    def _error(self, step: Step, error: frames.ErrorFrame) -> None:
        retryable = error.code in RETRYABLE
        if error.message_id is not None and error.message_id in self._outbox:
            if retryable:
                self._outbox.retry(error.message_id, step.now, error.retry_after)
                self._show_limit(step, error)
            else:
                self._own.failed(step, error.message_id, f"{error.code}: {error.message}")
            return
        if error.action == "sync":
            left = self._catch_up.failed(step, error.retry_after, retryable=retryable)
            if left is not None:
                self._sending.left(step, left, "not_found: you are not in this chat")
                known = self.left(left)
                self._chats.leave(step, left)
                self._outputs += [] if known else [events.ChatLeft(left)]
        elif error.action in ("receipt", None) and retryable:
            self._receipts.failed(step, error.retry_after)
        elif error.code == "not_found" and error.chat is not None and self.knows(error.chat):
            # Nobody typed it, and it would be refused again: is the user still in the chat?
            self._receipts.forget(error.chat)
            self._membership.want(step, error.chat)
        if error.code == "rate_limited":
            self._show_limit(step, error)
        elif error.message_id is None:
            self._outputs.append(events.ServerError(error.code, error.message, error.action))

    def _show_limit(self, step: Step, error: frames.ErrorFrame) -> None:
        """Tells of a limit once, until the time that the backend asked to wait is over."""
        if error.code == "rate_limited" and step.now >= self._limited_until:
            self._limited_until = step.now + (error.retry_after or self._settings.retry_after_error)
            action = error.action or "send"
            self._outputs.append(events.ServerError(error.code, error.message, action))

    def _resume(self, step: Step) -> None:
        if self._chats.resume(step):
            for chat, log in self._chats.logs.items():
                if log.behind:
                    self._catch_up.ask_for_gap(step, chat)
            self._outputs += self._catch_up.news(step.now)

    # -- small

    def _may_resend(self, now: float) -> bool:
        return self.resumed or now >= self._opened_at + self._settings.resend_after

    def _transmit(self, documents: Iterable[Mapping[str, Any]]) -> None:
        self._outputs += [Transmit(dict(document)) for document in documents]
