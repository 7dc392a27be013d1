"""The registrar: checks, what it keeps of responses, and targets on their way out."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from tests.balancer.groups import group, turn

from emulator.balancer.targets import health
from emulator.balancer.targets.health import Outcome
from emulator.balancer.targets.registrar import Registrar
from emulator.balancer.targets.target_group import Target, TargetGroup
from emulator.clock import Clock

Steps = Callable[[Registrar, TargetGroup], Coroutine[Any, Any, None]]


def running_registrar(
    steps: Steps, check: Callable[[], Awaitable[Outcome]], speed: float = 100, **given: Any
) -> None:
    """A registrar with one group, `api`; template seconds pass `speed` times as fast."""

    async def checked(_group: TargetGroup, _target: Target) -> Outcome:
        return await check()

    async def run() -> None:
        registrar = Registrar(checked, Clock(speed))
        api = group(**given)
        registrar.groups[api.arn] = api
        try:
            async with asyncio.timeout(20):
                await steps(registrar, api)
        finally:
            await registrar.stop()

    asyncio.run(run())


async def passed() -> Outcome:
    return health.PASSED


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  what is waited for has no event to set
        await asyncio.sleep(0.005)


def test_a_check_that_raises_makes_the_target_unhealthy_and_is_tried_again() -> None:
    fails = [True]

    async def check() -> Outcome:
        if fails[0]:
            raise ZeroDivisionError("a fault of the checker's own")
        return health.PASSED

    async def steps(registrar: Registrar, api: TargetGroup) -> None:
        registrar.register(api.arn, "a", "127.0.0.1", 8000)
        target = api.targets["a"]
        await until(lambda: target.health.state == health.UNHEALTHY)
        assert target.health.reason == "Elb.InternalError"
        fails[0] = False
        await until(lambda: target.health.state == health.HEALTHY)

    running_registrar(steps, check, HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2)


def test_the_target_of_a_group_that_no_listener_uses_is_not_checked() -> None:
    checks: list[None] = []

    async def check() -> Outcome:
        checks.append(None)
        return health.PASSED

    async def steps(registrar: Registrar, api: TargetGroup) -> None:
        api.in_use = False
        registrar.register(api.arn, "a", "127.0.0.1", 8000)
        await asyncio.sleep(0.1)
        assert registrar.target_health(api.arn, "a") == "unused"
        assert checks == []

    running_registrar(steps, check)


def test_a_drain_ends_at_once_when_its_target_is_gone() -> None:
    async def steps(registrar: Registrar, api: TargetGroup) -> None:
        registrar.register(api.arn, "a", "127.0.0.1", 8000)
        target = api.targets["a"]
        await until(lambda: target.health.state == health.HEALTHY)
        assert turn(api) is target  # a request that never gets a response
        drain = asyncio.create_task(registrar.deregister(api.arn, "a"))
        await until(lambda: target.health.state == health.DRAINING)
        registrar.remove(api.arn, "a")
        await drain
        registrar.responded(target, None)
        assert target.in_flight == 0

    running_registrar(steps, passed, speed=1)  # the delay is 300 s


def test_a_drain_ends_when_the_last_response_is_given() -> None:
    async def steps(registrar: Registrar, api: TargetGroup) -> None:
        registrar.register(api.arn, "a", "127.0.0.1", 8000)
        target = api.targets["a"]
        await until(lambda: target.health.state == health.HEALTHY)
        assert [turn(api), turn(api)] == [target, target]
        drain = asyncio.create_task(registrar.deregister(api.arn, "a"))
        await until(lambda: target.health.state == health.DRAINING)
        registrar.responded(target, 200)
        await asyncio.sleep(0.05)
        assert not drain.done()
        assert turn(api) is None
        registrar.responded(target, 200)
        await drain
        assert api.targets == {}

    running_registrar(steps, passed, speed=1)


def test_responses_of_targets_are_counted_and_compared() -> None:
    async def steps(registrar: Registrar, api: TargetGroup) -> None:
        for name in "abc":
            registrar.register(api.arn, name, "127.0.0.1", 8000)
        await until(lambda: all(t.health.state == health.HEALTHY for t in api.targets.values()))
        failing = api.targets["b"]

        async def asked() -> None:
            for _ in range(12):
                target = turn(api)
                assert target is not None
                registrar.responded(target, None if target is failing else 200)
            await asyncio.sleep(0.05)

        while not failing.anomalous:
            await asked()
        assert not api.targets["a"].anomalous
        newest = failing.recent.seconds(registrar._clock.real(registrar._clock.now()))
        assert all(set(second) <= {"none"} for second in newest)
        assert any(newest)

    running_registrar(steps, passed)


@pytest.mark.parametrize("status", [200, None])
def test_the_response_of_a_target_that_has_been_taken_out_is_fine(status: Any) -> None:
    async def steps(registrar: Registrar, api: TargetGroup) -> None:
        registrar.register(api.arn, "a", "127.0.0.1", 8000)
        target = turn(api)
        assert target is not None
        registrar.remove(api.arn, "a")
        registrar.remove(api.arn, "a")
        registrar.responded(target, status)
        assert target.in_flight == 0

    running_registrar(steps, passed)


def test_slow_start_begins_when_the_check_is_passed_on_the_registrars_clock() -> None:
    async def steps(registrar: Registrar, api: TargetGroup) -> None:
        for name in ("a", "b"):
            registrar.register(api.arn, name, "127.0.0.1", 8000)
            target = api.targets[name]
            await until(lambda target=target: target.health.state == health.HEALTHY)  # type: ignore[misc]
        assert api.targets["a"].slow_since is None
        since = api.targets["b"].slow_since
        assert since is not None
        assert 0 <= registrar._clock.now() - since < 900
        registrar.register(api.arn, "c", "127.0.0.1", 8000)
        await registrar.deregister(api.arn, "b")

    running_registrar(steps, passed, speed=1, attributes={"slow_start.duration_seconds": 900})
