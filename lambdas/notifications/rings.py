"""The `rings#` items: which texts of a chat a user's devices were rung for, and what is unread.

    Users  <user>  rings#<chat>  begun, done, seq, rang_at (ms), expires_at,
                                devices {device: {waiting: [seq], rang: [seq]}},
                                recent {digest: seq}

`begun` counts the runs of the push function that have begun for this chat and user, `done` is the
last that ended well, `seq` is up to where the log was counted. `recent` has the last texts, by a
digest of their ids: one that its sender sent again is one text.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from lambdas.tables import Item, Table, user_key

PREFIX = "rings#"


class Unread(NamedTuple):
    """The unread texts of a chat for one device, by seq."""

    waiting: tuple[int, ...] = ()  # it was not rung for them: it was connected, or has them
    rang: tuple[int, ...] = ()

    @property
    def total(self) -> int:
        return len(self.waiting) + len(self.rang)


@dataclass(frozen=True)
class Rings:
    """One `rings#` item. `devices` has those with an endpoint and something unread."""

    begun: int = 0
    done: int = 0
    seq: int = 0
    rang_at: int = 0
    devices: Mapping[str, Unread] = field(default_factory=dict)
    recent: Mapping[str, int] = field(default_factory=dict)

    @property
    def under_way(self) -> bool:
        """A run of the push function has begun, and has not recorded what it did."""
        return self.done != self.begun

    def has_read(self, read: int) -> bool:
        """Whether something at or below `read` still counts as unread here."""
        return any(
            seq <= read for each in self.devices.values() for seq in (*each.waiting, *each.rang)
        )


class RingItems:
    """Who queues a job reads `begun`, and the job's deduplication id contains it. The push
    function counts a new run in `begun`, then reads what is stored.

    So no message is passed over, although SQS drops a second job with the same id for 5 minutes,
    also after the first was received and deleted
    (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-key-terms.html):
    let a job be dropped as a duplicate of job J. Both read the same `begun`, the dropped one
    after its message was stored. J's run raises it. It had not begun when the
    dropped job's was read, so it begins after that message was stored, and the consistent reads
    that follow see it. If J fails, SQS gives it again, and each try begins anew.

    For the same reason an item is never deleted while jobs with its `begun` may be known to SQS:
    it expires with the messages.
    """

    def __init__(self, users: Table) -> None:
        self._users = users

    def of(self, users: Iterable[str], chat: str) -> dict[str, Rings]:
        """user -> Rings; users without an item are absent. Consistent, as the proof needs."""
        keys = [user_key(user, PREFIX + chat) for user in users]
        return {
            item["user"]: rings_from(item) for item in self._users.batch_get(keys, consistent=True)
        }

    def begin(self, user: str, chat: str, now: float, expires_at: int) -> Rings:
        """Begins a generation; the item with it. What an expired item counted has expired too."""
        before = self._users.update(
            user_key(user, PREFIX + chat),
            "SET begun = if_not_exists(begun, :none) + :one, expires_at = :expires",
            returns="ALL_OLD",
            none=0,
            one=1,
            expires=expires_at,
        )
        old = rings_from(before)
        if before.get("expires_at", 0) <= now:
            return Rings(begun=old.begun + 1, done=old.done)
        return replace(old, begun=old.begun + 1)

    def record(self, user: str, chat: str, rings: Rings) -> None:
        """Raises ConditionFailed if another run has begun since."""
        devices = {name: each._asdict() for name, each in rings.devices.items() if each.total}
        self._users.update(
            user_key(user, PREFIX + chat),
            "SET done = :done, seq = :seq, rang_at = :at, devices = :devices, recent = :recent",
            "begun = :begun",
            returns="NONE",
            done=rings.done,
            seq=rings.seq,
            at=rings.rang_at,
            devices=devices,
            recent=rings.recent,
            begun=rings.begun,
        )

    def unread(self, user: str, besides: str, now: float) -> dict[str, int]:
        """device -> its unread texts in the user's other chats; one page, of up to 1 MB."""
        page = self._users.query({"user": user}, prefix=PREFIX, consistent=True)
        totals: dict[str, int] = {}
        for item in page.items:
            if item["item"] == PREFIX + besides or item["expires_at"] <= now:
                continue
            for device, texts in rings_from(item).devices.items():
                totals[device] = totals.get(device, 0) + texts.total
        return totals


def rings_from(item: Item) -> Rings:
    devices: Mapping[str, Any] = item.get("devices", {})
    return Rings(
        item.get("begun", 0),
        item.get("done", 0),
        item.get("seq", 0),
        item.get("rang_at", 0),
        {
            name: Unread(tuple(each["waiting"]), tuple(each["rang"]))
            for name, each in devices.items()
        },
        item.get("recent", {}),
    )
