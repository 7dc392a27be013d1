"""Ticks: derived from the members' watermarks, never sent as such (client rule 5)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from client.core.frames import Ranges, Watermarks


class State(IntEnum):
    """The state of an own message. Ordered: a later one includes the earlier ones."""

    FAILED = 0
    WAITING = 1
    SENT = 2
    DELIVERED = 3
    READ = 4


def reached(members: Mapping[str, Watermarks], me: str) -> Watermarks:
    """The seqs up to which everybody else has received and read it; 0 in a chat without others."""
    others = [marks for user, marks in members.items() if user != me]
    if not others:
        return Watermarks()
    # read implies delivered
    return Watermarks(
        delivered=min(max(marks.delivered, marks.read) for marks in others),
        read=min(marks.read for marks in others),
    )


def stage(seq: int, everyone: Watermarks, undelivered: Ranges = ()) -> State:
    """`undelivered`: messages at these positions were hidden from the other user, so the marks do
    not count.
    """
    if any(first <= seq <= last for first, last in undelivered):
        return State.SENT
    if seq <= everyone.read:
        return State.READ
    if seq <= everyone.delivered:
        return State.DELIVERED
    return State.SENT


def stages(before: State, after: State) -> list[State]:
    """Every stage from `before` (excluded) to `after`, so that none is skipped in the reports."""
    first = max(before, State.WAITING) + 1
    return [State(value) for value in range(first, after + 1)]
