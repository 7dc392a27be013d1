"""The backend's clock: it stands still, or runs with the machine's, and a test can move it."""

from __future__ import annotations

import time
from collections.abc import Callable

EPOCH = 1_800_000_000.0  # where a clock that stands still begins, in epoch seconds


class Clock:
    """Epoch seconds. `source` is what it runs with; without one only the test moves it."""

    def __init__(self, source: Callable[[], float] | None = None) -> None:
        self._source = source
        self._offset = 0.0 if source else EPOCH

    def __call__(self) -> float:
        return self._offset + (self._source() if self._source else 0.0)

    def pass_seconds(self, seconds: float) -> None:
        self._offset += seconds


def running() -> Clock:
    """A clock that runs with the machine's, for tests with real sockets."""
    return Clock(time.time)
