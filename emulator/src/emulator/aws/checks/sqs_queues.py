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
_READ_ONLY = ("All", "Approximate", "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn")
_MOST_RECEIVES = 1000
_MOST_SOURCES = 10  # of a RedriveAllowPolicy
_DOCUMENTS = ("Policy", "RedriveAllowPolicy")
_PARAMETER = "InvalidParameterValue"


def check(attributes: Mapping[str, Any]) -> None:
    """Raises Rejection. An empty text takes a document away."""
    for name, value in attributes.items():
        if name not in _known():
            raise Rejection(f"Unknown Attribute {name}.", "InvalidAttributeName")
        text = str(value)
        if name == "RedrivePolicy" and text:
            _check_redrive_policy(text)
        elif (text or name in _BOUNDS) and not _is_valid(name, text):
            raise Rejection(f"Invalid value for the parameter {name}.", "InvalidAttributeValue")


def _is_valid(name: str, text: str) -> bool:
    if name in _VALUES:
        return text.lower() in (each.lower() for each in _VALUES[name])
    if name in _BOUNDS:
        least, most = _BOUNDS[name]
        return text.isascii() and text.isdigit() and least <= int(text) <= most
    if name not in _DOCUMENTS:
        return True
    document = _parsed(text)
    return document is not None and (name == "Policy" or _allows_sources(document))


def _allows_sources(policy: Mapping[str, Any]) -> bool:
    """Whether it is a RedriveAllowPolicy: with up to 10 sources where it names them, alone."""
    permission, sources = policy.get("redrivePermission", "allowAll"), policy.get("sourceQueueArns")
    if permission == "byQueue":
        return isinstance(sources, list) and 1 <= len(sources) <= _MOST_SOURCES
    return permission in ("allowAll", "denyAll") and sources is None


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _check_redrive_policy(text: str) -> None:
    begin = f"Value {text} for parameter RedrivePolicy is invalid. Reason: "
    policy = _parsed(text)
    if policy is None:
        raise Rejection(f"{begin}Redrive policy is not a valid JSON map.", _PARAMETER)
    for name in ("deadLetterTargetArn", "maxReceiveCount") if policy else ():
        if name not in policy:
            why = f"Redrive policy does not contain mandatory attribute: {name}."
            raise Rejection(begin + why, _PARAMETER)
    count = str(policy.get("maxReceiveCount", 1))
    if not (count.isascii() and count.isdigit() and 1 <= int(count) <= _MOST_RECEIVES):
        why = f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to "
        raise Rejection(f"{begin}{why}{_MOST_RECEIVES} both inclusive.", _PARAMETER)


@cache
def _known() -> frozenset[str]:
    """The attributes that can be set: CreateQueue, API reference."""
    all_ = get_service_model("sqs").shape_for("QueueAttributeName").metadata["enum"]
    return frozenset(each for each in all_ if not each.startswith(_READ_ONLY))


def same(there: Any, given: Any) -> bool:
    """Whether an attribute has this value, however it is written, and each member of a document;
    without one is as empty."""
    return bool(_plain(there) == _plain(given))


def _plain(value: Any) -> Any:
    text = (value if isinstance(value, str) else json.dumps(value)) or "null"
    try:
        plain = _plain_member(json.loads(text))
        return None if plain in ("", [], {}) else plain
    except ValueError:
        plain = _plain_member(text)
        return plain.lower() if isinstance(plain, str) else plain


def _plain_member(value: Any) -> Any:
    """The value, where numbers and truths may be texts."""
    if isinstance(value, dict):
        return {name: _plain_member(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain_member(each) for each in value]
    if not isinstance(value, str):
        return value
    if value.isascii() and value.isdigit():  # "030" as well, which is no JSON
        return int(value)
    return value.lower() == "true" if value.lower() in ("true", "false") else value
