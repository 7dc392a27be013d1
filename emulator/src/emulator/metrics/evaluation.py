"""The state of an alarm, from data points. No I/O.

Source: "Configuring how CloudWatch alarms treat missing data", CloudWatch user guide.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
MISSING, IGNORE, BREACHING, NOT_BREACHING = "missing", "ignore", "breaching", "notBreaching"
# The guide retrieves 5 points for 3 periods in its examples, and publishes no rule.
MORE = 2

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


class Condition(NamedTuple):
    """ALARM when `datapoints` of the last `periods` are over the threshold, as `compare` has it."""

    compare: Callable[[float, float], bool]
    threshold: float
    periods: int
    datapoints: int
    missing: str = MISSING

    @property
    def range(self) -> int:
        """The number of last points that are looked at, in case that some are missing."""
        return self.periods + MORE

    def state(self, points: Sequence[float | None], current: str) -> str:
        """`points` are the last ones, the oldest first."""
        points = points[-self.range :]
        breaches = [each is not None and self.compare(each, self.threshold) for each in points]
        real = [breach for breach, each in zip(breaches, points, strict=True) if each is not None]
        if len(real) >= self.periods:
            return ALARM if sum(real[-self.periods :]) >= self.datapoints else OK
        if not real and self.missing in (MISSING, IGNORE):
            return INSUFFICIENT if self.missing == MISSING else current
        filled = self.periods - len(real) if self.missing == BREACHING else 0
        if sum(real) + filled >= self.datapoints:
            return ALARM
        if self.missing in (MISSING, IGNORE) and all(real) and self._is_old(breaches):
            return ALARM if self.missing == MISSING else current
        return OK

    def _is_old(self, breaches: Sequence[bool]) -> bool:
        """The guide's premature alarm state: since the breach as many periods have passed as have
        to breach, and nothing says otherwise."""
        return any(breaches[-self.periods : len(breaches) - self.datapoints + 1])
