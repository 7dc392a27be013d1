"""Posts from inside the network: to this task's own sockets, or straight to the task of another."""

import asyncio
import http.client
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from lambdas.connections import Connections, Outcome
from lambdas.signing import Credentials
from lambdas.sockets.held import NORMAL, Registry
from lambdas.sockets.ids import Holder, holder_of
from lambdas.telemetry import count

PATH = "/sockets"
# The kernel of a task accepts connections also while its process is busy. So one that accepts none
# within this time has no kernel any more.
CONNECT_SECONDS = 1.0
DEAD_SECONDS = 60.0  # an address is hardly given to another task sooner
LOCAL_SECONDS = 2.0


class Unreachable(Exception):
    """Nobody listens at the address: the task has ended, and its sockets with it."""


class OneTask(Connections):
    """The sockets of another task."""

    def _http(self, deadline: float) -> http.client.HTTPConnection:
        try:
            return super()._http(min(deadline, time.monotonic() + CONNECT_SECONDS))
        except OSError as error:
            raise Unreachable from error


class DirectConnections(Connections):
    """All sockets of the service, by the holders in their ids. Called in threads.

    `own` is this task's address, `registry` and `loop` have its sockets.
    """

    def __init__(
        self,
        own: Holder,
        registry: Registry,
        loop: asyncio.AbstractEventLoop,
        region: str,
        credentials: Callable[[], Credentials],
    ) -> None:
        super().__init__(_url(own), region, credentials)
        self._own = own
        self._registry = registry
        self._loop = loop
        self._tasks: dict[Holder, OneTask] = {}
        self._dead: dict[Holder, float] = {}
        self._lock = threading.Lock()

    def _request(self, method: str, connection_id: str, body: bytes) -> Outcome:
        holder = holder_of(connection_id)
        if holder is None:  # of API Gateway, from before the environment moved to tasks
            return Outcome.GONE
        if holder == self._own:
            return self._own_socket(method, connection_id, body)
        if self._dead.get(holder, 0) > time.monotonic():
            return Outcome.GONE
        try:
            outcome = self._task(holder)._request(method, connection_id, body)
            if outcome is Outcome.FAILED:
                count("PostsFailed")
            return outcome
        except Unreachable:
            self._dead[holder] = time.monotonic() + DEAD_SECONDS
            self._tasks.pop(holder, None)
            return Outcome.GONE

    def _task(self, holder: Holder) -> OneTask:
        with self._lock:
            found = self._tasks.get(holder)
            if found is None:
                found = OneTask(_url(holder), self._region, self._credentials)
                self._tasks[holder] = found
            return found

    def _own_socket(self, method: str, connection_id: str, body: bytes) -> Outcome:
        done: Future[Outcome] = Future()
        text = body.decode()

        def act() -> None:
            done.set_result(act_on(self._registry, method, connection_id, text))

        try:
            self._loop.call_soon_threadsafe(act)
            return done.result(LOCAL_SECONDS)
        except (RuntimeError, TimeoutError):  # the loop has ended, or is far behind
            return Outcome.FAILED


def act_on(registry: Registry, method: str, connection_id: str, text: str) -> Outcome:
    """POST or DELETE of a socket of this task; in its event loop."""
    held = registry.find(connection_id)
    if held is None:
        return Outcome.GONE
    if method == "DELETE":
        held.close(NORMAL)
        return Outcome.DELIVERED
    return Outcome.DELIVERED if held.post(text) else Outcome.GONE


def _url(holder: Holder) -> str:
    return f"http://{holder.host}:{holder.port}{PATH}"
