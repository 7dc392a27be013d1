"""Own messages, from the text to their ticks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from client.core import frames
from client.core.cipher import Draft, Outgoing
from client.core.events import Event, MessageChanged, StateChanged
from client.core.frames import Message, Watermarks
from client.core.ledger import Own
from client.core.outbox import Outbox
from client.core.step import Step
from client.core.ticks import State, reached, stage, stages


class OwnMessages:
    def __init__(
        self, user: str, device: str, outbox: Outbox, emit: Callable[[Event], None]
    ) -> None:
        self._user, self._device = user, device
        self._outbox, self._emit = outbox, emit

    def restore(self, step: Step) -> None:
        for queued in step.ledger.queued():
            self._outbox.add(queued.message_id, queued.chat, queued.frame, maybe_sent=True)

    def wrote(self, message: Message) -> bool:
        """This device sent it."""
        return (message.sender, message.sender_device) == (self._user, self._device)

    def write(self, step: Step, draft: Draft) -> None:
        """Stores a text as a draft."""
        step.ledger.add_own(draft, self._user, self._device)

    def queue(self, step: Step, chat: str, outgoing: Iterable[Outgoing]) -> None:
        """Puts sealed messages into the outbox."""
        for one in outgoing:
            frame = frames.send(
                one.message_id,
                chat,
                one.alg,
                one.payloads,
                urgent=one.urgent,
                hidden=one.hidden,
            )
            step.ledger.queue(one.message_id, chat, frame)
            self._outbox.add(one.message_id, chat, frame, maybe_sent=False)

    def queued(self, chat: str) -> list[dict[str, Any]]:
        """The frames of a chat that are not accepted yet, in order."""
        return self._outbox.of(chat)

    def queued_in(self, message_id: str) -> str | None:
        """The chat in which that message is not accepted yet."""
        return self._outbox.chat_of(message_id)

    def unqueue(self, step: Step, message_id: str) -> None:
        step.ledger.unqueue(message_id)
        self._outbox.remove(message_id)

    def placed(
        self, step: Step, own: Own, seq: int, sent_at: float, members: Mapping[str, Watermarks]
    ) -> None:
        """`accepted`, or met in a sync (rule 3). Of two copies the first position counts."""
        self.unqueue(step, own.message_id)
        if own.seq is not None and own.seq <= seq:
            return
        step.ledger.place_own(own.message_id, seq, sent_at, step.time)
        hidden = step.ledger.undelivered(own.chat)
        state = max(own.state, stage(seq, reached(members, self._user), hidden))
        step.ledger.set_state(own.message_id, state)
        if not own.shown:
            return
        # If the message only moves to the seq of its first copy, its state is the same: the new seq
        # is reported anyway.
        for reaches in stages(own.state, state) or [state]:
            self._emit(StateChanged(own.chat, own.message_id, seq, reaches, own.text))

    def failed(self, step: Step, message_id: str, reason: str) -> None:
        self.unqueue(step, message_id)
        own = step.ledger.own(message_id)
        if own is not None and own.state is State.WAITING:
            step.ledger.set_state(message_id, State.FAILED, reason)
            failed = StateChanged(own.chat, message_id, None, State.FAILED, own.text, reason)
            self._emit(failed)
            if own.target is not None:  # it counts no more
                self._emit(MessageChanged(own.chat, *own.target, "failed", self._user))

    def ticked(self, step: Step, chat: str, members: Mapping[str, Watermarks]) -> None:
        """Reports the ticks that follow from the members' new watermarks."""
        everyone, hidden = reached(members, self._user), step.ledger.undelivered(chat)
        for own in step.ledger.ticking(chat, everyone):
            if own.seq is None:
                continue
            for reaches in stages(own.state, stage(own.seq, everyone, hidden)):
                step.ledger.set_state(own.message_id, reaches)
                self._emit(StateChanged(chat, own.message_id, own.seq, reaches, own.text))
