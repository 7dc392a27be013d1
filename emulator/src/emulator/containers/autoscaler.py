"""The autoscaler: watches what a service's policies track and scales it, minute by minute."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence

from emulator.background import Background
from emulator.clock import Clock
from emulator.containers import cpu, scaling
from emulator.containers.scaling import Before, Bounds, Tracking
from emulator.containers.service import RunningService, Targets
from emulator.providers import EmulatorError

log = logging.getLogger("emulator.containers")

MINUTE = 60.0


class Autoscaler:
    """Waits run on the clock; requests and CPU time are those of real minutes, or a laptop's minute
    of six seconds would count a tenth of them."""

    def __init__(
        self,
        running: RunningService,
        policies: Sequence[Tracking],
        bounds: Bounds,
        targets: Targets,
        clock: Clock,
    ) -> None:
        self._running = running
        self._bounds = bounds
        self._clock = clock
        self._metrics = [
            (policy, _metric(policy, running, targets), deque[float | None](maxlen=_MINUTES))
            for policy in policies
        ]
        self._background = Background()
        self._desired = running.desired  # as far as this knows
        long_ago = clock.now() - scaling.IN_MINUTES * MINUTE
        self._last_out, self._last_in, self._out_from = long_ago, long_ago, running.desired
        # As RegisterScalableTarget's SuspendedState; but what was measured meanwhile is forgotten,
        # so that who resumes it does not set off at once what was suspended on purpose.
        self.suspended = False

    async def start(self) -> None:
        self._background.start(self._run())

    async def stop(self) -> None:
        await self._background.stop()

    async def _run(self) -> None:
        while True:
            await self._clock.sleep(MINUTE)
            try:
                await self._measure()
                self._scale()
            except Exception:
                log.exception("pool %s isn't scaled this minute", self._running.service.pool)

    async def _measure(self) -> None:
        for _, metric, minutes in self._metrics:
            minutes.append(None)  # the data point that is missing if the next line fails
            minutes[-1] = await metric.of_last(self._clock.real(MINUTE))
        # A number of tasks that a person has set stays for as long as a new alarm would take. (AWS
        # takes added tasks away again within a minute, where the alarm to scale in is on anyway.)
        ordered = self._running.desired != self._desired
        self._desired = self._running.desired
        if self.suspended or ordered:
            for _, _, minutes in self._metrics:
                minutes.clear()

    def _scale(self) -> None:
        now, desired = self._clock.now(), self._running.desired
        wanted = scaling.next_desired(
            [(policy, tuple(minutes)) for policy, _, minutes in self._metrics],
            self._bounds,
            desired,
            Before(now - self._last_out, now - self._last_in, self._out_from),
        )
        if wanted == desired:
            return
        if wanted > desired:
            self._last_out, self._out_from = now, desired
        else:
            self._last_in = now
        log.info("pool %s: %d -> %d tasks", self._running.service.pool, desired, wanted)
        self._running.scale(wanted)
        self._desired = wanted


_MINUTES = max(scaling.OUT_MINUTES, scaling.IN_MINUTES)


class _Requests:
    """Per minute and target; 0 in a minute without any: RequestCountPerTarget is "always reported"
    ("CloudWatch metrics for your Application Load Balancer"), or nothing that was scaled out would
    be scaled in once its requests have ceased."""

    def __init__(self, running: RunningService, targets: Targets, group: str) -> None:
        self._running = running
        self._targets = targets
        self._group = group
        self._seen = targets.requests(group)

    async def of_last(self, seconds: float) -> float:
        count = self._targets.requests(self._group)
        taken, self._seen = count - self._seen, count
        return taken * MINUTE / seconds / max(1, self._running.desired)


class _Cpu:
    """Percent of the tasks' vCPUs, by the CPU time that their processes really take."""

    def __init__(self, running: RunningService) -> None:
        self._running = running
        self._before: dict[str, tuple[float, float]] = {}  # task -> (age, CPU time), both seconds

    async def of_last(self, seconds: float) -> float | None:
        before, self._before = self._before, {}
        used = []
        for task in tuple(self._running.tasks.values()):
            taken = None if task.exited else await cpu.seconds_taken(task.process.pid)
            if taken is not None:
                then_age, then_taken = before.get(task.id, (0.0, 0.0))
                self._before[task.id] = age, _ = task.age, taken
                used.append((taken - then_taken, age - then_age))
        return scaling.utilization(used, self._running.service.task.vcpus)


def _metric(policy: Tracking, running: RunningService, targets: Targets) -> _Requests | _Cpu:
    if policy.metric == scaling.CPU:
        return _Cpu(running)
    groups = running.service.target_groups
    if policy.target_group is None:
        return _Requests(running, targets, groups[0])
    for group in groups:
        if group.endswith(f":{policy.target_group}"):
            return _Requests(running, targets, group)
    raise EmulatorError(
        f"pool {running.service.pool}: a scaling policy counts the requests of "
        f"{policy.target_group}, which its service is not registered in"
    )
