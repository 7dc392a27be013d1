"""Watermarks only move forward: `delivered` by device and `read` by user, in a member's item."""

from typing import NamedTuple

from lambdas.messages import log
from lambdas.tables import ConditionFailed, Item, Table, chat_key, member_item

ATTEMPTS = 6


class Marks(NamedTuple):
    """What others see of a member of a chat."""

    delivered: int
    read: int


class Moved(NamedTuple):
    before: Marks
    after: Marks


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


def move(chats: Table, chat: str, user: str, device: str, step: Step) -> Moved | None:
    """Moves what moves forward. None if the user is not a member (any more).

    One conditional write nearly always: one that finds a mark further on is tried again with what
    is left of it, and each such time somebody else has moved a mark.
    """
    first = True
    for _ in range(ATTEMPTS):
        try:
            before = _write(chats, chat, user, device, step, strict=not first)
        except ConditionFailed as failure:
            if failure.item is None:
                return None
            first = False
            step = remaining(step, failure.item, device)
            if step == Step(None, None):
                there = marks(failure.item)
                return Moved(there, there)
            continue
        return Moved(marks(before), marks(_applied(before, device, step)))
    raise TimeoutError("others kept moving these watermarks")


def marks(member: Item) -> Marks:
    return Marks(log.delivered(member), log.read(member))


def _write(chats: Table, chat: str, user: str, device: str, step: Step, *, strict: bool) -> Item:
    """The member item as it was. Raises ConditionFailed.

    `read` nearly always comes with a `delivered` that is reported already, so that one may also
    stay where it is, unless it is the only one (or `strict`).
    """
    sets, conditions, names, values = [], ["attribute_exists(chat)"], {}, {}
    if step.delivered is not None:
        compared = "<" if strict or step.read is None else "<="
        sets.append("delivered.#d = :delivered")
        conditions.append(
            f"(attribute_not_exists(delivered.#d) OR delivered.#d {compared} :delivered)"
        )
        names["#d"] = device
        values["delivered"] = step.delivered
    if step.read is not None:
        sets.append("#r = :read")
        conditions.append("#r < :read")
        names["#r"] = "read"
        values["read"] = step.read
    return chats.update(
        chat_key(chat, member_item(user)),
        "SET " + ", ".join(sets),
        " AND ".join(conditions),
        names=names,
        returns="ALL_OLD",
        **values,
    )


def _applied(member: Item, device: str, step: Step) -> Item:
    delivered = dict(member["delivered"])
    if step.delivered is not None:
        delivered[device] = step.delivered
    read = member["read"] if step.read is None else step.read
    return {**member, "delivered": delivered, "read": read}
