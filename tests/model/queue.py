"""The push queue and SNS: FIFO by message group, deduplication, and a record of what was pushed."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from lambdas.notifications.push_jobs import Job

DEDUPLICATION_SECONDS = 300


class Pushed(NamedTuple):
    """One push as a phone gets it."""

    number: int  # of all that happens in the world, to tell before from after
    device: str  # user/device
    chat: str
    message_id: str | None  # None of a taking back
    unread: int


@dataclass
class Fifo:
    """A FIFO queue whose deduplication scope is the message group. `clock` in seconds.

    SQS keeps a deduplication id for 5 minutes from when the message was sent, also after it was
    received and deleted, and gives one message of a group at a time
    (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-key-terms.html).
    """

    clock: Callable[[], float]
    groups: dict[str, deque[str]] = field(default_factory=dict)
    in_flight: set[str] = field(default_factory=set)
    sent: dict[tuple[str, str], float] = field(default_factory=dict)

    def send(self, message: dict[str, Any]) -> None:
        group, id = message["MessageGroupId"], message["MessageDeduplicationId"]
        assert len(group) <= 128 and len(id) <= 128, "InvalidParameterValue"
        if (
            self.clock() - self.sent.get((group, id), -DEDUPLICATION_SECONDS)
            < DEDUPLICATION_SECONDS
        ):
            return
        self.sent[group, id] = self.clock()
        self.groups.setdefault(group, deque()).append(message["MessageBody"])

    def waiting(self) -> list[str]:
        """The groups of which a message can be received."""
        return [group for group in self.groups if group not in self.in_flight]

    def receive(self, group: str) -> Job:
        self.in_flight.add(group)
        return Job.from_body(self.groups[group][0])

    def done(self, group: str, *, deleted: bool) -> None:
        """A message that is not deleted is received again, before the others of its group."""
        self.in_flight.discard(group)
        if deleted:
            self.groups[group].popleft()
            if not self.groups[group]:
                del self.groups[group]


class Sqs:
    """The push queue, as SQS's client has it."""

    def __init__(self, world: Any) -> None:
        self._world = world

    def send_message(self, **message: Any) -> None:
        self._world.before_call()
        if self._world.chance(0.1):
            raise ConnectTimeoutError(endpoint_url="sqs")
        self._world.queue.send(message)

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self._world.before_call()
        failed = [entry["Id"] for entry in request["Entries"] if self._world.chance(0.1)]
        for entry in request["Entries"]:
            if entry["Id"] not in failed:
                self._world.queue.send(entry)
        return {"Failed": [{"Id": id} for id in failed]}


class Sns:
    """SNS's client. An endpoint's ARN is `arn:` and its device."""

    def __init__(self, world: Any) -> None:
        self._world = world

    def publish(self, **request: Any) -> None:
        world = self._world
        world.before_call()
        fault = world.random.choice(["lost", "unanswered"]) if world.chance(0.05) else ""
        if fault == "lost":
            raise ConnectTimeoutError(endpoint_url="sns")
        form = json.loads(json.loads(request["Message"])["GCM"])["fcmV1Message"]["message"]
        data = form["data"]
        pushed = Pushed(
            world.number(),
            request["TargetArn"].removeprefix("arn:"),
            data["chat_id"],
            data.get("message_id"),
            int(data["unread"]),
        )
        world.pushed.append(pushed)
        for listener in world.push_listeners:
            listener(pushed)
        if fault:
            raise ReadTimeoutError(endpoint_url="sns")
