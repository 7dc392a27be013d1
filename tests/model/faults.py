"""DynamoDB over a network, as botocore calls it: two tries, each of which may fail in its way.

What botocore tries again, in its standard mode with two tries at most (lambdas/settings.py):
timeouts, throttling and 5xx. Not a conflict with a transaction, nor a transaction that was
cancelled (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html).
"""

import math
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from tests.model.dynamodb import (
    DynamoDB,
    TransactionCanceled,
    TransactionConflict,
    failure,
)
from tests.model.world import SKEW_SECONDS

FAULTS = 0.07  # of the first tries
SELDOM = {"batch_write_item": 0.6, "transact_write_items": 0.25}  # where `world.seldom` says so
IN_PART_AT_REST = 0.25  # of the batches that are written then, where `world.seldom` says so
AGAIN = 0.4  # of the second ones: what is wrong mostly lasts
# DynamoDB rejects what comes later than this after it was signed, by a clock that may be ahead; the
# log relies on it (lambdas/messages/log.py). Here all but a message may come at any time.
MESSAGE_LATE_SECONDS = 300.0 + SKEW_SECONDS
WRITES = {"put_item", "update_item", "delete_item"}
BATCHES = {"batch_get_item", "batch_write_item"}
TRIED_AGAIN = ("lost", "unanswered", "late", "throttled", "failed", "failed afterwards")

Call = Callable[[], Any]


class Unreliable:
    """The client of a world's tables."""

    exceptions = DynamoDB.exceptions

    def __init__(self, world: Any) -> None:
        self._world = world

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            world = self._world
            world.before_call(operation)
            method = getattr(world.database, operation)
            once: Call = lambda: method(**request)  # noqa: E731 - it is passed on
            if operation == "transact_write_items":
                once = Once(once)
            if self._is_written_in_part_at_rest(operation, request):
                return self._partly(operation, request)
            if not world.chance(SELDOM.get(operation, FAULTS) if world.seldom else FAULTS):
                return once()
            kinds = [*TRIED_AGAIN, *_not_tried_again(operation)]
            fault = self._fault(kinds)
            if fault == "partly":
                return self._partly(operation, request)
            if fault in ("conflict", "cancelled"):
                raise self._rejection(fault, request)
            late_seconds = MESSAGE_LATE_SECONDS if _stores_message(operation, request) else math.inf
            self._try(fault, once, late_seconds)
            if not world.fault("DynamoDB: both tries", AGAIN):
                return once()
            raise self._try(self._fault(TRIED_AGAIN), once, late_seconds)

        return call

    def _is_written_in_part_at_rest(self, operation: str, request: Any) -> bool:
        """Most batches are written when all has come to rest, where nothing else fails. Who writes
        one in part writes the rest, so that it still comes to rest."""
        world = self._world
        if operation != "batch_write_item" or world.faults or not world.seldom:
            return False
        ((_, items),) = request["RequestItems"].items()
        return len(items) > 1 and world.random.random() < IN_PART_AT_REST

    def _fault(self, kinds: Any) -> str:
        fault: str = self._world.random.choice(kinds)
        self._world.say(f"      {fault}")
        self._world.drawn[f"DynamoDB: {fault}"] += 1
        return fault

    def _try(self, fault: str, once: Call, late_seconds: float) -> Exception:
        """One try that fails, and what botocore would raise for it."""
        world = self._world
        if fault in ("lost", "unanswered", "late"):
            world.now += world.random.uniform(0, 0.2)
        if fault == "lost":
            return ConnectTimeoutError(endpoint_url="dynamodb")
        if fault == "late":  # the request is still on its way when its sender gives up
            until = world.now + late_seconds
            world.in_flight.append(lambda: once() if world.now <= until else None)
            return ReadTimeoutError(endpoint_url="dynamodb")
        if fault in ("unanswered", "failed afterwards"):
            try:
                once()
            except ClientError as error:
                world.say(f"        {error.response['Error']['Code']}")
        if fault == "unanswered":
            return ReadTimeoutError(endpoint_url="dynamodb")
        if fault == "throttled":
            return failure(ClientError, "ProvisionedThroughputExceededException")
        return failure(ClientError, "InternalServerError")

    def _rejection(self, fault: str, request: Any) -> Exception:
        """Because another transaction writes an item, or of too many requests."""
        if fault == "conflict":
            return failure(TransactionConflict, "TransactionConflictException")
        random = self._world.random
        reasons = [{"Code": "None"} for _ in request["TransactItems"]]
        code = random.choice(["TransactionConflict", "TransactionConflict", "ThrottlingError"])
        random.choice(reasons)["Code"] = code
        code = "TransactionCanceledException"
        return failure(TransactionCanceled, code, CancellationReasons=reasons)

    def _partly(self, operation: str, request: Any) -> Any:
        """Some keys or items of a batch are left to be asked for again."""
        ((table, asked),) = request["RequestItems"].items()
        form = asked if operation == "batch_get_item" else {"Keys": asked}
        done = [each for each in form["Keys"] if self._world.random.random() < 0.5]
        left = [each for each in form["Keys"] if each not in done]
        self._world.drawn[f"{operation}: some are left"] += bool(left)
        method = getattr(self._world.database, operation)
        if operation == "batch_get_item":
            found = (
                method(RequestItems={table: {**form, "Keys": done}})["Responses"] if done else {}
            )
            unprocessed = {table: {**form, "Keys": left}} if left else {}
            return {"Responses": found, "UnprocessedKeys": unprocessed}
        if done:
            method(RequestItems={table: done})
        return {"UnprocessedItems": {table: left} if left else {}}


def _not_tried_again(operation: str) -> list[str]:
    if operation in WRITES:
        return ["conflict"]
    if operation in BATCHES:
        return ["partly", "partly"]
    return ["cancelled", "cancelled"] if operation == "transact_write_items" else []


def _stores_message(operation: str, request: Any) -> bool:
    item = request.get("Item", {}) if operation == "put_item" else {}
    return "message_id" in item


class Once:
    """A transaction: botocore gives each a token, by which DynamoDB knows a request that comes
    again, and does nothing (docs.aws.amazon.com/amazondynamodb/latest/APIReference/
    API_TransactWriteItems.html)."""

    def __init__(self, call: Call) -> None:
        self._call, self._answer = call, None

    def __call__(self) -> Any:
        if self._answer is None:
            self._answer = self._call()
        return self._answer
