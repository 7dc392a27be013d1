"""The functions' AWS clients over what is in memory, made once for one backend."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from itertools import count
from typing import Any

from lambdas.settings import Aws, Settings
from tests.model.dynamodb import DynamoDB
from tests.support.backend.gateway import Gateway
from tests.support.backend.objects import BUCKET, Objects
from tests.support.backend.push_queue import FifoQueue
from tests.support.backend.sns import APPLICATIONS, Sns
from tests.support.backend.user_pool import CLIENT_ID, ISSUER, POOL_ID, UserPool

TABLES = {"Chats": ("chat", "item"), "Users": ("user", "item"), "Tickets": ("ticket",)}
ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "CHATS_TABLE": "Chats",
    "USERS_TABLE": "Users",
    "TICKETS_TABLE": "Tickets",
    "MESSAGE_TTL_DAYS": "30",
    "SIGN_IN_SECONDS": "2595600",
    "RETAIN_UNTIL_EXPIRY": "false",
    "PUSH_QUEUE_URL": "https://queue",
    "WEBSOCKET_URL": "ws://in-memory/dev",
    "PASSWORD_RESET": "true",
    "FILES_BUCKET": BUCKET,
    "FILES_URL": "http://in-memory/files",
    "FILE_MIB": "64",
    "FILES_PER_DAY": "200",
    "FILE_MIB_PER_DAY": "512",
    "POOL_NAME": "lambda",
    "USER_POOL_ID": POOL_ID,
    "USER_POOL_CLIENT_ID": CLIENT_ID,
    "TOKEN_ISSUER": ISSUER,
    **APPLICATIONS,
}

Call = Callable[[str], None]


class InMemoryAws(Aws):
    """What a function gets of `aws()`: nothing in it has a socket, a thread or a clock of its own.

    `before_call` is called with the operation's name in front of each call to AWS.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        before_call: Call,
        gateway: Gateway,
        environment: dict[str, str],
    ) -> None:
        super().__init__(Settings({**ENVIRONMENT, **environment}))
        self._clock = clock
        self._serial = count(1)
        self.database = DynamoDB(TABLES)
        self.queue = FifoQueue(clock, before_call)
        self.pool = UserPool(clock, before_call)
        self.topics = Sns(before_call)
        self.objects = Objects(clock)
        vars(self).update(
            dynamodb=_Watched(self.database, before_call),
            sqs=self.queue,
            sns=self.topics,
            cognito=self.pool,
            connections=gateway,
            files=self.objects.files(self.settings["FILES_URL"]),
            background=AtOnce(),
        )

    def now(self) -> float:
        return self._clock()

    def random(self, length: int) -> str:
        """Not random, so that a schedule that is repeated goes the same way."""
        return f"number-{next(self._serial):0{length}d}"


class _Watched:
    """The database's client, with `before_call` in front of each call."""

    exceptions = DynamoDB.exceptions

    def __init__(self, database: DynamoDB, before_call: Call) -> None:
        self._database = database
        self._before_call = before_call

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        method = getattr(self._database, operation)

        def call(**request: Any) -> Any:
            self._before_call(operation)
            return method(**request)

        return call


class AtOnce(Executor):
    """Runs what is to run beside something else before it."""

    def submit(self, work: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work(*arguments, **named))
        except Exception as fault:
            done.set_exception(fault)
        return done
