"""What the functions talk to: tables that fail, connections that die, a queue, a stream, time."""

import math
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from lambdas.connections import Outcome, Post
from lambdas.frames import Frame, decode, encode
from lambdas.settings import Aws, Settings
from stacks.config import tables
from tests.model.dynamodb import DynamoDB
from tests.model.expressions import Item
from tests.model.queue import Pushed, Sns, Sqs
from tests.model.tasks import Task
from tests.support.backend.push_queue import FifoQueue

LIFETIME_SECONDS = 6.0  # of a function
TABLES = {name: row.keys for name, row in tables.TABLES.items()}
ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    **{tables.table_variable(name): name for name in TABLES},
    "MESSAGE_TTL_DAYS": "30",
    "RETAIN_UNTIL_EXPIRY": "false",
    "PUSH_QUEUE_URL": "https://queue",
}


class Socket:
    """A connection as API Gateway has it. One whose client is gone without a word is a zombie."""

    def __init__(self, connection_id: str, user: str, device: str) -> None:
        self.connection_id = connection_id
        self.user = user
        self.device = device
        self.state = "opening"  # open, closed
        self.client_is_there = True
        self.opened_at = 0.0
        self.inbox: deque[Frame] = deque()


class World:
    """Everything that is shared, driven by one random source: a seed is a schedule."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 1_800_000_000.0
        self.faults = True
        self.database = DynamoDB(TABLES)
        self.database.lag = lambda: self.faults and self.random.random() < 0.3
        self.database.listeners.append(self._record)
        self.sockets: dict[str, Socket] = {}
        # faults may last a schedule long
        self.queue = FifoQueue(lambda: self.now, receives=math.inf)
        self.pushed: list[Pushed] = []
        self.push_listeners: list[Callable[[Pushed], None]] = []
        self.stream: deque[dict[str, Any]] = deque()
        self.tasks: list[Task] = []
        self._ended: dict[Task, Callable[[bool], None]] = {}
        self.running: Task | None = None
        self.in_flight: list[Callable[[], Any]] = []
        self.services = ModelAws(self)
        self.on_close: Callable[[Socket], None] = lambda _socket: None  # by the backend
        self._numbers = 0

    def number(self) -> int:
        """Larger than any before: the order of what happens."""
        self._numbers += 1
        return self._numbers

    def chance(self, probability: float) -> bool:
        return self.faults and self.random.random() < probability

    # -- invocations

    def invoke(
        self,
        name: str,
        work: Callable[[], Any],
        ended: Callable[[bool], None] = lambda _well: None,
    ) -> Task:
        """`ended` is called in the end with whether it ended well."""
        task = Task(name, work, self.now)
        self.tasks.append(task)
        self._ended[task] = ended
        return task

    def step(self, task: Task, *, kill: bool = False) -> None:
        """One call of one invocation, or its end; who takes too long is killed, as by Lambda."""
        self.now += self.random.uniform(0.001, 0.03)
        self.running = task
        task.resume(kill=kill or self.now - task.started > LIFETIME_SECONDS)
        self.running = None
        if task.done:
            self.tasks.remove(task)
            well = not task.killed and not isinstance(task.result, Exception)
            self._ended.pop(task)(well)

    def call(self, name: str, work: Callable[[], Any]) -> Any:
        """An invocation from begin to end, with nothing beside it."""
        task = self.invoke(name, work)
        while not task.done:
            self.step(task)
        if isinstance(task.result, Exception):
            raise task.result
        return task.result

    def before_call(self) -> None:
        if self.running is not None:
            self.running.pause()

    # -- the stream of the Chats table

    def _record(self, table: str, old: Item | None, new: Item | None) -> None:
        if table != "Chats" or old == new:
            return
        kind = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        item = new or old or {}
        change: dict[str, Any] = {
            "Keys": {name: item[name] for name in ("chat", "item")},
            "SequenceNumber": str(self.number()),
        }
        if old is not None:
            change["OldImage"] = old
        if new is not None:
            change["NewImage"] = new
        what = item["item"]["S"].split("#")[0]
        # the event source's filter
        if (kind, what) in {("INSERT", "message"), ("REMOVE", "message"), ("MODIFY", "member")}:
            self.stream.append({"eventName": kind, "dynamodb": change})


class ModelAws(Aws):
    """The functions' services, over the world."""

    def __init__(self, world: World) -> None:
        super().__init__(Settings(ENVIRONMENT))
        self._world = world
        vars(self).update(
            dynamodb=Unreliable(world),
            connections=Gateway(world),
            sqs=Sqs(world),
            sns=Sns(world),
            background=Beside(world),
        )

    def now(self) -> float:
        return self._world.now


class Unreliable:
    """The database over a network: calls fail, before or after they did something, or come late."""

    exceptions = DynamoDB.exceptions

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        world = self._world
        method = getattr(world.database, operation)

        def call(**request: Any) -> Any:
            world.before_call()
            if not world.chance(0.04):
                return method(**request)
            fault = world.random.choice(["lost", "unanswered", "late", "twice"])
            if fault == "lost":
                raise ConnectTimeoutError(endpoint_url="dynamodb")
            if fault == "late":  # the request is still on its way when its sender gives up
                world.in_flight.append(lambda: method(**request))
                raise ReadTimeoutError(endpoint_url="dynamodb")
            method(**request)
            if fault == "twice":  # botocore tried again, for the first answer was lost
                return method(**request)
            raise ReadTimeoutError(endpoint_url="dynamodb")

        return call


class Gateway:
    """The @connections API."""

    def __init__(self, world: World) -> None:
        self._world = world

    def post_all(self, posts: Sequence[Post], within: float = 0) -> list[Outcome]:
        return [self._post(post) for post in posts]

    def _post(self, post: Post) -> Outcome:
        self._world.before_call()
        socket = self._world.sockets.get(post.connection_id)
        if socket is None or socket.state != "open":
            return Outcome.GONE  # also while it is opening
        fault = self._world.random.choice(["lost", "unanswered"])
        failed = self._world.chance(0.05)
        if failed and fault == "lost":
            return Outcome.FAILED
        text = post.frame if isinstance(post.frame, str) else encode(post.frame)
        if socket.client_is_there:
            socket.inbox.append(decode(text))
        return Outcome.FAILED if failed else Outcome.DELIVERED

    def close(self, connection_id: str) -> Outcome:
        self._world.before_call()
        socket = self._world.sockets.get(connection_id)
        if socket is None or socket.state == "closed":
            return Outcome.GONE
        self._world.on_close(socket)
        socket.state = "closed"
        return Outcome.DELIVERED


class Beside(Executor):
    """Runs what is to run beside something else before it, or after it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def submit(self, work: Any, /, *arguments: Any, **named: Any) -> "Future[Any]":
        later = Later(lambda: work(*arguments, **named))
        if self._world.random.random() < 0.5:
            later.run()
        return later


class Later(Future[Any]):
    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self._work = work

    def run(self) -> None:
        try:
            self.set_result(self._work())
        except Exception as fault:
            self.set_exception(fault)

    def result(self, timeout: float | None = None) -> Any:
        if not self.done():
            self.run()
        return super().result(timeout)


@contextmanager
def calm(world: World) -> Iterator[None]:
    """No faults for a while."""
    before, world.faults = world.faults, False
    yield
    world.faults = before
