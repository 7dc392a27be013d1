"""The log of one chat: puts its messages in order and finds gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
Ready = Callable[[T], bool]

# Entries that came too early are in memory only; those beyond this number are fetched again by
# `sync`.
ASIDE_LIMIT = 2_000


class ChatLog(Generic[T]):
    """The watermark of one chat and the entries that wait for it (client rule 1).

    Whatever it returns is to be stored together with the new watermark, in this order. It stops in
    front of an entry that is not `ready`, until a later call.
    """

    def __init__(self, watermark: int = 0, highest: int = 0) -> None:
        self.watermark = watermark
        self.highest = max(watermark, highest)
        self._settled = watermark
        self._aside: dict[int, T] = {}

    @property
    def held(self) -> T | None:
        """The entry that is next in order and was not ready."""
        return self._aside.get(self.watermark + 1)

    @property
    def behind(self) -> bool:
        """Whether a message above the watermark is known to exist, and the next one is missing."""
        return self.highest > self.watermark and self.held is None

    def offer(
        self, seq: int, entry: T, ready: Ready[T] = lambda entry: True
    ) -> list[tuple[int, T]]:
        """What can be taken in order now that `entry` is here; nothing if late or too early."""
        if seq <= self.watermark:
            return []
        self.highest = max(self.highest, seq)
        self._aside.setdefault(seq, entry)
        if len(self._aside) > ASIDE_LIMIT:
            del self._aside[max(self._aside)]
        return self.resume(ready)

    def heard_of(self, seq: int) -> None:
        """The server says that position `seq` exists."""
        self.highest = max(self.highest, seq)

    def complete(self, to: int, ready: Ready[T] = lambda entry: True) -> list[tuple[int, T]]:
        """Records that nothing at or below `to` will appear any more: holes up to there are
        skipped.
        """
        self.highest = max(self.highest, to)
        self._settled = max(self._settled, to)
        return self.resume(ready)

    def resume(self, ready: Ready[T] = lambda entry: True) -> list[tuple[int, T]]:
        """The entries that can be taken now."""
        taken: list[tuple[int, T]] = []
        while True:
            entry = self._aside.get(self.watermark + 1)
            if entry is not None:
                if not ready(entry):
                    return taken
                self.watermark += 1
                taken.append((self.watermark, self._aside.pop(self.watermark)))
            elif self.watermark < self._settled:
                ahead = min((seq for seq in self._aside if seq <= self._settled), default=None)
                self.watermark = self._settled if ahead is None else ahead - 1
            else:
                return taken


def holes(
    after: int, to: int, taken: Iterable[int], missing: Iterable[tuple[int, int]]
) -> list[tuple[int, int]]:
    """The parts of `missing` (inclusive ranges) in (after, to] that were not taken after all."""
    there = sorted(taken)
    found: list[tuple[int, int]] = []
    for first, last in missing:
        start, end = max(first, after + 1), min(last, to)
        for seq in there:
            if start <= seq <= end:
                if start < seq:
                    found.append((start, seq - 1))
                start = seq + 1
        if start <= end:
            found.append((start, end))
    return found
