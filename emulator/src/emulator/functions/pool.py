"""The workers of one function: as many as its invocations need, within its limits."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Iterable

from emulator.breaking import ERROR, FAILED, THROTTLE, Broken
from emulator.functions import diagnosis, failures
from emulator.functions.model import Function
from emulator.functions.runtime_api import Invocation
from emulator.functions.worker import Host, Worker
from emulator.providers import InvokeResult, NoFreeWorker, Throttled
from emulator.traces.ring import INVOCATION, Ring

PATIENCE = 0.05  # seconds an invocation waits for a busy worker before another one is started
SLOW_START = 1.0  # from here on a start is work that others wait for
MOST_PATIENCE = 5.0

# Longer than this nothing waits for a worker: AWS throttles at once what is above the concurrency,
# here a few workers. Without an end to it everything would wait for as long as its clients do, who
# ask again meanwhile, so that no result would find anybody.
QUEUE_SECONDS = 5.0


# A start is all CPU, and so is most of a first invocation, in which clients are imported and made.
# With more of them than there are cores all would end later, until they pass the function's timeout
# and are killed, which needs new ones.
STARTED_AT_ONCE = os.cpu_count() or 1


def patience(start_seconds: float) -> float:
    """Seconds to wait for a busy worker, where starting another one took so long: on a machine
    whose CPUs are taken a new one would come later, and make all others slower."""
    return PATIENCE if start_seconds < SLOW_START else min(start_seconds, MOST_PATIENCE)


def wanted_workers(waiting: int, coming: int, total: int, limit: int, may_start: int) -> int:
    """The number of workers to start now for `waiting` invocations no worker is free for; `coming`
    workers will be free soon, and `may_start` more may start now."""
    return max(0, min(waiting - coming, limit - total, may_start))


def long_waiting(came: Iterable[float], now: float) -> int:
    """The number of invocations that came at these times (seconds) and have waited longer than the
    patience.

    Under a steady load somebody always waits, but each for a moment: with more workers than the
    cores can run, all would take longer.
    """
    return sum(now - each >= 0.9 * PATIENCE for each in came)  # timers are not exact


class FunctionPool:
    """`limit` bounds the workers; a reserved concurrency below it bounds the invocations too.
    `report` gets one line for every function error."""

    def __init__(
        self,
        function: Function,
        host: Host,
        limit: int,
        report: Callable[[str], None],
        ring: Ring,
        broken: Broken,
    ) -> None:
        self.function = function
        self._broken = broken
        self._host = host
        self._limit = limit if function.reserved is None else min(limit, function.reserved)
        self._report = report
        self._ring = ring
        self._workers: list[Worker] = []
        self._waiting: deque[Invocation] = deque()
        self._ending: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._start_seconds = 0.0  # of the last worker
        self._invocations = 0
        self._errors = 0
        self._throttled = 0
        self._error: dict[str, object] | None = None  # the last one, since the code changed

    async def invoke(
        self, event: bytes, arn: str | None = None, request_id: str = ""
    ) -> InvokeResult:
        """`arn` is what it was called by, with a qualifier if there was one; without a
        `request_id` it gets a new one.

        Raises Throttled when the reserved concurrency is exhausted, and NoFreeWorker after
        QUEUE_SECONDS without a free worker.
        """
        if len(event) > failures.MAX_PAYLOAD:
            return failures.event_too_large(len(event))
        fault = self._broken.of_function(self.function.label)
        if fault == ERROR:
            return self._fail_on_purpose(event)
        if fault == THROTTLE:
            self._throttled += 1
            raise Throttled(self.function.name, "is broken on purpose")
        in_flight = sum(worker.busy for worker in self._workers) + len(self._waiting)
        if self.function.reserved is not None and in_flight >= self.function.reserved:
            self._throttled += 1
            raise Throttled(self.function.name)
        invocation, began = Invocation(event, arn or self.function.arn), time.time()
        invocation.request_id = request_id or invocation.request_id
        self._invocations += 1
        self._waiting.append(invocation)
        self._assign()
        giving_up = asyncio.get_running_loop().call_later(QUEUE_SECONDS, self._give_up, invocation)
        try:
            result = await invocation.result
        except asyncio.CancelledError:
            if invocation in self._waiting:
                self._waiting.remove(invocation)
            raise
        finally:
            giving_up.cancel()
        self._record(invocation, result, invocation.started or began)
        return result

    def _record(self, invocation: Invocation, result: InvokeResult, began: float) -> None:
        error = diagnosis.of_invocation(result, self.function) if result.error else ""
        self._ring.add(
            INVOCATION,
            self.function.label,
            by=invocation.worker,
            at=began,
            ms=round(1000 * (time.time() - began), 2),
            given=invocation.event,
            result=result.payload,
            error=error,
            id=invocation.request_id,
        )
        if result.error:
            self._errors += 1
            if not invocation.failed_init:  # see _diagnose
                self._failed("failed", error)

    def _fail_on_purpose(self, event: bytes) -> InvokeResult:
        self._invocations += 1
        self._errors += 1
        label = self.function.label
        self._ring.add(INVOCATION, label, ms=0, given=event, error="broken on purpose")
        return FAILED

    def _give_up(self, invocation: Invocation) -> None:
        """Gives up waiting, unless it is for the first worker's start and first event, as it would
        be for Lambda's init."""
        if invocation in self._waiting and any(worker.warm for worker in self._usable()):
            self._waiting.remove(invocation)
            self._throttled += 1
            invocation.result.set_exception(NoFreeWorker(self.function.name, QUEUE_SECONDS))

    async def prewarm(self) -> None:
        """Have one worker; returns when it waits for an event, or has failed to."""
        usable = self._usable()
        if not usable and self._limit > 0 and not self._closed:
            usable = [self._start_worker()]
        for worker in usable[:1]:
            await worker.settled.wait()

    def retire_workers(self) -> None:
        """Lets only new processes take events from now on; running invocations finish."""
        self._error = None
        for worker in self._workers:
            worker.retired = True
            if not worker.busy:
                self._end(worker)
        self._assign()

    async def stop(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for worker in self._workers:
            self._end(worker)
        for invocation in self._waiting:
            invocation.settle(failures.exited(invocation.request_id, -9))
        await asyncio.gather(*self._ending)

    def state(self) -> dict[str, object]:
        return {
            "name": self.function.name,
            "label": self.function.label,
            "workers": len(self._workers),
            "busy": sum(worker.busy for worker in self._workers),
            "waiting": len(self._waiting),
            "invocations": self._invocations,
            "errors": self._errors,
            "throttled": self._throttled,
            "error": self._error,
        }

    def _assign(self) -> None:
        # The worker that came free last has the warmest caches.
        for worker in reversed(self._usable()):
            if worker.idle and self._waiting:
                worker.run(self._waiting.popleft())
        if not self._waiting or self._closed:
            return
        if not self._usable():
            self._start_workers(len(self._waiting))
        elif self._timer is None:
            self._look_again()

    def _look_again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(
            patience(self._start_seconds), self._start_for_long_waiting
        )

    def _start_for_long_waiting(self) -> None:
        waiting = long_waiting((each.came for each in self._waiting), time.monotonic())
        self._start_workers(waiting)

    def _start_workers(self, waiting: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        usable = self._usable()
        coming = sum(not each.started for each in usable)
        may_start = STARTED_AT_ONCE - sum(each.starting for each in usable)
        wanted = wanted_workers(waiting, coming, len(usable), self._limit, may_start)
        for _ in range(wanted):
            self._start_worker()
        if len(self._waiting) > coming + wanted and len(usable) + wanted < self._limit:
            self._look_again()

    def _start_worker(self) -> Worker:
        worker = Worker(self.function, self._host, self._changed)
        self._workers.append(worker)
        worker.start()
        return worker

    def _usable(self) -> list[Worker]:
        return [worker for worker in self._workers if not worker.retired]

    def _changed(self, worker: Worker) -> None:
        self._start_seconds = worker.start_seconds or self._start_seconds
        if worker.ended:
            self._workers.remove(worker)
            if worker.init_error is not None and not self._closed:
                self._fail_first(worker.init_error)
        elif worker.retired and worker.idle:
            self._end(worker)
        if not self._closed:
            self._assign()

    def _fail_first(self, init_error: InvokeResult) -> None:
        """A failed init is the result of the invocation it was for; with none, it is only
        reported."""
        if self._waiting:
            first = self._waiting.popleft()
            first.failed_init = True
            first.settle(init_error)
        task = asyncio.create_task(self._diagnose(init_error))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _diagnose(self, init_error: InvokeResult) -> None:
        """The place where the import fails, if that is why the function can't start. Reported once
        for a change: each event would start another worker that fails alike."""
        found = await diagnosis.of_init(self.function, self._host)
        text = found or diagnosis.of_invocation(init_error, self.function)
        if self._error is None or self._error["text"] != text:
            self._failed("can't start", text)

    def _failed(self, what: str, text: str) -> None:
        self._error = {"text": text, "at": time.time()}
        self._report(f"{self.function.label} {what}: {text} ({self.function.log})")

    def _end(self, worker: Worker) -> None:
        task = asyncio.create_task(worker.stop())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
