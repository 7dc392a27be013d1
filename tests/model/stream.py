"""The stream of the Chats table, in shards, as Lambda's event source reads it."""

import zlib
from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from tests.model.expressions import Item
from tests.support.backend.stream import BY_TTL

Record = dict[str, Any]
# The event source's filters (stacks/config/functions.py). A message that the functions delete is
# let through as well: an event that says nothing must do nothing.
WATCHED = {
    *(("INSERT", "message"), ("REMOVE", "message")),
    *((kind, "member") for kind in ("INSERT", "MODIFY", "REMOVE")),
}


class Shard:
    """Records in their order. One batch is under way at a time; what fails is given again.

    A batch of which the function reports a record is given again from there; after an error of
    the function, in two halves (docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
    How often is not limited here: faults may last a schedule long.
    """

    def __init__(self) -> None:
        self.records: deque[Record] = deque()
        self._batches: deque[list[Record]] = deque()
        self.busy = False

    @property
    def waits(self) -> bool:
        return not self.busy and bool(self.records or self._batches)

    @property
    def empty(self) -> bool:
        return not self.records and not self._batches

    def take(self, size: int) -> list[Record]:
        """The next batch; `ended` follows."""
        if not self._batches:
            taken = [self.records.popleft() for _ in range(min(size, len(self.records)))]
            self._batches.append(taken)
        self.busy = True
        return self._batches[0]

    def ended(self, failed: Collection[str] | None, *, again: bool = False) -> None:
        """`failed` has sequence numbers, None is an error of the function. `again`: Lambda gives a
        batch twice, which it may at any time."""
        self.busy = False
        batch = self._batches.popleft()
        if failed is None:
            half = (len(batch) + 1) // 2
            self._batches.extendleft(part for part in (batch[half:], batch[:half]) if part)
        elif again:
            self._batches.appendleft(batch)
        elif failed:
            numbers = [each["dynamodb"]["SequenceNumber"] for each in batch]
            self._batches.appendleft(batch[min(map(numbers.index, failed)) :])


class Stream:
    """`written` is a listener of the database."""

    def __init__(self, number: Callable[[], int], shards: int) -> None:
        self._number = number
        self.shards = [Shard() for _ in range(shards)]
        self.by_ttl = False  # whether DynamoDB itself is deleting

    @property
    def empty(self) -> bool:
        return all(shard.empty for shard in self.shards)

    def written(self, table: str, old: Item | None, new: Item | None) -> None:
        if table != "Chats" or old == new:
            return
        kind = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        item = new or old or {}
        images = {"OldImage": old, "NewImage": new}
        change: dict[str, Any] = {
            "Keys": {name: item[name] for name in ("chat", "item")},
            "SequenceNumber": str(self._number()),
            **{name: image for name, image in images.items() if image is not None},
        }
        if (kind, item["item"]["S"].split("#")[0]) in WATCHED:
            record = {"eventName": kind, "dynamodb": change}
            shard = self.shards[zlib.crc32(item["chat"]["S"].encode()) % len(self.shards)]
            shard.records.append({**record, "userIdentity": BY_TTL} if self.by_ttl else record)
