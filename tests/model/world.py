"""The world that a model's functions share: tables, connections, a queue, a stream and time."""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stacks.config import tables
from tests.model.dynamodb import DynamoDB
from tests.model.gateway import Socket
from tests.model.push_queue import Pushed
from tests.model.stream import Stream
from tests.model.tasks import Task
from tests.support.backend.push_queue import FifoQueue
from tests.support.backend.sns import APPLICATIONS

LIFETIME_SECONDS = 6.0  # of most functions, see stacks/config/functions.py
PEOPLE = ("ravi", "raju", "mira", "anna")
SKEW_SECONDS = 2.0  # how far a function's clock may be from the right time
CRASHES = 0.002  # of the calls, its function's process ends in front of
SIGN_IN_SECONDS = 30 * 86_400 + 3600  # how long its tokens are valid
STALE_SECONDS = 5.0  # how old a read that is not consistent may be
TABLES = {name: row.keys for name, row in tables.TABLES.items()}
ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    **{tables.table_variable(name): name for name in TABLES},
    "MESSAGE_TTL_DAYS": "30",
    "SIGN_IN_SECONDS": str(SIGN_IN_SECONDS),
    "RETAIN_UNTIL_EXPIRY": "false",
    "PUSH_QUEUE_URL": "https://queue",
    "POOL_NAME": "model",
    "PASSWORD_RESET": "false",
    "WEBSOCKET_URL": "wss://model",
    "USER_POOL_ID": "pool",
    "USER_POOL_CLIENT_ID": "api",
    **APPLICATIONS,
}


class Invocation(Task):
    """One run of a function, with a clock of its own. It may end in front of each of its calls, and
    when its last one is done: then nobody gets what it returns."""

    def __init__(
        self,
        name: str,
        work: Callable[[], Any],
        started: float,
        lifetime: float,
        skew: float,
        ended: "Callable[[Invocation], None]",
    ) -> None:
        super().__init__(name, lambda: self._returns(work), started)
        self.lifetime, self.skew, self.ended = lifetime, skew, ended
        self.steps = 0
        self.joined: dict[str, int] = {}  # chats of who asks, with the seq of joining

    @property
    def failed(self) -> bool:
        return self.killed or isinstance(self.result, Exception)

    def _returns(self, work: Callable[[], Any]) -> Any:
        result = work()
        self.pause()
        return result


@dataclass
class Crash:
    """Where a test lets a function's process end, by how the invocation's name begins."""

    name: str = ""
    step: int = 0  # the call in front of which it ends; the first step leads to the first call
    times: int = 0  # as often it ends there; 0 afterwards

    def ends(self, task: Invocation) -> bool:
        here = self.times > 0 and task.steps == self.step and task.name.startswith(self.name)
        self.times -= here
        return here


class World:
    """Everything that is shared. Each step of a schedule has random numbers of its own, from the
    seed and the step: so a step does the same when others are left out."""

    def __init__(self, seed: int, *, harsh: bool = False) -> None:
        self._seed = seed
        self.random = random.Random()
        self.begin_step("begin")
        self.now = 1_800_000_000.0
        self.faults = True
        self.seldom = False  # whether calls that are seldom made fail more often
        self._harshness = self.random.choice((0.5, 1, 1, 3)) if not harsh else 3
        self.database = DynamoDB(TABLES)
        self.database.clock, self.database.stale_seconds = lambda: self.now, STALE_SECONDS
        self.database.lag = lambda: self.fault("a stale read", 0.3)
        self.database.page = self.random.randint(3, 12)
        self.stream = Stream(self.number, shards=self.random.choice((1, 2)))
        self.database.listeners.append(self.stream.written)
        self.sockets: dict[str, Socket] = {}
        # faults may last a schedule long
        self.queue = FifoQueue(lambda: self.now, receives=math.inf)
        self.pushed: list[Pushed] = []
        self.push_listeners: list[Callable[[Pushed], None]] = []
        self.tasks: list[Invocation] = []
        self.running: Invocation | None = None
        self.crash = Crash()
        self.in_flight: list[Callable[[], Any]] = []  # requests that their senders gave up
        self.on_close: Callable[[Socket], None] = lambda _socket: None  # by the backend
        self.report: Callable[[str], None] | None = None
        self.drawn: Counter[str] = Counter()
        self._numbers = 0

    def begin_step(self, name: str) -> None:
        self.random.seed(f"{self._seed}/{name}")

    def say(self, text: str) -> None:
        """For a reader of a schedule that failed."""
        if self.report is not None:
            self.report(text)

    def number(self) -> int:
        """Larger than any before: the order of what happens."""
        self._numbers += 1
        return self._numbers

    def chance(self, probability: float) -> bool:
        return self.faults and self.random.random() < probability * self._harshness

    def fault(self, kind: str, probability: float) -> bool:
        """Whether this fault happens; `drawn` counts it."""
        happens = self.chance(probability)
        self.drawn[kind] += happens
        return happens

    def clock(self) -> float:
        """The time as the running function has it."""
        return self.now + (self.running.skew if self.running is not None else 0.0)

    # -- invocations

    def invoke(
        self,
        name: str,
        work: Callable[[], Any],
        ended: Callable[[Invocation], None] = lambda _: None,
        lifetime: float = LIFETIME_SECONDS,
    ) -> Invocation:
        """`ended` is called in the end, with its result."""
        skew = self.random.uniform(-SKEW_SECONDS, SKEW_SECONDS) if self.faults else 0.0
        task = Invocation(name, work, self.now, lifetime, skew, ended)
        self.tasks.append(task)
        return task

    def step(self, task: Invocation, *, kill: bool = False) -> None:
        """One call of one invocation, or its end; who takes too long is killed, as by Lambda."""
        self.now += self.random.uniform(0.001, 0.03)
        task.steps += 1
        late = self.now - task.started > task.lifetime
        kill = kill or late or self.chance(CRASHES) or self.crash.ends(task)
        if kill:
            self.drawn["a timeout" if late else "a function that ends"] += 1
            self.say(f"  {task.name} ends before its time")
        self.running = task
        task.resume(kill=kill)
        if task.done:
            self.tasks.remove(task)
            task.ended(task)
        self.running = None

    def call(self, name: str, work: Callable[[], Any]) -> Any:
        """An invocation from begin to end, with nothing beside it."""
        task = self.invoke(name, work)
        while not task.done:
            self.step(task)
        if isinstance(task.result, Exception):
            raise task.result
        return task.result

    def before_call(self, name: str) -> None:
        if self.running is not None:
            self.running.pause()
            self.say(f"  {self.running.name}: {name}")

    def sleep(self, seconds: float) -> None:
        """Of the running function; others go on meanwhile."""
        until, task = self.now + seconds, self.running
        while task is not None and self.now < until:
            task.pause()
            self.now += min(0.3, max(until - self.now, 0))


@contextmanager
def calm(world: World) -> Iterator[None]:
    """No faults for a while."""
    before, world.faults = world.faults, False
    yield
    world.faults = before
