"""A console over a system that exists only here: targets without processes, traffic that a small
server answers in turn. What the page shows is then known to the last number."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web

from emulator.console.server import Console
from emulator.listening import HttpListener, free_port
from emulator.push.phones import Phones
from tests.support.running_system import WITHIN

QUIET: list[dict[str, int]] = [{}] * 10


def target(target_id: str, state: str = "healthy", **more: Any) -> dict[str, Any]:
    return {
        "id": target_id,
        "address": f"127.0.0.1:{40_000 + sum(map(ord, target_id)) % 1000}",
        "state": state,
        "reason": None,
        "description": None,
        "in_flight": 0,
        "requests": 0,
        "recent": list(QUIET),
        "share": 1,
        "anomalous": False,
        **more,
    }


def group(pool: str, weight: int | None, targets: list[dict[str, Any]], **more: Any) -> Any:
    return {
        "name": f"{pool}-group",
        "pool": pool,
        "balancer": "application",
        "algorithm": "round_robin",
        "weight": weight,
        "stickiness": None,
        "targets": targets,
        **more,
    }


class FakeSystem:
    """Two pools, `small` of containers and `lambda`. Orders change `state` as a running system
    would; `orders` keeps them. `state` may be replaced by a test at any time. Of the requests that
    are sent, the first `answers` are answered, None for all."""

    def __init__(self) -> None:
        self.orders: list[tuple[str, Any]] = []
        self.answers: int | None = None
        function = "arn:aws:lambda:us-east-1:123456789012:function:dev-web-ApiFunction"
        checked = {"reason": "Target.HealthCheckDisabled", "address": function, "algorithm": None}
        self.state: dict[str, Any] = {
            "target_groups": [
                group("small", 4, [target("small-1"), target("small-2")]),
                group("lambda", 1, [target("Api", "unavailable", **checked)], algorithm=None),
            ],
            "pools": [
                {
                    "name": "small",
                    "desired": 2,
                    "autoscaling": True,
                    "trouble": None,
                    "tasks": self._tasks("small-1", "small-2"),
                }
            ],
            "connections": [],
            "queues": [{"name": "push.fifo", "visible": 0, "in_flight": 0}],
            "tables": [{"name": "Chats", "items": 3}],
            "functions": [],
            "pushes": [],
        }
        self._turn = 0
        self._stopping = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._answering = HttpListener(self._answer, 0, "a load balancer")
        self.console = Console(
            port=free_port(),  # also of the next start
            token="t0ken",
            state=self._state,
            containers=self,
            weights=self,
            origins=lambda: {"alb": self._answering.url},
            phones=Phones(lambda: 1_800_000_000.0),
            dashboard=lambda: {"widgets": []},
        )

    def start(self) -> None:
        self._thread.start()
        self._within(self._answering.start())
        self._within(self.console.start())

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._within(self.console.stop())
        self._within(self._answering.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def gone(self) -> None:
        self._within(self.console.stop())

    def back(self) -> None:
        """On the same port."""
        self._within(self.console.start())

    @property
    def targets(self) -> list[dict[str, Any]]:
        small: list[dict[str, Any]] = self.state["target_groups"][0]["targets"]
        return small

    def wait_for_orders(self, count: int) -> None:
        self.wait_until(lambda: len(self.orders) >= count)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WITHIN
        while not condition():
            assert time.monotonic() < deadline, f"not so, but {self.orders}"
            time.sleep(0.01)

    def _within(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(WITHIN)

    async def _state(self) -> dict[str, Any]:
        return self.state

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Round robin over the pool; every hundredth request is a 502 of its target. What is asked
        for at /free is outside of all that."""
        if request.path == "/free":
            return web.Response()
        chosen = self.targets[self._turn % len(self.targets)]
        self._turn += 1
        if self.answers is not None and self._turn > self.answers:
            await self._stopping.wait()
        status = 502 if self._turn % 100 == 0 else 200
        second = dict(chosen["recent"][-1])
        second[str(status)] = second.get(str(status), 0) + 1
        chosen["recent"] = [*chosen["recent"][:-1], second]
        chosen["requests"] += 1
        return web.Response(status=status, headers={"x-served-by": f"small/{chosen['id'][-1]}"})

    def set_desired(self, pool: str, desired: int) -> None:
        if desired > 3:
            raise ValueError(f"desired is a number from 0 to 3, got {desired}")
        self.orders.append((pool, desired))
        names = [f"small-{n + 1}" for n in range(desired)]
        kept = {each["id"]: each for each in self.targets}
        self.targets[:] = [kept.get(name, target(name, "initial")) for name in names]
        self.state["pools"][0].update(desired=desired, tasks=self._tasks(*names))

    def set_weight(self, pool: str, weight: int) -> None:
        for each in self.state["target_groups"]:
            if each["pool"] == pool:
                each["weight"] = weight
        self.orders.append((pool, f"weight {weight}"))

    def set_autoscaling(self, pool: str, on: bool) -> None:
        self.orders.append((pool, on))
        self.state["pools"][0]["autoscaling"] = on

    def act(self, target_id: str, action: str) -> None:
        self.orders.append((target_id, action))
        chosen = next(each for each in self.targets if each["id"] == target_id)
        task = next(each for each in self.state["pools"][0]["tasks"] if each["id"] == target_id)
        match action:
            case "kill":
                self.targets.remove(chosen)
            case "drain":
                chosen.update(state="draining", reason="Target.DeregistrationInProgress")
            case "pause":
                task["paused"] = True
                chosen.update(state="unhealthy", reason="Target.Timeout")
            case _:
                task["paused"] = False
                chosen.update(state="healthy", reason=None)

    def _tasks(self, *names: str) -> list[dict[str, Any]]:
        return [
            {"id": name, "pid": 1, "paused": False, "exited": False, "log": "-"} for name in names
        ]
