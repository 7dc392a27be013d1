"""Which chats a response to `sync` contains when not all of them fit. No I/O.

There is no cursor: progress comes from the watermarks, or from the positions in the request. So
chats with new messages come first, the shortest backlog first, and other chats fill the rest of the
frame.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from lambdas.frames import Frame, encode
from lambdas.messages import log
from lambdas.messages.heads import Head, shows_nothing_of
from lambdas.tables import Item

SYNCED_BYTES = 28_000  # of the 32 KB of a frame; the rest is for `missing`
MESSAGES = 100  # posted one after another, within a timeout of 6 s
MESSAGE_BYTES = 1_000_000


class Plan(NamedTuple):
    waiting: list[str]  # chats with messages for the device, in the order to send them
    others: list[str]
    left: bool  # some waiting chats did not fit


def plan(heads: Mapping[str, Head], after: Mapping[str, int]) -> Plan:
    """Which chats the response contains; `after` has the device's position in each."""
    backlog = {chat: head.seq - after[chat] for chat, head in heads.items()}
    waiting = sorted(
        (chat for chat in heads if backlog[chat] > 0), key=lambda chat: (backlog[chat], chat)
    )
    others = sorted(chat for chat in heads if backlog[chat] <= 0)
    room = SYNCED_BYTES
    taken: set[str] = set()
    for chat in [*waiting, *others]:
        room -= _size(heads[chat])
        if room < 0 and taken:
            break
        taken.add(chat)
    fitting = [chat for chat in waiting if chat in taken]
    return Plan(fitting, [chat for chat in others if chat in taken], len(fitting) < len(waiting))


def _size(head: Head) -> int:
    """An upper bound of the bytes of the chat in `synced`, without `missing`."""
    most = {name: {"delivered": head.seq, "read": head.seq} for name in head.members}
    return len(encode({head.chat: entry(head, head.seq, [], {})})) + len(encode(most))


def entry(
    head: Head,
    complete_to: int,
    missing: Iterable[log.Range],
    members: Mapping[str, Item],
) -> dict[str, Any]:
    """A chat in `synced`; `members` are the member items of users."""
    return {
        "seq": max(head.seq, complete_to),
        "complete_to": complete_to,
        "missing": [list(each) for each in missing],
        "members": {
            user: _marks(head, user, item)
            for user, item in sorted(members.items())
            if user in head.members
        },
    }


def synced(chats: Mapping[str, Any], more: bool, retry_after: float | None) -> Frame:
    frame: Frame = {"type": "synced", "chats": dict(chats), "more": more}
    if retry_after is not None:
        frame["retry_after"] = math.ceil(retry_after * 10) / 10  # never 0
    return frame


def _marks(head: Head, user: str, member: Item) -> dict[str, int]:
    """What head.user may know of a member's watermarks; 0 tells nothing, since marks only grow."""
    if user == head.user:
        return {"delivered": log.delivered(member), "read": log.read(member)}
    if shows_nothing_of(user, head.request_of, head.blocked_by):
        return {"delivered": 0, "read": 0}
    read = 0 if member.get("read_private") else log.read(member)
    return {"delivered": log.delivered(member), "read": read}
