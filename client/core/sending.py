"""From a written text to frames in the outbox: what has to be known first, and in which order.

A text is sealed when it is the next of its chat, and not before: it is then sealed once, for the
devices that are there by then, and sent again byte by byte the same until it is accepted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from typing import Any

from client.core import events, frames
from client.core.cipher import Answer, Chat, Cipher, Claims, Draft, Lists, Outgoing, Request, Wants
from client.core.conversations import Conversations
from client.core.ids import is_shown, user_and_device, user_of
from client.core.key_requests import KeyRequests
from client.core.ledger import Ledger
from client.core.outbox import Outbox
from client.core.settings import Settings

Clock = Callable[[], float]  # epoch seconds


class Sending:
    def __init__(
        self,
        user: str,
        device: str,
        ledger: Ledger,
        cipher: Cipher,
        key_requests: KeyRequests,
        chats: Conversations,
        outbox: Outbox,
        settings: Settings,
        clock: Clock,
        emit: Callable[[events.Event], None],
        want_news: Callable[[str, float], None],
    ) -> None:
        self._user, self._device = user, device
        self._ledger, self._cipher, self._key_requests = ledger, cipher, key_requests
        self._chats, self._outbox, self._settings = chats, outbox, settings
        self._clock, self._emit, self._want_news = clock, emit, want_news
        self._drafts: dict[str, list[Draft]] = {}
        self._next: dict[str, str] = {}  # the text that each chat is being prepared for
        self._held: dict[str, frozenset[str]] = {}
        for draft in ledger.drafts():
            self._drafts.setdefault(draft.chat, []).append(draft)

    def __len__(self) -> int:
        return sum(len(drafts) for drafts in self._drafts.values())

    def add(self, draft: Draft) -> None:
        """Raises MessageTooLarge, and then nothing has changed."""
        self._cipher.check(draft)
        self._chats.log(draft.chat)
        self._ledger.add_own(draft, self._user, self._device)
        self._drafts.setdefault(draft.chat, []).append(draft)

    def opened(self) -> None:
        self._key_requests.opened()
        self._held.clear()

    def closed(self) -> None:
        self._key_requests.closed()

    def next_due(self, now: float) -> float | None:
        times = [self._key_requests.next_due(now)]
        ask_at = self._ledger.next_ask(self._clock())
        if ask_at is not None:
            times.append(now + ask_at - self._clock())
        return min((at for at in times if at is not None), default=None)

    def due(self, now: float) -> None:
        """Seals what can be sealed, and asks for what that needs."""
        self._key_requests.want_lists({self._user}, now)  # a new device of one's own is news
        for chat in list(self._drafts):
            if not self._outbox.waiting(chat):
                self._draft(chat, now)
        for chat in self._cipher.errands():
            self._errands(self._chat(chat, now), now)
        for (chat, device), _ in self._ledger.asks(self._clock()).items():
            self._ask(chat, device, now)

    # -- texts

    def _draft(self, chat: str, now: float) -> None:
        draft = self._drafts[chat][0]
        if self._next.get(chat) != draft.message_id:
            self._next[chat] = draft.message_id
            self._key_requests.try_again(chat)
        if self._chats.for_others(chat):
            self._fail(chat, "the backend says that others are in this direct chat")
            return
        place = self._chat(chat, now)
        wants = self._cipher.wants(place, self._key_requests.fresh, self._tried(chat, now))
        self._tell_held(chat, wants.held)
        if wants:
            self._bring(chat, wants, now)
            return
        sealing = self._cipher.seal(draft, place)
        if sealing.done:
            self._drop(draft)
        self._queue(chat, sealing.frames)

    def _tell_held(self, chat: str, users: frozenset[str]) -> None:
        if users and self._held.get(chat) != users:
            self._emit(events.SendingHeld(chat, tuple(sorted(users))))
        self._held[chat] = users

    def _drop(self, draft: Draft) -> None:
        self._ledger.undraft(draft.message_id)
        self._drafts[draft.chat].remove(draft)
        if not self._drafts[draft.chat]:
            del self._drafts[draft.chat]
            self._next.pop(draft.chat, None)

    def left(self, chat: str, reason: str) -> None:
        """This user is no longer in the chat: what was not sent fails."""
        self._fail(chat, reason)
        self._cipher.leave(chat)
        for (place, device), ids in self._ledger.asks(math.inf).items():
            if place == chat:
                self._ledger.ask_at(chat, device, ids, None)

    def _fail(self, chat: str, reason: str) -> None:
        for draft in list(self._drafts.get(chat, ())):
            self._drop(draft)
            self._chats.failed(draft.message_id, reason)

    # -- acceptances

    def accepted(self, frame: frames.Accepted, sent: dict[str, Any] | None) -> None:
        """`sent` is the frame it answers, None if that was accepted before."""
        if sent is None or "to" not in sent:
            return
        if is_shown(frame.message_id):
            covered = {name for one in self._outbox.of(frame.chat) for name in one.get("to", ())}
            missing = set(frame.missing) - covered
            self._cipher.owe(frame.chat, frame.message_id, missing)
        users = self._cipher.strangers(frame.missing)
        users |= {user_of(name) for name in frame.stale}
        self._cipher.forget(frame.stale)
        for user in users:
            self._key_requests.changed(user)

    # -- what single devices get

    def _errands(self, place: Chat, now: float) -> None:
        chat = place.chat
        tried = self._tried(chat, now)
        wants = self._cipher.errand_wants(place, self._key_requests.fresh, tried)
        self._bring(chat, wants, now)
        if not wants.members and not wants.lists:
            self._queue(chat, self._cipher.run_errands(place))

    def _ask(self, chat: str, device: str, now: float) -> None:
        user = user_of(device)
        if not self._key_requests.fresh(user):
            self._key_requests.want_lists({user}, now)
        elif not self._cipher.registered(device):
            self._ask_again(chat, device, None)  # nobody is there to answer
        elif not self._cipher.reachable(device):
            self._ask_again(chat, device, self._settings.claim_again)  # it may be accepted
        elif device in self._key_requests.tried(chat, now):
            self._ask_again(chat, device, self._settings.claim_again)
        else:
            self._key_requests.want_claims(chat, {device}, now, asking=True)

    def _ask_again(self, chat: str, device: str, pause: float | None) -> None:
        """After `pause`, or never."""
        ids = self._ledger.asks(self._clock()).get((chat, device), [])
        self._ledger.ask_at(chat, device, ids, None if pause is None else self._clock() + pause)

    # -- the directory's answers

    def brought(self, answer: Answer, now: float) -> bool:
        """False for a device list that may be older than what is known: it is not taken."""
        match answer.request:
            case Lists(user=user) as request:
                if not self._key_requests.listed(request):
                    return False
                found = self._cipher.learn(user, answer.found)
                for name in found.added:
                    self._emit(events.DeviceAdded(*user_and_device(name)))
                for name in found.changed:
                    self._emit(events.IdentityChanged(*user_and_device(name)))
            case Claims() as request:
                begun = self._cipher.claimed(request, answer.found)
                self._key_requests.claimed(request, begun, now)
                if request.asking:
                    for device in sorted(begun):
                        self._send_request(request.chat, device)
        return True

    def not_brought(self, request: Request, now: float) -> None:
        self._key_requests.failed(request, now)

    def _send_request(self, chat: str, device: str) -> None:
        at = self._clock()
        ids = self._ledger.asks(at).get((chat, device))
        if ids:
            size = self._settings.asked_at_once
            parts = [ids[start : start + size] for start in range(0, len(ids), size)]
            self._queue(chat, [self._cipher.ask(chat, device, part) for part in parts])
            self._ledger.asked(chat, device, ids, self._settings.ask_after, at)

    # -- small

    def _bring(self, chat: str, wants: Wants, now: float) -> None:
        if wants.members:
            self._want_news(chat, now)
        if wants.lists:
            self._key_requests.want_lists(wants.lists, now)
        if wants.claims:
            self._key_requests.want_claims(chat, wants.claims, now)

    def _tried(self, chat: str, now: float) -> Collection[str]:
        return self._key_requests.tried(chat, now)

    def _queue(self, chat: str, outgoing: Iterable[Outgoing]) -> None:
        for one in outgoing:
            frame = frames.send(one.message_id, chat, one.alg, one.payloads, urgent=one.urgent)
            self._ledger.queue(one.message_id, chat, frame)
            self._outbox.add(one.message_id, chat, frame, maybe_sent=False)

    def _chat(self, chat: str, now: float) -> Chat:
        kind = self._ledger.kind(chat)
        members = frozenset(self._chats.members(chat)) or None
        told = self._chats.told_at(chat)
        old = told is None or now - told > self._settings.members_fresh
        if self._chats.for_others(chat):
            members = frozenset()
        elif kind != "direct" and old:
            members = None
        # a chat whose kind isn't known yet and in which two are is sealed like a direct one
        return Chat(chat, kind == "group" or len(members or ()) > 2, members)
