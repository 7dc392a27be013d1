"""A service behind two load balancers: its tasks are targets of both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.balancer.scene import CHECKED, until
from tests.containers.scene import alive, running, tracking, write_image
from tests.network.scene import (
    AFFINITY,
    NetworkScene,
    group,
    need_addresses,
    network_balancing,
    pairs,
)

from emulator.containers.provider import ContainerProvider
from emulator.containers.scaling import REQUESTS
from emulator.providers import EmulatorError

DELAY = {"deregistration_delay.timeout_seconds": "600"}


@pytest.fixture
def asset(tmp_path: Path) -> Path:
    return write_image(tmp_path / "asset")


class Service:
    def __init__(self, scene: NetworkScene, containers: ContainerProvider) -> None:
        self.scene, self.containers = scene, containers

    def targets(self, balancer: str) -> dict[str, dict[str, Any]]:
        groups = self.scene.provider.state()["target_groups"]
        (found,) = [group for group in groups if group["balancer"] == balancer]
        return {target["id"]: target for target in found["targets"]}

    def states(self, task: str) -> tuple[str | None, str | None]:
        """As the application load balancer sees it, and as the network load balancer does."""
        none = {"state": None}
        alb, nlb = (self.targets(each).get(task, none) for each in ("application", "network"))
        return alb["state"], nlb["state"]

    def tasks(self) -> dict[str, dict[str, Any]]:
        return {task["id"]: task for task in self.containers.state()["pools"][0]["tasks"]}

    async def until_healthy(self, count: int) -> None:
        def well() -> bool:
            states = [self.states(task) for task in self.tasks()]
            return states == [("healthy", "healthy")] * count

        await until(well, 30)


@contextlib.asynccontextmanager
async def serving(asset: Path, tmp_path: Path, **options: Any) -> AsyncIterator[Service]:
    checked = {"HealthCheckProtocol": "HTTP", "HealthCheckPath": "/sick"}
    network = group({**AFFINITY, **DELAY}, **checked)
    http = {**CHECKED, "TargetGroupAttributes": pairs(DELAY)}
    async with network_balancing(network, http=http) as scene:
        groups = [scene.arns["web"], scene.arns["net"]]
        async with running(
            scene.provider.targets, groups, asset, tmp_path, **options
        ) as containers:
            yield Service(scene, containers)


def output(task: dict[str, Any]) -> str:
    return Path(task["log"]).read_text()


def run(scenario: Any) -> None:
    asyncio.run(scenario())


async def pid_of(url: str, source: str = "127.0.0.1") -> int:
    """Of the process that responds."""
    connector = aiohttp.TCPConnector(local_addr=(source, 0), force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as response:
        return int((await response.text()).split()[1])


def test_a_task_serves_both_and_a_source_stays_with_its_own(asset: Path, tmp_path: Path) -> None:
    need_addresses()

    async def scenario() -> None:
        async with serving(asset, tmp_path, desired=3) as service:
            await service.until_healthy(3)
            pids = {task["pid"] for task in service.tasks().values()}
            provider = service.scene.provider
            assert {await pid_of(provider.url) for _ in range(6)} == pids
            url = f"{provider.network_url}/"
            sources = [f"127.0.0.{n}" for n in range(2, 62)]
            before = {source: await pid_of(url, source) for source in sources}
            assert set(before.values()) == pids
            leaving = next(iter(service.tasks()))
            gone = service.tasks()[leaving]["pid"]
            service.containers.set_desired("small", 2)
            service.containers.act(leaving, "drain")
            await until(lambda: leaving not in service.tasks(), 30)
            await service.until_healthy(2)
            after = {source: await pid_of(url, source) for source in sources}
            moved = {source for source in sources if before[source] != after[source]}
            left = {task["pid"] for task in service.tasks().values()}
            assert gone not in left
            assert moved == {source for source in sources if before[source] not in left}

    run(scenario)


def test_sigterm_comes_after_both_balancers_have_drained_the_task(
    asset: Path, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with serving(asset, tmp_path, desired=1) as service:
            await service.until_healthy(1)
            (task,) = service.tasks().values()
            client = await service.scene.connect()
            client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await client.reader.readuntil(b"\r\n\r\n")
            service.containers.set_desired("small", 0)
            # nothing is in flight at the one, and the other still has the connection
            await until(lambda: service.states(task["id"]) == (None, "draining"))
            assert "SIGTERM" not in output(task)
            assert alive(task["pid"])
            client.close()
            await until(lambda: not service.tasks(), 30)
            assert output(task).endswith("SIGTERM with 0 left\n")
            assert service.targets("application") == service.targets("network") == {}

    run(scenario)


def test_a_task_that_is_unhealthy_for_one_of_them_is_replaced(asset: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(asset, tmp_path, desired=2) as service:
            await service.until_healthy(2)
            sick = next(iter(service.tasks().values()))
            (directory,) = (tmp_path / "containers").glob("image-*/srv")
            (directory / f"sick-{sick['pid']}").touch()
            await until(lambda: service.states(sick["id"]) == ("healthy", "unhealthy"))
            await until(lambda: sick["id"] not in service.tasks(), 30)
            await service.until_healthy(2)

    run(scenario)


def counting(arn: str, value: float = 10) -> dict[str, Any]:
    """A policy on the requests of this target group."""
    label = f"app/web/1/targetgroup/{arn.partition(':targetgroup/')[2]}"
    policy = tracking(REQUESTS, value)
    policy["PredefinedMetricSpecification"]["ResourceLabel"] = label
    return policy


def test_requests_are_counted_in_the_target_group_that_the_policy_names(
    asset: Path, tmp_path: Path
) -> None:
    async def scenario() -> None:
        http = {**CHECKED, "TargetGroupAttributes": pairs(DELAY)}
        async with network_balancing(group(DELAY), http=http) as scene:
            groups = [scene.arns["net"], scene.arns["web"]]
            pool = (scene.provider.targets, groups, asset, tmp_path)
            policies = [counting(scene.arns["web"])]
            async with running(
                *pool, desired=None, policies=policies, bounds=(1, 2), speed=300
            ) as containers:
                assert await containers.ready(30) == []
                async with asyncio.timeout(30):
                    while containers.state()["pools"][0]["desired"] == 1:
                        await pid_of(scene.provider.url)
            with pytest.raises(EmulatorError, match="which its service is not registered in"):
                async with running(*pool, policies=[counting("arn:targetgroup/other/2")]):
                    pass

    run(scenario)
