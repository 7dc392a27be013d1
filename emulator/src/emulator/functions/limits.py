"""Limits of a function's configuration, beyond which Lambda rejects it.

Source: Lambda developer guide, "Lambda quotas" and "Defined runtime environment variables";
CreateFunction, API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from emulator.providers import EmulatorError

SECONDS, MEGABYTES = (1, 900), (128, 10_240)
VARIABLES_BYTES = 4 * 1024
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


def check(where: str, properties: Mapping[str, Any], variables: Mapping[str, str]) -> None:
    """Raises EmulatorError."""
    for name, (least, most) in (("Timeout", SECONDS), ("MemorySize", MEGABYTES)):
        if name in properties and not least <= int(properties[name]) <= most:
            raise EmulatorError(f"{where}: {name} {properties[name]} is not from {least} to {most}")
    reserved = sorted(RESERVED & variables.keys())
    if reserved:
        raise EmulatorError(f"{where}: Lambda reserves the variables {', '.join(reserved)}")
    wrong = sorted(name for name in variables if not _NAME.fullmatch(name))
    if wrong:
        raise EmulatorError(f"{where}: {wrong[0]!r} is no name of a variable of Lambda")
    size = sum(len(name.encode()) + len(str(value).encode()) for name, value in variables.items())
    if size > VARIABLES_BYTES:
        raise EmulatorError(f"{where}: variables of {size} bytes: {VARIABLES_BYTES} are the most")
