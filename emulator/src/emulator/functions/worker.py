"""One worker process: an execution environment of a function."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emulator.child_processes import ChildProcesses
from emulator.functions import environment, failures
from emulator.functions.model import Function
from emulator.functions.runtime_api import Invocation, RuntimeApi
from emulator.functions.starved import left, waited_for_cpu
from emulator.providers import InvokeResult

INIT_LIMIT = 10.0  # seconds, the quota for the init phase
FIRST_EVENT = 2.0  # seconds for which a first event counts as part of the start

# Longest extensions while other processes use the CPU: seconds of a start; times the timeout of an
# invocation, whose deadline its caller may rely on.
STARVED_INIT = 60.0
STARVED = 2.0


@dataclass(frozen=True)
class Host:
    """The settings that all workers share: where processes are started and what they may import."""

    children: ChildProcesses
    runtime_packages: Path
    region: str
    own_runtime: bool
    idle_limit: float  # seconds


class Worker:
    """Runs one invocation at a time. `changed` is called when it came free and when it ended;
    `settled` is set when it waits for its first event or never will. It ends by itself after
    `idle_limit` seconds without an event."""

    def __init__(self, function: Function, host: Host, changed: Callable[[Worker], None]) -> None:
        self.function = function
        self._host = host
        self._changed = changed
        self.name = f"{function.label}-{secrets.token_hex(3)}"
        self._api = RuntimeApi(function)
        self._given = asyncio.Event()
        self._invocation: Invocation | None = None
        self._pid = 0
        self._life: asyncio.Task[None] | None = None
        self.settled = asyncio.Event()
        self.started = False
        self.start_seconds = 0.0  # how long the process took for it
        self.warm = False  # it has handled an event
        self._given_at = 0.0  # in seconds of time.monotonic()
        self.ended = False
        self.retired = False
        self.init_error: InvokeResult | None = None

    @property
    def idle(self) -> bool:
        return self.started and not self.ended and self._invocation is None

    @property
    def starting(self) -> bool:
        """Whether it is starting: until it waits for its first event, and while it handles that
        one, but not for long, as it may be waiting for something."""
        handled_for = time.monotonic() - self._given_at
        return not self.started or (self.busy and not self.warm and handled_for < FIRST_EVENT)

    @property
    def busy(self) -> bool:
        return self._invocation is not None

    def start(self) -> None:
        self._life = asyncio.create_task(self._live())

    async def stop(self) -> None:
        """End the process now, whatever it does."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)
        if not self.ended:  # it was stopped before it began
            self._end()

    def run(self, invocation: Invocation) -> None:
        """Give the event to the process, which must be idle; the invocation's result settles in
        any case."""
        self._invocation, self._given_at = invocation, time.monotonic()
        invocation.worker, invocation.started = self.name, time.time()
        self._signal(signal.SIGCONT)
        self._api.give(invocation)
        self._given.set()

    async def _live(self) -> None:
        process: asyncio.subprocess.Process | None = None
        try:
            await self._api.start()
            process = await self._spawn()
            self._pid = process.pid
            await self._work(process.pid, asyncio.create_task(process.wait()))
        finally:
            if process is not None and process.returncode is None:
                await self._host.children.end(process, grace=0)
            if self._invocation is not None:  # it was stopped in the middle of an invocation
                self._invocation.settle(failures.exited(self._invocation.request_id, -9))
            await self._api.stop()
            self._end()

    def _end(self) -> None:
        self.ended = True
        self.settled.set()
        self._changed(self)

    async def _spawn(self) -> asyncio.subprocess.Process:
        function, host = self.function, self._host
        function.log.parent.mkdir(parents=True, exist_ok=True)
        with function.log.open("ab") as log:
            return await host.children.start(
                *environment.command(function.handler, own_runtime=host.own_runtime),
                env=environment.variables(
                    function, host.runtime_packages, self._api.address, host.region, self.name
                ),
                cwd=function.code,
                stdout=log,
            )

    async def _work(self, pid: int, exited: asyncio.Task[int]) -> None:
        began, timeout = time.monotonic(), self.function.timeout
        if not await self._asks(pid, exited, INIT_LIMIT, STARVED_INIT):
            self.init_error = self._api.init_error or _silent_init_failure(exited)
            return
        self.started = True
        self.start_seconds = time.monotonic() - began
        self.settled.set()
        self._changed(self)
        while not exited.done():
            self._freeze()
            await _either(self._given, exited, self._host.idle_limit)
            invocation = self._invocation
            if invocation is None:  # idle for too long, or the process ended
                self.retired = True
                return
            if not await self._asks(pid, exited, timeout, timeout * STARVED):
                invocation.settle(self._why(invocation, exited))
                return
            self._invocation = None
            self.warm = True
            self._given.clear()
            self._changed(self)

    def _freeze(self) -> None:
        """Stops all threads while there is no event, as on AWS: "Lambda freezes the execution
        environment when the runtime and each extension have completed and there are no pending
        events", "Understanding the Lambda execution environment lifecycle"."""
        if self._invocation is None:
            self._signal(signal.SIGSTOP)

    def _signal(self, number: signal.Signals) -> None:
        """Signals the process and those that it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, number)

    async def _asks(
        self, pid: int, exited: asyncio.Task[int], within: float, longest: float
    ) -> bool:
        """Whether the process asks for its next event before it ends or the time is over; what it
        waited for a CPU does not count up to `longest`."""
        began, waited = time.monotonic(), waited_for_cpu(pid)
        remaining = within
        while remaining > 0:
            await _either(self._api.asked, exited, remaining)
            if self._api.asked.is_set() or exited.done():
                break
            passed = time.monotonic() - began
            remaining = left(within, longest, passed, waited_for_cpu(pid) - waited)
        return self._api.asked.is_set() and not exited.done()

    def _why(self, invocation: Invocation, exited: asyncio.Task[int]) -> InvokeResult:
        if exited.done():
            return failures.exited(invocation.request_id, exited.result())
        return failures.timed_out(invocation.request_id, self.function.timeout)


async def _either(
    event: asyncio.Event, exited: asyncio.Task[int], within: float | None = None
) -> None:
    """Wait for the first of the two, at most `within` seconds."""
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({waiting, exited}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


def _silent_init_failure(exited: asyncio.Task[int]) -> InvokeResult:
    if exited.done():
        return failures.exited_at_start(exited.result())
    return failures.failure(
        "Sandbox.Timedout", f"Error: Init did not end within {INIT_LIMIT:.0f} seconds"
    )
