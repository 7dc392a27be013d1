"""A thousand things go wrong, and every message that was stored arrives once, in one order."""

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.model.failures import explained
from tests.model.faults import TRIED_AGAIN
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
PARTS = 16
SCHEDULES_OF_WEIGHTS = 8
ENOUGH_FOR_A_MUTANT = 100
ENOUGH_FOR_ALL_FAULTS = 100
SELDOM = ("seldom", "days_pass", "ttl_deletes")
SEEDS_OF_RARE_FAULTS = (31, 11, 3, 25, 12)  # tried first, which saves time


# What goes wrong. A fault that is not drawn is one of which the model says nothing.
FAULTS = {
    *(f"DynamoDB: {fault}" for fault in (*TRIED_AGAIN, "conflict", "cancelled", "partly")),
    *("DynamoDB: both tries", "DynamoDB: arrives late", "a stale read"),
    *("batch_get_item: some are left", "batch_write_item: some are left"),
    *("a post: lost", "a post: unanswered", "a post: 410 while it opens", "a close that fails"),
    *("$disconnect late", "$disconnect never", "a connection that dies without a word"),
    *("the watch: twice at once", "the watch: a batch twice"),
    *("the watch: a batch in halves", "the watch: from a record"),
    *("the queue: lost", "the queue: unanswered", "the queue: an entry fails"),
    *("a push: its jobs again", "a push: some of its jobs fail"),
    *("SNS: lost", "SNS: unanswered", "Cognito: lost"),
    *("a function that ends", "a timeout", "days pass"),
    *(f"TTL deletes from {table}" for table in ("Chats", "Users", "Tickets")),
}


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


def test_every_fault_and_every_action_is_drawn() -> None:
    """In a few schedules, which have more of what is seldom."""
    drawn: Counter[str] = Counter()
    missing = FAULTS
    for seed in (*SEEDS_OF_RARE_FAULTS, *range(ENOUGH_FOR_ALL_FAULTS)):
        schedule = Schedule(seed, more_of=("harsh", "seldom") if seed % 2 else SELDOM)
        schedule.run(STEPS)
        drawn += schedule.world.drawn
        drawn["pages"] += schedule.world.database.pages
        actions = {action.__name__ for action, _ in schedule.every_action()}
        missing = {each for each in FAULTS | actions | {"pages"} if not drawn[each]}
        if not missing:
            return
    raise AssertionError(f"never drawn: {sorted(missing)}")


@pytest.mark.deep
@pytest.mark.parametrize("more_of", sorted({(*mutant.more_of,) for mutant in MUTANTS}), ids=str)
def test_without_a_mutant_no_schedule_made_for_one_finds_anything(more_of: tuple[str, ...]) -> None:
    for seed in range(SCHEDULES_OF_WEIGHTS):
        try:
            Schedule(seed, more_of=more_of).run(STEPS)
        except Exception as fault:
            fault.add_note(f"seed {seed}")
            raise


@pytest.mark.deep
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_model_catches(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutant.owner, mutant.attribute, mutant.instead)
    with pytest.raises(AssertionError, match=mutant.caught_as):
        for seed in (FIRST_SCHEDULES.get(mutant.name, 0), *range(ENOUGH_FOR_A_MUTANT)):
            Schedule(seed, more_of=mutant.more_of).run(STEPS)
