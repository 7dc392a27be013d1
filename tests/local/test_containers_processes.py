"""Pools of real processes behind a real load balancer."""

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from local.children import Children
from local.clock import Clock
from local.containers.provider import ContainerProvider, Refused, UnknownName
from local.providers import Resource
from tests.local.balancer_scene import CHECKED, balancing, until

SERVER = """
import http.server, os, signal, sys, time
from app import greeting

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/slow":
            time.sleep(0.5)
        env = {"/env": os.environ["GREETING"] + os.environ["POOL_NAME"]}
        text = env.get(self.path, greeting.TEXT + " " + str(os.getpid())).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("listening", flush=True)
server.serve_forever()
"""
DOCKERFILE = """FROM python
ENV GREETING=hello-
WORKDIR /srv
COPY . app
CMD ["python", "-m", "app.server"]
"""


@pytest.fixture
def asset(tmp_path: Path) -> Any:
    folder = tmp_path / "asset"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "__init__.py").write_text("")
    (folder / "server.py").write_text(SERVER)
    (folder / "greeting.py").write_text('TEXT = "one"')
    return folder


class Pool:
    def __init__(self, scene: Any, containers: Any, children: Any) -> None:
        self.scene, self.containers, self.children = scene, containers, children

    def tasks(self) -> Any:
        return {task["id"]: task for task in self.containers.state()["pools"][0]["tasks"]}

    def targets(self) -> Any:
        group = self.scene.provider.state()["target_groups"][0]
        return {target["id"]: target for target in group["targets"]}

    async def until_healthy(self, count: int) -> None:
        def well() -> Any:
            states = [target["state"] for target in self.targets().values()]
            return states == ["healthy"] * count and len(self.tasks()) == count

        await until(well, 30)


@contextlib.asynccontextmanager
async def pooling(
    asset: Path, tmp_path: Path, desired: int = 2, **service: Any
) -> AsyncIterator[Any]:
    delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "60"}]
    async with balancing({"web": ({**CHECKED, "TargetGroupAttributes": delay}, 1)}) as scene:
        children = Children()
        containers = ContainerProvider(
            children=children,
            targets=scene.provider.targets,
            container_asset=lambda uri: {"repository:hash": asset}[uri],
            environment=dict,
            directory=tmp_path / "containers",
            logs=tmp_path / "logs",
            clock=Clock(20),
        )
        definition = {
            "Family": "small",
            "ContainerDefinitions": [
                {
                    "Name": "api",
                    "Image": "repository:hash",
                    "Environment": [
                        {"Name": "POOL_NAME", "Value": "small"},
                        {"Name": "PORT", "Value": "8080"},
                    ],
                    "StopTimeout": 60,
                }
            ],
        }
        task = await containers.create(
            Resource("Web", "Task", "AWS::ECS::TaskDefinition"), definition
        )
        properties = {
            "TaskDefinition": task.ref,
            "DesiredCount": desired,
            "LoadBalancers": [
                {
                    "ContainerName": "api",
                    "ContainerPort": 8080,
                    "TargetGroupArn": scene.arns["web"],
                }
            ],
            "Tags": [{"Key": "pool", "Value": "small"}],
            **service,
        }
        await containers.create(Resource("Web", "Service", "AWS::ECS::Service"), properties)
        await containers.start()
        pool = Pool(scene, containers, children)
        try:
            yield pool
        finally:
            await containers.stop()
            pids = children.pids()
            await children.end_all()
            assert not [pid for pid in pids if alive(pid)]


def alive(pid: Any) -> Any:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def test_a_pool_serves_and_scales_out_and_in(asset: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pooling(asset, tmp_path) as pool:
            assert await pool.containers.ready(30) == []
            assert (await pool.scene.get("/env")) == (200, "hello-small")
            counts = Counter([(await pool.scene.get())[1] for _ in range(10)])
            assert sorted(counts.values()) == [5, 5]
            pool.containers.set_desired("small", 3)
            await pool.until_healthy(3)
            pool.containers.set_desired("small", 1)
            await pool.until_healthy(1)
            assert len({(await pool.scene.get())[1] for _ in range(4)}) == 1
            logs = sorted((tmp_path / "logs").iterdir())
            assert len(logs) == 3
            assert all(log.read_text() == "listening\n" for log in logs)

    run(scenario)


def test_a_killed_task_is_replaced(asset: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pooling(asset, tmp_path) as pool:
            await pool.until_healthy(2)
            victim = next(iter(pool.tasks()))
            pool.containers.act(victim, "kill")
            await until(lambda: victim not in pool.targets(), 30)
            await pool.until_healthy(2)
            assert victim not in pool.tasks()
            assert {(await pool.scene.get())[0] for _ in range(6)} == {200}

    run(scenario)


def test_a_paused_task_is_unhealthy_not_replaced_and_well_again_when_resumed(
    asset: Path, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with pooling(asset, tmp_path) as pool:
            await pool.until_healthy(2)
            held = next(iter(pool.tasks()))
            pool.containers.act(held, "pause")
            await until(lambda: pool.targets()[held]["state"] == "unhealthy", 30)
            assert pool.targets()[held]["reason"] == "Target.Timeout"
            assert pool.tasks()[held]["paused"]
            assert len({(await pool.scene.get())[1] for _ in range(4)}) == 1
            pool.containers.act(held, "resume")
            await pool.until_healthy(2)
            assert held in pool.tasks()

    run(scenario)


def test_draining_a_task_loses_no_request(asset: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pooling(asset, tmp_path) as pool:
            await pool.until_healthy(2)
            slow = [asyncio.create_task(pool.scene.get("/slow")) for _ in range(4)]
            await until(lambda: sum(t["in_flight"] for t in pool.targets().values()) == 4)
            leaving = next(iter(pool.tasks()))
            pool.containers.act(leaving, "drain")
            await until(lambda: pool.targets()[leaving]["state"] == "draining")
            assert {status for status, _ in await asyncio.gather(*slow)} == {200}
            await until(lambda: leaving not in pool.tasks(), 30)
            await pool.until_healthy(2)

    run(scenario)


def test_saved_sources_replace_every_task_and_none_is_missed(asset: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        sources = tmp_path / "app"
        sources.mkdir()
        saved = sources / "greeting.py"
        saved.write_text('TEXT = "two"')
        async with pooling(asset, tmp_path) as pool:
            await pool.until_healthy(2)
            pool.containers.sources_changed(sources, [saved])
            seen = Counter[str]()
            async with asyncio.timeout(30):
                while not (len(pool.tasks()) == 2 and seen["two"] > 10):
                    status, text = await pool.scene.get()
                    assert status == 200
                    seen[text.split()[0]] += 1
                    if seen["two"] > 10 and len(pool.tasks()) != 2:
                        await asyncio.sleep(0.01)
            await pool.until_healthy(2)
            assert {(await pool.scene.get())[1].split()[0] for _ in range(4)} == {"two"}

    run(scenario)


def test_tasks_that_cannot_start_are_named_by_pool(asset: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        (asset / "greeting.py").write_text("raise SystemExit('broken')")
        async with pooling(asset, tmp_path, desired=1) as pool:
            assert await pool.containers.ready(1) == ["small"]
            log = next((tmp_path / "logs").iterdir())
            await until(lambda: "broken" in log.read_text())
            assert (await pool.scene.get())[0] == 503

    run(scenario)


def test_orders_that_make_no_sense_are_refused(asset: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pooling(asset, tmp_path, desired=1) as pool:
            await pool.until_healthy(1)
            (task,) = pool.tasks()
            with pytest.raises(UnknownName, match="medium"):
                pool.containers.set_desired("medium", 1)
            for number in (-1, 21):
                with pytest.raises(Refused, match="0 to 20"):
                    pool.containers.set_desired("small", number)
            with pytest.raises(UnknownName, match="nobody"):
                pool.containers.act("nobody", "kill")
            with pytest.raises(Refused, match="dance"):
                pool.containers.act(task, "dance")

    run(scenario)


def test_load_scales_a_pool_out_to_its_maximum(asset: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with balancing({"web": (CHECKED, 1)}) as scene:
            children = Children()
            containers = ContainerProvider(
                children=children,
                targets=scene.provider.targets,
                container_asset=lambda _uri: asset,
                environment=dict,
                directory=tmp_path / "containers",
                logs=tmp_path / "logs",
                clock=Clock(300),  # a minute in 0.2 s
            )
            made: list[tuple[str, dict[str, Any]]] = [
                (
                    "AWS::ECS::TaskDefinition",
                    {
                        "Family": "small",
                        "ContainerDefinitions": [
                            {
                                "Image": "r:h",
                                "Environment": [{"Name": "POOL_NAME", "Value": "small"}],
                            }
                        ],
                    },
                ),
                (
                    "AWS::ECS::Service",
                    {
                        "ServiceName": "api",
                        "TaskDefinition": "arn:aws:ecs:us-east-1:123456789012:task-definition/small:1",
                        "LoadBalancers": [{"TargetGroupArn": scene.arns["web"]}],
                        "Tags": [{"Key": "pool", "Value": "small"}],
                    },
                ),
                (
                    "AWS::ApplicationAutoScaling::ScalableTarget",
                    {
                        "ResourceId": "service/cluster/api",
                        "ScalableDimension": "ecs:service:DesiredCount",
                        "MinCapacity": 1,
                        "MaxCapacity": 2,
                    },
                ),
                (
                    "AWS::ApplicationAutoScaling::ScalingPolicy",
                    {
                        "ScalingTargetId": "service/cluster/api|ecs:service:DesiredCount|ecs",
                        "PolicyType": "TargetTrackingScaling",
                        "TargetTrackingScalingPolicyConfiguration": {
                            "PredefinedMetricSpecification": {
                                "PredefinedMetricType": "ALBRequestCountPerTarget"
                            },
                            "TargetValue": 10,
                        },
                    },
                ),
            ]
            for kind, properties in made:
                await containers.create(Resource("Web", "Thing", kind), properties)
            await containers.start()
            try:
                assert await containers.ready(30) == []
                assert containers.state()["pools"][0]["desired"] == 1
                async with asyncio.timeout(30):
                    while containers.state()["pools"][0]["desired"] == 1:
                        await scene.get()
                assert containers.state()["pools"][0]["desired"] == 2
            finally:
                await containers.stop()
                await children.end_all()

    run(scenario)
