"""The access log of a WebSocket stage: a line for each connection, frame and disconnection.

Source: "Set up logging for WebSocket APIs", API Gateway developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from emulator.gateway.limits import ACCESS_LOG_BYTES
from emulator.providers import EmulatorError

Access = Callable[[Mapping[str, Any]], None]
"""(the values of $context, as {"routeKey": "ping", "identity": {"sourceIp": …}}) -> nothing"""

_VARIABLE = re.compile(r"\$context\.(\w+(?:\.\w+)*)")
_UNKNOWN = "-"  # what API Gateway writes for a variable without a value


def unlogged(_context: Mapping[str, Any]) -> None:
    """An Access for a stage without a log."""


def line(format: str, context: Mapping[str, Any]) -> str:
    return _VARIABLE.sub(lambda found: _value(context, found[1]), format)


def _value(context: Any, path: str) -> str:
    for name in path.split("."):
        context = context.get(name) if isinstance(context, Mapping) else None
    return _UNKNOWN if context is None or isinstance(context, Mapping) else str(context)


class AccessLog:
    """`format` has the variables of $context; lines go to `file` as they come."""

    def __init__(self, format: str, file: Path) -> None:
        """Raises EmulatorError for a format that API Gateway does not take."""
        if len(format.encode()) > ACCESS_LOG_BYTES:
            raise EmulatorError(f"an access log's format has over {ACCESS_LOG_BYTES} bytes")
        self._format, self._file = format, file
        self._open: TextIO | None = None

    def write(self, context: Mapping[str, Any]) -> None:
        if self._open is None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._open = self._file.open("a", encoding="utf-8", buffering=1)
        self._open.write(f"{line(self._format, context)}\n")

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def group_of(arn: str) -> str:
    """The name of the log group with this ARN, which may end with :*."""
    return arn.partition(":log-group:")[2].removesuffix(":*")
