"""Targets that come, fail, recover and leave."""

import asyncio
from collections import Counter
from typing import Any

from tests.balancer.scene import CHECKED, balancing, until


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def with_attributes(properties: dict[str, Any], **attributes: Any) -> Any:
    pairs = [{"Key": key, "Value": value} for key, value in attributes.items()]
    return {**properties, "TargetGroupAttributes": pairs}


def test_without_a_registered_target_there_is_503() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            status, page = await scene.get()
            assert status == 503
            assert "503 Service" in page

    run(scenario)


def test_a_new_target_gets_nothing_before_its_first_passed_check() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            await scene.add("web", "old")
            new = await scene.add("web", "new", healthy=False)
            await until(lambda: new.checks)
            assert {(await scene.get())[1] for _ in range(10)} == {"old"}
            new.healthy = True
            await scene.until_state("web", "new", "healthy")
            assert Counter([(await scene.get())[1] for _ in range(10)]) == {"old": 5, "new": 5}

    run(scenario)


def test_an_unhealthy_target_is_left_out_until_it_recovers() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            first, _ = await scene.add("web", "a"), await scene.add("web", "b")
            first.healthy = False
            await scene.until_state("web", "a", "unhealthy")
            reasons = {
                t["id"]: t["reason"] for t in scene.provider.state()["target_groups"][0]["targets"]
            }
            assert reasons == {"a": "Target.ResponseCodeMismatch", "b": None}
            assert {(await scene.get())[1] for _ in range(6)} == {"b"}
            first.healthy = True
            await scene.until_state("web", "a", "healthy")
            assert {(await scene.get())[1] for _ in range(6)} == {"a", "b"}

    run(scenario)


def test_with_all_unhealthy_it_fails_open() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            both = [await scene.add("web", name) for name in "ab"]
            for backend in both:
                backend.healthy = False
            for name in "ab":
                await scene.until_state("web", name, "unhealthy")
            assert Counter([(await scene.get())[1] for _ in range(10)]) == {"a": 5, "b": 5}

    run(scenario)


def test_a_target_that_is_gone_gives_502_until_it_is_detected() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            gone, _ = await scene.add("web", "a"), await scene.add("web", "b")
            await gone.listener.stop()
            statuses = [(await scene.get())[0] for _ in range(2)]
            assert sorted(statuses) in ([200, 502], [200, 200])  # 200: the check was faster
            await scene.until_state("web", "a", "unhealthy")
            assert {await scene.get() for _ in range(4)} == {(200, "b")}

    run(scenario)


def test_draining_finishes_what_is_in_flight_and_takes_nothing_new() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            leaving, _ = await scene.add("web", "a"), await scene.add("web", "b")
            leaving.hold.clear()
            held = asyncio.create_task(scene.get())
            await until(lambda: leaving.seen)
            drained = asyncio.create_task(scene.provider.targets.deregister(scene.arns["web"], "a"))
            await scene.until_state("web", "a", "draining")
            assert {await scene.get() for _ in range(4)} == {(200, "b")}
            assert not drained.done()
            leaving.hold.set()
            assert await held == (200, "a")
            await drained
            assert scene.health("web", "a") is None

    run(scenario)


def test_a_drain_ends_after_the_deregistration_delay() -> None:
    async def scenario() -> None:
        attributes = {"deregistration_delay.timeout_seconds": "2"}
        groups = {"web": (with_attributes(CHECKED, **attributes), 1)}
        async with balancing(groups) as scene:
            leaving = await scene.add("web", "a")
            leaving.hold.clear()
            held = asyncio.create_task(scene.get())
            await until(lambda: leaving.seen)
            await scene.provider.targets.deregister(scene.arns["web"], "a")
            assert scene.health("web", "a") is None
            leaving.hold.set()
            await held

    run(scenario)


def test_scaling_in_under_load_loses_no_request() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            for name in "abc":
                await scene.add("web", name)
            statuses: Counter[int] = Counter()
            done = False

            async def client() -> None:
                while not done:
                    statuses[(await scene.get())[0]] += 1

            async def more(count: int) -> None:
                enough = statuses.total() + count
                await until(lambda: statuses.total() > enough)

            clients = [asyncio.create_task(client()) for _ in range(10)]
            for name, backend in zip("ab", list(scene.backends), strict=False):
                await more(50)
                await scene.provider.targets.deregister(scene.arns["web"], name)
                await backend.listener.stop()
            await more(50)
            done = True
            await asyncio.gather(*clients)
            assert statuses.keys() == {200}

    run(scenario)
