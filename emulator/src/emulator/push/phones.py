"""The phones: the pushes that each received, by device token, and which no longer have the app."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.traces.ring import PUSH, Ring

MOST_PUSHES = 1000  # pushes per token


@dataclass(frozen=True)
class Push:
    """`message` is what the app gets: FCM's message without its token, or APNs' payload;
    `headers` the apns-* ones; `received_at` in epoch seconds."""

    platform: str  # fcm | apns
    received_at: float
    message: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "platform": self.platform,
            "received_at": self.received_at,
            "message": dict(self.message),
        }
        if self.headers:
            document["headers"] = dict(self.headers)
        return document


class Phones:
    """Shared by the servers that push and the console that shows."""

    def __init__(self, now: Callable[[], float], ring: Ring | None = None) -> None:
        self._now = now
        self._ring = ring
        self._received: dict[str, deque[Push]] = {}
        self._uninstalled: dict[str, float] = {}

    def receive(
        self,
        token: str,
        platform: str,
        message: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        pushes = self._received.setdefault(token, deque(maxlen=MOST_PUSHES))
        pushes.append(Push(platform, self._now(), message, headers or {}))
        if self._ring is not None:
            self._ring.add(PUSH, token, given=json.dumps(message), result=platform)

    def phone(self, token: str) -> list[Push]:
        """The pushes of a token in order of arrival; empty for one that nothing was pushed to."""
        return list(self._received.get(token, ()))

    def uninstall(self, token: str) -> None:
        """Makes the token unregistered from now on, as if the app had been removed."""
        self._uninstalled.setdefault(token, self._now())

    def uninstalled_at(self, token: str) -> float | None:
        return self._uninstalled.get(token)

    def saved(self) -> Any:
        """Everything, as JSON."""
        received = {
            token: [push.as_json() for push in pushes] for token, pushes in self._received.items()
        }
        return {"received": received, "uninstalled": dict(self._uninstalled)}

    def put_back(self, saved: Any) -> None:
        """Puts back what `saved` returned."""
        for token, pushes in saved["received"].items():
            found = (Push(**push) for push in pushes)
            self._received[token] = deque(found, maxlen=MOST_PUSHES)
        self._uninstalled.update(saved["uninstalled"])

    def summary(self) -> list[dict[str, Any]]:
        """`[{token, platform, count, last_at, uninstalled}]`, the latest push first."""
        rows = [
            {
                "token": token,
                "platform": pushes[-1].platform,
                "count": len(pushes),
                "last_at": pushes[-1].received_at,
                "uninstalled": token in self._uninstalled,
            }
            for token, pushes in self._received.items()
        ]
        return sorted(rows, key=lambda row: row["last_at"], reverse=True)
