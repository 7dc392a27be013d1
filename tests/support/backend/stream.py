"""The stream of the Chats table, and what the table has ever had."""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import Any

from lambdas.attribute_values import from_wire
from lambdas.tables import Item, seq_of

# What the event source of the delivery watch lets through.
WATCHED = {("INSERT", "message"), ("REMOVE", "message"), ("MODIFY", "member")}
BY_TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}

Record = dict[str, Any]


class Stream:
    """`written` is a listener of the database. `waiting` are the records for the delivery watch.

    `chats` and `messages` remember what was stored, also after it was purged.
    """

    def __init__(self) -> None:
        self.waiting: deque[Record] = deque()
        self.chats: list[str] = []  # in the order in which they were made
        self.messages: dict[str, dict[int, Item]] = {}  # by chat and seq
        self._numbers = count(1)

    def written(self, table: str, old: Any, new: Any) -> None:
        if table != "Chats" or old == new:
            return
        kind = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        what = (new or old)["item"]["S"].split("#")[0]
        if (kind, what) == ("INSERT", "message") and "void" not in new:
            message = from_wire(new)
            self.messages.setdefault(message["chat"], {})[seq_of(message)] = message
        if (kind, what) == ("INSERT", "head"):
            self.chats.append(new["chat"]["S"])
        if (kind, what) in WATCHED:
            self.waiting.append(_record(kind, next(self._numbers), old, new))

    def last_was_by_ttl(self) -> None:
        """The last record is a removal by DynamoDB itself."""
        self.waiting[-1]["userIdentity"] = BY_TTL

    def done(self, failed: set[str]) -> None:
        """Takes away what the watch has done: Lambda repeats from the first record that failed."""
        while self.waiting and self.waiting[0]["dynamodb"]["SequenceNumber"] not in failed:
            self.waiting.popleft()


def _record(kind: str, number: int, old: Any, new: Any) -> Record:
    item = new or old
    images = {"OldImage": old, "NewImage": new}
    change = {
        "Keys": {name: item[name] for name in ("chat", "item")},
        "SequenceNumber": str(number),
        **{name: image for name, image in images.items() if image is not None},
    }
    return {"eventName": kind, "dynamodb": change}
