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


def floor(roster: Roster, registered: Registered, unseen_since: int) -> int:
    """The highest seq up to which every device in use of every member has everything.

    A device that was last seen before `unseen_since` (ms) does not count: what it lacked then has
    expired. 0 while a member has no device in use: the messages wait for the member's next device.
    """
    if not roster.members or roster.items.keys() != roster.members:
        return 0
    in_use = {
        user: [name for name, device in there.items() if not 0 < device.seen < unseen_since]
        for user, there in registered.items()
    }
    if not all(in_use.get(user) for user in roster.members):
        return 0
    return min(
        log.watermark(roster.items[user], device)
        for user in roster.members
        for device in in_use[user]
    )


def left_behind(roster: Roster, registered: Registered) -> dict[str, list[str]]:
    """user -> devices with a watermark that are not registered (any more)."""
    found = {
        user: sorted(item["delivered"].keys() - registered[user].keys())
        for user, item in roster.items.items()
        if user in registered
    }
    return {user: devices for user, devices in found.items() if devices}
