"""CloudWatch Logs' view: what was logged, from the files that it goes to.

Each line is an event, with its own time where it has one: see emulator.console.ranges. The others
have that of the line before. In a file without any, all have that of its last write.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from emulator.console.ranges import time_of
from emulator.describe.errors import CallError, Unsupported
from emulator.metrics import expressions, filter_patterns
from emulator.metrics.log_groups import LogGroupProvider

_MOST_EVENTS = 10_000  # of a page: GetLogEvents, API reference


class LogsView:
    def __init__(self, groups: LogGroupProvider) -> None:
        self._log_groups = groups

    def operations(self) -> dict[str, Any]:
        return {
            "DescribeLogGroups": self._groups,
            "DescribeLogStreams": self._streams,
            "FilterLogEvents": self._events,
            "GetLogEvents": self._stream_events,
        }

    def _groups(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """By their names, in the order of ASCII; letters of a pattern have their case:
        DescribeLogGroups, API reference."""
        _check_exclusive(given, "logGroupNamePrefix", "logGroupNamePattern")
        prefix = str(given.get("logGroupNamePrefix") or "")
        pattern = str(given.get("logGroupNamePattern") or "")
        names = sorted(self._log_groups.names())
        names = [name for name in names if name.startswith(prefix) and pattern in name]
        days = self._log_groups.retention
        retained = {name: {"retentionInDays": days[name]} for name in names if days.get(name)}
        return {"logGroups": [{"logGroupName": name, **retained.get(name, {})} for name in names]}

    def _streams(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A group has one stream, once something was logged into it."""
        lines = self._lines(given)
        prefix = str(given.get("logStreamNamePrefix") or "")
        given.get("descending")  # of one there is one order
        if given.get("orderBy") == "LastEventTime" and prefix:
            text = "Cannot order by LastEventTime with a logStreamNamePrefix."
            raise CallError("InvalidParameterException", text)
        if not lines.at or not lines.stream.startswith(prefix):
            return {"logStreams": []}
        first, last = lines.at[0][0], lines.at[-1][0]
        times = {"firstEventTimestamp": first, "lastEventTimestamp": last, "creationTime": first}
        return {"logStreams": [{"logStreamName": lines.stream, **times}]}

    def _events(self, given: Mapping[str, Any]) -> dict[str, Any]:
        matches = _matcher(str(given.get("filterPattern") or ""))
        _check_exclusive(given, "logStreamNames", "logStreamNamePrefix")
        lines = self._lines(given)
        streams = given.get("logStreamNames") or [lines.stream]
        prefix = str(given.get("logStreamNamePrefix") or "")
        if lines.stream not in streams:
            raise _no_stream()
        found = [
            {
                "logStreamName": lines.stream,
                "timestamp": at,
                "message": line,
                "ingestionTime": at,
                "eventId": f"{number:056d}",
            }
            for number, (at, line) in enumerate(lines.at)
            if lines.within(at) and matches(line) and lines.stream.startswith(prefix)
        ]
        return {"events": found, "searchedLogStreams": []}

    def _stream_events(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A page of the last events, or of the first with startFromHead; its tokens lead to those
        before it and after it, and at an end to itself; an event at the endTime is not included,
        unlike in FilterLogEvents: GetLogEvents, API reference."""
        lines = self._lines(given)
        if given.get("logStreamName") != lines.stream or not lines.at:
            raise _no_stream()
        found = [(at, line) for at, line in lines.at if lines.within(at) and at != lines.end]
        limit = int(given.get("limit", _MOST_EVENTS))
        if not 1 <= limit <= _MOST_EVENTS:
            raise _out_of_bounds(limit, "limit", f"value from 1 to {_MOST_EVENTS}")
        begin = 0 if given.get("startFromHead") else max(0, len(found) - limit)
        if token := given.get("nextToken"):
            kind, _, place = str(token).partition("/")
            if kind not in ("f", "b") or not place.isdecimal():
                raise CallError("InvalidParameterException", "The specified nextToken is invalid.")
            begin = int(place) if kind == "f" else max(0, int(place) - limit)
            limit = limit if kind == "f" else int(place) - begin
        page = found[begin : begin + limit]
        return {
            "events": [
                {"timestamp": at, "message": line, "ingestionTime": at} for at, line in page
            ],
            "nextForwardToken": f"f/{begin + len(page)}",
            "nextBackwardToken": f"b/{begin}",
        }

    def _lines(self, given: Mapping[str, Any]) -> _Lines:
        """All lines of the group. Raises CallError, and Unsupported for times of what has none."""
        _check_exclusive(given, "logGroupName", "logGroupIdentifier")
        identifier = given.get("logGroupName") or given.get("logGroupIdentifier")
        if not identifier:
            text = "Either logGroupName or logGroupIdentifier is required"
            raise CallError("InvalidParameterException", text)
        name = _group(str(identifier))
        if not self._log_groups.knows(name):
            raise CallError("ResourceNotFoundException", "The specified log group does not exist.")
        first, last = given.get("startTime"), given.get("endTime")  # milliseconds
        file = self._log_groups.file(name)
        if not file.exists():
            return _Lines(file.stem, [])
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        times = _times(lines)
        if not times:
            if lines and (first, last) != (None, None):
                raise Unsupported(f"startTime and endTime for {name}: its lines have no times")
            times = [int(file.stat().st_mtime * 1000)] * len(lines)
        begin = -math.inf if first is None else int(first)
        end = math.inf if last is None else int(last)
        return _Lines(file.stem, list(zip(times, lines, strict=True)), begin, end)


class _Lines(NamedTuple):
    """The lines of a group's stream, with their times in milliseconds, and which were asked for."""

    stream: str
    at: Sequence[tuple[int, str]]
    begin: float = -math.inf
    end: float = math.inf

    def within(self, at: int) -> bool:
        return self.begin <= at <= self.end


def _check_exclusive(given: Mapping[str, Any], one: str, other: str) -> None:
    """Raises CallError for both: API references of the calls."""
    if given.get(one) and given.get(other):
        raise CallError("InvalidParameterException", f"{one} and {other} are mutually exclusive")


def _no_stream() -> CallError:
    return CallError("ResourceNotFoundException", "The specified log stream does not exist.")


def _group(identifier: str) -> str:
    """The name in an ARN, or as it is."""
    found = identifier.partition(":log-group:")[2] or identifier
    return found.removesuffix(":*")


def _out_of_bounds(value: Any, field: str, rule: str) -> CallError:
    """The error of a value out of its bounds, as LocalStack has recorded it."""
    return CallError(
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
        raise CallError("InvalidParameterException", str(invalid)) from invalid
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
