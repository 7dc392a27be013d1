"""The limit of sends per device: counted in memory, written once for SAMPLE sends.

Each execution environment counts what it sees of a device, and takes SAMPLE tokens at once from the
device's bucket when it has seen as many. So the limit holds across environments, up to SAMPLE sends
in each, and costs a message 1/SAMPLE of a write.
"""

from collections import Counter
from functools import lru_cache

from lambdas.limits import SENDS, Limits, exceeded
from lambdas.presence.devices import Address
from lambdas.tables import Table

SAMPLE = 32
DEVICES_LIMIT = 10_000  # counted in one environment; beyond it counting begins anew


class SendLimit:
    """One execution environment's counts."""

    def __init__(self) -> None:
        self._sends: Counter[Address] = Counter()
        self._limited: dict[Address, float] = {}  # until then, in epoch seconds

    def require(self, users: Table, device: Address, now: float) -> None:
        """Counts a send. Raises ChatError rate_limited."""
        wait = self._limited.get(device, 0) - now
        if wait > 0:
            raise exceeded(SENDS, wait)
        self._sends[device] += 1
        if self._sends[device] < SAMPLE:
            return
        if len(self._sends) > DEVICES_LIMIT:
            self._sends.clear()
            self._limited.clear()
        limits = Limits(users, lambda: now)
        found = limits.wait(device.user, f"sends#{device.device}", SENDS, SAMPLE)
        if found is not None:
            self._limited[device] = now + found
            raise exceeded(SENDS, found)
        self._sends[device] = 0


@lru_cache(maxsize=1)
def send_limit() -> SendLimit:
    """This execution environment's; tests clear the cache."""
    return SendLimit()
