"""Function invocations that run one at a time, and stop in front of each call they make."""

from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet


class Killed(BaseException):
    """The function's process ended here; nothing in it may catch this."""


class Task:
    """One invocation, on a greenlet of its own: it runs only while `resume` waits for it.

    A thread would do the same; to change between greenlets takes a tenth of the time.
    """

    def __init__(self, name: str, work: Callable[[], Any], started: float) -> None:
        self.name = name
        self.started = started
        self.done = False
        self.result: Any = None  # None also of an invocation that was killed
        self.killed = False
        self._work = work
        self._greenlet = greenlet(self._run)

    def resume(self, *, kill: bool = False) -> None:
        """Lets it make its next call, or dies in front of it. It makes no call after that."""
        self.killed = self.killed or kill
        self._greenlet.parent = getcurrent()
        self._greenlet.switch()

    def pause(self) -> None:
        """Called by the invocation in front of each call. Raises Killed."""
        if not self.killed:
            self._greenlet.parent.switch()
        if self.killed:
            raise Killed

    def _run(self) -> None:
        try:
            if not self.killed:
                self.result = self._work()
        except Killed:
            self.killed = True
        except Exception as fault:
            self.result = fault
        finally:
            self.done = True
