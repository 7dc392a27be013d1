"""The messages of a queue, in a form in which the cost of a call does not grow with their number.

moto keeps a list and walks it at every call. Here a message is found by any of its receipt handles,
and a FIFO queue's groups are apart, so that a receive passes a group with a message in flight in
one step.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Collection, Iterator
from itertools import count
from typing import Any

Group = str | None


class Backlog:
    """The messages of a queue, in place of moto's `Queue._messages`: iteration gives them as they
    arrived."""

    def __init__(self, fifo: bool) -> None:
        self._fifo = fifo
        self._arrivals = count()
        # message -> number of its arrival; a dict would walk over what was removed from its front
        self._groups: dict[Group, OrderedDict[Any, int]] = {}
        self._handles: dict[str | None, Any] = {}

    def __len__(self) -> int:
        return sum(len(group) for group in self._groups.values())

    def __iter__(self) -> Iterator[Any]:
        return self.outside(())

    def outside(self, groups: Collection[Group]) -> Iterator[Any]:
        """The messages of other groups than these, as they arrived."""
        found = [messages for group, messages in self._groups.items() if group not in groups]
        merged = heapq.merge(*(messages.items() for messages in found), key=_arrival)
        return (message for message, _ in merged)

    def append(self, message: Any) -> None:
        group = self._groups.setdefault(self.group(message), OrderedDict())
        group[message] = next(self._arrivals)

    def remove(self, message: Any) -> None:
        group = self.group(message)
        del self._groups[group][message]
        if not self._groups[group]:
            del self._groups[group]
        for handle in message.all_receipt_handles:
            self._handles.pop(handle, None)

    def received(self, message: Any) -> None:
        """It has another receipt handle now; earlier ones stay valid."""
        self._handles[message.receipt_handle] = message

    def with_handle(self, receipt_handle: str) -> Any | None:
        return self._handles.get(receipt_handle)

    def group(self, message: Any) -> Group:
        """The message's group; only a FIFO queue keeps an order within a group."""
        return message.group_id if self._fifo else None


def _arrival(entry: tuple[Any, int]) -> int:
    return entry[1]
