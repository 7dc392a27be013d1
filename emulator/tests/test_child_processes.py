from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from emulator.child_processes import ChildProcesses


def test_a_watchdog_that_ended_is_replaced_and_ends_all_that_runs(tmp_path: Path) -> None:
    async def scenario() -> None:
        children = ChildProcesses()

        async def sleeper() -> asyncio.subprocess.Process:
            sleep = "import time; time.sleep(600)"
            return await children.start(sys.executable, "-S", "-c", sleep, env={}, cwd=tmp_path)

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
