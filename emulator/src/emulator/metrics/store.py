"""Metrics as CloudWatch stores them: values by namespace, name and dimensions, minute by minute."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

MINUTE = 60
RETAINED = 180  # minutes
_PERCENT = 100


class Metric(NamedTuple):
    """Two metrics with other dimensions are two metrics."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()


Measure = Callable[[str, str, float, Mapping[str, str]], None]
"""(namespace, name, value, dimensions): adds a value to a metric, now."""


def unmeasured(_namespace: str, _name: str, _value: float, _dimensions: Mapping[str, str]) -> None:
    """A Measure for what runs without metrics."""


# What is measured here of AWS's own metrics; functions and tasks print those of other namespaces.
MEASURED: Mapping[str, frozenset[str]] = {
    "AWS/ApiGateway": frozenset(
        (
            *("ConnectCount", "MessageCount", "IntegrationLatency"),
            *("ClientError", "IntegrationError", "ExecutionError"),
        )
    ),
    "AWS/ApplicationELB": frozenset(
        (
            *("RequestCount", "RequestCountPerTarget", "TargetResponseTime"),
            *("HealthyHostCount", "UnHealthyHostCount"),
            *(f"HTTPCode_ELB_{code}_Count" for code in ("3XX", "4XX", "5XX", 500, 502, 503, 504)),
            *(f"HTTPCode_Target_{kind}XX_Count" for kind in "2345"),
        )
    ),
    "AWS/Cognito": frozenset(("SignInThrottles", "SignUpThrottles", "TokenRefreshThrottles")),
    "AWS/DynamoDB": frozenset(("ReadThrottleEvents", "WriteThrottleEvents", "SystemErrors")),
    "AWS/Lambda": frozenset(
        (
            *("Invocations", "Errors", "Duration", "Throttles"),
            *("ConcurrentExecutions", "IteratorAge"),
        )
    ),
    "AWS/NetworkELB": frozenset(("HealthyHostCount", "UnHealthyHostCount")),
    "AWS/SQS": frozenset(("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage")),
}


def is_measured(namespace: str, name: str) -> bool:
    return not namespace.startswith("AWS/") or name in MEASURED.get(namespace, ())


Values = Counter[float]
Series = list[float | None]  # a value for each period, the oldest first; None where nothing was put


class Store:
    """`now` gives the template's seconds, in which periods are counted too."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._held: float | None = None
        self._minutes: dict[Metric, dict[int, Values]] = {}

    def put(
        self, namespace: str, name: str, value: float, dimensions: Mapping[str, str] = {}
    ) -> None:
        at = self._now() if self._held is None else self._held
        self.put_at(at, Metric(namespace, name, frozenset(dimensions.items())), value)

    @contextlib.contextmanager
    def at(self, moment: float) -> Iterator[None]:
        """Gives the time for what is put inside the block: a measurement that comes late holds for
        the minutes since the last one."""
        self._held = moment
        try:
            yield
        finally:
            self._held = None

    def put_at(self, at: float, metric: Metric, value: float) -> None:
        minutes = self._minutes.setdefault(metric, {})
        minute = int(at // MINUTE)
        minutes.setdefault(minute, Counter())[value] += 1
        if len(minutes) > RETAINED:
            del minutes[min(minutes)]

    def metrics(self) -> Iterable[Metric]:
        return list(self._minutes)

    def series(self, metric: Metric, statistic: str, period: int, end: float, count: int) -> Series:
        """`count` periods of `period` seconds, the last one up to `end`; both in whole minutes."""
        minutes = self._minutes.get(metric, {})
        last, each = int(end // MINUTE), max(1, period // MINUTE)
        found: Series = []
        for n in range(count, 0, -1):
            begin = last - n * each
            values: Values = Counter()
            for minute in range(begin, begin + each):
                values.update(minutes.get(minute, {}))
            found.append(of(statistic, values) if values else None)
        return found


def of(statistic: str, values: Values) -> float:
    """Sum, Average, Minimum, Maximum, SampleCount, or a percentile such as p99 or p99.9.

    Raises ValueError for another one. CloudWatch interpolates percentiles from what it has stored;
    this is the smallest value that so many percent don't exceed.
    """
    count = sum(values.values())
    total = sum(value * times for value, times in values.items())
    match statistic:
        case "Sum":
            return total
        case "Average":
            return total / count
        case "Minimum":
            return min(values)
        case "Maximum":
            return max(values)
        case "SampleCount":
            return count
    if not statistic.startswith("p"):
        raise ValueError(f"the statistic {statistic}")
    wanted = max(1, math.ceil(count * float(statistic[1:]) / _PERCENT))
    return _at(sorted(values.items()), wanted)


def _at(ordered: Sequence[tuple[float, int]], wanted: int) -> float:
    seen = 0
    for value, times in ordered:
        seen += times
        if seen >= wanted:
            return value
    return ordered[-1][0]
