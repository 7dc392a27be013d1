"""Removing what nobody needs any more from a chat's log, and saying so in its head.

`purged_to` moves first, the deletes follow: a reader between the two is told that something is gone
a moment early, never that nothing was there. A purge that died between the two is made up for by
the next one, which deletes whatever it finds below the mark.
"""

from lambdas.tables import HEAD, ConditionFailed, Table, chat_key, message_item, seq_of

PAGE = 100


def purge(chats: Table, chat: str, up_to: int) -> int:
    """Deletes the messages at or below `up_to`, which nobody lacks; how many."""
    if not raise_mark(chats, chat, up_to):
        return 0  # another purge is further, and deletes what this one would
    deleted = 0
    start = None
    while True:
        page = chats.query(
            {"chat": chat}, between=(message_item(1), message_item(up_to)), limit=PAGE, start=start
        )
        chats.batch_write(deletes=[chat_key(chat, item["item"]) for item in page.items])
        deleted += sum(not item.get("void") for item in page.items)
        if page.next is None:
            return deleted
        start = page.next


def expire(chats: Table, chat: str, purged_to: int, expired: int, now: float) -> None:
    """Records that DynamoDB removed `expired` (a seq) because its time was over.

    The mark says that everything at or below it is gone, so it stops in front of a message that
    stays longer, as one sent under another retention period does.
    """
    if expired <= purged_to:
        return
    rest = chats.query_all(
        {"chat": chat},
        between=(message_item(purged_to + 1), message_item(expired)),
        limit=PAGE,
        consistent=True,
    )
    stays = next((seq_of(item) for item in rest if item["expires_at"] > now), expired + 1)
    if stays - 1 > purged_to:
        raise_mark(chats, chat, stays - 1)


def raise_mark(chats: Table, chat: str, up_to: int) -> bool:
    """Moves `purged_to` forward; False if it is there or further already."""
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
