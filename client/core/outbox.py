"""The outbox: own sealed messages, sent in order and repeated until they are accepted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from client.core.ids import is_written
from client.core.settings import Settings


@dataclass(slots=True)
class Unaccepted:
    message_id: str
    chat: str
    frame: dict[str, Any]
    maybe_sent: bool  # on an earlier connection or by an earlier process
    attempts: int = 0
    due_at: float = 0.0


class Outbox:
    """Each attempt has the same message_id and payloads, so receivers drop duplicates."""

    def __init__(self, settings: Settings, random: Random) -> None:
        self._settings = settings
        self._random = random
        self._chats: dict[str, list[Unaccepted]] = {}
        self._by_id: dict[str, Unaccepted] = {}
        self._online = False

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._by_id

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def texts(self) -> int:
        """The number of messages that people wrote."""
        return sum(1 for message_id in self._by_id if is_written(message_id))

    def of(self, chat: str) -> list[dict[str, Any]]:
        """The frames of a chat, in order."""
        return [entry.frame for entry in self._chats.get(chat, ())]

    def frame_of(self, message_id: str) -> dict[str, Any] | None:
        entry = self._by_id.get(message_id)
        return entry.frame if entry else None

    def in_flight(self, chat: str) -> bool:
        return any(entry.attempts for entry in self._chats.get(chat, ()))

    def chat_of(self, message_id: str) -> str | None:
        entry = self._by_id.get(message_id)
        return entry.chat if entry else None

    def add(self, message_id: str, chat: str, frame: dict[str, Any], *, maybe_sent: bool) -> None:
        entry = Unaccepted(message_id, chat, frame, maybe_sent)
        self._by_id[message_id] = entry
        self._chats.setdefault(chat, []).append(entry)

    def remove(self, message_id: str) -> None:
        entry = self._by_id.pop(message_id, None)
        if entry is not None:
            self._chats[entry.chat].remove(entry)
            if not self._chats[entry.chat]:
                del self._chats[entry.chat]

    def opened(self) -> None:
        self._online = True

    def closed(self) -> None:
        self._online = False
        for entry in self._by_id.values():
            entry.maybe_sent = entry.maybe_sent or entry.attempts > 0
            entry.attempts, entry.due_at = 0, 0.0

    def retry(self, message_id: str, now: float, retry_after: float | None = None) -> None:
        """The server could not take it now: `rate_limited` or `internal`.

        Not before `retry_after` seconds, if it is given.
        """
        entry = self._by_id.get(message_id)
        if entry is not None:
            exponent = max(entry.attempts - 1, 0)
            pause = self._spread(self._settings.retry_after_error, exponent)
            entry.due_at = now + max(pause, (retry_after or 0.0) * self._random.uniform(1.0, 1.2))

    def next_due(self, resumed: bool) -> float | None:
        times = [entry.due_at for entry in self._candidates(resumed)]
        return min(times, default=None)

    def due(self, now: float, resumed: bool) -> list[Unaccepted]:
        """What to send now. `resumed`: the sync that may bring earlier acceptances is through."""
        ready = [entry for entry in self._candidates(resumed) if entry.due_at <= now]
        for entry in ready:
            entry.due_at = now + self._spread(self._settings.resend_after, entry.attempts)
            entry.attempts += 1
        return ready

    def _candidates(self, resumed: bool) -> Iterable[Unaccepted]:
        if not self._online:
            return
        for entries in self._chats.values():
            for entry in entries[: self._settings.in_flight_per_chat]:
                if entry.maybe_sent and not resumed:
                    break  # it may come back as accepted, and nothing may overtake it
                yield entry

    def _spread(self, base: float, exponent: int) -> float:
        pause = min(base * float(2 ** min(exponent, 16)), self._settings.resend_cap)
        return pause * self._random.uniform(0.8, 1.2)
