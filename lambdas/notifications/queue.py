"""The push queue: one waiting job for each chat of a user, however many messages wait there."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH_LIMIT = 10  # messages in one SendMessageBatch (SQS quota)


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
        """The jobs that SQS rejected; `generations` by user, 0 where there is none.

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
