"""A thousand things go wrong, and every message that was stored arrives once, in one order."""

import os
from collections.abc import Iterator

import pytest

from tests.model.failures import explained
from tests.model.first import FIRST_SCHEDULES
from tests.model.mutant import Mutant
from tests.model.mutants import MUTANTS
from tests.model.schedule import STEPS, Schedule
from tests.model.small import small

# SEED=17 runs one schedule again, with STEPS=3,9 only these steps of it; `make model` runs many.
FIRST = int(os.environ.get("SEED", "0"))
SCHEDULES = 1 if "SEED" in os.environ else 96
ONLY = [int(step) for step in os.environ["STEPS"].split(",")] if "STEPS" in os.environ else None
SEEDS = range(FIRST, FIRST + SCHEDULES)
PARTS = 4
ENOUGH_FOR_A_MUTANT = 100


@pytest.fixture(autouse=True)
def unexpected() -> Iterator[list[BaseException]]:
    with small() as found:
        yield found


@pytest.mark.parametrize(
    "part", [0, *(pytest.param(part, marks=pytest.mark.deep) for part in range(1, PARTS))]
)
def test_nothing_is_lost_or_shown_twice_whatever_fails(
    part: int, unexpected: list[BaseException]
) -> None:
    for seed in SEEDS[part::PARTS]:
        try:
            Schedule(seed, print if ONLY else None).run(STEPS, ONLY)
        except Exception as fault:
            fault.add_note(f"SEED={seed}" if ONLY else explained(seed, fault))
            raise
        assert not unexpected, f"SEED={seed}: a handler failed by itself: {unexpected}"


@pytest.mark.deep
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_model_catches(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutant.owner, mutant.attribute, mutant.instead)
    with pytest.raises(AssertionError, match=mutant.caught_as):
        for seed in (FIRST_SCHEDULES.get(mutant.name, 0), *range(ENOUGH_FOR_A_MUTANT)):
            Schedule(seed, more_of=mutant.more_of).run(STEPS)
