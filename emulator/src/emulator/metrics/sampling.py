"""The metrics of functions, tables, user pools and queues, from what the emulator knows of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from emulator.metrics.store import Store
from emulator.traces.ring import CALL, INVOCATION, POST, Record

LAMBDA, SQS, DYNAMODB, COGNITO = "AWS/Lambda", "AWS/SQS", "AWS/DynamoDB", "AWS/Cognito"
_THROTTLES = ("ProvisionedThroughputExceededException", "ThrottlingException")
_INTERNAL = ("InternalServerError", "InternalServerErrorException", "InternalFailure")
_WRITES = ("Put", "Update", "Delete", "BatchWrite", "TransactWrite")
_TABLE = re.compile(r'"TableName": ?"([^"]+)"')
_BATCH = re.compile(r'"RequestItems": ?\{ ?"([^"]+)"')
_SIGN_INS: Mapping[str, str] = {"SignUp": "SignUp", "InitiateAuth": "SignIn"}
_REFRESH = "REFRESH_TOKEN"


class Sampling:
    """`names` gives a function's name by its label, `pools` a client's user pool."""

    def __init__(
        self,
        store: Store,
        names: Callable[[], Mapping[str, str]],
        pools: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._store, self._names, self._pools = store, names, pools
        self._measure = store.put
        self._last = 0
        self._throttled: dict[str, int] = {}

    def skip(self, records: Iterable[Record]) -> None:
        """These are not counted: they are of an earlier run, or of the start."""
        self._last = max((each.number for each in records), default=self._last)

    def records(self, records: Iterable[Record], speed: float) -> int:
        """Counts those that are new, at their time; gives how many posts on connections there
        were."""
        names, posts = self._names(), 0
        for record in records:
            if record.number <= self._last:
                continue
            self._last = record.number
            with self._store.at(record.at * speed):
                if record.kind == INVOCATION:
                    self._invocation(record, names.get(record.name, record.name))
                elif record.kind == CALL and record.error:
                    self._failed_call(record)
            posts += record.kind == POST
        return posts

    def _invocation(self, record: Record, name: str) -> None:
        for dimensions in ({"FunctionName": name}, {}):
            self._measure(LAMBDA, "Invocations", 1, dimensions)
            self._measure(LAMBDA, "Errors", 1 if record.error else 0, dimensions)
            self._measure(LAMBDA, "Duration", record.ms or 0, dimensions)

    def _failed_call(self, record: Record) -> None:
        code = record.error.partition(":")[0]
        table = _TABLE.search(record.given) or _BATCH.search(record.given)
        if table and code in _THROTTLES:
            kind = "Write" if record.name.startswith(_WRITES) else "Read"
            self._measure(DYNAMODB, f"{kind}ThrottleEvents", 1, {"TableName": table[1]})
        elif table and code in _INTERNAL:
            where = {"TableName": table[1], "Operation": record.name}
            self._measure(DYNAMODB, "SystemErrors", 1, where)
        elif code == "TooManyRequestsException" and record.name in _SIGN_INS:
            self._throttled_sign_in(record)

    def _throttled_sign_in(self, record: Record) -> None:
        given = json.loads(record.given)
        name = _SIGN_INS[record.name]
        if str(given.get("AuthFlow", "")).startswith(_REFRESH):
            name = "TokenRefresh"
        client = str(given.get("ClientId", ""))
        where = {"UserPool": self._pools().get(client, ""), "UserPoolClient": client}
        self._measure(COGNITO, f"{name}Throttles", 1, where)

    def functions(self, state: Iterable[Mapping[str, Any]], busy: int = 0) -> None:
        """Counts by `Functions.state`; `busy` are executions of others in the account."""
        for each in state:
            name, throttled = each["name"], each["throttled"]
            busy += each["busy"]
            new = throttled - self._throttled.get(name, 0)
            self._throttled[name] = throttled
            for _ in range(new):
                self._measure(LAMBDA, "Throttles", 1, {"FunctionName": name})
        self._measure(LAMBDA, "ConcurrentExecutions", busy, {})

    def queues(self, backlog: Mapping[str, Mapping[str, float]], speed: float) -> None:
        """Counts by the result of `emulator.aws.peek`: messages wait in the template's seconds,
        too."""
        for name, each in backlog.items():
            of_queue = {"QueueName": name}
            self._measure(SQS, "ApproximateNumberOfMessagesVisible", each["visible"], of_queue)
            age = each["age"] * speed
            self._measure(SQS, "ApproximateAgeOfOldestMessage", age, of_queue)

    def streams(self, ages: Iterable[tuple[str, float]], speed: float) -> None:
        """(function, age of the record that it is at, in seconds)."""
        for function, age in ages:
            milliseconds = 1000 * age * speed
            self._measure(LAMBDA, "IteratorAge", milliseconds, {"FunctionName": function})
