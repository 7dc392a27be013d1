"""A thousand things go wrong, and every message that was stored arrives once, in one order."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lambdas.telemetry import metrics
from tests.model.mutant import Mutant
from tests.model.mutants import MUTANTS
from tests.model.schedule import Schedule

STEPS = 300
SCHEDULES = int(os.environ.get("SCHEDULES", "160"))  # more of them for a night
# SEED=17 runs one schedule, which failed, again
SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(SCHEDULES)
PARTS = 4
ENOUGH_FOR_A_MUTANT = 200


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
    metrics.clear_metrics()


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_or_shown_twice_whatever_fails(part: int) -> None:
    for seed in SEEDS[part::PARTS]:
        with _named(seed):
            Schedule(seed).run(STEPS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_model_catches(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutant.owner, mutant.attribute, mutant.instead)
    with pytest.raises(AssertionError, match=mutant.caught_as):
        for seed in range(ENOUGH_FOR_A_MUTANT):
            Schedule(seed).run(STEPS)


@contextmanager
def _named(seed: int) -> Iterator[None]:
    """A failure names the schedule that shows it again."""
    metrics.clear_metrics()
    try:
        yield
    except Exception as fault:
        fault.add_note(f"seed {seed}")
        raise
