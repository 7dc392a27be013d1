"""SNS's platform applications and endpoints in memory; it records what is published."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

APPLICATIONS = {
    "FCM_APPLICATION_ARN": "arn:aws:sns:us-east-1:123456789012:app/GCM/test",
    "APNS_APPLICATION_ARN": "arn:aws:sns:us-east-1:123456789012:app/APNS/test",
    "APNS_SANDBOX_APPLICATION_ARN": "arn:aws:sns:us-east-1:123456789012:app/APNS_SANDBOX/test",
}


@dataclass
class Endpoint:
    token: str
    enabled: bool = True


class Pushed(NamedTuple):
    """One publish: to which token, and the message by platform."""

    token: str
    message: dict[str, Any]

    @property
    def data(self) -> dict[str, str]:
        """What an Android app gets: message_id, chat_id and unread; read instead of a message_id."""
        form = json.loads(self.message["GCM"])
        data: dict[str, str] = form["fcmV1Message"]["message"]["data"]
        return data


class Sns:
    """The SNS client's calls that the functions make. `before_call` may raise."""

    def __init__(self, before_call: Callable[[str], None]) -> None:
        self._before_call = before_call
        self.endpoints: dict[str, Endpoint] = {}  # by ARN
        self.published: list[Pushed] = []

    def create_platform_endpoint(self, **request: Any) -> dict[str, str]:
        """The same token again is the same endpoint."""
        self._before_call("create_platform_endpoint")
        application = request["PlatformApplicationArn"]
        for arn, endpoint in self.endpoints.items():
            if endpoint.token == request["Token"] and arn.startswith(_prefix(application)):
                return {"EndpointArn": arn}
        arn = f"{_prefix(application)}{len(self.endpoints) + 1}"
        self.endpoints[arn] = Endpoint(request["Token"])
        return {"EndpointArn": arn}

    def set_endpoint_attributes(self, **request: Any) -> dict[str, Any]:
        self._before_call("set_endpoint_attributes")
        endpoint = self._endpoint(request["EndpointArn"])
        endpoint.token = request["Attributes"]["Token"]
        endpoint.enabled = request["Attributes"]["Enabled"] == "true"
        return {}

    def delete_endpoint(self, **request: Any) -> dict[str, Any]:
        self._before_call("delete_endpoint")
        self.endpoints.pop(request["EndpointArn"], None)
        return {}

    def publish(self, **request: Any) -> dict[str, str]:
        self._before_call("publish")
        endpoint = self._endpoint(request["TargetArn"])
        if not endpoint.enabled:
            raise _error("EndpointDisabled", "Endpoint is disabled")
        self.published.append(Pushed(endpoint.token, json.loads(request["Message"])))
        return {"MessageId": str(len(self.published))}

    def _endpoint(self, arn: str) -> Endpoint:
        if arn not in self.endpoints:
            raise _error("NotFound", "Endpoint does not exist")
        return self.endpoints[arn]


def _prefix(application: str) -> str:
    return application.replace(":app/", ":endpoint/") + "/"


def _error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "operation")
