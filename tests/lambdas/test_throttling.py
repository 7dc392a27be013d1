"""Throttling by AWS is rate_limited to a client on every path, and makes a queue or stream repeat."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.delivery import push
from lambdas.notifications.push_jobs import Job
from lambdas.tables import Table, TransactionCancelled, transact
from lambdas.throttling import TooBusy, is_throttled
from tests.support.lambdas import events, given, then, when
from tests.support.lambdas.backend import Backend

MESSAGE_ID = "123e4567-e89b-12d3-a456-426614174000"


@contextmanager
def throttled(world: Backend, operation: str) -> Iterator[None]:
    """Every call of a DynamoDB operation is one too many."""
    error = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "slow down"}}

    def refuse(model: Any, **_: Any) -> None:
        if model.name == operation:
            raise ClientError(error, operation)  # type: ignore[arg-type] # the part that is read

    client = world.aws.dynamodb
    client.meta.events.register("before-call", refuse)
    yield
    client.meta.events.unregister("before-call", refuse)


FRAMES: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "send",
        {"message_id": MESSAGE_ID, "alg": "megolm.v1", "payload": "aGk"},
        ["UpdateItem", "PutItem", "BatchGetItem"],
    ),
    ("sync", {}, ["BatchGetItem", "Query"]),
    ("receipt", {"delivered": 1, "senders": ["raju"]}, ["BatchGetItem", "GetItem", "UpdateItem"]),
    ("typing", {}, ["BatchGetItem"]),
    ("watch", {"users": ["raju"]}, ["BatchGetItem", "BatchWriteItem"]),
    ("ping", {}, ["BatchGetItem"]),
]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("action", "frame", "operation"),
    [(action, frame, each) for action, frame, operations in FRAMES for each in operations],
)
def test_a_frame_is_rate_limited(
    world: Backend, action: str, frame: dict[str, Any], operation: str
) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "raju", chat)
    given.contacts(world, "ravi", "raju")
    within = {"chat": chat} if action in ("send", "receipt", "typing") else {}
    with throttled(world, operation):
        response = when.raw(world, "ravi", "phone", {"action": action, **within, **frame})
    then.is_error(response, "rate_limited")


def test_the_delivery_watch_gets_the_records_again(world: Backend) -> None:
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    item = world.aws.chats.get({"chat": chat, "item": "message#000000000001"})
    record = events.stream_record("INSERT", 7, new=item)
    with throttled(world, "BatchGetItem"):
        assert when.delivery_watch_runs(world, record) == [record["dynamodb"]["SequenceNumber"]]
    assert when.delivery_watch_runs(world, record) == []


def test_the_push_queue_gives_the_job_again(world: Backend) -> None:
    given.user(world, "raju", "phone")
    with throttled(world, "BatchGetItem"), pytest.raises(ClientError) as error:
        push.push(world.aws, Job("raju", "chat"))
    assert is_throttled(error.value)


class _Cancelling:
    """A client that cancels every transaction, for one reason."""

    class exceptions:
        class TransactionCanceledException(Exception):
            response: dict[str, Any]

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def transact_write_items(self, **_: Any) -> None:
        cancelled = self.exceptions.TransactionCanceledException()
        cancelled.response = {"CancellationReasons": [{"Code": "None"}, {"Code": self._reason}]}
        raise cancelled


@pytest.mark.parametrize(
    ("reason", "raised"),
    [
        ("ConditionalCheckFailed", TransactionCancelled),
        ("TransactionConflict", TransactionCancelled),
        ("ThrottlingError", TooBusy),
        ("ProvisionedThroughputExceeded", TooBusy),
    ],
)
def test_a_transaction_that_was_throttled_is_no_conflict(
    reason: str, raised: type[Exception]
) -> None:
    table: Any = Table(_Cancelling(reason), "x")  # type: ignore[arg-type] # what is used of it
    with pytest.raises(raised) as error:
        transact(table, [{}])
    assert is_throttled(error.value) == (raised is TooBusy)
