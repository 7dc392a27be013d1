"""A chat's members with their watermarks, and which messages each device lacks. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lambdas.messages import log
from lambdas.messages.message import is_visible
from lambdas.presence.devices import Device
from lambdas.tables import Item, seq_of

Registered = Mapping[str, Mapping[str, Device]]  # user -> device -> Device
Lacking = Mapping[tuple[str, str], list[Item]]  # (user, device) -> messages, in seq order


@dataclass(frozen=True)
class Roster:
    """A chat's head, and the member item of each current member."""

    chat: str
    purged_to: int
    members: frozenset[str]
    items: Mapping[str, Item]  # by user


def behind(roster: Roster, registered: Registered, messages: Iterable[Item]) -> Lacking:
    """For each device those of `messages` that it has not acknowledged, and did not send."""
    result: dict[tuple[str, str], list[Item]] = {}
    news = sorted(messages, key=seq_of)
    for user, member in roster.items.items():
        for device in registered.get(user, {}):
            mark = log.watermark(member, device)
            lacking = [
                message
                for message in news
                if seq_of(message) > mark
                and is_visible(message, user)
                and (message["sender"], message["sender_device"]) != (user, device)
            ]
            if lacking:
                result[user, device] = lacking
    return result


def known_floor(roster: Roster) -> int:
    """An upper bound of `floor`, from the watermarks alone."""
    if not roster.members or roster.items.keys() != roster.members:
        return 0
    return min(log.delivered(member) for member in roster.items.values())


def floor(roster: Roster, registered: Registered) -> int:
    """The highest seq up to which every registered device of every member has everything.

    0 while a member has no device: the messages wait for the first one.
    """
    if not roster.members or roster.items.keys() != roster.members:
        return 0
    if not all(registered.get(user) for user in roster.members):
        return 0
    return min(
        log.watermark(roster.items[user], device)
        for user in roster.members
        for device in registered[user]
    )
