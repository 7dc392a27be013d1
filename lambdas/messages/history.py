"""The reader of a chat from a position on, for `sync` and GET /api/chats/{chat}/messages."""

from dataclasses import dataclass

from lambdas.frames import Frame
from lambdas.messages import append, log
from lambdas.messages.heads import Head
from lambdas.messages.message import is_visible, message_frame
from lambdas.tables import HEAD, Table, chat_key, message_item, seq_of
from lambdas.throttling import TooBusy

LAST_SEQ = 999_999_999_999
ATTEMPTS = 3  # of reading, where a message comes into a hole meanwhile


@dataclass(frozen=True)
class Page:
    """Consecutive messages of a chat for one device, in protocol form."""

    messages: list[Frame]
    complete_to: int
    missing: list[log.Range]
    more: bool
    retry_after: float | None

    def first(self, number: int) -> "Page":
        """The page with only the first `number` messages, and `more`."""
        if number >= len(self.messages):
            return self
        complete_to = int(self.messages[number]["seq"]) - 1
        missing = [each for each in self.missing if each[0] <= complete_to]
        return Page(self.messages[:number], complete_to, missing, True, None)


def read(
    chats: Table, head: Head, *, after: int, limit: int, device: str | None, now: float
) -> Page:
    """At most `limit` messages of the chat above `after`, as they are for a device of head.user.

    Without `device` the payloads of messages that have one for each device are null. Nothing from
    before the user joined. `now` in epoch seconds. A hole that a late request might still fill is
    closed before the page passes it.
    """
    for _ in range(ATTEMPTS):
        stretch = _stretch(chats, head, after, limit, now)
        if all(append.close_hole(chats, hole) for hole in stretch.open):
            break
    else:
        raise TooBusy("messages came to a chat late, again and again")
    return Page(
        [
            message_frame(item, head.user, device)
            for item in stretch.messages
            if is_visible(item, head.user)
        ],
        stretch.complete_to,
        stretch.missing,
        stretch.more,
        stretch.retry_after,
    )


def _stretch(chats: Table, head: Head, after: int, limit: int, now: float) -> log.Stretch:
    """One consistent Query: an eventually consistent one could show a message as a hole."""
    start = min(max(after, head.joined_seq), head.seq)
    page = chats.query(
        {"chat": head.chat},
        between=(message_item(start + 1), message_item(LAST_SEQ)),
        limit=limit,
        consistent=True,
    )
    last = seq_of(page.items[-1]) if page.items else start
    seq = max(head.seq, last)  # sent since the head was read

    def stretch_above(purged_to: int) -> log.Stretch:
        return log.read_log(
            page.items,
            after=start,
            seq=seq,
            purged_to=purged_to,
            ended=page.next is None or last >= head.seq,
            now=now,
        )

    stretch = stretch_above(head.purged_to)
    if stretch.holes:  # void, or removed since the head was read?
        fresh = chats.get(chat_key(head.chat, HEAD), consistent=True)
        stretch = stretch_above(fresh["purged_to"] if fresh else head.purged_to)
    return stretch
