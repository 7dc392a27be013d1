"""The plan of a response to `sync` when not all of it fits: chats and messages. No I/O.

A sync with `chats` has no cursor: progress comes from the positions in the request. So chats with
new messages come first, the shortest backlog first, and other chats fill the rest of the frame. A
sync without `chats` goes through the user's chats in their order, page by page.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from lambdas.frames import Frame, encode
from lambdas.messages import log
from lambdas.messages.heads import Head, shows_nothing_of
from lambdas.tables import Item

SYNCED_BYTES = 28_000  # of the 32 KB of a frame; the rest is for `missing`
CHATS = 100  # in a page of a sync without `chats`
MESSAGES = 1_000  # in one sync
MESSAGE_BYTES = 1_000_000  # in one sync; a Query reads 1 MB at most
# One post holds 128 KB and is metered by started 32 KB (API Gateway's WebSocket quotas and prices).
POST_BYTES = 127_000


class Plan(NamedTuple):
    chats: list[str]  # in the response, in the order in which their messages are sent
    left: bool  # some chats with messages for the device did not fit


def named(heads: Mapping[str, Head], after: Mapping[str, int]) -> Plan:
    """For a sync with `chats`; `after` has the device's position in each."""
    ordered = in_order(heads.values(), after)
    count = fitting(ordered)
    left = any(head.seq > head.start(after[head.chat]) for head in ordered[count:])
    return Plan([head.chat for head in ordered[:count]], left)


def in_order(heads: Iterable[Head], after: Mapping[str, int]) -> list[Head]:
    """Those with messages for the device first, the shortest backlog before the others."""

    def place(head: Head) -> tuple[bool, int, str]:
        backlog = max(head.seq - head.start(after[head.chat]), 0)
        return backlog == 0, backlog, head.chat

    return sorted(heads, key=place)


def fitting(heads: Sequence[Head]) -> int:
    """How many of the chats, from the first on, fit into one frame; at least one."""
    room = SYNCED_BYTES
    for number, head in enumerate(heads):
        room -= _size(head)
        if room < 0 and number:
            return number
    return len(heads)


def _size(head: Head) -> int:
    """An upper bound of the bytes of the chat in `synced`, without `missing`."""
    most = {name: {"delivered": head.seq, "read": head.seq} for name in head.members}
    return len(encode({head.chat: entry(head, head.seq, head.seq, [], {})})) + len(encode(most))


def posts(messages: Iterable[Frame]) -> Iterator[tuple[int, str]]:
    """`messages` frames with as many messages as fit: the number of them, and the encoded frame.

    `messages` are `message` frames; of each the field `type` is left out.
    """
    texts: list[str] = []
    size = 0
    for message in messages:
        text = encode({name: value for name, value in message.items() if name != "type"})
        bytes_ = len(text.encode()) + 1
        if texts and size + bytes_ > POST_BYTES - 40:  # for what stands around them
            yield len(texts), _joined(texts)
            texts, size = [], 0
        texts.append(text)
        size += bytes_
    if texts:
        yield len(texts), _joined(texts)


def _joined(texts: Iterable[str]) -> str:
    return f'{{"type":"messages","messages":[{",".join(texts)}]}}'


def entry(
    head: Head,
    after: int,
    complete_to: int,
    missing: Iterable[log.Range],
    members: Mapping[str, Item],
) -> dict[str, Any]:
    """A chat in `synced`; `members` are the member items of users."""
    ended_blocks = (
        {"undelivered": [list(each) for each in head.undelivered]} if head.undelivered else {}
    )
    request = {"request": True} if head.request_of == head.user else {}
    return {
        **ended_blocks,
        **request,
        "seq": max(head.seq, complete_to),
        "after": after,
        "complete_to": complete_to,
        "missing": [list(each) for each in missing],
        "members": {
            user: _marks(head, user, item)
            for user, item in sorted(members.items())
            if user in head.members
        },
    }


def synced(
    chats: Mapping[str, Any], more: bool, retry_after: float | None, cursor: str | None = None
) -> Frame:
    frame: Frame = {"type": "synced", "chats": dict(chats), "more": more}
    if cursor is not None:
        frame["cursor"] = cursor
    if retry_after is not None:
        frame["retry_after"] = math.ceil(retry_after * 10) / 10  # never 0
    return frame


def _marks(head: Head, user: str, member: Item) -> dict[str, int]:
    """A member's watermarks as head.user may see them. 0 for hidden ones: marks only grow, so
    clients ignore it.
    """
    if user == head.user:
        return {"delivered": log.delivered(member), "read": log.read(member)}
    if shows_nothing_of(user, head.request_of, head.blocked_by):
        return {"delivered": 0, "read": 0}
    read = 0 if member.get("read_private") else log.read(member)
    return {"delivered": log.delivered(member), "read": read}
