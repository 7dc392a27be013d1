"""Watermarks only move forward: `delivered` by device and `read` by user. No I/O."""

from typing import NamedTuple

from lambdas.messages import log
from lambdas.tables import Item


class Marks(NamedTuple):
    """What others see of a member of a chat."""

    delivered: int
    read: int


class Moved(NamedTuple):
    """`overtaken`: a later receipt of the device had moved its marks as far before."""

    before: Marks
    after: Marks
    overtaken: bool = False


class Step(NamedTuple):
    """A write that moves one or both marks of a device's user; None stays."""

    delivered: int | None
    read: int | None


def wanted(delivered: int | None, read: int | None) -> Step:
    """What a receipt asks for: what is read was delivered."""
    most = max(delivered or 0, read or 0)
    return Step(most or None, read)


def remaining(step: Step, member: Item, device: str) -> Step:
    """What of `step` would still move a mark forward."""
    there = member["delivered"].get(device, 0)
    return Step(
        step.delivered if step.delivered is not None and step.delivered > there else None,
        step.read if step.read is not None and step.read > member["read"] else None,
    )


def marks(member: Item) -> Marks:
    return Marks(log.delivered(member), log.read(member))


def applied(member: Item, device: str, step: Step) -> Item:
    delivered = dict(member["delivered"])
    if step.delivered is not None:
        delivered[device] = step.delivered
    read = member["read"] if step.read is None else step.read
    return {**member, "delivered": delivered, "read": read}
