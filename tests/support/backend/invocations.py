"""Invocations of functions in memory: one at a time, and then what AWS does because of them."""

from collections import deque
from collections.abc import Callable
from typing import Any

from lambdas.telemetry import metrics
from tests.model.tasks import Task
from tests.support.backend.faults import Faults


class Invocations:
    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._running: Task | None = None
        self._later: deque[Callable[[], None]] = deque()
        self._depth = 0

    def run(self, work: Callable[[], Any]) -> Any:
        """Runs a function, then what AWS does because of it."""
        if self._running is not None or self._depth:
            return work()
        self._depth += 1
        try:
            return work()
        finally:
            self._depth -= 1
            self._caused()

    def later(self, act: Callable[[], None]) -> None:
        """What AWS does once the function that runs now is done."""
        self._later.append(act)

    def before_call(self, operation: str) -> None:
        """In front of each call to AWS: faults happen here, and a function that was begun stops."""
        self._faults.before_call(operation)
        if self._running is not None:
            self._running.pause()

    def begin(self, task: Task, calls: int) -> None:
        for _ in range(calls + 1):
            self._step(task)

    def resume(self, task: Task, *, kill: bool) -> Any:
        while not task.done:
            self._step(task, kill=kill)
        if isinstance(task.result, Exception):
            raise task.result
        return task.result

    def _step(self, task: Task, *, kill: bool = False) -> None:
        if not task.done:
            self._running = task
            task.resume(kill=kill)
            self._running = None
            self._caused()

    def _caused(self) -> None:
        metrics.clear_metrics()
        while self._later:
            self._later.popleft()()
