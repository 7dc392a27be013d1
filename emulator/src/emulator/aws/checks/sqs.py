"""Messages that SQS rejects. Source: SQS API reference, SendMessage; "Amazon SQS message metadata"
(attributes), developer guide."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from moto.core.utils import get_service_model

from emulator.aws.checks import sqs_queues
from emulator.aws.checks.rejection import Rejection
from emulator.aws.checks.values import bytes_in

MOST_BYTES = 1_048_576
MOST_DELAY, MOST_VISIBILITY = 900, 43_200  # seconds
MOST_ATTRIBUTES = 10  # "Amazon SQS message quotas", developer guide
_ALLOWED = "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
_FOREIGN = re.compile("[^\x09\x0a\x0d\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ATTRIBUTE = re.compile(r"[A-Za-z0-9_.-]{1,256}")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~]{1,128}")


def check(operation: str, given: Mapping[str, Any]) -> None:
    """Raises Rejection. The entries of a batch are checked one by one, see sqs_batches.py."""
    if operation == "ReceiveMessage":
        _check_bounds(given)
    if operation == "SendMessage":
        check_message(given)
    elif operation in ("ReceiveMessage", "ChangeMessageVisibility"):
        check_visibility(given)
        _check_names(given.get("AttributeNames") or ())
        _check_names(given.get("MessageSystemAttributeNames") or ())
        _check_id(given, "ReceiveRequestAttemptId")
    elif operation in ("CreateQueue", "SetQueueAttributes"):
        sqs_queues.check(given.get("Attributes") or {})


def check_queue(operation: str, given: Mapping[str, Any]) -> None:
    """Raises Rejection."""
    if "QueueUrl" not in given and operation in _of_queues():
        message = "The request must contain the parameter QueueUrl."
        raise Rejection(message, "MissingParameter")


@cache
def _of_queues() -> frozenset[str]:
    """Operations about one queue."""
    model = get_service_model("sqs")
    operations = (model.operation_model(name) for name in model.operation_names)
    shapes = {each.name: each.input_shape for each in operations}
    return frozenset(
        name for name, shape in shapes.items() if shape and "QueueUrl" in shape.required_members
    )


def _check_bounds(given: Mapping[str, Any]) -> None:
    for name, least, most, bounds in (
        ("MaxNumberOfMessages", 1, 10, "between 1 and 10"),
        ("WaitTimeSeconds", 0, 20, ">= 0 and <= 20"),
    ):
        value = given.get(name)
        if value is not None and not least <= int(value) <= most:
            raise Rejection(
                f"Value {value} for parameter {name} is invalid. Reason: Must be {bounds}, if "
                "provided.",
                "InvalidParameterValue",
            )


def check_message(message: Mapping[str, Any]) -> None:
    """Raises Rejection."""
    body = message.get("MessageBody")
    if not isinstance(body, str) or not body:
        raise Rejection("The request must contain the parameter MessageBody.", "MissingParameter")
    found = _FOREIGN.search(body)
    if found is not None:
        raise Rejection(
            f"Invalid binary character '#x{ord(found[0]):X}' was found in the message body, the "
            f"set of allowed characters is {_ALLOWED}",
            "InvalidMessageContents",
        )
    if size(message) > MOST_BYTES:
        raise Rejection(
            "One or more parameters are invalid. Reason: Message must be shorter than "
            f"{MOST_BYTES} bytes.",
            "InvalidParameterValue",
        )
    _check_attributes(message.get("MessageAttributes") or {})
    for name in message.get("MessageSystemAttributes") or {}:
        if name != "AWSTraceHeader":
            raise Rejection(
                f"Message system attribute name '{name}' is invalid.", "InvalidParameterValue"
            )
    for name, value in (message.get("MessageSystemAttributes") or {}).items():
        if value.get("DataType") != "String":
            why = f"Message system attribute '{name}' must be of the type String."
            raise Rejection(why, "InvalidParameterValue")
    _require_between(message, "DelaySeconds", MOST_DELAY)
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        _check_id(message, name)


def _check_id(given: Mapping[str, Any], name: str) -> None:
    value = given.get(name)
    if value is not None and not _ID.fullmatch(str(value)):
        raise Rejection(
            f"Value {value} for parameter {name} is invalid. Reason: {name} can only include "
            "alphanumeric and punctuation characters. 1 to 128 in length.",
            "InvalidParameterValue",
        )


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        if name not in _attribute_names():
            raise Rejection(f"Unknown Attribute {name}.", "InvalidAttributeName")


@cache
def _attribute_names() -> frozenset[str]:
    """The names of attributes of messages and of queues: AttributeNames takes both."""
    model = get_service_model("sqs")
    shapes = ("QueueAttributeName", "MessageSystemAttributeName")
    return frozenset(name for shape in shapes for name in model.shape_for(shape).metadata["enum"])


def check_visibility(given: Mapping[str, Any]) -> None:
    """Raises Rejection."""
    _require_between(given, "VisibilityTimeout", MOST_VISIBILITY)


def _require_between(given: Mapping[str, Any], name: str, most: int) -> None:
    value = given.get(name)
    if value is not None and not 0 <= int(value) <= most:
        raise Rejection(
            f"Value {value} for parameter {name} is invalid. Reason: {name} must be >= 0 and "
            f"<= {most}.",
            "InvalidParameterValue",
        )


def _check_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> None:
    if len(attributes) > MOST_ATTRIBUTES:
        raise Rejection(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum "
            f"[{MOST_ATTRIBUTES}].",
            "InvalidParameterValue",
        )
    for name, value in attributes.items():
        why = _wrong_name(name)
        why = f"Message attribute '{name}' {why}." if why else _wrong_value(name, value)
        if why:
            raise Rejection(why, "InvalidParameterValue")


def _wrong_name(name: str) -> str:
    if not _ATTRIBUTE.fullmatch(name) or name.startswith(".") or name.endswith(".") or ".." in name:
        return "has 1 to 256 of the characters A-Z, a-z, 0-9, _, -, and periods between them"
    if name.lower().startswith(("aws.", "amazon.")):
        return "must not begin with the reserved prefix AWS. or Amazon."
    return ""


def _wrong_value(name: str, value: Mapping[str, Any]) -> str:
    kind, _, _ = str(value.get("DataType", "String")).partition(".")
    text, data = value.get("StringValue"), value.get("BinaryValue")
    if kind not in ("String", "Number", "Binary") or len(str(value.get("DataType", ""))) > 256:
        return (
            f"The type of message (user) attribute '{name}' is invalid. You must use only the "
            "following supported type prefixes: Binary, Number, String."
        )
    if not (data if kind == "Binary" else text):
        return f"Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'."
    if kind == "Number" and not NUMBER.fullmatch(str(text)):
        return f"Can't cast the value of message (user) attribute '{name}' to a number."
    if text and _FOREIGN.search(str(text)):
        return f"Message attribute '{name}' has a character that a message must not have."
    return ""


def size(message: Mapping[str, Any]) -> int:
    """The size of the body and the attributes, in bytes."""
    attributes: Mapping[str, Mapping[str, Any]] = message.get("MessageAttributes") or {}
    return len(str(message.get("MessageBody")).encode()) + sum(
        len(name.encode())
        + len(str(value.get("DataType", "")).encode())
        + len(str(value.get("StringValue") or "").encode())
        + bytes_in(str(value.get("BinaryValue") or ""))
        for name, value in attributes.items()
    )
