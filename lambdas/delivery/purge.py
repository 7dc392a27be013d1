"""Purging: deletes the messages that every device has, and records it in the chat's head.

`purged_to` moves first, the deletes follow. A reader between the two reports messages as missing a
moment early, and never skips them silently. If a purge fails between the two, the next one deletes
whatever it finds below the mark.
"""

from lambdas.messages.log import LATE_SECONDS
from lambdas.tables import HEAD, ConditionFailed, Item, Table, chat_key, message_item, seq_of

PAGE = 100


def purge(chats: Table, chat: str, up_to: int, now: float) -> int:
    """Deletes the messages at or below `up_to`, which every device has; returns their number.

    A void item stays as long as a late request may still write a message at its position; a later
    purge deletes it.
    """
    if not raise_mark(chats, chat, up_to):
        return 0  # a purge that is further deletes these too
    deleted = 0
    start = None
    while True:
        page = chats.query(
            {"chat": chat}, between=(message_item(1), message_item(up_to)), limit=PAGE, start=start
        )
        over = [item for item in page.items if not _keeps_closed(item, now)]
        chats.batch_write(deletes=[chat_key(chat, item["item"]) for item in over])
        deleted += sum(not item.get("void") for item in over)
        if page.next is None:
            return deleted
        start = page.next


def _keeps_closed(item: Item, now: float) -> bool:
    return bool(item.get("void")) and item["sent_at"] / 1000 + LATE_SECONDS > now


def expire(chats: Table, chat: str, purged_to: int, expired: int, now: float) -> None:
    """Records that DynamoDB removed the message at seq `expired` by its TTL.

    Everything at or below `purged_to` is gone, so the mark stops before a message that has not
    expired: one that was sent under a longer retention period. A void item is no message, so the
    mark passes it: a reader may have put it where the expired message stood, with the later expiry
    of the message behind it. The item stays, and keeps its position closed.

    The mark follows the delete by the seconds that the stream takes. Meanwhile a device that lacks
    the first messages that expire, and nothing before them, passes them as void, without `missing`.
    """
    if expired <= purged_to:
        return
    rest = chats.query_all(
        {"chat": chat},
        between=(message_item(purged_to + 1), message_item(expired)),
        limit=PAGE,
        consistent=True,
    )
    unexpired = (item for item in rest if item["expires_at"] > now and not item.get("void"))
    stays = next(map(seq_of, unexpired), expired + 1)
    if stays - 1 > purged_to:
        raise_mark(chats, chat, stays - 1)


def raise_mark(chats: Table, chat: str, up_to: int) -> bool:
    """Moves `purged_to` forward; False if it is as far already."""
    try:
        chats.update(
            chat_key(chat, HEAD),
            "SET purged_to = :to",
            "purged_to < :to",
            returns="NONE",
            to=up_to,
        )
    except ConditionFailed:
        return False
    return True
