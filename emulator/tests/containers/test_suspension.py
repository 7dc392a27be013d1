"""Autoscaling minute by minute: what it measures, and a person's commands meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from tests.balancer.scene import until
from tests.containers.scene import running, tracking, write_image

from emulator.clock import Clock
from emulator.containers.autoscaler import Autoscaler
from emulator.containers.provider import Rejected, UnknownName
from emulator.containers.scaling import IN_MINUTES, REQUESTS, Bounds, Tracking


class Group:
    """Gets `rate` requests from one measurement to the next, and before that those in `first`."""

    def __init__(self) -> None:
        self.rate = 1000
        self.first: list[int] = []
        self.looks = 0
        self._taken = 0

    def requests(self, _group_arn: str) -> int:
        self.looks += 1
        self._taken += self.first.pop() if self.first else self.rate
        return self._taken


class Service:
    def __init__(self) -> None:
        self.service = self
        self.pool, self.target_groups = "small", ("arn",)
        self.desired = 1

    def scale(self, desired: int) -> None:
        self.desired = desired


def scaling(group: Any, service: Service, *policies: Tracking) -> Autoscaler:
    return Autoscaler(cast(Any, service), policies, Bounds(1, 4), group, Clock(6000))


def test_what_was_measured_while_it_was_suspended_is_forgotten() -> None:
    async def scenario() -> None:
        group, service = Group(), Service()
        autoscaler = scaling(group, service, Tracking(REQUESTS, 10, 0, 0))

        async def look(times: int) -> None:
            seen = group.looks
            await until(lambda: group.looks >= seen + times, 30)

        autoscaler.suspended = True
        await autoscaler.start()
        await look(8)
        assert service.desired == 1
        # resumed in the middle of a minute that still has many
        autoscaler.suspended, group.first, group.rate = False, [1000], 0
        await look(5)
        assert service.desired == 1
        group.rate = 1000
        await until(lambda: service.desired == 4, 30)
        await autoscaler.stop()

    asyncio.run(scenario())


def test_a_pool_without_requests_is_scaled_in() -> None:
    async def scenario() -> None:
        group, service = Group(), Service()
        group.rate, service.desired = 0, 4
        autoscaler = scaling(group, service, Tracking(REQUESTS, 10, 0, 0))
        await autoscaler.start()
        await until(lambda: service.desired == 1, 30)
        assert group.looks > IN_MINUTES  # and not before
        await autoscaler.stop()

    asyncio.run(scenario())


def test_a_number_that_a_person_sets_stays_as_long_as_a_new_alarm_would_take() -> None:
    async def scenario() -> None:
        group, service = Group(), Service()
        group.rate = 0
        autoscaler = scaling(group, service, Tracking(REQUESTS, 10, 0, 0))
        await autoscaler.start()
        await until(lambda: group.looks > IN_MINUTES + 1, 30)
        seen, service.desired = group.looks, 3
        await until(lambda: service.desired == 1, 30)
        assert group.looks - seen > IN_MINUTES
        await autoscaler.stop()

    asyncio.run(scenario())


def test_a_minute_that_cannot_be_measured_is_only_missing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Group):
        def requests(self, group_arn: str) -> int:
            taken = super().requests(group_arn)
            if self.looks in (2, 4, 5):
                raise OSError(24, "Too many open files")
            return taken

    async def scenario() -> None:
        group = Broken()

        class Noting(Service):
            def scale(self, desired: int) -> None:
                super().scale(desired)
                scaled_at.append(group.looks)

        service, scaled_at = Noting(), list[int]()
        autoscaler = scaling(group, service, Tracking(REQUESTS, 10, 0, 0))
        await autoscaler.start()
        await until(lambda: service.desired == 4, 30)
        assert scaled_at == [8]  # after the first three minutes in a row
        await autoscaler.stop()

    asyncio.run(scenario())
    assert caplog.text.count("pool small isn't scaled this minute") == 3
    assert "Too many open files" in caplog.text


class Targets:
    """No load balancer: whatever is registered stays as it is."""

    def register(self, *_: Any) -> None: ...

    async def deregister(self, *_: Any) -> None: ...

    def target_health(self, *_: Any) -> str | None:
        return "healthy"

    def requests(self, *_: Any) -> int:
        return 0


def test_it_is_suspended_and_resumed_by_pool(tmp_path: Path) -> None:
    async def scenario() -> None:
        image = write_image(tmp_path / "asset")
        policies = [tracking("ALBRequestCountPerTarget", 10)]
        async with running(Targets(), ["arn"], image, tmp_path, policies=policies) as containers:
            for on in (True, False, True):
                containers.set_autoscaling("small", on)
                assert containers.state()["pools"][0]["autoscaling"] is on
            with pytest.raises(UnknownName, match="medium"):
                containers.set_autoscaling("medium", False)

    asyncio.run(scenario())


def test_a_pool_without_a_policy_has_nothing_to_suspend(tmp_path: Path) -> None:
    async def scenario() -> None:
        image = write_image(tmp_path / "asset")
        async with running(Targets(), ["arn"], image, tmp_path) as containers:
            assert containers.state()["pools"][0]["autoscaling"] is None
            with pytest.raises(Rejected, match="no scaling policy for small"):
                containers.set_autoscaling("small", False)

    asyncio.run(scenario())
