"""CloudWatch Logs' view: what functions have printed, from the files that it goes to.

Each line is an event, with the time that the file was written to last: the lines have none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from emulator.describe.made import NotFound
from emulator.functions.model import Function

_MOST = 10_000  # events of one response, as AWS has it
_SYNTAX = frozenset('{}[]%"?-^$|')


class Unsupported(Exception):
    """What the emulator does not serve; the text says what."""


class LogsView:
    def __init__(self, functions: Callable[[], Iterable[Function]]) -> None:
        self._functions = functions

    def operations(self) -> dict[str, Any]:
        return {"DescribeLogGroups": self._groups, "FilterLogEvents": self._events}

    def _groups(self, given: Mapping[str, Any]) -> dict[str, Any]:
        prefix = str(given.get("logGroupNamePrefix", ""))
        names = [f"/aws/lambda/{function.name}" for function in self._functions()]
        return {"logGroups": [{"logGroupName": name} for name in names if name.startswith(prefix)]}

    def _events(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name = str(given.get("logGroupName") or given.get("logGroupIdentifier"))
        pattern = str(given.get("filterPattern") or "")
        if _SYNTAX & set(pattern):
            raise Unsupported(f"the filter pattern {pattern!r}: plain words are known here")
        for function in self._functions():
            if name == f"/aws/lambda/{function.name}":
                break
        else:
            raise NotFound("ResourceNotFoundException", "The specified log group does not exist.")
        if not function.log.exists():
            return {"events": [], "searchedLogStreams": []}
        at = int(function.log.stat().st_mtime * 1000)
        lines = function.log.read_text(encoding="utf-8", errors="replace").splitlines()
        words = pattern.split()
        found = [line for line in lines if all(word in line for word in words)]
        return {
            "events": [
                {"logStreamName": function.label, "timestamp": at, "message": line}
                for line in found[-_MOST:]
            ],
            "searchedLogStreams": [],
        }
