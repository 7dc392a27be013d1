"""Timers of a connection: the next ping, the end of a silent connection, the next attempt (client
rule 6).
"""

from __future__ import annotations

from random import Random

from client.core.settings import Settings


class Liveness:
    """Of one open connection. Idle ones close after 10 minutes and all after 2 hours."""

    def __init__(self, settings: Settings, random: Random) -> None:
        self._settings = settings
        self._random = random
        self._ping_at: float | None = None
        self._dead_at: float | None = None
        self.reconnect_at: float | None = None

    def opened(self, now: float) -> None:
        self._ping_at = now + self._random.uniform(*self._settings.ping_between)
        self._dead_at = None
        self.reconnect_at = now + self._random.uniform(*self._settings.reconnect_between)

    def closed(self) -> None:
        self._ping_at = self._dead_at = self.reconnect_at = None

    def probe(self, now: float) -> None:
        """A request had no response: sends a ping at once, to find out whether the connection still
        works.
        """
        if self._ping_at is not None and self._dead_at is None:
            self._ping_at = now

    def ping_due(self, now: float) -> bool:
        """True when a ping is to be sent now; the pong is then expected in time."""
        if self._ping_at is None or now < self._ping_at:
            return False
        self._ping_at = now + self._random.uniform(*self._settings.ping_between)
        if self._dead_at is None:
            self._dead_at = now + self._settings.pong_timeout
        return True

    def heard(self) -> None:
        """Any frame shows that the connection works."""
        self._dead_at = None

    def dead(self, now: float) -> bool:
        return self._dead_at is not None and now >= self._dead_at

    def reconnect_due(self, now: float) -> bool:
        return self.reconnect_at is not None and now >= self.reconnect_at

    def next_due(self) -> float | None:
        times = [at for at in (self._ping_at, self._dead_at, self.reconnect_at) if at is not None]
        return min(times, default=None)


class Backoff:
    """Full jitter: a random pause between 0 and a bound that doubles with each failure."""

    def __init__(self, settings: Settings, random: Random) -> None:
        self._settings = settings
        self._random = random
        self._failures = 0
        self._window: float | None = None

    def ticket(self, reconnect_window: float | None) -> None:
        """`reconnect_window`: as the newest ticket response carried it, seconds."""
        self._window = reconnect_window

    def connected(self) -> None:
        self._failures = 0

    def pause(self) -> float:
        """How long to wait before the next attempt, seconds."""
        failures, self._failures = self._failures, self._failures + 1
        if failures == 0 and self._window:
            return self._random.uniform(0, self._window)
        bound = min(
            self._settings.reconnect_base * 2 ** min(failures, 16), self._settings.reconnect_cap
        )
        return self._random.uniform(0, bound)
