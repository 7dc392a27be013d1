"""The ECS service scheduler without I/O: the tasks that a service starts and stops next.

Source: "Amazon ECS service scheduler concepts" and "Rolling update deployments" (minimum healthy
100 %, maximum 200 %), ECS developer guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# Seconds before a task that ended soon after its start is replaced; doubled each time.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
YOUNG = 10.0  # seconds: a task that lived shorter than this has failed to start


class TaskView(NamedTuple):
    """A task that isn't being stopped. `revision` rises with each new version of the code;
    `faulty`: its target is unhealthy, its grace period over, and nobody paused it."""

    id: str
    revision: int
    healthy: bool
    faulty: bool = False


class Plan(NamedTuple):
    start: int
    stop: tuple[str, ...]


def plan(desired: int, revision: int, tasks: Sequence[TaskView]) -> Plan:
    """`tasks` oldest first.

    Tasks of an older revision and faulty ones are replaced: new ones start beside them, and as
    many old ones go as new ones have become healthy, so that there are always `desired` to serve.
    Of too many the unhealthy go first, then the youngest.
    """
    wanted = [task for task in tasks if task.revision == revision and not task.faulty]
    ranked = _healthy_first(wanted)
    replaced = _healthy_first([task for task in tasks if task not in wanted])
    missing = desired - sum(task.healthy for task in ranked[:desired])
    leaving = [*ranked[desired:], *replaced[max(0, missing) :]]
    return Plan(max(0, desired - len(wanted)), tuple(task.id for task in leaving))


def _healthy_first(tasks: Sequence[TaskView]) -> list[TaskView]:
    return sorted(tasks, key=lambda task: not task.healthy)


def pause_after(failures: int) -> float:
    """Seconds to wait after this many tasks in a row ended soon after their start."""
    return 0.0 if failures == 0 else min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (failures - 1))
