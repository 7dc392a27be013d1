"""From a gap to a complete chat: when to ask, and what an answer settles (client rule 1)."""

from __future__ import annotations

from collections.abc import Callable

from client.core import events, frames
from client.core.conversations import Conversations
from client.core.outbox import Outbox
from client.core.receipts import ReceiptPlan
from client.core.settings import Settings
from client.core.syncing import Question, SyncPlan


class CatchUp:
    def __init__(
        self,
        plan: SyncPlan,
        chats: Conversations,
        outbox: Outbox,
        receipts: ReceiptPlan,
        settings: Settings,
        emit: Callable[[events.Event], None],
        left: Callable[[str], None],
    ) -> None:
        self._plan, self._chats, self._outbox = plan, chats, outbox
        self._receipts, self._settings, self._emit = receipts, settings, emit
        self._tell_left = left
        self._asked: set[tuple[str, str]] = set()
        self._outdated: set[str] = set()  # what the answer under way says of their members
        self._members_again_at: dict[str, float] = {}

    def nudged(self, nudge: frames.Nudge, now: float) -> None:
        log = self._chats.log(nudge.chat)
        if nudge.seq <= log.watermark:
            self._receipts.repeat(nudge.chat, now)  # the server has us further back
            return
        log.heard_of(nudge.seq)
        self._plan.want(nudge.chat, now)

    def chase(self, chat: str, now: float) -> None:
        """A gap is asked for, after a moment in which it may close by itself."""
        if not self._chats.log(chat).behind:
            self._plan.settled(chat)
            return
        question = self._plan.question
        covered = question is not None and question.covers(chat)
        if not covered and not self._plan.wants(chat):
            own = self._outbox.in_flight(chat)
            self._plan.want(
                chat, now + (self._settings.own_gap_grace if own else self._settings.gap_grace)
            )

    def met(self, chat: str, user: str) -> None:
        """The news of who joins may get lost; whoever is not known is asked about, once."""
        question = self._plan.question
        covered = question is not None and question.covers(chat)
        if user in self._chats.members(chat) or covered or (chat, user) in self._asked:
            return
        self._asked.add((chat, user))
        self._plan.want_news(chat)

    def opened(self) -> None:
        self._asked.clear()
        self._outdated.clear()
        self._members_again_at.clear()

    def members_changed(self, chat: str) -> None:
        """Who is in it now is asked; an answer that is under way may be from before."""
        self._chats.members_changed(chat)
        question = self._plan.question
        if question is not None and question.covers(chat):
            self._outdated.add(chat)
        elif chat in self._chats.logs:
            self._plan.want_news(chat)

    def want_members(self, chat: str, now: float) -> None:
        """Only a `synced` tells who is in a chat."""
        question = self._plan.question
        covered = question is not None and question.covers(chat)
        if not covered and now >= self._members_again_at.get(chat, now):
            self._plan.want_news(chat)

    def next_due(self, now: float) -> float | None:
        return min((at for at in self._members_again_at.values() if at > now), default=None)

    def synced(self, frame: frames.Synced, now: float) -> None:
        question = self._plan.answered()
        progress = False
        for chat, place in frame.chats.items():
            progress |= self._synced_chat(chat, place, frame, question, now)
        self._outdated.clear()
        self._chase_others(frame, question, now)
        if question is not None and question.whole:
            if not frame.more:
                self._plan.resumed = True
            elif progress:
                # The next answer starts from what we have told: let the receipts go first.
                self._plan.progressed(None)
                self._receipts.hurry()
                self._plan.want_all(now + self._settings.receipt_interval)
            else:
                self._plan.want_later(None, now)
        self.tell(now)

    def tell(self, now: float) -> None:
        """That what was missed is here, once it is."""
        if self._plan.resumed and not self._plan.hurries(now):
            complete = self._plan.idle and not self._chats.held
            self._emit(events.CaughtUp(complete=complete))

    def refused(self, retryable: bool, now: float) -> None:
        """An `error` answered the sync."""
        question = self._plan.answered()
        if question is None or question.chats is None:
            self._plan.want_later(None, now)
            return
        chats = list(question.chats)
        self._outdated.clear()
        self._members_again_at |= dict.fromkeys(chats, now + self._settings.sync_backoff)
        if retryable:
            for chat in chats:
                self._plan.want_later(chat, now)
        elif len(chats) > 1:
            for chat in chats:
                self._plan.want_alone(chat, now)
        else:
            self._left(chats[0])

    def _synced_chat(
        self,
        chat: str,
        place: frames.SyncedChat,
        frame: frames.Synced,
        question: Question | None,
        now: float,
    ) -> bool:
        """True if the watermark moved since the question."""
        log = self._chats.log(chat)
        known = log.highest
        named = question is not None and question.names(chat)
        log.heard_of(place.seq)
        # At 0 the server may count from further on than this store has: a device that lost its
        # store, say. It asks by name what that answer cannot have told.
        trusted = named or log.watermark > 0
        if trusted:
            self._chats.complete(chat, place)
        fresh = chat not in self._outdated
        self._chats.synced_members(chat, place, now if fresh else None)
        if not fresh:
            self._plan.want_news(chat)
        moved = question is not None and log.watermark > question.before.get(chat, 0)
        if moved:
            self._plan.progressed(chat)
        if not log.behind:
            self._plan.settled(chat)
        elif self._at_once(place, frame, trusted=trusted, named=named, moved=moved):
            self._plan.want(chat, now)
        elif frame.retry_after is None and known > place.seq:
            self._plan.want(chat, now + self._settings.gap_grace)  # newer than the answer
        else:
            self._plan.want_later(chat, now, frame.retry_after)
        return moved

    def _at_once(
        self,
        place: frames.SyncedChat,
        frame: frames.Synced,
        *,
        trusted: bool,
        named: bool,
        moved: bool,
    ) -> bool:
        if not trusted and place.complete_to > 0:
            return True
        return frame.more and (moved or not named)

    def _chase_others(self, frame: frames.Synced, question: Question | None, now: float) -> None:
        """Chats the answer does not mention, that are behind by what came meanwhile."""
        for chat, log in self._chats.logs.items():
            if chat in frame.chats or not log.behind or self._plan.wants(chat):
                continue
            if question is not None and question.names(chat):
                self._plan.want_later(chat, now)
            else:
                self._plan.want(chat, now + self._settings.gap_grace)

    def _left(self, chat: str) -> None:
        log = self._chats.log(chat)
        log.highest = log.watermark
        self._plan.settled(chat)
        self._receipts.forget(chat)
        self._tell_left(chat)
        self._emit(events.ChatLeft(chat))
