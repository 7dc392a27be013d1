"""The emulator's clock: the template's own seconds, passed `speed` times as fast."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Health-check intervals, deregistration delays and event windows stand in the template in
    seconds and are slept here `speed` times shorter. What clients see (message times, tickets,
    function timeouts) is real time and does not come from here.
    """

    speed: float = 1.0

    def __post_init__(self) -> None:
        if not self.speed > 0:
            raise ValueError(f"speed must be above 0, got {self.speed}")

    def now(self) -> float:
        """Template seconds on a monotonic scale: differences may be compared with the template's
        figures."""
        return time.monotonic() * self.speed

    def real(self, template_seconds: float) -> float:
        """The number of real seconds that pass while `template_seconds` do."""
        return template_seconds / self.speed

    async def sleep(self, template_seconds: float) -> None:
        await asyncio.sleep(self.real(template_seconds))
