"""Sending: from a written text to frames in the outbox, and the requests for keys that it needs. A
text is sealed when it is the next of its chat, and not before: it is sealed once, for the devices
registered at that time, and the same bytes are sent until it is accepted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from client.core import events, frames
from client.core.cipher import Chat, Claims, Draft, FetchResult, Lists, Request, Wants
from client.core.content import Reference
from client.core.ids import is_written, user_and_device, user_of
from client.core.key_requests import KeyRequests
from client.core.membership import Membership
from client.core.own_messages import OwnMessages
from client.core.settings import Settings
from client.core.step import Step
from client.core.ticks import State


class Sending:
    def __init__(
        self,
        user: str,
        key_requests: KeyRequests,
        membership: Membership,
        own: OwnMessages,
        settings: Settings,
        emit: Callable[[events.Event], None],
    ) -> None:
        self._user, self._key_requests, self._membership = user, key_requests, membership
        self._own, self._settings, self._emit = own, settings, emit
        self._drafts: dict[str, list[Draft]] = {}
        self._next: dict[str, str] = {}  # the text that each chat is being prepared for
        self._blocked: dict[str, frozenset[str]] = {}

    def restore(self, step: Step) -> None:
        for draft in step.ledger.drafts():
            self._drafts.setdefault(draft.chat, []).append(draft)

    def __len__(self) -> int:
        return sum(len(drafts) for drafts in self._drafts.values())

    def add(self, step: Step, draft: Draft) -> None:
        self._own.write(step, draft)
        self._drafts.setdefault(draft.chat, []).append(draft)

    def withdraw(self, step: Step, chat: str, target: Reference) -> bool:
        """Deletes a text of this device that was not sent yet; False if it may have been."""
        own = step.ledger.own(target.id)
        failed = own is not None and own.state is State.FAILED
        if not self._unsealed(step, chat, target.id) and not failed:
            return False
        step.ledger.erase(chat, target, "deleted")
        self._emit(events.MessageChanged(chat, *target, "deletion", self._user))
        return True

    def _unsealed(self, step: Step, chat: str, message_id: str) -> bool:
        """Drops a draft, which is then never sent. True if there was one."""
        for draft in self._drafts.get(chat, ()):
            if draft.message_id == message_id:
                self._drop(step, draft)
                return True
        return False

    def opened(self) -> None:
        self._key_requests.opened()
        self._blocked.clear()

    def closed(self) -> None:
        self._key_requests.closed()

    def next_due(self, step: Step) -> float | None:
        times = [self._key_requests.next_due(step.now)]
        ask_at = step.ledger.next_ask(step.time)
        if ask_at is not None:
            times.append(step.now + ask_at - step.time)
        return min((at for at in times if at is not None), default=None)

    def due(self, step: Step) -> None:
        """Seals the texts that can be sealed, and requests the keys that others need."""
        # This also detects this user's own new devices.
        self._key_requests.want_lists({self._user}, step.now)
        for chat in list(self._drafts):
            if not self._own.queued(chat):
                self._draft(step, chat)
        for chat in step.cipher.devices_to_send_to():
            if self._membership.may_send_unasked(step, chat):
                self._to_device(step, self._membership.chat(step, chat))
        for chat, device in step.ledger.asks(step.time):
            if self._membership.may_send_unasked(step, chat):
                self._ask(step, chat, device)

    # -- texts

    def _draft(self, step: Step, chat: str) -> None:
        draft = self._drafts[chat][0]
        if self._next.get(chat) != draft.message_id:
            self._next[chat] = draft.message_id
            self._key_requests.try_again(chat)
        if self._membership.for_others(step, chat):
            self._fail(step, chat, "the backend says that others are in this direct chat")
            return
        place = self._membership.chat(step, chat)
        wants = step.cipher.wants(
            place, self._key_requests.fresh, self._key_requests.tried(chat, step.now)
        )
        self._notify_blocked(chat, wants.blocked)
        if wants:
            self._fetch(step, chat, wants)
            return
        sealing = step.cipher.seal(draft, place)
        if sealing.done:
            self._drop(step, draft)
        self._own.queue(step, chat, sealing.frames)

    def _notify_blocked(self, chat: str, users: frozenset[str]) -> None:
        if users and self._blocked.get(chat) != users:
            self._emit(events.SendingHeld(chat, tuple(sorted(users))))
        self._blocked[chat] = users

    def _drop(self, step: Step, draft: Draft) -> None:
        step.ledger.undraft(draft.message_id)
        self._drafts[draft.chat].remove(draft)
        if not self._drafts[draft.chat]:
            del self._drafts[draft.chat]
            self._next.pop(draft.chat, None)

    def left(self, step: Step, chat: str, reason: str) -> None:
        """This user is no longer in the chat: texts that were not sent fail."""
        self._fail(step, chat, reason)
        step.cipher.leave(chat)
        for (place, device), ids in step.ledger.asks(math.inf).items():
            if place == chat:
                step.ledger.ask_at(chat, device, ids, None)

    def _fail(self, step: Step, chat: str, reason: str) -> None:
        for draft in list(self._drafts.get(chat, ())):
            self._drop(step, draft)
            self._own.failed(step, draft.message_id, reason)

    # -- acceptances

    def accepted(self, step: Step, frame: frames.Accepted, sent: Mapping[str, Any] | None) -> None:
        """`sent` is the frame to which it is the response, None if that was accepted before."""
        if sent is None or "to" not in sent:
            return
        if is_written(frame.message_id):
            covered = {name for one in self._own.queued(frame.chat) for name in one.get("to", ())}
            missing = set(frame.missing) - covered
            step.cipher.queue_copies(frame.chat, frame.message_id, missing)
        users = step.cipher.users_with_unknown_devices(frame.missing)
        users |= {user_of(name) for name in frame.stale}
        if frame.more:  # not all were named: the users' device lists have them
            users |= set(self._membership.members(step, frame.chat))
        step.cipher.forget(frame.stale)
        for user in users:
            self._key_requests.changed(user)

    # -- what single devices get

    def _to_device(self, step: Step, place: Chat) -> None:
        chat = place.chat
        tried = self._key_requests.tried(chat, step.now)
        wants = step.cipher.to_device_wants(place, self._key_requests.fresh, tried)
        self._fetch(step, chat, wants)
        if not wants.members and not wants.lists:
            self._own.queue(step, chat, step.cipher.seal_to_device(place))

    def _ask(self, step: Step, chat: str, device: str) -> None:
        user = user_of(device)
        later = self._settings.claim_again_cap
        if not self._key_requests.fresh(user):
            self._key_requests.want_lists({user}, step.now)
        elif not step.cipher.registered(device):
            self._ask_again(step, chat, device, None)  # nobody is there to respond
        elif not step.cipher.reachable(device):
            self._ask_again(step, chat, device, later)  # its keys may be accepted
        elif device in self._key_requests.tried(chat, step.now):
            self._ask_again(step, chat, device, later)
        else:
            self._key_requests.want_claims(chat, {device}, step.now, asking=True)

    def _ask_again(self, step: Step, chat: str, device: str, pause: float | None) -> None:
        """Asks the sender again after `pause`, or never."""
        ids = step.ledger.to_ask(chat, device, step.time)
        step.ledger.ask_at(chat, device, ids, None if pause is None else step.time + pause)

    # -- the directory's responses

    def fetch_succeeded(self, step: Step, result: FetchResult) -> bool:
        """False for a device list that may be older than what is known, which is ignored."""
        match result.request:
            case Lists(user=user) as request:
                if not self._key_requests.listed(request):
                    return False
                found = step.cipher.learn(user, result.found, result.former)
                for name in found.added:
                    self._emit(events.DeviceAdded(*user_and_device(name)))
                for name in found.changed:
                    self._emit(events.IdentityChanged(*user_and_device(name)))
            case Claims() as request:
                begun = step.cipher.claimed(request, result.found)
                self._key_requests.claimed(request, begun, step.now, result.retry_after)
                if request.asking:
                    for device in sorted(begun):
                        self._send_request(step, request.chat, device)
        return True

    def fetch_failed(self, step: Step, request: Request, retry_after: float) -> None:
        self._key_requests.failed(request, step.now, retry_after)

    def _send_request(self, step: Step, chat: str, device: str) -> None:
        at = step.time
        ids = step.ledger.to_ask(chat, device, at)
        if ids:
            size = self._settings.asked_at_once
            parts = [ids[start : start + size] for start in range(0, len(ids), size)]
            self._own.queue(step, chat, [step.cipher.ask(chat, device, part) for part in parts])
            step.ledger.asked(chat, device, ids, self._settings.ask_after, at)

    # -- small

    def _fetch(self, step: Step, chat: str, wants: Wants) -> None:
        if wants.members:
            self._membership.want(step, chat)
        if wants.lists:
            self._key_requests.want_lists(wants.lists, step.now)
        if wants.claims:
            self._key_requests.want_claims(chat, wants.claims, step.now)
