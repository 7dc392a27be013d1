"""The queue of pushes to send: one job for each message and user that could not be reached."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH_LIMIT = 10  # messages in one SendMessageBatch (SQS quota)


class Job(NamedTuple):
    """Wake `user` for a message; `devices` names those that have not acknowledged it, if known."""

    user: str
    chat: str
    message_id: str
    urgent: bool = True
    devices: tuple[str, ...] = ()

    @property
    def body(self) -> str:
        document = {name: value for name, value in self._asdict().items() if value != ()}
        return json.dumps(document, separators=(",", ":"))

    @property
    def deduplication_id(self) -> str:
        """The same wherever the job comes from, so that nobody is pushed twice (for 5 minutes)."""
        return f"{self.message_id}#{self.user}"


class PushQueue:
    """The FIFO queue that the push function empties; in order by user."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs = sqs
        self._url = url

    def add(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs that the queue refused. Raises botocore's ClientError if it refused a call."""
        if len(jobs) == 1:
            (job,) = jobs
            self._sqs.send_message(
                QueueUrl=self._url,
                MessageBody=job.body,
                MessageGroupId=job.user,
                MessageDeduplicationId=job.deduplication_id,
            )
            return []
        refused = []
        for start in range(0, len(jobs), BATCH_LIMIT):
            batch = jobs[start : start + BATCH_LIMIT]
            entries = [_entry(number, job) for number, job in enumerate(batch)]
            answer = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
            refused += [batch[int(failure["Id"])] for failure in answer.get("Failed", [])]
        return refused


def _entry(number: int, job: Job) -> "SendMessageBatchRequestEntryTypeDef":
    return {
        "Id": str(number),
        "MessageBody": job.body,
        "MessageGroupId": job.user,
        "MessageDeduplicationId": job.deduplication_id,
    }
