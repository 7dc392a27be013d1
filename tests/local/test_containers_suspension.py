"""Autoscaling that was suspended by hand, as the tour of the load balancer does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from local.clock import Clock
from local.containers.autoscaler import Autoscaler
from local.containers.provider import Refused, UnknownName
from local.containers.scaling import REQUESTS, Bounds, Tracking
from tests.local.balancer_scene import until
from tests.local.containers_scene import running, tracking, write_image


class Group:
    """Takes `rate` requests from one look to the next, and before that those in `first`."""

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


def test_what_was_measured_while_it_was_suspended_is_forgotten() -> None:
    async def scenario() -> None:
        group, service = Group(), Service()
        autoscaler = Autoscaler(
            cast(Any, service),
            [Tracking(REQUESTS, target=10, out_cooldown=0, in_cooldown=0)],
            Bounds(1, 4),
            cast(Any, group),
            Clock(6000),
        )

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
            with pytest.raises(Refused, match="no scaling policy for small"):
                containers.set_autoscaling("small", False)

    asyncio.run(scenario())
