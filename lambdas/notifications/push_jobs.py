"""Push jobs: their queue, the decision whom to wake for a chat, and the record of what has rung.

What a user's devices were rung for is in one `rings#` item for each chat:

    Users  <user>  rings#<chat>  begun, done, seq, rang_at, looked_at (ms), expires_at,
                                devices {device: {waiting: [seq], rang: [seq]}},
                                recent {digest: seq}

`begun` counts the runs of the push function that have begun for this chat and user, `done` is the
last that ended well, `seq` is up to where the log was counted. `looked_at` is when a run last rang,
or counted without ringing since the chat is quiet. `recent` has the last texts, by a digest of
their ids: one that its sender sent again is one text.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from lambdas.presence.devices import Device
from lambdas.settings import Aws
from lambdas.tables import Item, Table, user_key

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH_LIMIT = 10  # messages in one SendMessageBatch (SQS quota)
PREFIX = "rings#"
# A phone that rang so short ago is waking up, and a chat that is quiet rings none. The delivery
# watch queues a job again, some seconds later, for what is not acknowledged by then: so a burst of
# messages needs a few jobs only.
WAKING_SECONDS = 3.0
LOOKED_LIMIT = 10_000  # remembered in one environment; beyond it nothing is

Tried = Mapping[str, Collection[str]]  # user -> devices that a post was tried on, without success


class Job(NamedTuple):
    """One entry of the queue: look at what `user` has unread in `chat`, and wake who needs it.

    A job names no message: the push function decides from what is stored when it runs. `devices`
    (sorted) did not get a post that was tried, or did not acknowledge a message in time: they are
    woken even if they hold a lease. `reader` is the device that has just read; it knows.
    """

    user: str
    chat: str
    devices: tuple[str, ...] = ()
    reader: str = ""

    @classmethod
    def from_body(cls, body: str) -> "Job":
        """Raises ValueError, KeyError or TypeError for a body that `body` does not produce."""
        document = json.loads(body)
        return cls(
            str(document["user"]),
            str(document["chat"]),
            tuple(map(str, document.get("devices", ()))),
            str(document.get("reader", "")),
        )

    @property
    def body(self) -> str:
        document = {name: value for name, value in self._asdict().items() if value}
        return json.dumps(document, separators=(",", ":"))

    @property
    def group(self) -> str:
        """The message group: order matters in a chat only, and no chat waits for another one."""
        return f"{self.user}#{self.chat}"

    def deduplication_id(self, begun: int) -> str:
        """The same for equal jobs until the push function begins one of them: see `RingItems`."""
        name = json.dumps([*self, begun]).encode()
        return hashlib.sha256(name).hexdigest()


class PushQueue:
    """The FIFO queue of the function Push, with a message group for each chat of a user."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs = sqs
        self._url = url

    def add(self, jobs: Sequence[Job], begun: Mapping[str, int]) -> list[Job]:
        """The jobs that SQS rejected; `begun` by user, 0 where there is no item.

        Raises ClientError if SQS rejects a whole call.
        """
        messages = [_message(job, begun.get(job.user, 0)) for job in jobs]
        if len(jobs) == 1:
            self._sqs.send_message(QueueUrl=self._url, **messages[0])
            return []
        rejected = []
        for start in range(0, len(jobs), BATCH_LIMIT):
            batch = messages[start : start + BATCH_LIMIT]
            entries: Any = [{"Id": str(start + n), **each} for n, each in enumerate(batch)]
            response = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
            rejected += [jobs[int(failure["Id"])] for failure in response.get("Failed", [])]
        return rejected


def _message(job: Job, begun: int) -> dict[str, Any]:
    return {
        "MessageBody": job.body,
        "MessageGroupId": job.group,
        "MessageDeduplicationId": job.deduplication_id(begun),
    }


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
    looked_at: int = 0

    @property
    def under_way(self) -> bool:
        """Whether a run of the push function has begun, and has not recorded yet what it did."""
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

    def begun_of(self, users: Iterable[str], chat: str) -> dict[str, Rings]:
        """The same with nothing but `begun` and `looked_at`: an item can have 6 KB."""
        keys = [user_key(user, PREFIX + chat) for user in users]
        only = ("user", "begun", "looked_at")
        found = self._users.batch_get(keys, consistent=True, only=only)
        return {item["user"]: rings_from(item) for item in found}

    def begin(self, user: str, chat: str, now: float, expires_at: int) -> Rings:
        """Counts a run; the item with it. What an expired item counted has expired too."""
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
            "SET done = :done, seq = :seq, rang_at = :at, looked_at = :looked,"
            " devices = :devices, recent = :recent",
            "begun = :begun",
            returns="NONE",
            done=rings.done,
            seq=rings.seq,
            at=rings.rang_at,
            looked=rings.looked_at,
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
        item.get("looked_at", 0),
    )


def has_endpoint(devices: Mapping[str, Device]) -> bool:
    return any(device.endpoint_arn is not None for device in devices.values())


def wake(aws: Aws, chat: str, tried: Tried) -> list[Job]:
    """Queues a job for each user of a stored message, and returns the jobs that SQS rejected.

    Users who were rung just now, and those for whom the chat is quiet and was counted just now, are
    left to the delivery watch. Their items are not read again meanwhile: `looked_at` only grows.
    """
    looked_since = (aws.now() - WAKING_SECONDS) * 1000
    tried = {
        user: devices
        for user, devices in tried.items()
        if aws.looked_at.get((user, chat), 0) <= looked_since
    }
    rings = RingItems(aws.users).begun_of(sorted(tried), chat)
    if len(aws.looked_at) > LOOKED_LIMIT:
        aws.looked_at.clear()
    aws.looked_at.update({(user, chat): each.looked_at for user, each in rings.items()})
    jobs = [
        Job(user, chat, tuple(sorted(devices)))
        for user, devices in sorted(tried.items())
        if user not in rings or rings[user].looked_at <= looked_since
    ]
    return add(aws, jobs, rings)


def wake_lacking(
    aws: Aws, chat: str, lacking: Mapping[str, Mapping[str, Collection[int]]]
) -> list[Job]:
    """Queues a job for the devices that lack a text and were not rung for it.

    `lacking`: user -> device -> seqs. The jobs that SQS rejected.
    """
    rings = RingItems(aws.users).of(sorted(lacking), chat)
    jobs = []
    for user, devices in sorted(lacking.items()):
        silent = [
            device
            for device, seqs in devices.items()
            if not _has_rung(rings.get(user), device, seqs)
        ]
        if silent:
            jobs.append(Job(user, chat, tuple(sorted(silent))))
    return add(aws, jobs, rings)


def _has_rung(rings: Rings | None, device: str, seqs: Collection[int]) -> bool:
    return (
        rings is not None and device in rings.devices and {*seqs} <= {*rings.devices[device].rang}
    )


def take_back(aws: Aws, chat: str, user: str, reader: str, read: int, rings: Rings | None) -> None:
    """Queues a job if something that counts as unread was read, or may be counted just now.

    `rings` was read after the mark `read` was written. So either it shows what a run has recorded,
    or a run is under way, or the run begins later and sees the mark. Raises ConnectionError if SQS
    rejects the job.
    """
    if rings is None or not (rings.under_way or rings.has_read(read)):
        return
    if add(aws, [Job(user, chat, reader=reader)], {user: rings}):
        raise ConnectionError("the queue rejected a push job")


def add(aws: Aws, jobs: Sequence[Job], rings: Mapping[str, Rings]) -> list[Job]:
    if not jobs:
        return []
    queue = PushQueue(aws.sqs, aws.settings["PUSH_QUEUE_URL"])
    return queue.add(jobs, {user: each.begun for user, each in rings.items()})
