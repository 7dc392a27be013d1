"""Any interleaving of two devices and their people, and any one thing changed in between."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.core.events import VerificationRequested
from client.crypto.sas import REQUEST_LIFE, Stage
from tests.client.crypto.comparing import Fields, Side, pair
from tests.support.examples import texts

pytestmark = [pytest.mark.slow, pytest.mark.deep]

KEY = "p8KauAuCQfA0tTxof0a/xkHs5S8GkpbOZ3xAr9Y+050"  # of nobody here
JUNK = st.one_of(st.none(), st.integers(), texts(max_size=8), st.lists(texts(max_size=8)))
CONTENT = {
    "start": ("methods", st.sampled_from([["decimal"], ["emoji", "decimal"]])),
    "accept": ("commitment", st.just(KEY)),
    "key": ("key", st.just(KEY)),
    "mac": ("macs", st.sampled_from([{"ed25519": KEY}, {"ed25519": ""}, {}])),
    "done": ("step", st.just("cancel")),
}
STEPS = st.sampled_from(["start", "accept", "key", "mac", "done", "cancel", "dance", ""])
BEFORE = {Stage.REQUESTED, Stage.ASKED, Stage.WAITING}  # there are emoji
Choice = tuple[Callable[[int], None], int]  # what may happen next, to which side
Tamper = Callable[[Fields], Fields | None]


def dropped(step: Fields) -> None:
    """It never arrives."""


def with_field(name: str, value: Any) -> Tamper:
    return lambda step: {**step, name: value}


@st.composite
def tampers(draw: st.DrawFn) -> Tamper:
    """What becomes of one step on its way; None: nothing arrives."""
    kind = draw(st.sampled_from(["drop", "step", "txn", "junk", "content", "content"]))
    if kind == "drop":
        return dropped
    if kind == "step":
        return with_field("step", draw(STEPS))
    if kind == "txn":
        return with_field("txn", draw(st.one_of(st.just("another"), JUNK)))
    values = {name: draw(JUNK if kind == "junk" else good) for name, good in CONTENT.values()}

    def content(step: Fields) -> Fields:
        name = CONTENT[step["step"]][0] if step["step"] in CONTENT else "reason"
        return {**step, name: values.get(name, "user")}

    return content


class Table:
    """Two people at a table: each compares only what both can see, and nobody is in a hurry."""

    def __init__(self, number: int | None, tamper: Tamper | None) -> None:
        self.sides = pair()
        self.ways: tuple[list[Fields], list[Fields]] = ([], [])  # to each side
        self._number, self._tamper = number, tamper
        self._carried = 0
        self.changed: str | None = None  # the step that was tampered with
        self._victim: int | None = None

    @property
    def victim(self) -> Side | None:
        """Who received what was changed."""
        return None if self._victim is None else self.sides[self._victim]

    def start(self, who: int) -> None:
        self._say(who, self.sides[who].start())

    def choices(self) -> list[Choice]:
        found: list[Choice] = []
        for who in (0, 1):
            side = self.sides[who]
            if self.ways[who]:
                found.append((self._deliver, who))
            requested = any(isinstance(event, VerificationRequested) for event in side.reported)
            if side.stage is Stage.ASKED and requested:
                found.append((self.start, who))
            other = self.sides[1 - who]  # it may show those of a comparison before this one
            both_see = other.emoji is not None and other.stage not in BEFORE
            if side.stage is Stage.COMPARING and both_see:
                found.append((self._decide, who))
        return found

    def give_up(self) -> None:
        """Time passes until nobody waits any more; what is said then is still carried."""
        for _ in range(3):
            for who in (0, 1):
                self._say(who, self.sides[who].waits(REQUEST_LIFE))
                for to in (0, 1):
                    while self.ways[to]:
                        self._deliver(to)

    def _decide(self, who: int) -> None:
        one, other = self.sides
        self._say(who, self.sides[who].confirms(one.emoji == other.emoji))

    def _say(self, who: int, steps: list[Fields]) -> None:
        self.ways[1 - who].extend(steps)

    def _deliver(self, who: int) -> None:
        step = self.ways[who].pop(0)
        if self._carried == self._number and self._tamper is not None:
            arrives = self._tamper(step)
            if arrives != step:
                self.changed, self._victim = step["step"], who
        else:
            arrives = step
        self._carried += 1
        if arrives is not None:
            self._say(who, self.sides[who].receives(arrives))


def carried(table: Table, starters: set[int], data: st.DataObject) -> Table:
    waiting = sorted(starters)
    while choices := [(table.start, who) for who in waiting] + table.choices():
        at = data.draw(st.integers(0, len(choices) - 1))
        act, who = choices[at]
        if at < len(waiting):
            waiting.remove(who)
        act(who)
    table.give_up()
    return table


STARTERS = st.sampled_from([{0}, {1}, {0, 1}])


@settings(deadline=None)
@given(STARTERS, st.data())
def test_whatever_the_order_two_honest_devices_end_verified(
    starters: set[int], data: st.DataObject
) -> None:
    table = carried(Table(None, None), starters, data)
    assert [side.verified for side in table.sides] == [True, True]
    assert [side.cancelled for side in table.sides] == [[], []]
    assert [side.machine.open() for side in table.sides] == [[], []]


@settings(max_examples=400, deadline=None)
@given(STARTERS, st.integers(0, 7), tampers(), st.data())
def test_whatever_is_changed_on_the_way_nobody_is_verified_by_it(
    starters: set[int], number: int, tamper: Tamper, data: st.DataObject
) -> None:
    table = carried(Table(number, tamper), starters, data)
    one, other = table.sides
    assert [side.machine.open() for side in table.sides] == [[], []]
    if table.changed is None or len(starters) == 2:
        # of two starts one is let go anyway, and of a second start with it only a repeat is left
        assert one.verified == other.verified or table.changed == "done"
    elif table.changed == "done":
        # Of the very last word nobody can know whether it arrived.
        assert table.victim is not None
        assert not table.victim.verified
    else:
        assert not one.verified
        assert not other.verified
        assert one.cancelled or other.cancelled
    for side in table.sides:
        assert not side.verified or one.emoji == other.emoji
