"""The search for the request at which the parser failed, in what was read at once.

The parser reports no position. What came since a known begin of a request is parsed again instead,
up to different places: this costs a few milliseconds at most, and only for a request that fails.
"""

from __future__ import annotations

import httptools


class _Counter:
    """Counts the requests that are whole."""

    def __init__(self) -> None:
        self.whole = 0

    def on_message_complete(self) -> None:
        self.whole += 1


def failed_at(data: bytes, before: int) -> int | None:
    """`before` requests in `data` were whole before the one that failed. None where another
    protocol was offered among them: the parser stops there."""
    if not before:
        return 0
    low, high = 0, len(data)  # the end of the last whole one is in (low, high]
    while high - low > 1:
        middle = (low + high) // 2
        found = _whole_in(data[:middle])
        if found is None:
            return None
        low, high = (low, middle) if found >= before else (middle, high)
    return high


def _whole_in(data: bytes) -> int | None:
    counter = _Counter()
    try:
        httptools.HttpRequestParser(counter).feed_data(data)
    except httptools.HttpParserUpgrade:
        return None
    except httptools.HttpParserError:
        pass
    return counter.whole
