"""The engine: the decisions of the client for each command, timer and frame, without I/O.

Each input is called inside a step, which is one transaction; when that is on disk, the caller
carries out what `outputs` returns. A caller whose transaction fails drops the engine and builds a
new one: the ledger is the truth, the engine a view of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from random import Random
from typing import Any

from client.core import events, frames
from client.core.cipher import Draft, FetchResult, Lists, Request
from client.core.content import MessageContent, Reference
from client.core.outputs import Drop, Output
from client.core.parts import Parts
from client.core.receiving import Receiving
from client.core.settings import Settings
from client.core.step import Step


class Engine:
    def __init__(self, user: str, device: str, random: Random, settings: Settings) -> None:
        self._user, self._device = user, device
        self._random, self._settings = random, settings
        self._step: Step | None = None  # the last one
        self._online = False
        self._opened_at = 0.0
        self._parts = Parts(user, device, random, settings)
        self._receiving = Receiving(self._parts)

    def anew(self) -> Engine:
        """An engine to be restored in place of this one, after a transaction that failed.

        The list of watched users is not stored, so the new engine takes it over.
        """
        fresh = Engine(self._user, self._device, self._random, self._settings)
        fresh._parts.presence = self._parts.presence
        fresh._parts.presence.closed()
        return fresh

    def restore(self, step: Step) -> None:
        """Loads the state of the ledger; to be called once, before anything else."""
        parts = self._parts
        self._step = step
        parts.chats.restore(step)
        parts.own.restore(step)
        parts.sending.restore(step)

    # -- what the caller asks

    @property
    def resumed(self) -> bool:
        """On this connection the server has responded for every chat."""
        return self._online and self._parts.sync.resumed

    @property
    def unaccepted(self) -> int:
        """Texts that the backend has not accepted yet."""
        return len(self._parts.sending) + self._parts.outbox.texts

    def knows(self, chat: str) -> bool:
        return chat in self._parts.chats.logs

    def left(self, chat: str) -> bool:
        """The user was in that chat, and is no longer."""
        return chat in self._parts.chats.left

    def outputs(self) -> list[Output]:
        """The outputs to carry out now that the transaction is on disk, in order."""
        done = self._parts.outputs.copy()
        self._parts.outputs.clear()
        return done

    def next_due(self) -> float | None:
        """When to call `due` at the latest, on the clock of the inputs."""
        parts = self._parts
        if self._step is None:
            return None
        disappears = parts.changes.next_due(self._step)
        if not self._online:
            return disappears
        times = [
            disappears,
            parts.liveness.next_due(),
            parts.sync.next_due(),
            parts.outbox.next_due(self._may_resend(self._step.now)),
            None if self.resumed else self._opened_at + self._settings.resend_after,
            parts.receipts.next_due(),
            parts.sending.next_due(self._step),
            parts.membership.next_due(self._step.now),
            parts.presence.next_due(),
        ]
        return min((at for at in times if at is not None), default=None)

    # -- the connection

    def opened(self, step: Step) -> None:
        parts = self._parts
        self._step, self._online, self._opened_at = step, True, step.now
        parts.liveness.opened(step.now)
        parts.sync.opened(step.now)
        parts.membership.opened()
        parts.chats.opened()
        parts.outbox.opened()
        parts.sending.opened()
        positions = step.ledger.read_positions()
        parts.receipts.opened({position.chat: position.reported for position in positions})
        for position in positions:
            if not position.left:
                parts.receipts.report_again(step, position, self._user)
        parts.presence.opened(step.now)
        parts.emit(events.Connected())
        self.due(step)

    def closed(self, step: Step) -> None:
        parts = self._parts
        self._step, self._online = step, False
        parts.liveness.closed()
        parts.sync.closed()
        parts.outbox.closed()
        parts.sending.closed()
        parts.receipts.closed()
        parts.presence.closed()

    def closing(self, step: Step) -> None:
        """The user leaves: sends at once the receipts that were to be batched."""
        self._parts.transmit(self._parts.receipts.due(step.now, everything=True))

    def due(self, step: Step) -> None:
        parts = self._parts
        self._step, now = step, step.now
        parts.changes.due(step)
        if not self._online:
            return
        if parts.liveness.dead(now) or parts.sync.expired(now):
            what = "ping" if parts.liveness.dead(now) else "sync"
            parts.emit(Drop(f"no response to {what}"))
            return
        if parts.liveness.reconnect_due(now):
            parts.transmit(parts.receipts.due(now, everything=True))
            parts.emit(Drop("time to reconnect", planned=True))
            return
        if parts.chats.held:
            self._resume(step)
        if self._may_resend(now):
            parts.sending.due(step)
        asked = parts.sync.due(now, parts.chats.watermarks)
        parts.transmit([asked] if asked else [])
        for entry in parts.outbox.due(now, self._may_resend(now)):
            parts.transmit([entry.frame])
            if entry.attempts > 1:
                parts.liveness.probe(now)
        parts.chats.report_readable(step)
        parts.transmit(parts.receipts.due(now))
        parts.transmit(parts.presence.due(now))
        if parts.liveness.ping_due(now):
            parts.receipts.pinged()
            parts.transmit([frames.ping_frame()])

    def received(self, step: Step, frame: frames.ServerFrame) -> None:
        self._step = step
        self._parts.liveness.heard()
        self._receiving.received(step, frame)
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
        self._parts.chats.log(step, chat)
        me = f"{self._user}/{self._device}"
        target = content.target if content.kind == "deletion" else None
        if target and target.by == me and self._parts.sending.withdraw(step, chat, target):
            return
        self._parts.sending.add(step, draft)
        self._parts.changes.came(step, chat, Reference(me, message_id), content)
        self.due(step)

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
        self._parts.arrivals.reopen(step, user)
        self.due(step)
        return accepted

    def compared(self, step: Step, user: str, keys: Mapping[str, str]) -> bool:
        """People have compared the keys of all devices of `user`; False if they are others now."""
        same = step.cipher.compared(user, keys)
        if same:
            self._parts.arrivals.reopen(step, user)
        self.due(step)
        return same

    def look_at(self, step: Step, user: str) -> Lists:
        """For a caller who fetches a device list itself, without a Fetch, and then calls
        `fetch_succeeded` or `fetch_failed`.
        """
        return self._parts.keys.look_at(user)

    def fetch_succeeded(self, step: Step, result: FetchResult) -> bool:
        """The response to a Fetch. False for a device list older than what is known."""
        counts = self._parts.sending.fetch_succeeded(step, result)
        self.due(step)
        return counts

    def fetch_failed(self, step: Step, request: Request, retry_after: float | None = None) -> None:
        """There was no response to a Fetch. `retry_after`: seconds that the backend asks for."""
        self._parts.sending.fetch_failed(step, request, retry_after or 0.0)
        self.due(step)

    def mark_read(self, step: Step, chat: str, seq: int) -> None:
        self._parts.chats.read(step, chat, seq)
        self.due(step)

    def adding(self, step: Step, chat: str, users: Collection[str]) -> None:
        """Before the backend is asked to add them to the chat."""
        self._parts.chats.adding(step, chat, users)

    def chat_is(
        self, step: Step, chat: str, members: Iterable[str], *, request: bool = False
    ) -> None:
        """The user is in this chat, as a REST response has said. `request`: it is one of a stranger
        that the user has not answered.
        """
        self._parts.chats.is_in(step, chat)
        self._parts.chats.members_are(step, chat, members)
        self._parts.membership.request_is(step, chat, request)
        self.due(step)

    def leave(self, step: Step, chat: str) -> None:
        """The user is no longer in this chat, as a REST response has said."""
        self._parts.chats.leave(step, chat)

    def begin_anew(self, step: Step) -> None:
        """The backend has lost its data: the chats of this store can still be read, but nothing can
        be sent to them.
        """
        over = [chat for chat in self._parts.chats.logs if not self.left(chat)]
        for chat in over:
            self._parts.sending.left(step, chat, "not_found: the backend has lost this chat")
            self._parts.chats.leave(step, chat)
        if over:
            self._parts.emit(events.BeganAnew())

    def typing(self, step: Step, chat: str) -> None:
        if not self.left(chat) and self._parts.membership.may_send_unasked(step, chat):
            members = len(step.ledger.members(chat))
            self._parts.transmit(self._parts.presence.typing(step.now, chat, members))

    def watch(self, step: Step, users: Collection[str]) -> None:
        """Until the client ends; subscriptions are renewed before the server forgets them."""
        self._parts.transmit(self._parts.presence.watch(step.now, users))

    def sync(self, step: Step) -> None:
        self._parts.sync.want_all(step.now)
        self.due(step)

    # -- small

    def _resume(self, step: Step) -> None:
        parts = self._parts
        if parts.chats.resume(step):
            for chat, log in parts.chats.logs.items():
                if log.behind:
                    parts.catch_up.ask_for_gap(step, chat)
            parts.outputs += parts.catch_up.news(step.now)

    def _may_resend(self, now: float) -> bool:
        return self.resumed or now >= self._opened_at + self._settings.resend_after
