"""The registrar of targets: registers them, watches their health, drains those that leave."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from emulator.balancer.targets import health
from emulator.balancer.targets.health import Outcome
from emulator.balancer.targets.target_group import Target, TargetGroup
from emulator.clock import Clock

log = logging.getLogger("emulator.balancer")

Check = Callable[[TargetGroup, Target], Awaitable[Outcome]]

# However fast the clock runs, a laptop's process needs this long to respond to a check, in seconds.
SHORTEST_TIMEOUT = 1.0


class Registrar:
    """The target groups of one load balancer. `check` performs one health check."""

    def __init__(self, check: Check, clock: Clock) -> None:
        self._check = check
        self._clock = clock
        self._checking: dict[Target, asyncio.Task[None]] = {}
        self._idle: dict[Target, asyncio.Event] = {}
        self._group_of: dict[Target, TargetGroup] = {}
        self.groups: dict[str, TargetGroup] = {}
        # Called for each target that has been taken out, drained or not.
        self.on_removal: list[Callable[[TargetGroup, Target], None]] = []

    def register(
        self, group_arn: str, target_id: str, host: str, port: int, function: str | None = None
    ) -> None:
        """Registers a target, which gets requests from its first passed check on. Raises
        EmulatorError if the id is registered already."""
        group = self.groups[group_arn]
        target = group.add(target_id, host, port, function, self._clock.now())
        self._group_of[target] = group
        if group.check.enabled and group.in_use:
            self._checking[target] = asyncio.create_task(self._watch(group, target))

    async def deregister(self, group_arn: str, target_id: str) -> None:
        """Returns when the target has responded to what it had, or after the group's delay."""
        group = self.groups[group_arn]
        target = group.targets[target_id]
        self._stop_checking(target)
        group.note_health(target, health.draining(), self._clock.now())
        idle = self._idle.setdefault(target, asyncio.Event())
        if target.in_flight == 0:
            idle.set()
        try:
            async with asyncio.timeout(self._clock.real(group.settings.deregistration_delay)):
                await idle.wait()
        except TimeoutError:
            log.info("%s: %s still had requests after its delay", group.name, target_id)
        self.remove(group_arn, target_id)

    def remove(self, group_arn: str, target_id: str) -> None:
        """Takes the target out at once: its process is gone. Unknown ids are fine."""
        group = self.groups[group_arn]
        target = group.targets.pop(target_id, None)
        if target is not None:
            self._stop_checking(target)
            idle = self._idle.pop(target, None)
            if idle is not None:  # there is no response to wait for
                idle.set()
            del self._group_of[target]
            for notify in self.on_removal:
                notify(group, target)

    def target_health(self, group_arn: str, target_id: str) -> str | None:
        """The state of `health`, None for an id that isn't registered."""
        target = self.groups[group_arn].targets.get(target_id)
        return None if target is None else target.health.state

    def requests(self, group_arn: str) -> int:
        """How many requests the group has taken since the start."""
        return self.groups[group_arn].requests

    def responded(self, target: Target, status: int | None) -> None:
        """A request that `choose` gave to the target is over, however it ended. `status` is the
        one that the target sent; None if it sent none."""
        now = self._clock.real(self._clock.now())
        self._over(target, status, now)
        group = self._group_of.get(target)
        if group is not None:  # it may have been taken out before it had responded
            group.compare_responses(now)

    def closed(self, target: Target, outcome: int | str | None) -> None:
        """A request, or a connection of a network load balancer, has ended. `recent` counts it
        as `outcome`; None if the target refused it or closed it early."""
        self._over(target, outcome, self._clock.real(self._clock.now()))

    def _over(self, target: Target, outcome: int | str | None, now: float) -> None:
        """`now` in real seconds."""
        target.in_flight -= 1
        target.recent.note(now, outcome)
        if target.in_flight == 0 and target in self._idle:
            self._idle[target].set()

    async def stop(self) -> None:
        tasks = list(self._checking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._checking.clear()

    async def _watch(self, group: TargetGroup, target: Target) -> None:
        while True:
            started = self._clock.now()
            outcome = await self._checked(group, target)
            before = target.health.state
            after = health.after(group.check, target.health, outcome)
            group.note_health(target, after, self._clock.now())
            if target.health.state != before:
                log.info(
                    "%s: %s is %s%s",
                    group.name,
                    target.id,
                    target.health.state,
                    f" ({target.health.reason})" if target.health.reason else "",
                )
            # "The time it takes for the target to respond does not affect the interval."
            taken = self._clock.now() - started
            await self._clock.sleep(max(group.check.interval - taken, 0))

    async def _checked(self, group: TargetGroup, target: Target) -> Outcome:
        allowed = group.check.timeout
        try:
            async with asyncio.timeout(max(self._clock.real(allowed), SHORTEST_TIMEOUT)):
                return await self._check(group, target)
        except TimeoutError:
            return health.TIMED_OUT
        except Exception:
            log.exception("%s: the health check of %s failed by itself", group.name, target.id)
            return health.INTERNAL_ERROR

    def _stop_checking(self, target: Target) -> None:
        task = self._checking.pop(target, None)
        if task is not None:
            task.cancel()
