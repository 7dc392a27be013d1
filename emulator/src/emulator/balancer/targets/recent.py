"""The responses of a target in the last seconds, for the console's lanes and for the anomalies."""

from __future__ import annotations

SECONDS = 10
NONE = "none"  # no response: refused, broke off, timed out, or a function's was malformed


class Recent:
    """Counts by status code and second, for `SECONDS` seconds."""

    def __init__(self) -> None:
        # Second -> status -> responses. Holds the seconds with responses only, oldest first.
        self._counts: dict[int, dict[str, int]] = {}

    def note(self, now: float, status: int | str | None) -> None:
        """One response at `now`, in real seconds on a scale that never goes back."""
        second = int(now)
        counts = self._counts.get(second)
        if counts is None:
            counts = self._counts[second] = {}
            for old in [each for each in self._counts if each <= second - SECONDS]:
                del self._counts[old]
        name = NONE if status is None else str(status)
        counts[name] = counts.get(name, 0) + 1

    def totals(self, now: float) -> tuple[int, int]:
        """How many responses the window holds, and how many of them are errors of the target: a
        status of 500 or above, or none."""
        responses = errors = 0
        oldest = int(now) - SECONDS + 1
        for second, counts in self._counts.items():
            if second >= oldest:
                for name, count in counts.items():
                    responses += count
                    errors += count if name == NONE or name.startswith("5") else 0
        return responses, errors

    def seconds(self, now: float) -> list[dict[str, int]]:
        """Always `SECONDS` entries, oldest first, e.g. `[{}, {"200": 12, "502": 1, "none": 2}]`;
        the last one is the second that `now` is in."""
        last = int(now)
        return [
            dict(self._counts.get(second, {})) for second in range(last - SECONDS + 1, last + 1)
        ]
