"""What an act costs: its calls to AWS, the capacity units of its items, and its posts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from bench import cost, prices
from bench.cost import Recorder

# What one of it costs in US$. Time is left out: it can't be measured here.
PRICES = {
    "WRU": prices.DYNAMODB_WRITE_UNIT,
    "RRU": prices.DYNAMODB_READ_UNIT,
    "Post": prices.WEBSOCKET_MESSAGE,
    "SendMessage": 3 * prices.SQS_FIFO_REQUEST,  # sent, received, deleted
}


@dataclass
class Spent:
    """Calls by name, with WRU and RRU among them."""

    counts: Counter[str] = field(default_factory=Counter)

    def besides(self, expected: dict[str, float]) -> list[str]:
        """What is dearer or cheaper than expected, in words."""
        names = dict.fromkeys((*expected, *self.counts))
        return [
            f"{name}: {self.counts[name]:g}, expected {expected.get(name, 0):g}"
            f"{_dollars(name, self.counts[name] - expected.get(name, 0))}"
            for name in names
            if self.counts[name] != expected.get(name, 0)
        ]


def _dollars(name: str, more: float) -> str:
    if name not in PRICES:
        return ""
    return f" ({more * PRICES[name] * prices.MILLION:+.2f} US$ per million)"


@contextmanager
def spending(clients: Sequence[Any], reader: Any) -> Iterator[Spent]:
    """Records the calls of these clients meanwhile; `reader` is one that is not among them."""
    spent = Spent()
    recorder = Recorder(reader)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cost, "CALL_DELAY_SECONDS", 0)
        for each in clients:
            recorder.watch(each)
        try:
            yield spent
        finally:
            for each in clients:
                recorder.unwatch(each)
    spent.counts.update(call.name.partition(":")[2] for call in recorder.calls)
    for call in recorder.calls:
        spent.counts["WRU"] += call.writes
        spent.counts["RRU"] += call.reads  # type: ignore[assignment]  # halves
    spent.counts += Counter()  # without what is zero
