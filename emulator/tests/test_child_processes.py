from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from emulator import watchdog
from emulator.child_processes import ChildProcesses

SLEEPER = (sys.executable, "-S", "-c", "import time; time.sleep(600)")
LONG = 60.0  # seconds of grace that no test waits for


def stop(pid: int) -> None:
    """Returns when the process has stopped."""
    os.kill(pid, signal.SIGSTOP)
    _, status = os.waitpid(pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)


def test_a_stopped_process_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    async def scenario() -> int | None:
        children = ChildProcesses()
        process = await children.start(*SLEEPER, env={}, cwd=tmp_path)
        stop(process.pid)
        await children.end_all(LONG)
        return process.returncode

    assert asyncio.run(scenario()) == -signal.SIGTERM


def test_a_stopped_process_ends_when_the_watchdog_asks_it_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process = subprocess.Popen(SLEEPER, process_group=0)
    stop(process.pid)
    monkeypatch.setattr(watchdog, "GRACE", LONG)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"+{process.pid}\n"))
    with ThreadPoolExecutor() as pool:
        status = pool.submit(process.wait)  # a process that nobody waits for counts as alive
        watchdog.main()
        assert status.result() == -signal.SIGTERM


def test_a_watchdog_that_ended_is_replaced_and_ends_all_that_runs(tmp_path: Path) -> None:
    async def scenario() -> None:
        children = ChildProcesses()

        async def sleeper() -> asyncio.subprocess.Process:
            return await children.start(*SLEEPER, env={}, cwd=tmp_path)

        running = [await sleeper()]
        first = children._watchdog
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        running.append(await sleeper())
        second = children._watchdog
        assert second is not None and second.stdin is not None and second is not first
        second.stdin.close()  # as when the emulator is killed
        async with asyncio.timeout(60):
            for process in running:
                assert await process.wait() in (-signal.SIGTERM, -signal.SIGKILL)
        await children.end_all()

    asyncio.run(scenario())
