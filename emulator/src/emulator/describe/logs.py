"""CloudWatch Logs' view: what was logged, from the files that it goes to.

Each line is an event, with the time that the file was written to last: the lines have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.describe.made import NotFound
from emulator.metrics.log_groups import LogGroupProvider

_MOST = 10_000  # events of one response, as AWS has it
_SYNTAX = frozenset('{}[]%"?-^$|')


class Unsupported(Exception):
    """What the emulator does not serve; the text says what."""


class LogsView:
    def __init__(self, groups: LogGroupProvider) -> None:
        self._log_groups = groups

    def operations(self) -> dict[str, Any]:
        return {"DescribeLogGroups": self._groups, "FilterLogEvents": self._events}

    def _groups(self, given: Mapping[str, Any]) -> dict[str, Any]:
        prefix = str(given.get("logGroupNamePrefix", ""))
        names = self._log_groups.names()
        return {"logGroups": [{"logGroupName": name} for name in names if name.startswith(prefix)]}

    def _events(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name = str(given.get("logGroupName") or given.get("logGroupIdentifier"))
        pattern = str(given.get("filterPattern") or "")
        first, last = int(given.get("startTime") or 0), int(given.get("endTime") or 0)
        if _SYNTAX & set(pattern):
            raise Unsupported(f"the filter pattern {pattern!r}: plain words are known here")
        if not self._log_groups.knows(name):
            raise NotFound("ResourceNotFoundException", "The specified log group does not exist.")
        file = self._log_groups.file(name)
        if not file.exists():
            return {"events": [], "searchedLogStreams": []}
        at = int(file.stat().st_mtime * 1000)
        if not first <= at <= (last or at):
            return {"events": [], "searchedLogStreams": []}
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        words = pattern.split()
        found = [line for line in lines if all(word in line for word in words)]
        return {
            "events": [
                {"logStreamName": file.stem, "timestamp": at, "message": line}
                for line in found[-_MOST:]
            ],
            "searchedLogStreams": [],
        }
