"""SQS and SNS as the functions call them: with faults, and a record of what was pushed."""

import json
from typing import Any, NamedTuple

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError


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
        fault = self._fault("send_message")
        if fault != "lost":
            self._world.queue.accept(message)
        if fault:
            raise ReadTimeoutError(endpoint_url="sqs")

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """Some of a batch may fail, and the whole call."""
        fault = self._fault("send_message_batch")
        failed = [
            entry["Id"]
            for entry in request["Entries"]
            if self._world.fault("the queue: an entry fails", 0.6 if self._world.seldom else 0.1)
        ]
        for entry in request["Entries"]:
            if entry["Id"] not in failed and fault != "lost":
                self._world.queue.accept(entry)
        if fault:
            raise ReadTimeoutError(endpoint_url="sqs")
        return {"Failed": [{"Id": id} for id in failed]}

    def _fault(self, operation: str) -> str:
        self._world.before_call(operation)
        return _fault(self._world, "the queue", 0.08)


class Sns:
    """SNS's client. A token is `user:device`, and its endpoint's ARN `arn:user/device`."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self._endpoints: set[str] = set()

    def create_platform_endpoint(self, **request: Any) -> dict[str, str]:
        self._call("create_platform_endpoint")
        arn = f"arn:{request['Token'].replace(':', '/')}"
        self._endpoints.add(arn)
        return {"EndpointArn": arn}

    def set_endpoint_attributes(self, **request: Any) -> None:
        self._call("set_endpoint_attributes")
        self._require(request["EndpointArn"])

    def delete_endpoint(self, **request: Any) -> None:
        self._call("delete_endpoint")
        self._endpoints.discard(request["EndpointArn"])

    def _call(self, operation: str) -> None:
        self._world.before_call(operation)
        if _fault(self._world, "SNS", 0.05):
            raise ConnectTimeoutError(endpoint_url="sns")

    def _require(self, arn: str) -> None:
        if arn not in self._endpoints:
            details: Any = {"Error": {"Code": "NotFound", "Message": "Endpoint does not exist"}}
            raise ClientError(details, "operation")

    def publish(self, **request: Any) -> None:
        world = self._world
        world.before_call("publish")
        fault = _fault(world, "SNS", 0.05)
        if fault == "lost":
            raise ConnectTimeoutError(endpoint_url="sns")
        self._require(request["TargetArn"])
        form = json.loads(json.loads(request["Message"])["GCM"])["fcmV1Message"]["message"]
        data = form["data"]
        pushed = Pushed(
            world.number(),
            request["TargetArn"].removeprefix("arn:"),
            data["chat_id"],
            data.get("message_id"),
            int(data["unread"]),
        )
        world.say(f"      {pushed}")
        world.pushed.append(pushed)
        for listener in world.push_listeners:
            listener(pushed)
        if fault:
            raise ReadTimeoutError(endpoint_url="sns")


def _fault(world: Any, service: str, probability: float) -> str:
    if not world.chance(probability):
        return ""
    fault: str = world.random.choice(["lost", "unanswered"])
    world.say(f"      {fault}")
    world.drawn[f"{service}: {fault}"] += 1
    return fault
