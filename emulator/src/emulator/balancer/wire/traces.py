"""New trace ids for X-Amzn-Trace-Id."""

from __future__ import annotations

from collections.abc import Callable

_ID_BYTES = 12
_AT_ONCE = 256  # asking the system for chance once per request costs as much as all the rest here


class Traces:
    """`wall` gives epoch seconds."""

    def __init__(self, wall: Callable[[], float], random_bytes: Callable[[int], bytes]) -> None:
        self._wall = wall
        self._random_bytes = random_bytes
        self._ids: list[str] = []
        self._second = (0, "")

    def new(self) -> str:
        """1-<epoch, 8 hex>-<24 hex>"""
        if not self._ids:
            pool = self._random_bytes(_ID_BYTES * _AT_ONCE).hex()
            self._ids = [pool[at : at + 2 * _ID_BYTES] for at in range(0, len(pool), 2 * _ID_BYTES)]
        second = int(self._wall())
        if second != self._second[0]:
            self._second = (second, f"1-{second:08x}-")
        return self._second[1] + self._ids.pop()
