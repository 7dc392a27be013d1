"""Attributes of queues that SQS rejects. Source: SQS API reference, CreateQueue and
SetQueueAttributes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from moto.core.utils import get_service_model

from emulator.aws.checks.rejection import Rejection

_BOUNDS = {
    "DelaySeconds": (0, 900),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
    "MaximumMessageSize": (1024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}
_VALUES = {
    "ContentBasedDeduplication": ("true", "false"),
    "DeduplicationScope": ("messageGroup", "queue"),
    "FifoQueue": ("true", "false"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
    "SqsManagedSseEnabled": ("true", "false"),
}
_MOST_RECEIVES = 1000


def check(attributes: Mapping[str, Any]) -> None:
    """Raises Rejection. An empty text takes an attribute away."""
    for name, value in attributes.items():
        if name not in _known():
            raise Rejection(f"Unknown Attribute {name}.", "InvalidAttributeName")
        text = str(value)
        if text and not _is_valid(name, text):
            raise Rejection(f"Invalid value for the parameter {name}.", "InvalidAttributeValue")


def _is_valid(name: str, text: str) -> bool:
    if name in _VALUES:
        return text.lower() in (each.lower() for each in _VALUES[name])
    if name in _BOUNDS:
        least, most = _BOUNDS[name]
        return text.isascii() and text.isdigit() and least <= int(text) <= most
    if name != "RedrivePolicy":
        return True
    try:
        policy = json.loads(text)
        receives = int(policy["maxReceiveCount"])
        return "deadLetterTargetArn" in policy and 1 <= receives <= _MOST_RECEIVES
    except (KeyError, TypeError, ValueError):
        return False


@cache
def _known() -> frozenset[str]:
    return frozenset(get_service_model("sqs").shape_for("QueueAttributeName").metadata["enum"])
