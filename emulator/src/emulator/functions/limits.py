"""Limits of a function's configuration, beyond which Lambda rejects it.

Source: Lambda developer guide, "Lambda quotas" and "Defined runtime environment variables";
CreateFunction, API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from emulator.providers import EmulatorError

BOUNDS = {
    "Timeout": (1, 900),  # seconds
    "MemorySize": (128, 10_240),  # megabytes
    "ReservedConcurrentExecutions": (0, None),
}
STORAGE = (512, 10_240)  # megabytes of /tmp
VARIABLES_BYTES = 4 * 1024
_FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_HANDLER = re.compile(r"\S{1,128}")
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)


_SIMPLE = str | int | float  # what CloudFormation makes a text of


def check(where: str, properties: Mapping[str, Any], variables: Mapping[str, str]) -> None:
    """Raises EmulatorError."""
    for name, pattern in (("FunctionName", _FUNCTION_NAME), ("Handler", _HANDLER)):
        if name in properties and not pattern.fullmatch(str(properties[name])):
            raise EmulatorError(f"{where}: {name} {properties[name]!r} is not {pattern.pattern}")
    for name, (least, most) in BOUNDS.items():
        if name in properties:
            within(where, name, properties[name], least, most)
    if "EphemeralStorage" in properties:
        within(where, "EphemeralStorage", properties["EphemeralStorage"].get("Size"), *STORAGE)
    reserved = sorted(RESERVED & variables.keys())
    if reserved:
        raise EmulatorError(f"{where}: Lambda reserves the variables {', '.join(reserved)}")
    wrong = sorted(name for name in variables if not _NAME.fullmatch(name))
    if wrong:
        raise EmulatorError(f"{where}: {wrong[0]!r} is no name of a variable of Lambda")
    objects = sorted(name for name, value in variables.items() if not isinstance(value, _SIMPLE))
    if objects:
        raise EmulatorError(f"{where}: the variable {objects[0]} is no text")
    size = sum(len(name.encode()) + len(str(value).encode()) for name, value in variables.items())
    if size > VARIABLES_BYTES:
        raise EmulatorError(f"{where}: variables of {size} bytes: {VARIABLES_BYTES} are the most")


def require_standard(where: str, arn: str) -> None:
    """Raises EmulatorError for a FIFO queue as a destination or a dead-letter queue, which has
    to be a standard one: AWS::Lambda::EventInvokeConfig DestinationConfig, CloudFormation
    reference; docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html."""
    if arn.endswith(".fifo"):
        raise EmulatorError(f"{where}: Lambda sends to no FIFO queue, such as {arn}")


def within(where: str, name: str, value: Any, least: int, most: int | None) -> int:
    """Raises EmulatorError for what is no whole number from `least` to `most`."""
    number = whole(where, name, value)
    if number < least or (most is not None and number > most):
        bounds = f"is below {least}" if most is None else f"is not from {least} to {most}"
        raise EmulatorError(f"{where}: {name} {number} {bounds}")
    return number


def whole(where: str, name: str, value: Any) -> int:
    """Raises EmulatorError for what is no whole number; CloudFormation takes one as text, too."""
    try:
        return int(str(value))  # of True and of 1.0 it is none
    except ValueError as error:
        raise EmulatorError(f"{where}: {name} {value!r} is no whole number") from error
