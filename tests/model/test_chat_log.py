"""A thousand things go wrong, and every message that was stored arrives once, in one order."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lambdas.messages import sync_plan
from lambdas.telemetry import metrics
from tests.model.mutant import Mutant
from tests.model.mutants import MUTANTS
from tests.model.schedule import Schedule

STEPS = 300
# SEED=17 runs one schedule, which failed, again; `make model` many from a seed on
FIRST = int(os.environ.get("SEED", "0"))
SCHEDULES = int(os.environ.get("SCHEDULES", "1" if "SEED" in os.environ else "96"))
SEEDS = range(FIRST, FIRST + SCHEDULES)
PARTS = 4
ENOUGH_FOR_A_MUTANT = 400


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
    metrics.clear_metrics()


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that two chats and a few messages need pages, posts and more than one sync."""
    monkeypatch.setattr(sync_plan, "CHATS", 1)
    monkeypatch.setattr(sync_plan, "MESSAGES", 5)
    monkeypatch.setattr(sync_plan, "POST_BYTES", 600)


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_or_shown_twice_whatever_fails(part: int) -> None:
    for seed in SEEDS[part::PARTS]:
        with _named(seed):
            Schedule(seed).run(STEPS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_model_catches(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutant.owner, mutant.attribute, mutant.instead)
    with pytest.raises(AssertionError, match=mutant.caught_as):
        for seed in (mutant.first, *range(ENOUGH_FOR_A_MUTANT)):
            Schedule(seed).run(STEPS)


@contextmanager
def _named(seed: int) -> Iterator[None]:
    """A failure names the schedule that shows it again."""
    metrics.clear_metrics()
    try:
        yield
    except Exception as fault:
        fault.add_note(f"again: SEED={seed}")
        raise
