"""What tests of the push function start from: a user with devices, unread texts and jobs."""

import json
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from lambdas.delivery import push
from lambdas.notifications.endpoints import Endpoints
from lambdas.presence.devices import Devices
from lambdas.settings import Aws
from tests.support.lambdas import unread
from tests.support.lambdas.rest import REGION, new_name
from tests.support.lambdas.unread import record


class Ravi:
    """A user with devices that can be woken."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.name = aws, new_name("ravi")
        self.devices = Devices(aws.users)
        self.devices.create_user(self.name)
        settings = aws.settings
        applications = {
            "fcm": settings["FCM_APPLICATION_ARN"],
            "apns": settings["APNS_APPLICATION_ARN"],
        }
        self.endpoints = Endpoints(aws.sns, aws.users, applications)

    def device(self, device: str, platform: str = "fcm") -> str:
        """The device's endpoint."""
        self.devices.register(self.name, device)
        self.endpoints.attach(self.name, device, platform, f"{self.name}-{device}")
        return self.arn(device) or ""

    def arn(self, device: str) -> str | None:
        return self.devices.of([self.name])[self.name][device].endpoint_arn

    def has_unread(self, message_id: str = "m1", **fields: Any) -> int:
        """The seq of one more text for him."""
        return unread.text(self.aws, self.name, message_id, self.chat, **fields)

    @property
    def chat(self) -> str:
        return f"chat-of-{self.name}"

    def job(self, id: str = "job", **changes: Any) -> dict[str, Any]:
        return record(self.name, id, self.chat, **changes)

    def connect(self, device: str, at: float) -> None:
        self.devices.connect(self.name, device, f"connection-{device}", int(at * 1000))


def handle(*records: dict[str, Any]) -> list[str]:
    """The messages that SQS keeps, by id."""
    response = push.handler({"Records": list(records)}, None)
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def received(arn: str) -> list[dict[str, Any]]:
    endpoint = sns_backends[DEFAULT_ACCOUNT_ID][REGION].platform_endpoints[arn]
    return [json.loads(message) for message in endpoint.messages.values()]
