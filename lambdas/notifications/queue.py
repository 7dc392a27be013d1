"""The push queue: one job for each message and user that no connection reached."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH_LIMIT = 10  # messages in one SendMessageBatch (SQS quota)


class Job(NamedTuple):
    """One entry of the queue: wake `user` for a message.

    `devices` have not acknowledged the message although there was time to: they are woken even if
    they still hold a lease. Sorted.
    """

    user: str
    chat: str
    message_id: str
    urgent: bool = True
    devices: tuple[str, ...] = ()

    @classmethod
    def from_body(cls, body: str) -> "Job":
        """Raises ValueError, KeyError or TypeError for a body that `body` does not produce."""
        document = json.loads(body)
        return cls(
            str(document["user"]),
            str(document["chat"]),
            str(document["message_id"]),
            bool(document.get("urgent", True)),
            tuple(map(str, document.get("devices", ()))),
        )

    @property
    def body(self) -> str:
        document = {name: value for name, value in self._asdict().items() if value != ()}
        return json.dumps(document, separators=(",", ":"))

    @property
    def deduplication_id(self) -> str:
        """One for a message and a user: SQS drops a second job within 5 minutes."""
        return f"{self.message_id}#{self.user}"


class PushQueue:
    """The FIFO queue of the function Push, with a message group for each user."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs = sqs
        self._url = url

    def add(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs that SQS rejected. Raises ClientError if it rejects a whole call."""
        if len(jobs) == 1:
            (job,) = jobs
            self._sqs.send_message(
                QueueUrl=self._url,
                MessageBody=job.body,
                MessageGroupId=job.user,
                MessageDeduplicationId=job.deduplication_id,
            )
            return []
        rejected = []
        for start in range(0, len(jobs), BATCH_LIMIT):
            batch = jobs[start : start + BATCH_LIMIT]
            entries = [_entry(number, job) for number, job in enumerate(batch)]
            response = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
            rejected += [batch[int(failure["Id"])] for failure in response.get("Failed", [])]
        return rejected


def _entry(number: int, job: Job) -> "SendMessageBatchRequestEntryTypeDef":
    return {
        "Id": str(number),
        "MessageBody": job.body,
        "MessageGroupId": job.user,
        "MessageDeduplicationId": job.deduplication_id,
    }
