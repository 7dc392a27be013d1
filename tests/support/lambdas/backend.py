"""The world of these tests: moto's DynamoDB and SQS, our own @connections API, and a clock."""

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from lambdas.settings import Aws, Settings, aws
from stacks.config.tables import TABLES, table_variable
from tests.support.lambdas.connection_api import ConnectionApi, Frame, patient_posts
from tests.support.lambdas.moto_aws import moto_aws

DUMMY = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
KEYS = {name: row.keys for name, row in TABLES.items()}

_worlds = itertools.count(1)


class Clock:
    """Wall-clock time that a test can move; it stands still otherwise."""

    def __init__(self) -> None:
        self.time = float(int(time.time()))

    def __call__(self) -> float:
        return self.time

    def pass_seconds(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Backend:
    aws: Aws
    api: ConnectionApi
    clock: Clock
    queue_url: str
    connections: dict[tuple[str, str], str] = field(default_factory=dict)  # (user, device) -> id

    def frames(self, user: str, device: str) -> list[Frame]:
        """What was posted to the device's connection so far."""
        return self.api.frames(self.connections[user, device])


@cache
def _clients() -> Aws:
    """Made once for all tests: making clients takes longer than most tests do with them."""
    clients = Aws(Settings(DUMMY))
    _ = clients.dynamodb, clients.sqs
    return clients


@cache
def unwatched_dynamodb() -> Any:
    """A client of its own, for who looks at items while the calls of others are recorded."""
    return Aws(Settings(DUMMY)).dynamodb


@contextmanager
def cloud() -> Iterator[tuple[Aws, ConnectionApi]]:
    """Emulated AWS with the tables, and its clients: once for the tests of a file."""
    with (
        pytest.MonkeyPatch.context() as patch,
        moto_aws(),
        ConnectionApi() as api,
        patient_posts(api.hanging),
    ):
        for name, value in DUMMY.items():
            patch.setenv(name, value)
        clients = _clients()
        for name, keys in KEYS.items():
            _create_table(clients, name, keys)
        yield clients, api


def tables() -> dict[str, Any]:
    """moto's own, by name: a scan of them by the API takes a hundred times as long."""
    found: dict[str, Any] = dynamodb_backends[DEFAULT_ACCOUNT_ID][DUMMY["AWS_REGION"]].tables
    return found


@contextmanager
def backend(clients: Aws, api: ConnectionApi, **environment: str) -> Iterator[Backend]:
    """Empty tables and a queue of its own for one test; handlers find them through `aws()`."""
    for table in tables().values():
        table.items.clear()
    queue = clients.sqs.create_queue(
        QueueName=f"Pushes-{next(_worlds)}.fifo", Attributes={"FifoQueue": "true"}
    )["QueueUrl"]
    api.clear()
    with pytest.MonkeyPatch.context() as patch:
        settings = {
            **DUMMY,
            **{table_variable(name): name for name in KEYS},
            "CONNECTIONS_URL": api.url,
            "PUSH_QUEUE_URL": queue,
            "MESSAGE_TTL_DAYS": "30",
            "RETAIN_UNTIL_EXPIRY": "false",
            "POWERTOOLS_SERVICE_NAME": "tests",
            "POWERTOOLS_METRICS_NAMESPACE": "Switchboard",
            **environment,
        }
        for name, value in settings.items():
            patch.setenv(name, value)
        aws.cache_clear()
        ours, clock = aws(), Clock()
        vars(ours).update(dynamodb=clients.dynamodb, sqs=clients.sqs, now=clock)
        try:
            yield Backend(ours, api, clock, queue)
        finally:
            aws.cache_clear()
            _end_threads(ours, api)


def _end_threads(ours: Aws, api: ConnectionApi) -> None:
    """So that none logs or writes during a later test."""
    api.clear()
    posts = vars(ours).get("connections")
    for pool in (vars(ours).get("background"), posts and vars(posts).get("_threads")):
        if isinstance(pool, ThreadPoolExecutor):
            pool.shutdown()


def _create_table(clients: Aws, name: str, keys: tuple[str, ...]) -> None:
    kinds: Any = ("HASH", "RANGE")
    clients.dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[
            {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, kinds, strict=False)
        ],
    )


@contextmanager
def recorded_calls(world: Backend) -> Iterator[list[str]]:
    """The names of the calls to AWS that are made meanwhile."""
    calls: list[str] = []

    def record(model: Any, **_: Any) -> None:
        calls.append(model.name)

    clients = (world.aws.dynamodb, world.aws.sqs)
    for client in clients:
        client.meta.events.register("before-call", record)
    yield calls
    for client in clients:
        client.meta.events.unregister("before-call", record)


@contextmanager
def failing(
    world: Backend, operation: str = "", *, answered: bool = True, number: int = 1
) -> Iterator[None]:
    """One call of `operation` (PutItem, SendMessage, ...; of any without it) fails, the first or
    that of a number: before it does anything, or with `answered=False` after it did."""
    event = "before-call" if answered else "after-call"
    calls: list[str] = []

    def fail(model: Any, **_: Any) -> None:
        if operation in ("", model.name):
            calls.append(model.name)
            if len(calls) == number:
                raise ReadTimeoutError(endpoint_url="aws")

    clients = (world.aws.dynamodb, world.aws.sqs)
    for client in clients:
        client.meta.events.register(event, fail)
    yield
    for client in clients:
        client.meta.events.unregister(event, fail)
    assert len(calls) >= number, f"{operation} was not called as often"
