"""A token bucket: how many frames a connection may send in a row, and then in a second.

Without clocks of its own, so that a test needs none.
"""


class Pace:
    """`burst` tokens at most, `each_second` new ones; times are in seconds of one clock."""

    def __init__(self, burst: float, each_second: float, now: float) -> None:
        self._burst = burst
        self._each_second = each_second
        self._tokens = burst
        self._at = now

    def wait(self, now: float) -> float:
        """Takes a token; the seconds until it is there, 0 where one was left."""
        new = (now - self._at) * self._each_second
        self._tokens = min(self._burst, self._tokens + new) - 1
        self._at = now
        return max(0.0, -self._tokens / self._each_second)
