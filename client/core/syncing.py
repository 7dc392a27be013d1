"""The schedule of `sync` requests. At most one is under way, so each response has its request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from client.core import frames
from client.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Question:
    """A `sync` without a response yet; `chats` is None for one that names no chats.

    `before` are this device's watermarks when it was asked, `cursor` is of the page of all chats.
    """

    chats: Mapping[str, int] | None
    before: Mapping[str, int]
    expires_at: float
    cursor: str | None = None

    @property
    def whole(self) -> bool:
        return self.chats is None

    def names(self, chat: str) -> bool:
        return self.chats is not None and chat in self.chats

    def covers(self, chat: str) -> bool:
        return self.chats is None or chat in self.chats


class SyncPlan:
    def __init__(self, settings: Settings, random: Random) -> None:
        self._settings, self._random = settings, random
        self._question: Question | None = None
        self._whole_at: float | None = None
        self._cursor: str | None = None  # of the page to ask for at `whole_at`
        self._wanted: dict[str, float] = {}
        self._alone: set[str] = set()
        self._news: set[str] = set()  # chats to sync although no message is missing
        self._tries: dict[str | None, int] = {}
        self._online = False
        self.resumed = False  # the server has responded for every chat on this connection

    @property
    def question(self) -> Question | None:
        return self._question

    def covers(self, chat: str) -> bool:
        """Whether the response under way will have this chat."""
        return self._question is not None and self._question.covers(chat)

    def opened(self, now: float) -> None:
        self._online, self.resumed = True, False
        self._question = None
        self._wanted.clear()
        self._alone.clear()
        self._news.clear()
        self._tries.clear()
        self._whole_at, self._cursor = now, None

    def closed(self) -> None:
        self._online = False
        self._question = None

    @property
    def idle(self) -> bool:
        """Whether no request is under way, and none is to be made."""
        waiting = self._wanted or self._news or self._whole_at is not None
        return self._question is None and not waiting

    def is_due(self, now: float) -> bool:
        """Whether a request is to be made now."""
        due = self.next_due()
        return due is not None and due <= now

    def wants(self, chat: str) -> bool:
        return chat in self._wanted

    def want(self, chat: str, at: float) -> None:
        self._wanted[chat] = min(at, self._wanted.get(chat, at))

    def want_alone(self, chat: str, at: float) -> None:
        """The server rejected a sync of several chats; requests for each alone show which was the
        reason.
        """
        self._alone.add(chat)
        self.want(chat, at)

    def want_all(self, at: float) -> None:
        self._whole_at = at if self._whole_at is None else min(at, self._whole_at)
        self._cursor = None

    def want_page(self, cursor: str, at: float) -> None:
        """The next page of all chats, unless all of them are wanted anew."""
        if self._whole_at is None:
            self._whole_at, self._cursor = at, cursor

    def want_members_of(self, chat: str) -> None:
        """Wants a sync of the chat for its members, which only `synced` has."""
        self._news.add(chat)

    def settled(self, chat: str) -> None:
        """The chat is no longer behind."""
        self._wanted.pop(chat, None)
        self._alone.discard(chat)
        self._tries.pop(chat, None)

    def progressed(self, chat: str | None) -> None:
        self._tries.pop(chat, None)

    def spread(self, retry_after: float | None) -> float | None:
        """A slightly longer time, by chance: many clients may have got the same `retry_after`."""
        if retry_after is None:
            return None
        return retry_after * self._random.uniform(*self._settings.sync_jitter)

    def want_later(
        self,
        chat: str | None,
        now: float,
        retry_after: float | None = None,
        cursor: str | None = None,
    ) -> None:
        """Ask again, with a growing pause. None = all. `retry_after`: at first the server's."""
        tries = self._tries.get(chat, 0)
        self._tries[chat] = tries + 1
        pause = min(self._settings.sync_backoff * 2**tries, self._settings.sync_backoff_cap)
        if retry_after is not None:
            pause = max(retry_after, pause / 2 if tries else 0.1)
        at = now + pause
        if chat is None:
            self._whole_at, self._cursor = at, cursor
        else:
            self._wanted[chat] = at

    def next_due(self) -> float | None:
        if not self._online:
            return None
        if self._question is not None:
            return self._question.expires_at
        if self._news:
            return float("-inf")
        times = list(self._wanted.values())
        if self._whole_at is not None:
            times.append(self._whole_at)
        return min(times, default=None)

    def expired(self, now: float) -> bool:
        return self._question is not None and now >= self._question.expires_at

    def due(self, now: float, watermarks: Callable[[], Mapping[str, int]]) -> dict[str, Any] | None:
        """The frame to send now, if any. `watermarks`: of all chats this device knows."""
        if not self._online or self._question is not None:
            return None
        ready = [chat for chat, at in self._wanted.items() if at <= now]
        ready += self._news.difference(ready)
        if ready:
            alone = [chat for chat in ready if chat in self._alone][:1]
            named = alone or ready[: self._settings.sync_chats]
            before = watermarks()
            chats = {chat: before.get(chat, 0) for chat in named}
            for chat in chats:
                self._wanted.pop(chat, None)
                self._news.discard(chat)
            self._question = Question(chats, chats, now + self._settings.sync_timeout)
            return frames.sync(chats)
        if self._whole_at is not None and self._whole_at <= now:
            cursor, self._whole_at, self._cursor = self._cursor, None, None
            expires_at = now + self._settings.sync_timeout
            self._question = Question(None, watermarks(), expires_at, cursor)
            return frames.sync(cursor=cursor)
        return None

    def responded(self) -> Question | None:
        """The question to which a `synced` (or an `error`) is the response."""
        question, self._question = self._question, None
        return question
