"""Rules of watermarks, which only grow: `delivered` by device and `read` by user. No I/O."""

from typing import NamedTuple

from lambdas.messages import log
from lambdas.tables import Item

MEMBER_SECONDS = 0.1
MEMBERS = 50  # more count as many
LARGE = 256  # a chat with more members has half as many receipts


def receipt_interval(members: int) -> float:
    """Seconds for which a device may hold a receipt back in a chat, after rule 4 of the protocol.

    So a chat has at most ten receipts in a second, one of 256 members 51, one of 1,024 a hundred.
    """
    seconds = MEMBER_SECONDS * max(2, min(members, MEMBERS))
    return 2 * seconds if members > LARGE else seconds


LONGEST_INTERVAL = receipt_interval(LARGE + 1)


class Marks(NamedTuple):
    """The marks of a member that other members see."""

    delivered: int
    read: int


class Moved(NamedTuple):
    """The marks around a write. `overtaken`: another receipt had moved them as far before.

    `private`: the read mark after it is not shown to others.
    """

    before: Marks
    after: Marks
    overtaken: bool = False
    private: bool = False


class Step(NamedTuple):
    """A write that moves one or both marks; None leaves a mark where it is."""

    delivered: int | None
    read: int | None


def wanted(delivered: int | None, read: int | None) -> Step:
    """The step of a receipt: a message that is read was also delivered."""
    most = max(delivered or 0, read or 0)
    return Step(most or None, read)


def remaining(step: Step, member: Item, device: str) -> Step:
    """The part of `step` that still moves a mark forward."""
    there = member["delivered"].get(device, 0)
    return Step(
        step.delivered if step.delivered is not None and step.delivered > there else None,
        step.read if step.read is not None and step.read > member["read"] else None,
    )


def marks(member: Item) -> Marks:
    return Marks(log.delivered(member), log.read(member))


def is_private(member: Item) -> bool:
    """Whether the read mark is not shown to others, by the user's settings when it moved."""
    return bool(member.get("read_private"))


def applied(member: Item, device: str, step: Step) -> Item:
    delivered = dict(member["delivered"])
    if step.delivered is not None:
        delivered[device] = step.delivered
    read = member["read"] if step.read is None else step.read
    return {**member, "delivered": delivered, "read": read}
