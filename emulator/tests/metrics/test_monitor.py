"""The monitor: failures that do not end it, and the time from which it counts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from emulator.clock import Clock
from emulator.metrics import emf, monitor
from emulator.metrics.monitor import Monitor
from emulator.metrics.provider import CloudWatchProvider
from emulator.metrics.store import Metric, Store
from emulator.traces.ring import INVOCATION, POST, Ring

NOW = 600.0
ERRORS = Metric("AWS/Lambda", "Errors", frozenset({("FunctionName", "send")}))


class Sources:
    """A system in which nothing happens but what a test adds to the ring. Its first measurements
    fail with `failures`; `enough` is set when one has not failed."""

    def __init__(self, failures: Iterable[Exception] = ()) -> None:
        self.ring = Ring(lambda: NOW)
        self.posts = 0
        self.enough = asyncio.Event()
        self._failures = list(failures)

    async def fetch(self) -> None:
        if self._failures:
            raise self._failures.pop(0)
        self.enough.set()

    def functions(self) -> Iterable[Mapping[str, Any]]:
        return [{"label": "Send", "name": "send", "throttled": 0, "busy": 0}]

    def pools(self) -> Mapping[str, str]:
        return {}

    def executions(self) -> int:
        return 0

    def stream_ages(self) -> Iterable[tuple[str, float]]:
        return []

    async def backlog(self) -> Mapping[str, Mapping[str, float]]:
        return {}

    def measure_health(self) -> None: ...

    def posted(self, posts: int) -> None:
        self.posts += posts


def monitoring(sources: Sources, logs: Path, speed: float = 1.0) -> tuple[Monitor, Store]:
    store = Store(lambda: NOW)
    provider = CloudWatchProvider(store, "us-east-1", "1", lambda _alarm, _before: None, speed)
    return Monitor(store, provider, sources, Clock(speed), lambda: NOW, emf.Logs(logs)), store


def test_a_measurement_that_fails_is_not_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "SHORTEST", 0.0)

    async def scenario() -> None:
        sources = Sources([TimeoutError(), KeyError("gone"), ValueError("no number")])
        measuring, _ = monitoring(sources, tmp_path, speed=60_000.0)
        await measuring.start()
        try:
            await asyncio.wait_for(sources.enough.wait(), 60)
        finally:
            await measuring.stop()

    asyncio.run(scenario())


def test_what_an_earlier_run_did_is_not_counted(tmp_path: Path) -> None:
    async def scenario() -> tuple[int, float | None]:
        before, sources = Ring(lambda: NOW), Sources()
        for _ in range(5):
            before.add(INVOCATION, "Send", ms=5.0, error="KeyError")
            before.add(POST, "connection")
        sources.ring.put_back([each.as_json() for each in before])
        measuring, store = monitoring(sources, tmp_path)
        await measuring.start()
        try:
            sources.ring.add(INVOCATION, "Send", ms=5.0, error="KeyError")
            sources.ring.add(POST, "connection")
            await measuring.measure()
        finally:
            await measuring.stop()
        return sources.posts, store.series(ERRORS, "Sum", 60, NOW + 60, 1)[0]

    assert asyncio.run(scenario()) == (1, 1)
