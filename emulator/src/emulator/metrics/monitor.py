"""The monitor: measures and evaluates once a minute of the emulator's clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import aiohttp

from emulator.background import Background
from emulator.clock import Clock
from emulator.metrics import emf
from emulator.metrics.alarms import Alarm
from emulator.metrics.evaluation import ALARM, OK
from emulator.metrics.provider import CloudWatchProvider
from emulator.metrics.sampling import Sampling
from emulator.metrics.store import MINUTE, Store
from emulator.traces.ring import Ring

log = logging.getLogger("emulator.metrics")

SHORTEST = 1.0  # real seconds between two measurements, however fast the clock runs


class Sources(Protocol):
    """The parts of the running system that are measured."""

    ring: Ring

    async def fetch(self) -> None:
        """Brings the ring up to date."""

    def functions(self) -> Iterable[Mapping[str, Any]]: ...

    def pools(self) -> Mapping[str, str]:
        """The user pool of each client of one."""

    def executions(self) -> int:
        """The executions of other functions of the account."""

    def stream_ages(self) -> Iterable[tuple[str, float]]: ...

    async def backlog(self) -> Mapping[str, Mapping[str, float]]: ...

    def measure_health(self) -> None: ...

    def posted(self, posts: int) -> None: ...


class Monitor:
    """Alarms see minutes that are over. A composite alarm that begins or ends is a line for
    `report`; it stands for its causes."""

    def __init__(
        self,
        store: Store,
        provider: CloudWatchProvider,
        sources: Sources,
        clock: Clock,
        now: Callable[[], float],
        printed: emf.Logs,
    ) -> None:
        self._store, self._provider, self._sources = store, provider, sources
        self._clock, self._now, self._printed = clock, now, printed
        self._sampling = Sampling(store, self._names, sources.pools)
        self._background = Background()
        self._last: float | None = None  # when it was looked

    async def start(self) -> None:
        self._printed.skip()
        self._sampling.skip(self._sources.ring)
        self._background.start(self._run())

    async def stop(self) -> None:
        await self._background.stop()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(max(self._clock.real(MINUTE), SHORTEST))
            try:
                await self.measure()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                log.warning("not measured: %s", error)
            except Exception:  # one measurement that fails must not end all metrics and alarms
                log.exception("not measured")

    async def measure(self) -> None:
        """One measurement, and one evaluation of all alarms, which see minutes that are over."""
        sources, speed, now = self._sources, self._clock.speed, self._now()
        await sources.fetch()
        sources.posted(self._sampling.records(sources.ring, speed))
        backlog = await sources.backlog()
        for moment in self._since_the_last(now):
            with self._store.at(moment):
                self._sampling.functions(sources.functions(), sources.executions())
                self._sampling.streams(sources.stream_ages(), speed)
                self._sampling.queues(backlog, speed)
                sources.measure_health()
        for at, metric, value in await asyncio.to_thread(list, self._printed.new()):
            self._store.put_at(at * speed, metric, value)
        self._provider.alarms.evaluate(now)

    def _since_the_last(self, now: float) -> list[float]:
        """A moment of each minute since the last measurement, the last one now."""
        last, self._last = self._last, now
        if last is None:
            return [now]
        between = range(int(last // MINUTE) + 1, int(now // MINUTE))
        return [*(MINUTE * minute for minute in between), now]

    def _names(self) -> dict[str, str]:
        return {each["label"]: each["name"] for each in self._sources.functions()}


def reported(report: Callable[[str], None]) -> Callable[[Alarm, str], None]:
    """The callback for `CloudWatchProvider`: composite alarms are reported in a line; the others
    are not."""

    def changed(alarm: Alarm, before: str) -> None:
        enabled = alarm.properties.get("ActionsEnabled", True) not in (False, "false")
        if not alarm.composite or alarm.suppressed or not enabled:
            return
        if alarm.state == ALARM:
            report(f"alarm {alarm.name}: {alarm.description}")
        elif before == ALARM and alarm.state == OK:
            report(f"alarm {alarm.name} is over")

    return changed
