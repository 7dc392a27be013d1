"""A range of time, as it stands in an address: ?from=<epoch seconds>&to=<epoch seconds>.

Short, since records and log lines need nothing more of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from emulator.console.commands import bad_request


class Range(NamedTuple):
    """Both ends belong to it."""

    begin: float = -math.inf
    end: float = math.inf

    def __contains__(self, at: object) -> bool:
        return isinstance(at, int | float) and self.begin <= at <= self.end

    @property
    def is_all(self) -> bool:
        return self == Range()


def read(query: Mapping[str, str]) -> Range:
    """Raises ApiError for what is no time."""
    return Range(_seconds(query, "from", -math.inf), _seconds(query, "to", math.inf))


def within(lines: Sequence[str], range: Range) -> Iterator[str]:
    """The lines of a log that were printed in the range. One without a time of its own, such as
    that of a traceback, belongs to the line before it."""
    if range.is_all:
        yield from lines
        return
    at: float | None = None
    for line in lines:
        at = time_of(line) or at
        if at in range:
            yield line


def time_of(line: str) -> float | None:
    """The time of a line of JSON with the field `timestamp`, as structured logs have it."""
    if not line.startswith("{"):
        return None
    try:
        text = json.loads(line).get("timestamp", "")
        # ISO 8601, also with a comma before the fraction
        return datetime.fromisoformat(str(text).replace(",", ".")).timestamp()
    except (ValueError, AttributeError, OverflowError, RecursionError):
        return None


def _seconds(query: Mapping[str, str], name: str, otherwise: float) -> float:
    text = query.get(name, "")
    if not text:
        return otherwise
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise bad_request(f"{name} is a time in seconds since 1970, not {text[:40]!r}")
    return found
