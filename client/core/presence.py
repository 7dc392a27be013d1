"""Whose presence is watched, and when to report that the user types."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from client.core import frames
from client.core.settings import Settings

WATCH_LIMIT = 100  # users in one `watch` frame


class PresencePlan:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._watched: set[str] = set()
        self._typed: dict[str, float] = {}
        self._watch_at: float | None = None
        self._online = False

    def opened(self, now: float) -> None:
        self._online = True
        self._watch_at = now if self._watched else None

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

    def typing(self, now: float, chat: str) -> list[dict[str, Any]]:
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
        return _frames(self._watched)


def _frames(users: Collection[str]) -> list[dict[str, Any]]:
    names = sorted(set(users))
    chunks = [names[at : at + WATCH_LIMIT] for at in range(0, len(names), WATCH_LIMIT)]
    return [frames.watch(chunk) for chunk in chunks]
