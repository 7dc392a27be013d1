"""The console alone: small classes stand in for the components that it describes and sends commands
to."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from emulator.console.server import Console
from emulator.push.phones import Phones

STATE: dict[str, Any] = {"target_groups": [], "connections": []}


class Containers:
    """Knows the pools small and lambda and the target small-1; keeps the commands that it got."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, Any]] = []

    def set_desired(self, pool: Any, desired: int) -> None:
        if pool != "small":
            raise LookupError(f"no container pool {pool!r}")
        if desired > 20:
            raise ValueError("desired is a number from 0 to 20")
        self.commands.append((pool, desired))

    def set_autoscaling(self, pool: str, on: bool) -> None:
        if pool != "small":
            raise LookupError(f"no container pool {pool!r}")
        self.commands.append((pool, on))

    def set_weight(self, pool: str, weight: int) -> None:
        if pool not in ("small", "lambda"):
            raise LookupError(f"no pool {pool!r}")
        if not 0 <= weight <= 999:
            raise ValueError(f"a weight is a number from 0 to 999, got {weight}")
        self.commands.append((pool, f"weight {weight}"))

    def act(self, target_id: Any, action: Any) -> None:
        if target_id != "small-1":
            raise LookupError(f"no container with the id {target_id!r}")
        if action not in ("kill", "drain", "pause", "resume"):
            raise ValueError("action is one of kill, drain, pause, resume")
        self.commands.append((target_id, action))


@contextlib.asynccontextmanager
async def console(alb: str = "http://127.0.0.1:9", token: str = "") -> AsyncIterator[Any]:
    async def state() -> Any:
        return STATE

    containers, phones = Containers(), Phones(lambda: 1_800_000_000.0)
    server = Console(
        port=0,
        token=token,
        state=state,
        containers=containers,
        weights=containers,
        origins=lambda: {"alb": alb},
        phones=phones,
    )
    await server.start()
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
        try:
            yield http, containers, phones
        finally:
            await server.stop()
