"""Measurements of a load test: texts, and the steps of its ramp. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# A step is held if this share of the texts is accepted, and nearly all of these arrive within this
# time.
HELD_SHARE = 0.95
ARRIVED_SHARE = 0.99
HELD_SECONDS = 1.0


@dataclass
class Text:
    """One text: when it was due, accepted and received, in seconds of the run."""

    due: float
    accepted: float | None = None
    received: float | None = None


@dataclass(frozen=True)
class Step:
    """`offered`, `accepted` and `received` are texts a second; times in ms, of those received.

    `lost` are texts that were accepted and never received.
    """

    starts: float
    seconds: float
    offered: float
    accepted: float
    received: float
    p50: float
    p95: float
    p99: float
    lost: int

    @property
    def held(self) -> bool:
        return (
            self.accepted >= HELD_SHARE * self.offered
            and self.received >= ARRIVED_SHARE * self.accepted
            and self.p99 <= HELD_SECONDS * 1000
        )


def ramp(first: float, last: float, steps: int) -> list[float]:
    """Texts a second of each step, each as much larger than the one before."""
    if steps < 2 or not 0 < first <= last:
        raise ValueError("a ramp has two steps or more, and grows from more than nothing")
    return [first * (last / first) ** (number / (steps - 1)) for number in range(steps)]


def due_times(rates: Sequence[float], seconds: float) -> list[float]:
    """When each text of the run is due, whether or not those before were accepted."""
    return [
        step * seconds + number / rate
        for step, rate in enumerate(rates)
        for number in range(int(rate * seconds))
    ]


def measured(texts: Iterable[Text], rates: Sequence[float], seconds: float) -> list[Step]:
    """The steps of a run. A text belongs to the step in which it was due."""
    by_step: list[list[Text]] = [[] for _ in rates]
    for text in texts:
        by_step[min(int(text.due / seconds), len(rates) - 1)].append(text)
    return [
        _step(number * seconds, seconds, rate, by_step[number]) for number, rate in enumerate(rates)
    ]


def _step(starts: float, seconds: float, rate: float, texts: Sequence[Text]) -> Step:
    ends = starts + seconds + HELD_SECONDS
    times = sorted((each.received - each.due) * 1000 for each in texts if each.received is not None)
    accepted = [each for each in texts if each.accepted is not None]
    return Step(
        starts,
        seconds,
        rate,
        sum((each.accepted or 0) <= ends for each in accepted) / seconds,
        sum(each.received is not None and each.received <= ends for each in texts) / seconds,
        quantile(times, 0.5),
        quantile(times, 0.95),
        quantile(times, 0.99),
        sum(each.received is None for each in accepted),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank quantile; 0 of nothing."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def knee(steps: Iterable[Step]) -> Step | None:
    """The last step that was held, before the first that was not; None if not even the first."""
    found = None
    for step in steps:
        if not step.held:
            break
        found = step
    return found


def as_json(steps: Iterable[Step]) -> list[dict[str, Any]]:
    return [asdict(each) for each in steps]


def from_json(document: Iterable[dict[str, Any]]) -> list[Step]:
    """Raises TypeError for what `as_json` does not make."""
    return [Step(**each) for each in document]
