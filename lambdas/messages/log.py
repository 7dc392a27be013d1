"""The rules of a chat's log: positions, holes, watermarks. No I/O.

`head.seq` hands out positions; a message stands at its position, or it does not exist. A position
without a message is one of three things:

- gone: at or below `purged_to`, or expired. Clients see it in `missing`. Positions between it and
  the next message are in `missing` too: DynamoDB may delete items before the mark has moved.
- void: its writer ended before the message was stored, or put a void item there. Readers skip it.
- young: its writer may still be running.

A writer runs for 6 s at most, and sets `sent_at` only after it has taken its position. So once any
later message is HOLE_SECONDS old, the writers of all earlier positions have ended; the rest of the
15 s allows for clocks that differ, by 2 s each, and for a request that is still on its way. Until
then readers stop before the hole. A void item may come at any time: it only closes the hole sooner.

A request may come later than that, after its writer gave up: DynamoDB takes it until five minutes
after its signature. So for LATE_SECONDS a reader puts a void item into a hole before it passes it:
either the void item is stored, and the message can't be, or the message was first, and the reader
gets it. A reader that may not write does not pass such a hole.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from lambdas.messages.message import void
from lambdas.tables import Item, message_item, seq_of

HOLE_SECONDS = 15
# "A request must reach AWS within five minutes of the time stamp in the request":
# docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-signing.html
LATE_SECONDS = 5 * 60 + HOLE_SECONDS
OPEN_LIMIT = 25  # holes that one reading closes
WRITER_SECONDS = 6  # the timeout of a function that sends

Range = tuple[int, int]  # closed


class Stretch(NamedTuple):
    """The part of a log that a reader can read above its watermark."""

    messages: list[Item]  # in seq order
    complete_to: int  # nothing else at or below it will ever appear
    missing: list[Range]  # what expired or was purged
    holes: list[Range]  # skipped as void
    open: list[Item]  # void items to put where a message might still come, before this is passed
    more: bool  # the log continues after it
    retry_after: float | None  # seconds until the young hole at its end can be read


def read_log(
    items: Iterable[Item],
    *,
    after: int,
    seq: int,
    purged_to: int,
    ended: bool,
    now: float,
    patience: float = HOLE_SECONDS,
) -> Stretch:
    """Reads `items`, the log above `after` in order; `ended` if nothing follows them.

    `seq` and `purged_to` are the head's, `now` in epoch seconds. Positions above the last item are
    young or void; `complete_to` stays below them until a later message decides it. `patience` is
    how long it stops before a hole: LATE_SECONDS for a caller that does not store the void items in
    `open`.
    """
    position = min(after, seq)
    messages: list[Item] = []
    missing: list[Range] = []
    holes: list[Range] = []
    open_: list[Item] = []
    if purged_to > position:
        missing.append((position + 1, purged_to))
        position = purged_to
    log = [item for item in items if seq_of(item) > position]
    oldest_behind = _running_minimum([item["sent_at"] for item in log])
    for item, oldest in zip(log, oldest_behind, strict=True):
        here = seq_of(item)
        expired = item["expires_at"] <= now
        if here > position + 1:
            age = now - oldest / 1000
            if age < patience and not expired:
                wait = patience - age
                return Stretch(messages, position, _joined(missing), holes, open_, False, wait)
            # expired, and deleted already; after an expired message a position may also be void
            gone = expired or (missing and missing[-1][1] == position)
            last = here - 1
            if age < LATE_SECONDS:
                last = min(last, position + OPEN_LIMIT - len(open_))
                open_ += [_void(item, at) for at in range(position + 1, last + 1)]
            if last > position:
                (missing if gone else holes).append((position + 1, last))
            if last < here - 1:
                return Stretch(messages, last, _joined(missing), holes, open_, True, None)
        if expired:
            missing.append((here, here))
        elif not item.get("void"):
            messages.append(item)
        position = here
    return Stretch(messages, position, _joined(missing), holes, open_, not ended, None)


def _void(following: Item, seq: int) -> Item:
    """A void item with the age of the message behind it, so that it makes no earlier hole look
    younger.
    """
    return void({**following, "item": message_item(seq)})


def _running_minimum(values: Sequence[int]) -> list[int]:
    """For each index the minimum of the values from there on."""
    result = list(values)
    for index in range(len(result) - 2, -1, -1):
        result[index] = min(result[index], result[index + 1])
    return result


def _joined(ranges: Sequence[Range]) -> list[Range]:
    result: list[Range] = []
    for low, high in ranges:
        if result and result[-1][1] + 1 == low:
            result[-1] = (result[-1][0], high)
        else:
            result.append((low, high))
    return result


def watermark(member: Mapping[str, Any], device: str) -> int:
    """The seq up to which a device has everything, from where its user joined."""
    return max(int(member["delivered"].get(device, 0)), int(member["joined_seq"]))


def delivered(member: Mapping[str, Any]) -> int:
    """The highest watermark of the user's devices, also of those that were removed since."""
    marks = (*member["delivered"].values(), member["joined_seq"], member.get("removed", 0))
    return max(int(mark) for mark in marks)


def read(member: Mapping[str, Any]) -> int:
    return max(int(member["read"]), int(member["joined_seq"]))
