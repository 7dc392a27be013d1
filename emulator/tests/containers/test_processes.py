"""Pools of real processes behind a real load balancer."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.balancer.scene import CHECKED, balancing, until
from tests.containers.scene import alive, running, tracking, write_image

from emulator.containers.provider import ContainerProvider, Rejected, UnknownName
from emulator.containers.task import Task


@pytest.fixture
def asset(tmp_path: Path) -> Path:
    return write_image(tmp_path / "asset")


class Pool:
    def __init__(self, scene: Any, containers: ContainerProvider) -> None:
        self.scene, self.containers = scene, containers

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
    asset: Path, tmp_path: Path, desired: int | None = 2, **service: Any
) -> AsyncIterator[Pool]:
    delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "600"}]
    async with balancing({"web": ({**CHECKED, "TargetGroupAttributes": delay}, 1)}) as scene:
        targets = scene.provider.targets
        async with running(
            targets, [scene.arns["web"]], asset, tmp_path, desired=desired, **service
        ) as containers:
            yield Pool(scene, containers)


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
            assert all(log.read_text().startswith("listening\n") for log in logs)

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


def test_a_paused_task_is_unhealthy_not_replaced_and_healthy_again_when_resumed(
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


def trouble(pool: Pool) -> str:
    return str(pool.containers.state()["pools"][0]["trouble"])


def test_a_task_that_cannot_be_started_is_tried_again_until_it_can(
    asset: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with pooling(asset, tmp_path, desired=1) as pool:
            await pool.until_healthy(1)
            assert trouble(pool) == "None"
            logs = tmp_path / "logs"
            logs.rename(tmp_path / "moved")
            logs.write_text("in the way")
            pool.containers.set_desired("small", 2)
            await until(lambda: "a task can't be started: " in trouble(pool), 30)
            assert str(logs) in trouble(pool)
            logs.unlink()
            await pool.until_healthy(2)  # and the folder is there again
            assert trouble(pool) == "None"
            assert len(list(logs.iterdir())) == 1

    run(scenario)
    assert "pool small: a task can't be started" in caplog.text


def test_a_pool_says_why_it_has_fewer_tasks_than_desired(asset: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        (asset / "greeting.py").write_text("raise SystemExit(3)")
        async with pooling(asset, tmp_path, desired=1) as pool:
            await until(lambda: " ended with 3 as it started, see " in trouble(pool), 30)
            saved = tmp_path / "app" / "greeting.py"
            saved.parent.mkdir()
            saved.write_text('TEXT = "mended"')
            pool.containers.sources_changed(saved.parent, [saved])
            await pool.until_healthy(1)
            assert trouble(pool) == "None"

    run(scenario)


def test_a_process_that_has_ended_unnoticed_takes_any_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_group: int, _number: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr("os.killpg", gone)

    async def scenario() -> None:
        unnoticed: Any = SimpleNamespace(pid=1, returncode=None)
        task = Task("small-1", 0, unnoticed, 8000, tmp_path / "log")
        for signal in (task.kill, task.pause, task.resume):
            signal()

    run(scenario)


def test_invalid_commands_are_rejected(asset: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pooling(asset, tmp_path, desired=1, speed=1) as pool:
            await pool.until_healthy(1)
            (task,) = pool.tasks()
            with pytest.raises(UnknownName, match="medium"):
                pool.containers.set_desired("medium", 1)
            for number in (-1, 21):
                with pytest.raises(Rejected, match="0 to 20"):
                    pool.containers.set_desired("small", number)
            with pytest.raises(UnknownName, match="nobody"):
                pool.containers.act("nobody", "kill")
            with pytest.raises(Rejected, match="dance"):
                pool.containers.act(task, "dance")
            pool.containers.act(task, "kill")
            await until(lambda: pool.tasks()[task]["exited"])
            with pytest.raises(Rejected, match="has ended already"):
                pool.containers.act(task, "pause")

    run(scenario)


def test_load_scales_a_pool_out_to_its_maximum(asset: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        policies = [
            tracking("ALBRequestCountPerTarget", 10),
            tracking("ECSServiceAverageCPUUtilization", 10_000),
        ]
        async with pooling(
            asset, tmp_path, None, policies=policies, bounds=(1, 2), speed=300
        ) as pool:
            assert await pool.containers.ready(30) == []
            assert pool.containers.state()["pools"][0]["desired"] == 1
            async with asyncio.timeout(30):
                while pool.containers.state()["pools"][0]["desired"] == 1:
                    await pool.scene.get()
            assert pool.containers.state()["pools"][0]["desired"] == 2

    run(scenario)


def test_a_pool_that_is_short_of_cpu_is_scaled_out(asset: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        policies = [
            tracking("ALBRequestCountPerTarget", 1_000_000),
            tracking("ECSServiceAverageCPUUtilization", 5),
        ]
        async with pooling(
            asset, tmp_path, None, policies=policies, bounds=(1, 2), speed=100
        ) as pool:
            assert await pool.containers.ready(30) == []
            async with asyncio.timeout(30):
                while pool.containers.state()["pools"][0]["desired"] == 1:
                    await pool.scene.get("/burn")
            await pool.until_healthy(2)

    run(scenario)


def test_scaling_in_under_load_loses_no_request(asset: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pooling(asset, tmp_path, 3) as pool:
            await pool.until_healthy(3)
            responded = Counter[int]()
            over = asyncio.Event()

            async def send_request() -> None:
                while not over.is_set():
                    status, _ = await pool.scene.get("/work")
                    responded[status] += 1

            clients = [asyncio.create_task(send_request()) for _ in range(12)]
            await until(lambda: responded.total() > 200)
            pool.containers.set_desired("small", 1)
            await pool.until_healthy(1)
            after = responded.total()
            await until(lambda: responded.total() > after + 100)
            over.set()
            await asyncio.gather(*clients)
            assert responded.keys() == {200}
            # Not the whole logs: they have a health check that failed because the machine was busy.
            lines = [log.read_text().splitlines() for log in (tmp_path / "logs").iterdir()]
            ended = [line for its in lines for line in its if line.startswith("SIGTERM")]
            assert ended == ["SIGTERM with 0 left"] * 2

    run(scenario)


def test_a_task_that_does_not_end_on_sigterm_is_killed_after_the_stop_timeout(
    asset: Path, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with pooling(
            asset, tmp_path, 1, environment={"IGNORES_SIGTERM": "yes"}, stop_timeout=1
        ) as pool:
            await pool.until_healthy(1)
            (task,) = pool.tasks().values()
            pool.containers.set_desired("small", 0)
            await until(lambda: "SIGTERM" in Path(task["log"]).read_text(), 30)
            await until(lambda: not pool.tasks(), 30)
            assert not alive(task["pid"])

    run(scenario)


def test_the_stop_timeout_is_in_real_seconds(asset: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        # 20 s, which would be a hundredth of one on this clock
        async with pooling(
            asset, tmp_path, 1, environment={"IGNORES_SIGTERM": "yes"}, stop_timeout=20, speed=2000
        ) as pool:
            await pool.until_healthy(1)
            (task,) = pool.tasks().values()
            slow = asyncio.create_task(pool.scene.get("/slow"))
            await until(lambda: next(iter(pool.targets().values()))["in_flight"] == 1)
            pool.containers.set_desired("small", 0)
            assert (await slow)[0] == 200
            await until(lambda: "SIGTERM" in Path(task["log"]).read_text(), 30)
            await asyncio.sleep(0.2)
            assert alive(task["pid"])

    run(scenario)
