"""SQS and SNS as the functions call them: with faults, and a record of what was pushed."""

import json
from typing import Any, NamedTuple

from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError


class Pushed(NamedTuple):
    """One push as a phone gets it."""

    number: int  # of all that happens in the world, to tell before from after
    device: str  # user/device
    chat: str
    message_id: str | None  # None of a taking back
    unread: int


class Sqs:
    """The push queue, as SQS's client has it."""

    def __init__(self, world: Any) -> None:
        self._world = world

    def send_message(self, **message: Any) -> None:
        self._world.before_call()
        if self._world.chance(0.1):
            raise ConnectTimeoutError(endpoint_url="sqs")
        self._world.queue.accept(message)

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self._world.before_call()
        failed = [entry["Id"] for entry in request["Entries"] if self._world.chance(0.1)]
        for entry in request["Entries"]:
            if entry["Id"] not in failed:
                self._world.queue.accept(entry)
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
