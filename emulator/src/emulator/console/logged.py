"""Log lines of tasks as steps of a trace: a frame on a task's socket is in no record.

As on AWS, where a message is found in the log groups of services. Only lines of JSON that have a
time of their own, and are no metrics.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from emulator.console.ranges import Range, time_of
from emulator.traces.ring import LINE, Record

MOST_BYTES = 4 * 1024 * 1024  # the newest of each log
MOST_STEPS = 200
METRICS = '"_aws"'


def lines(folder: Path, functions: Collection[str], text: str, range: Range) -> list[Record]:
    """The lines with the text, the oldest first. `functions` have records of their own."""
    found = sorted(_lines(folder, functions, text, range), key=lambda each: each[0])[-MOST_STEPS:]
    return [
        Record(-number, LINE, task, task, at, None, line)
        for number, (at, task, line) in enumerate(found, 1)
    ]


def recent(
    folder: Path, functions: Collection[str], field: str, range: Range
) -> list[dict[str, Any]]:
    """The same as `emulator.traces.trace.recent`, without order: each value of the field once."""
    pattern = re.compile(rf'"{re.escape(field)}": ?"([^"\\]+)"')
    found: dict[str, dict[str, Any]] = {}
    for at, task, line in _lines(folder, functions, f'"{field}"', range):
        for value in pattern.findall(line):
            found.setdefault(value, {"id": value, "at": at, "function": task, "error": ""})
    return list(found.values())


def _lines(
    folder: Path, functions: Collection[str], text: str, range: Range
) -> Iterator[tuple[float, str, str]]:
    for file in sorted(folder.glob("*.log")):
        if file.stem in functions:
            continue
        try:
            with file.open("rb") as log:
                log.seek(max(0, file.stat().st_size - MOST_BYTES))
                content = log.read().decode(errors="replace")
        except FileNotFoundError:  # a task's, cleared away meanwhile
            continue
        for line in content.splitlines():
            if text in line and METRICS not in line:
                at = time_of(line)
                if at is not None and at in range:
                    yield at, file.stem, line
