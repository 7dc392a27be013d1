"""Phones over moto's queue: the push function, and what it published for each of them."""

import json
from dataclasses import dataclass, field
from typing import Any

from lambdas.delivery import push
from lambdas.notifications.push_jobs import Job
from tests.support.lambdas.backend import Backend

Data = dict[str, str]


@dataclass
class Phones:
    """SNS's client, as the push function has it. Keeps FCM's data by device, `user/device`."""

    world: Backend
    pushed: dict[str, list[Data]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vars(self.world.aws)["sns"] = self

    def publish(self, **request: Any) -> None:
        form = json.loads(json.loads(request["Message"])["GCM"])
        device = request["TargetArn"].removeprefix("arn:")
        self.pushed.setdefault(device, []).append(form["fcmV1Message"]["message"]["data"])

    def run(self) -> list[Job]:
        """The push function does all jobs of the queue; these jobs."""
        done: list[Job] = []
        sqs, url = self.world.aws.sqs, self.world.queue_url
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                done.append(Job.from_body(message["Body"]))
                push.push(self.world.aws, done[-1])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return done

    def rings(self, user: str, device: str = "phone") -> list[str]:
        """The message ids that a device was rung for, in order."""
        pushes = self.pushed.get(f"{user}/{device}", [])
        return [data["message_id"] for data in pushes if "message_id" in data]
