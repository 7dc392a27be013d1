"""The push queue in memory, with the rules of an SQS FIFO queue.

Within five minutes a message with a known deduplication id is accepted and not queued again, also
after the first was deleted. Messages of one group come one after another: while one is in flight
the rest of its group waits. A message that is received and not deleted comes again, and after
`RECEIVES` times goes to the dead-letter queue.
docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-exactly-once-processing.html
docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagegroupid-property.html
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from lambdas.notifications.push_jobs import Job

DEDUPLICATION_SECONDS = 300.0
BATCH = 10  # messages in one SendMessageBatch, and in one batch of a FIFO event source
RECEIVES = 5

Event = dict[str, Any]


@dataclass
class Queued:
    """One message of the queue."""

    number: int
    body: str
    group: str
    receives: int = 0

    @property
    def job(self) -> Job:
        return Job.from_body(self.body)


class FifoQueue:
    """The SQS client's two calls for senders, and what Lambda's poller does for the function.

    `accepted` are the jobs that were queued, in order; `sent` also those that were dropped as
    duplicates. `before_call` is called with the operation's name, and may raise. The scope of
    deduplication is the message group, as stacks/notifications.py has it.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        before_call: Callable[[str], None] = lambda _: None,
        receives: float = RECEIVES,
    ) -> None:
        self._clock = clock
        self._before_call = before_call
        self._receives = receives
        self._seen: dict[tuple[str, str], float] = {}  # group, id -> when it was first accepted
        self._in_flight: set[str] = set()  # groups
        self._groups: dict[str, deque[Queued]] = {}
        self.dead: list[Queued] = []
        self.accepted: list[Job] = []
        self.sent: list[Job] = []

    # -- the client

    def send_message(self, **message: Any) -> dict[str, Any]:
        self._before_call("send_message")
        self.accept(message)
        return {}

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self._before_call("send_message_batch")
        assert 0 < len(request["Entries"]) <= BATCH, "TooManyEntriesInBatchRequest"
        for entry in request["Entries"]:
            self.accept(entry)
        return {"Failed": []}

    def accept(self, message: dict[str, Any]) -> None:
        """Queues a message, or drops it as a duplicate."""
        job = Job.from_body(message["MessageBody"])
        self.sent.append(job)
        group, id_ = message["MessageGroupId"], message["MessageDeduplicationId"]
        assert len(group) <= 128 and len(id_) <= 128, "InvalidParameterValue"
        now, first = self._clock(), self._seen.get((group, id_))
        if first is not None and now - first < DEDUPLICATION_SECONDS:
            return
        self._seen[group, id_] = now
        self.accepted.append(job)
        queued = Queued(len(self.accepted), message["MessageBody"], group)
        self._groups.setdefault(group, deque()).append(queued)

    # -- the event source

    @property
    def waiting(self) -> list[Queued]:
        """All messages that are not deleted, in order; those in flight too."""
        found = [each for group in self._groups.values() for each in group]
        return sorted(found, key=lambda each: each.number)

    def free_groups(self) -> list[str]:
        """The groups of which a message can be received."""
        return [group for group in self._groups if group not in self._in_flight]

    def batch(self, groups: Collection[str] | None = None, limit: int = BATCH) -> list[Queued]:
        """The next batch, in flight until `done`; one group's messages may come together."""
        free = [
            each
            for each in self.waiting
            if each.group not in self._in_flight and (groups is None or each.group in groups)
        ]
        return [self._received(each) for each in free[:limit]]

    def _received(self, queued: Queued) -> Queued:
        queued.receives += 1
        self._in_flight.add(queued.group)
        return queued

    def done(self, batch: Iterable[Queued], failed: Iterable[str]) -> None:
        """Deletes a batch but for the failed messages, which wait at their places."""
        left = set(failed)
        for each in batch:
            self._in_flight.discard(each.group)
            if str(each.number) not in left:
                self._delete(each)
            elif each.receives >= self._receives:
                self._delete(each)
                self.dead.append(each)

    def _delete(self, queued: Queued) -> None:
        self._groups[queued.group].remove(queued)
        if not self._groups[queued.group]:
            del self._groups[queued.group]

    @staticmethod
    def event(batch: Iterable[Queued]) -> Event:
        """What the function gets (docs.aws.amazon.com/lambda/latest/dg/with-sqs.html)."""
        return {"Records": [_record(each) for each in batch]}


def _record(queued: Queued) -> dict[str, Any]:
    return {
        "messageId": str(queued.number),
        "receiptHandle": f"receipt-{queued.number}-{queued.receives}",
        "body": queued.body,
        "attributes": {
            "ApproximateReceiveCount": str(queued.receives),
            "MessageGroupId": queued.group,
            "SequenceNumber": f"{queued.number:020d}",
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:Pushes.fifo",
        "awsRegion": "us-east-1",
    }
