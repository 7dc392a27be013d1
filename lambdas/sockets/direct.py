"""Posts from inside the network: to this task's own sockets, or straight to the task of another."""

import asyncio
import errno
import http.client
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import NamedTuple

from lambdas import frames
from lambdas.connections import WITHIN_SECONDS, Connections, Outcome, Post
from lambdas.post_key import PostKey
from lambdas.signing import Credentials
from lambdas.sockets.held import NORMAL, Registry
from lambdas.sockets.ids import Holder, holder_of
from lambdas.telemetry import count

PATH = "/sockets"
# The kernel of a task accepts connections also while its process is busy. So one that accepts none
# within this time has no kernel any more. TCP sends a lost SYN again after a second (RFC 6298).
CONNECT_SECONDS = 2.0
DEAD_SECONDS = 60.0  # an address is hardly given to another task sooner
SLOW_SECONDS = 5.0  # so long nobody waits for a task without a response; then one post tries it
LOCAL_SECONDS = 2.0
# Other errors of a connect are not the task's, such as too few file descriptors here.
NOBODY_THERE = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})


class Unreachable(Exception):
    """Nobody listens at the address: the task has ended, and its sockets with it."""


class NoResponse(Exception):
    """The task accepts connections at the address and does not respond: it is frozen, or far
    behind.
    """


class OneTask(Connections):
    """The sockets of another task."""

    def _http(self, deadline: float) -> http.client.HTTPConnection:
        try:
            return super()._http(min(deadline, time.monotonic() + CONNECT_SECONDS))
        except OSError as error:
            if isinstance(error, TimeoutError) or error.errno in NOBODY_THERE:
                raise Unreachable from error
            raise

    def _send(
        self, method: str, path: str, body: bytes, credentials: Credentials, deadline: float
    ) -> int:
        try:
            return super()._send(method, path, body, credentials, deadline)
        except TimeoutError as error:
            self._forget()  # its response may come later
            raise NoResponse from error


class _Act(NamedTuple):
    method: str  # POST or DELETE
    connection_id: str
    text: str


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
        key: PostKey,
    ) -> None:
        super().__init__(_url(own), region, key.credentials, renew=key.renew)
        self._own = own
        self._registry = registry
        self._loop = loop
        self._tasks: dict[Holder, OneTask] = {}
        self._dead: dict[Holder, float] = {}  # until when, as time.monotonic()
        self._slow: dict[Holder, float] = {}  # likewise
        self._lock = threading.Lock()

    def post_all(self, posts: Sequence[Post], within: float = WITHIN_SECONDS) -> list[Outcome]:
        """As that of Connections. Own sockets take no thread, so they wait for no other task."""
        until = time.monotonic() + within
        own = [holder_of(post.connection_id) == self._own for post in posts]
        acts = [
            _Act("POST", post.connection_id, _text(post))
            for post, here in zip(posts, own, strict=True)
            if here
        ]
        pending = self._own_sockets(acts)
        elsewhere = [post for post, here in zip(posts, own, strict=True) if not here]
        others = iter(super().post_all(elsewhere, within))
        ours = iter(_outcomes(pending, len(acts), until - time.monotonic()))
        return [next(ours if here else others) for here in own]

    def _request(self, method: str, connection_id: str, body: bytes) -> Outcome:
        holder = holder_of(connection_id)
        if holder is None:  # of API Gateway, from before the environment moved to tasks
            return Outcome.GONE
        if holder == self._own:
            pending = self._own_sockets([_Act(method, connection_id, body.decode())])
            return _outcomes(pending, 1, LOCAL_SECONDS)[0]
        if self._dead.get(holder, 0) > time.monotonic():
            return Outcome.GONE
        outcome = Outcome.FAILED
        if not self._is_slow(holder):
            try:
                outcome = self._task(holder)._request(method, connection_id, body)
                self._slow.pop(holder, None)
            except NoResponse:
                self._slow[holder] = time.monotonic() + SLOW_SECONDS
            except Unreachable:
                count("PostsFailed")  # also if the network between tasks is closed
                self._dead[holder] = time.monotonic() + DEAD_SECONDS
                self._tasks.pop(holder, None)
                return Outcome.GONE
        if outcome is Outcome.FAILED:
            count("PostsFailed")
        return outcome

    def _is_slow(self, holder: Holder) -> bool:
        """Whether to fail at once: a task without a response would hold all threads in turn."""
        now = time.monotonic()
        with self._lock:
            until = self._slow.get(holder)
            if until is None or until > now:
                return until is not None
            self._slow[holder] = now + SLOW_SECONDS  # this post tries it, the others do not wait
            return False

    def _task(self, holder: Holder) -> OneTask:
        with self._lock:
            found = self._tasks.get(holder)
            if found is None:
                found = OneTask(_url(holder), self._region, self._credentials, renew=self._renew)
                self._tasks[holder] = found
            return found

    def _own_sockets(self, acts: Sequence[_Act]) -> Future[list[Outcome]]:
        done: Future[list[Outcome]] = Future()

        def act() -> None:
            done.set_result([act_on(self._registry, *each) for each in acts])

        try:
            self._loop.call_soon_threadsafe(act)
        except RuntimeError:  # the loop has ended
            done.set_result([Outcome.FAILED] * len(acts))
        return done


def _outcomes(pending: Future[list[Outcome]], number: int, within: float) -> list[Outcome]:
    try:
        return pending.result(max(within, 0))
    except TimeoutError:  # the loop is far behind
        return [Outcome.FAILED] * number


def _text(post: Post) -> str:
    return post.frame if isinstance(post.frame, str) else frames.encode(post.frame)


def act_on(registry: Registry, method: str, connection_id: str, text: str) -> Outcome:
    """Handles POST or DELETE for a socket of this task. To be called in its event loop."""
    held = registry.find(connection_id)
    if held is None:
        return Outcome.GONE
    if method == "DELETE":
        held.close(NORMAL)
        return Outcome.DELIVERED
    return held.post(text)


def _url(holder: Holder) -> str:
    return f"http://{holder.host}:{holder.port}{PATH}"
