"""Function invocations that run one at a time, and stop in front of each call they make."""

import threading
from collections.abc import Callable
from typing import Any


class Killed(BaseException):
    """The function's process ended here; nothing in it may catch this."""


class Task:
    """One invocation, on a thread of its own that runs only while `resume` waits for it."""

    def __init__(self, name: str, work: Callable[[], Any], started: float) -> None:
        self.name = name
        self.started = started
        self.done = False
        self.result: Any = None  # None also of an invocation that was killed
        self.killed = False
        self._work = work
        self._go = threading.Lock()  # each is released by the other thread
        self._stopped = threading.Lock()
        self._go.acquire()
        self._stopped.acquire()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def resume(self, *, kill: bool = False) -> None:
        """Lets it make its next call, or dies in front of it."""
        self.killed = kill
        self._go.release()
        self._stopped.acquire()

    def pause(self) -> None:
        """Called by the invocation in front of each call. Raises Killed."""
        self._stopped.release()
        self._go.acquire()
        if self.killed:
            raise Killed

    def _run(self) -> None:
        self._go.acquire()
        try:
            if not self.killed:
                self.result = self._work()
        except Killed:
            self.killed = True
        except Exception as fault:
            self.result = fault
        finally:
            self.done = True
            self._stopped.release()
