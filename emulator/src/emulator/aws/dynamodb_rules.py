"""What moto's DynamoDB does with numbers and repeated transactions, made what AWS does.

Source: DynamoDB API reference, TransactWriteItems (ClientRequestToken: "valid for 10 minutes after
the first request that uses it is completed").
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from moto.dynamodb.exceptions import DynamodbException, MockValidationException
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.responses import DynamoHandler

from emulator.aws.checks.rejection import Rejection
from emulator.aws.checks.values import number
from emulator.aws.hooks import replace

TOKEN_SECONDS = 10 * 60
_SUMS = Context(prec=300)  # of numbers of 38 digits, at the two ends of the range


def install(now: Callable[[], float] = time.time) -> None:
    """Change moto's DynamoDB as this module's docstring describes."""
    _store_sums_as_numbers()
    _remember_tokens(now)


def _store_sums_as_numbers() -> None:
    def arithmetic(sign: int, original: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def calculate(self: Any, other: Any) -> Any:
            if self.type != "N" or other.type != "N":
                return original(self, other)
            total = _SUMS.add(Decimal(self.value), sign * Decimal(other.value))
            try:
                return DynamoType({"N": number(f"{total:f}")})
            except Rejection as rejection:
                raise MockValidationException(rejection.message) from rejection

        return calculate

    replace(DynamoType, "__add__", arithmetic(1, DynamoType.__add__))
    replace(DynamoType, "__sub__", arithmetic(-1, DynamoType.__sub__))


class IdempotentParameterMismatch(DynamodbException):
    """A token that came with another request within the last ten minutes."""

    def __init__(self) -> None:
        super().__init__(
            "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
            message="Request parameters do not match those of an earlier request with this token",
        )


def _remember_tokens(now: Callable[[], float]) -> None:
    """A transaction that was written is not written again; a canceled one has left no token."""
    original = DynamoHandler.transact_write_items
    done: dict[tuple[str, str], tuple[float, str, Any]] = {}

    def transact_write_items(self: Any) -> Any:
        token = self.body.get("ClientRequestToken")
        if not token:
            return original(self)
        for known in [each for each, (at, _, _) in done.items() if at <= now() - TOKEN_SECONDS]:
            del done[known]
        asked = json.dumps(self.body["TransactItems"], sort_keys=True, default=str)
        key = (str(self.region), str(token))
        if key in done:
            _, before, result = done[key]
            if before != asked:
                raise IdempotentParameterMismatch
            return result
        result = original(self)
        done[key] = (now(), asked, result)
        return result

    replace(DynamoHandler, "transact_write_items", transact_write_items)
