"""The objects that all connections of a load balancer share: settings, pool, clock, tasks."""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from emulator.balancer.messages.headers import Traces
from emulator.balancer.routing import Choice
from emulator.balancer.settings import BalancerSettings
from emulator.balancer.targets.registrar import Registrar
from emulator.balancer.targets.target_group import TargetGroup
from emulator.balancer.wire.pool import Pool
from emulator.providers import Invoke

Served = Callable[[str, str, str, float, int | None], None]
"""(target id, method and path, trace id, epoch seconds of its begin, status): a request that a
container has served; None for a status that it did not give."""

Counted = Callable[[TargetGroup | None, int | None, float, int | None], None]
"""(group, status, seconds, own status): a request that is over. The group is None where no target
was chosen; of the target's status and the load balancer's own, one is None."""


class RequestCallbacks(NamedTuple):
    """The functions that are called after each request; the default of each does nothing."""

    served: Served = lambda *_: None
    counted: Counted = lambda *_: None


READ_BYTES = 64 * 1024  # at once, from a client or a target


class Shared:
    """`random_bytes` is for trace ids; `now` is a monotonic clock in seconds, for how long
    connections have been idle and open. What needs the running loop is made by `open`."""

    loop: asyncio.AbstractEventLoop
    pool: Pool

    def __init__(
        self,
        registrar: Registrar,
        invoke: Invoke,
        settings: BalancerSettings,
        random_bytes: Callable[[int], bytes],
        callbacks: RequestCallbacks,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.served, self.counted = callbacks
        self.registrar = registrar
        self.invoke = invoke
        self.settings = settings
        self.traces = Traces(time.time, random_bytes)
        self.now = now
        self.port = 0  # the listener's, once it is open
        self.stopping = False  # connections close after the response that they are at
        # What comes in is parsed before the loop reads from another connection, so one buffer does
        # for all. (asyncio's own way, 256 KB made anew for each read, costs 7 of 60 us a request.)
        self.buffer = memoryview(bytearray(READ_BYTES))
        self._tasks: set[asyncio.Task[None]] = set()
        self._date = (0, "")

    def open(self, port: int) -> None:
        """`port` is the listener's."""
        self.port = port
        self.stopping = False
        self.loop = asyncio.get_running_loop()
        self.pool = Pool(self.loop, self.settings.idle_seconds, self.buffer)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def responded(
        self, choice: Choice, status: int | None, own: int | None, began: float
    ) -> int | None:
        """`status` is the target's; `own` the load balancer's, where it gave one in its place;
        `began` in epoch seconds. Returns what the request is to the target: None for an error of
        its own."""
        outcome = own if own is not None and own < 500 else status
        self.registrar.responded(choice.target, outcome)
        self.counted(choice.group, status, time.time() - began, own)
        return outcome

    def date(self) -> str:
        """Now, as in a Date header."""
        now = int(time.time())
        if self._date[0] != now:
            self._date = (now, email.utils.formatdate(now, usegmt=True))
        return self._date[1]

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.pool.close()
