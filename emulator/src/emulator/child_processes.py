"""The emulator's child processes: each in a group of its own, none outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from emulator import watchdog

GRACE = 2.0  # seconds between being asked to end and being killed

Output = int | IO[bytes]


class ChildProcesses:
    """Starts and ends processes. Terminal signals do not reach them (they are in groups of their
    own), and a watchdog ends them when this process is killed."""

    def __init__(self) -> None:
        self._watchdog: subprocess.Popen[str] | None = None
        self._running: dict[int, asyncio.subprocess.Process] = {}
        self._waiting: set[asyncio.Task[None]] = set()

    async def start(
        self,
        *command: str,
        env: Mapping[str, str],
        cwd: Path,
        stdin: Output = subprocess.DEVNULL,
        stdout: Output = subprocess.DEVNULL,
        stderr: Output = subprocess.STDOUT,
        pass_fds: Sequence[int] = (),
    ) -> asyncio.subprocess.Process:
        """Start `command` with exactly this environment; `pass_fds` stay open in it."""
        process = await asyncio.create_subprocess_exec(
            *command,
            env=dict(env),
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=pass_fds,
            process_group=0,
        )
        self._running[process.pid] = process
        self._notify_watchdog(f"+{process.pid}")
        waiting = asyncio.create_task(self._forget(process))
        self._waiting.add(waiting)
        waiting.add_done_callback(self._waiting.discard)
        return process

    async def end(self, process: asyncio.subprocess.Process, grace: float = GRACE) -> None:
        """Ask the process to end, and kill its group if it does not within `grace` seconds."""
        if process.returncode is None and grace > 0:
            _signal(process.pid, signal.SIGTERM)
            _signal(process.pid, signal.SIGCONT)  # a stopped process acts on no other signal
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), grace)
        _signal(process.pid, signal.SIGKILL)
        await process.wait()

    async def end_all(self, grace: float = GRACE) -> None:
        await asyncio.gather(*(self.end(each, grace) for each in list(self._running.values())))
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
            await asyncio.to_thread(self._watchdog.wait)
            self._watchdog = None

    def pids(self) -> list[int]:
        return list(self._running)

    async def _forget(self, process: asyncio.subprocess.Process) -> None:
        await process.wait()
        self._running.pop(process.pid, None)
        self._notify_watchdog(f"-{process.pid}")

    def _notify_watchdog(self, line: str) -> None:
        """A watchdog that has ended is replaced; the new one gets a list of all that runs."""
        if self._watchdog is not None:
            try:
                _write(self._watchdog, line)
                return
            except BrokenPipeError:
                with contextlib.suppress(BrokenPipeError):
                    self._watchdog.communicate()
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", watchdog.__file__],
            stdin=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        for pid in self._running:
            _write(self._watchdog, f"+{pid}")


def _write(process: subprocess.Popen[str], line: str) -> None:
    if process.stdin is not None:
        process.stdin.write(line + "\n")
        process.stdin.flush()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
