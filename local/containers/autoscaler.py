"""Watches a service's requests per target and scales it, minute by minute of the clock."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from local.clock import Clock
from local.containers import scaling
from local.containers.scaling import Bounds, Tracking
from local.containers.service import RunningService, Targets

log = logging.getLogger("local.containers")

MINUTE = 60.0


class Autoscaler:
    """Waits run on the clock; request rates are those of real minutes, or a laptop's minute of six
    seconds would count a tenth of the requests."""

    def __init__(
        self,
        running: RunningService,
        tracking: Tracking,
        bounds: Bounds,
        targets: Targets,
        clock: Clock,
    ) -> None:
        self._running = running
        self._tracking = tracking
        self._bounds = bounds
        self._targets = targets
        self._clock = clock
        self._minutes: deque[float] = deque(maxlen=scaling.IN_MINUTES)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        group = self._running.service.target_group
        seen = self._targets.requests(group)
        last_out = last_in = self._clock.now() - scaling.IN_MINUTES * MINUTE
        while True:
            await self._clock.sleep(MINUTE)
            count = self._targets.requests(group)
            taken, seen = count - seen, count
            if taken == 0:
                continue  # no requests, no data point
            desired = self._running.desired
            rate = taken * MINUTE / self._clock.real(MINUTE)
            self._minutes.append(rate / max(1, desired))
            now = self._clock.now()
            wanted = scaling.next_desired(
                self._tracking,
                self._bounds,
                desired,
                tuple(self._minutes),
                now - last_out,
                now - last_in,
            )
            if wanted == desired:
                continue
            if wanted > desired:
                last_out = now
            else:
                last_in = now
            log.info("pool %s: %d -> %d tasks", self._running.service.pool, desired, wanted)
            self._running.scale(wanted)
