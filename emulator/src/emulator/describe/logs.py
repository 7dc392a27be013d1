"""CloudWatch Logs' view: what was logged, from the files that it goes to.

Each line is an event, with its own time where it has one: see emulator.console.ranges. The others
have that of the line before. In a file without any, all have that of its last write.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from emulator.console.ranges import time_of
from emulator.describe.made import NotFound
from emulator.metrics import expressions, filter_patterns
from emulator.metrics.log_groups import LogGroupProvider


class Unsupported(Exception):
    """What the emulator does not serve; the text says what."""


class LogsView:
    def __init__(self, groups: LogGroupProvider) -> None:
        self._log_groups = groups

    def operations(self) -> dict[str, Any]:
        return {"DescribeLogGroups": self._groups, "FilterLogEvents": self._events}

    def _groups(self, given: Mapping[str, Any]) -> dict[str, Any]:
        prefix = str(given.get("logGroupNamePrefix", ""))
        names = [name for name in self._log_groups.names() if name.startswith(prefix)]
        days = self._log_groups.retention
        retained = {name: {"retentionInDays": days[name]} for name in names if days.get(name)}
        return {"logGroups": [{"logGroupName": name, **retained.get(name, {})} for name in names]}

    def _events(self, given: Mapping[str, Any]) -> dict[str, Any]:
        identifier = given.get("logGroupName") or given.get("logGroupIdentifier")
        if not identifier:
            text = "Either logGroupName or logGroupIdentifier is required"
            raise NotFound("InvalidParameterException", text)
        name = _group(str(identifier))
        pattern = str(given.get("filterPattern") or "")
        first, last = given.get("startTime"), given.get("endTime")  # milliseconds
        matches = _matcher(pattern)
        if not self._log_groups.knows(name):
            raise NotFound("ResourceNotFoundException", "The specified log group does not exist.")
        file = self._log_groups.file(name)
        if not file.exists():
            return {"events": [], "searchedLogStreams": []}
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        times = _times(lines)
        if not times:
            if lines and (first, last) != (None, None):
                raise Unsupported(f"startTime and endTime for {name}: its lines have no times")
            times = [int(file.stat().st_mtime * 1000)] * len(lines)
        begin = -math.inf if first is None else int(first)
        end = math.inf if last is None else int(last)
        found = [
            {
                "logStreamName": file.stem,
                "timestamp": at,
                "message": line,
                "ingestionTime": at,
                "eventId": f"{number:056d}",
            }
            for number, (at, line) in enumerate(zip(times, lines, strict=True))
            if begin <= at <= end and matches(line)
        ]
        return {"events": found, "searchedLogStreams": []}


def _group(identifier: str) -> str:
    """The name in an ARN, or as it is."""
    found = identifier.partition(":log-group:")[2] or identifier
    return found.removesuffix(":*")


def _out_of_bounds(value: Any, field: str, rule: str) -> NotFound:
    """The error of a value out of its bounds, as LocalStack has recorded it."""
    return NotFound(
        "InvalidParameterException",
        f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy "
        f"constraint: Member must have {rule}",
    )


def _matcher(pattern: str) -> filter_patterns.Matches:
    most = filter_patterns.MOST_CHARACTERS
    if len(pattern) > most:
        raise _out_of_bounds(pattern, "filterPattern", f"length less than or equal to {most}")
    try:
        return filter_patterns.matcher(pattern)
    except filter_patterns.InvalidPattern as invalid:
        raise NotFound("InvalidParameterException", str(invalid)) from invalid
    except expressions.Unsupported as unknown:
        raise Unsupported(str(unknown)) from unknown


def _times(lines: list[str]) -> list[int]:
    """The time of each line, in milliseconds; none at all where no line has one."""
    own = [time_of(line) for line in lines]
    at = next((each for each in own if each is not None), None)
    if at is None:
        return []
    found = []
    for each in own:
        at = at if each is None else each
        found.append(round(at * 1000))
    return found
