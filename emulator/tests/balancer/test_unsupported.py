"""Algorithms, stickiness and slow start as a client notices them, over real sockets."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from aiohttp import web
from tests.balancer.scene import CHECKED, Scene, balancing, forward, until

from emulator.providers import EmulatorError

LB = {"stickiness.enabled": "true", "stickiness.lb_cookie.duration_seconds": "600"}


def group(**attributes: str) -> dict[str, Any]:
    pairs = [{"Key": key, "Value": value} for key, value in attributes.items()]
    return {**CHECKED, "TargetGroupAttributes": pairs}


class Browser:
    """Sends back what it was given last."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.cookies: dict[str, str] = {}
        self.given: list[str] = []

    async def get(self, path: str = "/") -> str:
        line = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": line} if line else {}
        url = self._scene.provider.url + path
        async with self._scene.session.get(url, headers=headers) as response:
            self.given = response.headers.getall("Set-Cookie", [])
            for each in self.given:
                name, _, value = each.partition(";")[0].partition("=")
                self.cookies[name] = value
            return await response.text()


def test_a_sticky_client_moves_once_when_its_target_goes_and_does_not_return() -> None:
    async def scenario() -> None:
        async with balancing({"web": (group(**LB), 1)}) as scene:
            backends = {name: await scene.add("web", name) for name in "abc"}
            browser = Browser(scene)
            first = await browser.get()
            assert [each.partition("=")[0] for each in browser.given] == ["AWSALB", "AWSALBCORS"]
            assert browser.given[1].endswith("; SameSite=None; Secure")
            assert {await browser.get() for _ in range(6)} == {first}
            backends[first].healthy = False
            await scene.until_state("web", first, "unhealthy")
            moved = await browser.get()
            assert moved != first
            backends[first].healthy = True
            await scene.until_state("web", first, "healthy")
            assert {await browser.get() for _ in range(6)} == {moved}

    asyncio.run(scenario())


def test_the_applications_cookie_makes_a_client_sticky() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        response = web.Response()
        if request.path == "/sign-in":
            response.set_cookie("session", "1")
        return response

    attributes = {
        "stickiness.enabled": "true",
        "stickiness.type": "app_cookie",
        "stickiness.app_cookie.cookie_name": "session",
    }

    async def scenario() -> None:
        async with balancing({"web": (group(**attributes), 1)}) as scene:
            backends = [await scene.add("web", name, handle) for name in "ab"]
            browser = Browser(scene)
            await browser.get()
            assert [each.partition(";")[0] for each in browser.given] == [
                f"AWSALBAPP-{n}=_remove_" for n in range(4)
            ]
            await browser.get("/sign-in")
            for _ in range(6):
                await browser.get()
            assert sorted(len(backend.seen) for backend in backends) == [1, 7]

    asyncio.run(scenario())


def test_a_forward_keeps_a_client_with_its_group_and_target() -> None:
    def sticky(weights: dict[str, int]) -> dict[str, Any]:
        action = forward(weights)
        stickiness = {"Enabled": True, "DurationSeconds": 600}
        action["ForwardConfig"]["TargetGroupStickinessConfig"] = stickiness
        return action

    async def scenario() -> None:
        groups = {"large": (group(**LB), 1), "small": (group(**LB), 1)}
        async with balancing(groups, default=sticky) as scene:
            for pool in groups:
                for n in (1, 2):
                    await scene.add(pool, f"{pool}{n}")
            browsers = [Browser(scene) for _ in range(4)]
            first = [await browser.get() for browser in browsers]
            assert sorted(first) == ["large1", "large2", "small1", "small2"]
            for _ in range(3):
                assert [await browser.get() for browser in browsers] == first

    asyncio.run(scenario())


def test_two_hung_requests_send_the_next_ten_elsewhere() -> None:
    attributes = {"load_balancing.algorithm.type": "least_outstanding_requests"}

    async def scenario() -> None:
        async with balancing({"web": (group(**attributes), 1)}) as scene:
            backends = {name: await scene.add("web", name) for name in "abcd"}
            for name in "ab":
                backends[name].hold.clear()
            hung = [asyncio.create_task(scene.get()) for _ in range(2)]
            await until(lambda: backends["a"].seen and backends["b"].seen)
            counts = Counter([(await scene.get())[1] for _ in range(10)])
            assert counts == {"c": 5, "d": 5}
            for name in "ab":
                backends[name].hold.set()
            await asyncio.gather(*hung)

    asyncio.run(scenario())


def test_a_new_target_begins_with_a_small_share() -> None:
    attributes = {"slow_start.duration_seconds": "900"}  # 45 s at the scene's speed

    async def scenario() -> None:
        async with balancing({"web": (group(**attributes), 1)}) as scene:
            await scene.add("web", "a")
            await scene.add("web", "b")
            counts = Counter([(await scene.get())[1] for _ in range(50)])
            (described,) = scene.provider.state()["target_groups"]
            shares = {target["id"]: target["share"] for target in described["targets"]}
            assert shares["a"] == 1
            assert shares["b"] < 1
            assert counts["b"] <= counts["a"] * (shares["b"] + 0.01) + 1  # shown rounded

    asyncio.run(scenario())


def test_a_target_that_responds_500_is_found_and_gets_less() -> None:
    attributes = {
        "load_balancing.algorithm.type": "weighted_random",
        "load_balancing.algorithm.anomaly_mitigation": "on",
    }

    async def broken(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=500)

    async def scenario() -> None:
        async with balancing({"web": (group(**attributes), 1)}) as scene:
            await scene.add("web", "a")
            await scene.add("web", "b", broken)
            await scene.add("web", "c")

            def described(name: str) -> Any:
                (only,) = scene.provider.state()["target_groups"]
                return next(target for target in only["targets"] if target["id"] == name)

            async with asyncio.timeout(20):
                while described("b")["share"] > 0.25:
                    await asyncio.gather(*(scene.get() for _ in range(20)))
            assert described("b")["anomalous"]
            assert not described("a")["anomalous"]
            assert described("a")["share"] == 1

    asyncio.run(scenario())


def test_sticky_targets_behind_a_weighted_forward_that_is_not_sticky_stop_the_start() -> None:
    async def scenario() -> None:
        groups = {"large": (group(**LB), 1), "small": (CHECKED, 1)}
        with pytest.raises(EmulatorError, match="large is sticky, so the forward must be too"):
            async with balancing(groups):
                pass

    asyncio.run(scenario())


def test_the_targets_of_a_group_that_nothing_forwards_to_are_unused() -> None:
    def only_web(weights: dict[str, int]) -> dict[str, Any]:
        return forward({arn: 1 for arn in weights if "/web/" in arn})

    async def scenario() -> None:
        groups = {"web": (CHECKED, 1), "spare": (CHECKED, 1)}
        async with balancing(groups, default=only_web) as scene:
            idle = await scene.add("spare", "idle", healthy=False)
            await scene.add("web", "a")
            assert scene.health("spare", "idle") == "unused"
            assert idle.checks == 0

    asyncio.run(scenario())
