"""Members of chats: their names, their watermarks, and when to request them from the backend."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from client.core.cipher import Chat
from client.core.events import Event, MembersChanged, WatermarksMoved
from client.core.frames import Ranges, Receipt, Watermarks
from client.core.own_messages import OwnMessages
from client.core.settings import Settings
from client.core.step import Step
from client.core.syncing import SyncPlan
from client.core.ticks import reached

# A member whose joining was noticed late is sent again what was written in the minute before.
NOTICED_WITHIN = 60.0

Marks = Mapping[str, Watermarks]


class Membership:
    def __init__(
        self,
        user: str,
        sync: SyncPlan,
        own: OwnMessages,
        settings: Settings,
        emit: Callable[[Event], None],
    ) -> None:
        self._user, self._sync, self._own = user, sync, own
        self._settings, self._emit = settings, emit
        self._members: dict[str, dict[str, Watermarks]] = {}
        self._sure: set[str] = set()  # chats of which the server has said who is in them
        self._asked: set[tuple[str, str]] = set()
        self._outdated: set[str] = set()  # what the response under way says of their members
        self._again_at: dict[str, float] = {}

    def opened(self) -> None:
        """What an earlier connection said of the members is no longer up to date."""
        self._sure.clear()
        self._asked.clear()
        self._outdated.clear()
        self._again_at.clear()

    def next_due(self, now: float) -> float | None:
        return min((at for at in self._again_at.values() if at > now), default=None)

    # -- what is known

    def members(self, step: Step, chat: str) -> dict[str, Watermarks]:
        if chat not in self._members:
            step.ledger.open_chat(chat)
            self._members[chat] = step.ledger.members(chat)
        return self._members[chat]

    def everyone(self, step: Step, chat: str) -> Watermarks:
        """The seqs up to which all others have received and read the chat."""
        return reached(self.members(step, chat), self._user)

    def for_others(self, step: Step, chat: str) -> bool:
        """Whether the backend reports a direct chat as other users': nothing may be sent there."""
        listed = step.ledger.kind(chat) == "direct" and step.ledger.members_told(chat)
        return listed and step.ledger.pair(chat) is None

    def may_send_unasked(self, step: Step, chat: str) -> bool:
        """Whether this client may send there by itself. In a request it may not: each seq, and each
        claimed key, shows a stranger that a device of the user is in use. If it is not known
        whether the chat is a request, a `sync` asks for it.
        """
        request = step.ledger.request(chat)
        if request is None and step.ledger.kind(chat) != "group":
            self.want(step, chat)
            return False
        return not request

    def request_is(self, step: Step, chat: str, request: bool) -> None:
        """Stores whether the chat is a request. A chat that was answered once never becomes one
        again: a response may be from before.
        """
        if step.ledger.request(chat) not in (False, request):
            step.ledger.set_request(chat, request)

    def chat_changed(self, step: Step, chat: str) -> None:
        """Perhaps the user has accepted a request on another device."""
        if step.ledger.request(chat) is not False and step.ledger.kind(chat) != "group":
            self._sync.want_members_of(chat)  # a response that is under way may be from before

    def chat(self, step: Step, chat: str) -> Chat:
        """What encryption needs to know of the chat."""
        kind = step.ledger.kind(chat)
        members = frozenset(self.members(step, chat)) or None
        if self.for_others(step, chat):
            members = frozenset()
        elif kind != "direct" and chat not in self._sure:
            members = None
        # a chat whose kind isn't known yet and in which two are is sealed like a direct one
        return Chat(chat, kind == "group" or len(members or ()) > 2, members)

    # -- asking

    def met(self, step: Step, chat: str, user: str) -> None:
        """Requests the members, once, if a frame names a user who is not known: the frame about a
        new member may get lost.
        """
        known = user in self.members(step, chat)
        if known or self._sync.covers(chat) or (chat, user) in self._asked:
            return
        self._asked.add((chat, user))
        self._sync.want_members_of(chat)

    def changed(self, chat: str, *, known: bool) -> None:
        """Who is in it now is asked; a response that is under way may be from before."""
        self._sure.discard(chat)
        if self._sync.covers(chat):
            self._outdated.add(chat)
        elif known:
            self._sync.want_members_of(chat)

    def want(self, step: Step, chat: str) -> None:
        """Requests the members by a `sync`: only `synced` has them."""
        if not self._sync.covers(chat) and step.now >= self._again_at.get(chat, step.now):
            self._sync.want_members_of(chat)

    def failed(self, step: Step, chats: Collection[str]) -> None:
        """An `error` was the response to a sync of these."""
        self._outdated.clear()
        self._again_at |= dict.fromkeys(chats, step.now + self._settings.sync_backoff)

    # -- what the server says

    def receipt(self, step: Step, frame: Receipt) -> None:
        """Takes the marks of a member; a receipt never makes a user a member."""
        marks = Watermarks(max(frame.delivered, frame.read), frame.read)
        self._raise_marks(step, frame.chat, {frame.user: marks})
        self.met(step, frame.chat, frame.user)  # perhaps it is no member (any more)

    def undelivered(self, step: Step, chat: str, ranges: Ranges) -> None:
        """Stores the positions that were hidden by blocks that have ended; called before the marks
        are taken.
        """
        if ranges and ranges != step.ledger.undelivered(chat):
            step.ledger.set_undelivered(chat, ranges)

    def synced(self, step: Step, chat: str, members: Marks, seq: int) -> None:
        if chat in self._outdated:  # they may have changed since they were asked about
            self._raise_marks(step, chat, members)
        else:
            self.listed(step, chat, members, seq)

    def all_synced(self) -> None:
        """The response has been read as a whole; not every chat may have been on its page."""
        for chat in self._outdated:
            self._sync.want_members_of(chat)
        self._outdated.clear()

    def listed(self, step: Step, chat: str, marks: Marks, at: int) -> None:
        """Stores the complete list of members; `at` is the newest seq of the chat by then. An empty
        list is ignored.
        """
        if not marks:
            return
        self._sure.add(chat)
        known = self.members(step, chat)
        others = step.ledger.pair(chat) is None and known.keys() != marks.keys()
        if others:
            listed = step.ledger.members_told(chat)
            members = {user: known.get(user, Watermarks()) for user in marks}
            step.ledger.set_members(chat, members, step.time - NOTICED_WITHIN)
            self._members[chat] = members
            if listed:
                joined, left = marks.keys() - known.keys(), known.keys() - marks.keys()
                self._emit(MembersChanged(chat, tuple(sorted(joined)), tuple(sorted(left))))
        step.ledger.members_seen(chat, at)
        self._raise_marks(step, chat, marks, others=others)

    def _raise_marks(self, step: Step, chat: str, marks: Marks, *, others: bool = False) -> None:
        """Of those who are members; `others`: they are not the same as before."""
        known = self.members(step, chat)
        after = dict(known)
        for user in known.keys() & marks.keys():
            old, new = known[user], marks[user]
            after[user] = Watermarks(max(old.delivered, new.delivered), max(old.read, new.read))
            if after[user] != old:
                step.ledger.set_member(chat, user, after[user])
        if others or after != known:
            self._members[chat] = after
            for user, moved in after.items():
                if moved != known.get(user, Watermarks()) and user != self._user:
                    self._emit(WatermarksMoved(chat, user, moved.delivered, moved.read))
            self._own.ticked(step, chat, after)
