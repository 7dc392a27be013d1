"""Runs functions from source texts, the way the emulator runs them from assets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from emulator.child_processes import ChildProcesses
from emulator.functions import environment
from emulator.functions.functions import Functions
from emulator.functions.model import Function
from emulator.functions.worker import Host


@contextlib.asynccontextmanager
async def running(
    directory: Path,
    *,
    own_runtime: bool = False,
    limit: int = 10,
    idle_limit: float = 60,
    reported: list[str] | None = None,
) -> AsyncIterator[Functions]:
    children = ChildProcesses()
    host = Host(
        children,
        environment.link_runtime_packages(directory / "runtime"),
        "us-east-1",
        own_runtime,
        idle_limit,
    )
    functions = Functions(host, (reported if reported is not None else []).append, limit)
    try:
        yield functions
    finally:
        await functions.stop()
        await children.end_all()
        assert children.pids() == []


def function(directory: Path, source: str, **fields: Any) -> Function:
    """A function named `echo` whose module is `source`, with `handler` as its handler."""
    code = directory / "code"
    code.mkdir(exist_ok=True)
    (code / "module.py").write_text(source, encoding="utf-8")
    given: dict[str, Any] = {
        "name": "echo",
        "label": "Echo",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:echo",
        "handler": "module.handler",
        "code": code,
        "log": directory / "logs" / "Echo.log",
    }
    return Function(**(given | fields))


async def until(condition: Any, seconds: float = 15) -> None:
    """Wait for `condition()` to hold; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  any state can be waited for, few have an event
            await asyncio.sleep(0.01)
