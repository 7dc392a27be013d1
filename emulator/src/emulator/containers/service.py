"""A running service: keeps the desired number of tasks running, healthy and of the newest
version."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from emulator.balancer.targets.health import HEALTHY, UNAVAILABLE, UNHEALTHY
from emulator.clock import Clock
from emulator.containers import scheduling
from emulator.containers.model import Service
from emulator.containers.scheduling import TaskView
from emulator.containers.task import Task, TaskProcesses
from emulator.listening import HOST
from emulator.providers import EmulatorError

log = logging.getLogger("emulator.containers")

NOTICE = 10.0  # template seconds until ECS notices a dead task and has its target deregistered
LISTEN = 30.0  # real seconds a task may take to listen before it is registered anyway
TICK = 0.25  # real seconds between two looks


class Targets(Protocol):
    """The load balancer's side: see `emulator.balancer.targets.registrar.Registrar`."""

    def register(self, group_arn: str, target_id: str, host: str, port: int) -> None: ...

    async def deregister(self, group_arn: str, target_id: str) -> None: ...

    def target_health(self, group_arn: str, target_id: str) -> str | None: ...

    def requests(self, group_arn: str) -> int: ...


class RunningService:
    """`desired` is how many tasks there should be at first."""

    def __init__(
        self,
        service: Service,
        desired: int,
        processes: TaskProcesses,
        targets: Targets,
        clock: Clock,
    ) -> None:
        self.service = service
        self.desired = desired
        self.tasks: dict[str, Task] = {}
        self._processes = processes
        self._targets = targets
        self._clock = clock
        self._revision = 0
        self._failures = 0
        self._not_before = 0.0
        self._trouble: str | None = None
        self._wake = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._spawn(self._run())

    async def stop(self) -> None:
        """Ends every task at once: the load balancer goes down as well."""
        for work in tuple(self._work):
            work.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await asyncio.gather(*(self._processes.end(task, 1.0) for task in self.tasks.values()))
        self.tasks.clear()

    def scale(self, desired: int) -> None:
        self.desired = desired
        self._wake.set()

    def renew(self) -> None:
        """The code is a new version: every task is replaced, none is missed meanwhile."""
        self._revision += 1
        self._failures, self._not_before = 0, 0.0
        self._wake.set()

    def drain(self, task_id: str) -> None:
        """Stops one task gracefully; the service starts another for it."""
        self._stop_task(self.tasks[task_id])
        self._wake.set()

    def well(self) -> bool:
        """Whether as many tasks of the newest version are healthy as are desired."""
        views = [view for view in self._views() if view.revision == self._revision]
        return sum(view.healthy for view in views) >= self.desired

    @property
    def trouble(self) -> str | None:
        """Why there are fewer tasks than desired; None where that is only a matter of time."""
        return None if self.well() else self._trouble

    async def _run(self) -> None:
        while True:
            try:
                await self._reconcile()
            except Exception as error:
                # whatever it is (a full disk, too many open files), it may be over the next time
                expected = isinstance(error, OSError | EmulatorError)
                trouble = f"a task can't be started: {error}"
                log.warning("pool %s: %s", self.service.pool, trouble, exc_info=not expected)
                self._pause(trouble)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await self._wake.wait()
            self._wake.clear()

    async def _reconcile(self) -> None:
        wanted = scheduling.plan(self.desired, self._revision, self._views())
        for task_id in wanted.stop:
            self._stop_task(self.tasks[task_id])
        if asyncio.get_running_loop().time() >= self._not_before:
            for _ in range(wanted.start):
                await self._start_task()

    def _views(self) -> list[TaskView]:
        views = []
        for task in self.tasks.values():
            if task.stopping:
                continue
            states = [
                self._targets.target_health(group, task.id) for group in self.service.target_groups
            ]
            late = task.age > self._clock.real(self.service.grace)
            views.append(
                TaskView(
                    task.id,
                    task.revision,
                    healthy=_is_healthy(states) and not task.exited,
                    faulty=UNHEALTHY in states and late and not task.exempt and not task.exited,
                )
            )
        return views

    async def _start_task(self) -> None:
        task = await self._processes.start(self.service.pool, self._revision)
        self.tasks[task.id] = task
        log.info("%s started on port %d", task.id, task.port)
        self._spawn(self._watch(task))

    async def _watch(self, task: Task) -> None:
        """Registers the task once it listens, and removes it when it has ended."""
        listening = await task.listening(LISTEN)
        if not task.exited and not task.stopping:
            if not listening:
                log.warning("%s doesn't listen on its PORT, see %s", task.id, task.log)
                self._trouble = f"{task.id} doesn't listen on its PORT, see {task.log}"
            else:
                self._trouble, self._failures = None, 0
            for group in self.service.target_groups:
                self._targets.register(group, task.id, HOST, task.port)
            task.registered = True
        code = await task.process.wait()
        if task.stopping:
            return
        if task.age < scheduling.YOUNG and task.revision == self._revision and not listening:
            log.warning("%s ended with %s as it started, see %s", task.id, code, task.log)
            self._pause(f"{task.id} ended with {code} as it started, see {task.log}")
        else:
            self._failures = 0
            log.warning("%s ended with %s, see %s", task.id, code, task.log)
        await self._clock.sleep(NOTICE)
        self._stop_task(task)

    def _pause(self, trouble: str) -> None:
        """Before the next task is started: longer, the more have failed in a row."""
        self._trouble = trouble
        self._failures += 1
        pause = scheduling.pause_after(self._failures)
        self._not_before = asyncio.get_running_loop().time() + pause

    def _stop_task(self, task: Task) -> None:
        if not task.stopping:
            task.stopping = True
            self._spawn(self._stopped(task))

    async def _stopped(self, task: Task) -> None:
        """Deregister, drain, SIGTERM, SIGKILL. The time to finish is in real seconds, since what
        the task has left to respond doesn't go faster for a fast clock."""
        if task.registered:
            groups = self.service.target_groups
            await asyncio.gather(*(self._targets.deregister(group, task.id) for group in groups))
        await self._processes.end(task, self.service.task.stop_timeout)
        del self.tasks[task.id]
        log.info("%s stopped", task.id)
        self._wake.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._done)

    def _done(self, work: asyncio.Task[None]) -> None:
        self._work.discard(work)
        if not work.cancelled() and work.exception() is not None:
            log.error("pool %s failed", self.service.pool, exc_info=work.exception())


def _is_healthy(states: Sequence[str | None]) -> bool:
    """Whether the task is healthy in all of its target groups: ECS replaces one that is not."""
    return all(state in (HEALTHY, UNAVAILABLE) for state in states)
