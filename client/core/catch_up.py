"""Catching up, from a gap to a complete chat: the requests, and the frames that complete them
(client rule 1).
"""

from __future__ import annotations

from dataclasses import replace

from client.core import events, frames
from client.core.conversations import Conversations
from client.core.membership import Membership
from client.core.outbox import Outbox
from client.core.receipts import ReceiptPlan
from client.core.settings import Settings
from client.core.step import Step
from client.core.syncing import Question, SyncPlan


class CatchUp:
    def __init__(
        self,
        plan: SyncPlan,
        chats: Conversations,
        membership: Membership,
        outbox: Outbox,
        receipts: ReceiptPlan,
        settings: Settings,
    ) -> None:
        self._plan, self._chats, self._membership = plan, chats, membership
        self._outbox, self._receipts, self._settings = outbox, receipts, settings

    def nudged(self, step: Step, nudge: frames.Nudge) -> None:
        log = self._chats.log(step, nudge.chat)
        if nudge.seq <= log.watermark:
            self._receipts.repeat(nudge.chat, step.now)  # the server has us further back
            return
        log.heard_of(nudge.seq)
        self._plan.want(nudge.chat, step.now)

    def ask_for_gap(self, step: Step, chat: str) -> None:
        """Asks for a gap, after a moment in which it may close by itself."""
        if not self._chats.log(step, chat).behind:
            self._plan.settled(chat)
            return
        if not self._plan.covers(chat) and not self._plan.wants(chat):
            own = self._outbox.in_flight(chat)
            self._plan.want(
                chat, step.now + (self._settings.own_gap_grace if own else self._settings.gap_grace)
            )

    def synced(self, step: Step, frame: frames.Synced) -> None:
        question = self._plan.responded()
        frame = replace(frame, retry_after=self._plan.spread(frame.retry_after))
        for chat in frame.chats:
            self._synced_chat(step, chat, frame, question)
        self._membership.all_synced()
        self._ask_for_other_gaps(step, frame, question)
        if question is not None and question.whole:
            self._plan.progressed(None)
            if frame.cursor is None:
                self._plan.resumed = True
            else:
                self._plan.want_page(frame.cursor, step.now)

    def news(self, now: float) -> list[events.Event]:
        """The CaughtUp event, once everything that was missed is here."""
        if self._plan.resumed and not self._plan.is_due(now):
            return [events.CaughtUp(complete=self._plan.idle and not self._chats.held)]
        return []

    def failed(self, step: Step, retry_after: float | None, *, retryable: bool) -> str | None:
        """The response to the sync was an `error`. Returns the chat of which the user is no member
        any more, if it was that.
        """
        question, wait = self._plan.responded(), self._plan.spread(retry_after)
        if question is None or question.chats is None:
            cursor = question.cursor if question is not None and retryable else None
            self._plan.want_later(None, step.now, wait, cursor)
            return None
        chats = list(question.chats)
        self._membership.failed(step, chats)
        if not retryable and len(chats) == 1:
            self._plan.settled(chats[0])
            return chats[0]
        for chat in chats:
            if retryable:
                self._plan.want_later(chat, step.now, wait)
            else:
                self._plan.want_alone(chat, step.now)
        return None

    def _synced_chat(
        self, step: Step, chat: str, frame: frames.Synced, question: Question | None
    ) -> None:
        place, log = frame.chats[chat], self._chats.log(step, chat)
        self._chats.is_in(step, chat)
        known = log.highest
        whole = question is not None and question.whole
        log.heard_of(place.seq)
        # A response that begins above this store's watermark has nothing of the messages between:
        # the store is new, was restored, or lost its connection while catching up.
        trusted = place.after <= log.watermark
        if trusted:
            self._chats.complete(step, chat, place)
        else:
            self._chats.is_outdated(step, chat)
        self._chats.synced_members(step, chat, place)
        moved = question is not None and log.watermark > question.before.get(chat, 0)
        if moved:
            self._plan.progressed(chat)
        if not log.behind:
            self._plan.settled(chat)
        elif (frame.more and moved) or (whole and (frame.more or not trusted)):
            self._plan.want(chat, step.now)  # by name, from this device's own watermark
        elif frame.retry_after is None and known > place.seq:
            self._plan.want(chat, step.now + self._settings.gap_grace)  # newer than the response
        else:
            self._plan.want_later(chat, step.now, frame.retry_after)

    def _ask_for_other_gaps(
        self, step: Step, frame: frames.Synced, question: Question | None
    ) -> None:
        """Chats that the response does not mention, that are behind by what came meanwhile."""
        for chat, log in self._chats.logs.items():
            if chat in frame.chats or not log.behind or self._plan.wants(chat):
                continue
            if question is not None and question.names(chat):
                self._plan.want_later(chat, step.now)
            else:
                self._plan.want(chat, step.now + self._settings.gap_grace)
