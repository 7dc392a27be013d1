"""The faults that can be caused on the laptop, each with its runbook.

What a fault breaks is in the form of the emulator's `emulator.breaking`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

RUNBOOKS = Path("docs/runbooks")
SOCKETS = "sockets"  # the pool of the tasks that hold them, if API Gateway does not


class Traffic(Enum):
    """What people do meanwhile: a fault is only noticed while somebody uses the system."""

    NONE = "nobody does anything"
    TEXTS = "somebody writes to somebody who is away"
    CHATS = "somebody asks for their chats, again and again"
    GROUP = "those who are connected write to each other"
    SIGN_INS = "somebody signs in, again and again"
    REQUESTS = "requests go to the load balancer"


class Targets(Enum):
    """What happens to the tasks of the pool."""

    STAY = "they stay"
    NONE = "there are none"
    PAUSED = "each is paused once it is there"
    ONE_PAUSED = "one is paused"


@dataclass(frozen=True)
class Fault:
    """`name` is the runbook's, `alarm` the logical id that its alarm's begins with."""

    name: str
    alarm: str
    broken: tuple[Mapping[str, str], ...] = ()
    traffic: Traffic = Traffic.NONE
    targets: Targets = Targets.STAY
    pool: str = "small"  # of the targets
    functions_serve: bool = True  # the Lambda pool gets its share of the requests

    @property
    def runbook(self) -> Path:
        return RUNBOOKS / f"{self.name}.md"


def _function(kind: str, name: str) -> tuple[Mapping[str, str], ...]:
    return ({"kind": kind, "of": name},)


def _calls(code: str, operation: str = "", text: str = "") -> tuple[Mapping[str, str], ...]:
    return ({"kind": "call", "of": operation, "text": text, "code": code},)


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("function-errors", "SendErrors", _function("error", "Send"), Traffic.TEXTS),
        Fault("function-throttles", "SendThrottles", _function("throttle", "Send"), Traffic.TEXTS),
        Fault("gateway-errors", "GatewayErrors", _function("throttle", "Send"), Traffic.TEXTS),
        Fault(
            *("stream-failures", "StreamFailures"),
            _function("error", "DeliveryWatch"),
            Traffic.TEXTS,
        ),
        Fault(
            *("iterator-age", "IteratorAge"),
            _function("throttle", "DeliveryWatch"),
            Traffic.TEXTS,
        ),
        Fault("push-dead-letters", "PushDeadLetters", _function("error", "Push"), Traffic.TEXTS),
        Fault(
            *("platform-rejections", "PlatformRejections"),
            ({"kind": "credential", "of": "fcm"},),
            Traffic.TEXTS,
        ),
        Fault("push-age", "PushAge", _function("throttle", "Push"), Traffic.TEXTS),
        Fault("concurrency", "Concurrency", ({"kind": "executions", "of": "900"},)),
        Fault(
            *("table-throttles", "UsersTableThrottles"),
            _calls("ProvisionedThroughputExceededException", text="TableName"),
            Traffic.CHATS,
        ),
        Fault(
            *("table-errors", "TableErrors"),
            _calls("InternalServerError", text="TableName"),
            Traffic.CHATS,
        ),
        Fault(
            *("cognito-throttles", "SignInThrottles"),
            _calls("TooManyRequestsException", operation="InitiateAuth"),
            Traffic.SIGN_INS,
        ),
        Fault(
            *("target-5xx", "Target5xx"),
            _calls("InternalServerError", text="TableName"),
            Traffic.CHATS,
        ),
        Fault(
            *("sockets", "PostsFailed"),
            traffic=Traffic.GROUP,
            targets=Targets.ONE_PAUSED,
            pool=SOCKETS,
        ),
        Fault("too-few-tasks", "smallTasks", targets=Targets.NONE),
        Fault("unhealthy-targets", "smallUnhealthy", targets=Targets.PAUSED),
        Fault(
            *("balancer-5xx", "Balancer5xx"),
            traffic=Traffic.REQUESTS,
            targets=Targets.NONE,
            functions_serve=False,
        ),
    )
}

NOT_HERE = {
    "pushes-rejected": "neither SNS nor the local Web Push rejects what the Push function sends",
    "canary": "it is off on the laptop; with -c canary_minutes=5 other faults let it fail",
    "rejected-connections": "the emulator's load balancer takes as many connections as come",
}
