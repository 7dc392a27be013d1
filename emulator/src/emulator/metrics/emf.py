"""Metrics of what is logged: lines of the CloudWatch embedded metric format, and metric filters.

Source: "Specification: Embedded metric format", CloudWatch user guide.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from emulator.metrics.log_groups import MetricFilter
from emulator.metrics.store import Metric

_MARK = b'"_aws"'
MOST_LINE = 1024 * 1024  # bytes, of an event of CloudWatch Logs
MOST_METRICS, MOST_DIMENSIONS, MOST_VALUES = 100, 30, 100
MOST_CHARACTERS = 1024  # of a dimension's value, a name or a namespace
MOST_BYTES = 4 * 1024 * 1024  # of one file at once; a line is far shorter


class Logs:
    """The files that functions and tasks print to, read as they grow. `filters` gives the metric
    filters of each file."""

    def __init__(
        self,
        folder: Path,
        filters: Callable[[], Mapping[Path, Sequence[MetricFilter]]] = dict,
    ) -> None:
        self._folder, self._filters = folder, filters
        self._read: dict[Path, int] = {}
        self._rest: dict[Path, bytes] = {}

    def skip(self) -> None:
        """Skips what is there at the start, which is of an earlier run."""
        for file in self._files():
            self._read[file] = file.stat().st_size

    def new(self) -> Iterator[tuple[float, Metric, float]]:
        """Each value that was printed since the last call, after its time in epoch seconds."""
        filters = self._filters()
        for file in self._files():
            begin = self._read.get(file, 0)
            try:
                with file.open("rb") as log:
                    log.seek(begin)
                    text = self._rest.pop(file, b"") + log.read(MOST_BYTES)
                    self._read[file] = log.tell()
            except FileNotFoundError:  # a task's, cleared away meanwhile
                continue
            *lines, self._rest[file] = text.split(b"\n")
            for line in lines:
                if _MARK in line:
                    yield from values(line)
                for each in filters.get(file, ()):
                    if (found := each.measured(line)) is not None:
                        yield time.time(), *found

    def _files(self) -> list[Path]:
        return sorted(self._folder.rglob("*.log")) if self._folder.exists() else []


def values(line: bytes) -> list[tuple[float, Metric, float]]:
    """The values of one line; none for one that does not follow the specification."""
    if len(line) > MOST_LINE:
        return []
    try:
        return list(_values(json.loads(line)))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return []


def _values(document: Any) -> Iterator[tuple[float, Metric, float]]:
    at = _number(document["_aws"]["Timestamp"]) / 1000
    for directive in document["_aws"]["CloudWatchMetrics"]:
        namespace, metrics = _name(directive["Namespace"]), directive.get("Metrics", ())
        _at_most(MOST_METRICS, metrics)
        for names in directive.get("Dimensions", [[]]):
            _at_most(MOST_DIMENSIONS, names)
            dimensions = frozenset((name, _dimension(document[name])) for name in names)
            for metric in metrics:
                name = _name(metric["Name"])
                given: Any = document.get(name, ())
                given = given if isinstance(given, list) else [given]
                _at_most(MOST_VALUES, given)
                for value in given:
                    yield at, Metric(namespace, name, dimensions), _number(value)


def _at_most(most: int, listed: Any) -> None:
    if len(listed) > most:
        raise ValueError(f"more than {most}")


def _dimension(value: Any) -> str:
    """ "The target member must have a string value": a number makes no metric."""
    if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
        raise ValueError(f"{value!r} is no value of a dimension")
    return value


def _name(value: Any) -> str:
    """The name of a metric or a namespace, "A string"."""
    if not isinstance(value, str) or not value or len(value) > MOST_CHARACTERS:
        raise ValueError(f"{value!r:.50} is no name")
    return value


def _number(value: Any) -> float:
    """A number as JSON has it: raises ValueError for a text or a boolean, and for NaN and Infinity,
    which json.loads takes."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)
