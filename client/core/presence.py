"""Presence and typing: the users that are watched, and the times of `watch` and `typing` frames."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Any

from client.core import frames
from client.core.settings import Settings

WATCH_LIMIT = 100  # users in one `watch` frame
TYPING_MEMBERS = 256  # in a chat with more the backend shows it to nobody
ASK_AGAIN = 60.0  # seconds between two questions about a user who writes but is reported offline


class PresencePlan:
    def __init__(self, settings: Settings, random: Random) -> None:
        self._settings, self._random = settings, random
        self._watched: set[str] = set()
        self._there: set[str] = set()
        self._asked: dict[str, float] = {}
        self._typed: dict[str, float] = {}
        self._watch_at: float | None = None
        self._failures = 0
        self._failed = False  # a `watch` since the last time that all were sent
        self._online = False

    def opened(self, now: float) -> None:
        self._online = True
        self._watch_at = now if self._watched else None
        self._failures, self._failed = 0, False

    def closed(self) -> None:
        self._online = False

    def watch(self, now: float, users: Collection[str]) -> list[dict[str, Any]]:
        """Until the client ends; subscriptions are renewed before the server forgets them."""
        self._watched |= set(users)
        if not self._online or not users:
            return []
        if self._watch_at is None:
            self._watch_at = now + self._settings.watch_interval
        return _frames(users)

    def seen(self, user: str, *, online: bool) -> None:
        """Takes the presence of a watched user."""
        (self._there.add if online else self._there.discard)(user)

    def wrote(self, now: float, user: str) -> list[dict[str, Any]]:
        """Watches a user again who writes but is reported as offline. A stranger who answers may be
        watched from then on, of which no frame notifies.
        """
        last = self._asked.get(user, float("-inf"))
        unseen = user in self._watched and user not in self._there
        if not self._online or not unseen or now - last < ASK_AGAIN:
            return []
        self._asked[user] = now
        return _frames([user])

    def failed(self, now: float, retry_after: float | None) -> None:
        """A `watch` got an error that passes. Earlier ones may have ended, so all are renewed.

        After a growing pause, and not before `retry_after` seconds.
        """
        if self._watch_at is None:
            return
        if not self._failed:
            pause = self._settings.retry_after_error * 2.0 ** min(self._failures, 16)
            pause *= self._random.uniform(0.8, 1.2)
            self._watch_at = now + min(pause, self._settings.watch_interval)
            self._failures += 1
        self._failed = True
        self._watch_at = max(self._watch_at, now + (retry_after or 0.0))

    def typing(self, now: float, chat: str, members: int) -> list[dict[str, Any]]:
        if members > TYPING_MEMBERS:
            return []
        last = self._typed.get(chat, float("-inf"))
        if not self._online or now - last < self._settings.typing_interval:
            return []
        self._typed[chat] = now
        return [frames.typing_frame(chat=chat)]

    def next_due(self) -> float | None:
        return self._watch_at

    def due(self, now: float) -> list[dict[str, Any]]:
        if self._watch_at is None or now < self._watch_at:
            return []
        self._watch_at = now + self._settings.watch_interval
        self._failures = self._failures if self._failed else 0
        self._failed = False
        return _frames(self._watched)


def _frames(users: Collection[str]) -> list[dict[str, Any]]:
    names = sorted(set(users))
    chunks = [names[at : at + WATCH_LIMIT] for at in range(0, len(names), WATCH_LIMIT)]
    return [frames.watch(chunk) for chunk in chunks]
