"""Corrections of moto's DynamoDB: numbers, transactions, and what an update returns.

Source: DynamoDB API reference, TransactWriteItems (ClientRequestToken: "valid for 10 minutes after
the first request that uses it is completed"; cancellation reasons), UpdateItem (ReturnValues).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from moto.dynamodb.exceptions import DynamodbException, MockValidationException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.responses import DynamoHandler

from emulator.aws import dynamodb_updated
from emulator.aws.checks import update_grammar
from emulator.aws.checks.dynamodb_legacy import LEGACY
from emulator.aws.checks.rejection import Rejection
from emulator.aws.checks.values import number
from emulator.aws.dynamodb_projection import paths_in, project
from emulator.aws.hooks import replace

TOKEN_SECONDS = 10 * 60
_SUMS = Context(prec=300)  # of numbers of 38 digits, at the two ends of the range


def install(now: Callable[[], float] = time.time) -> None:
    """Change moto's DynamoDB as this module's docstring describes."""
    _store_sums_as_numbers()
    _remember_tokens(now)
    _cancel_for_what_an_item_is()
    _return_what_was_updated()
    for name in ("batch_get_item", "batch_write_item", "transact_write_items", "update_item"):
        replace(DynamoHandler, name, _without_unrequested(getattr(DynamoHandler, name)))
    _change_expiry_once()


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


class ValidationError(Exception):
    """The reason, by its name, for which moto then cancels the transaction."""


# Messages for an operand of another type than the attribute has; AttributeUpdates has another one.
_OF_TYPES = (
    "An operand in the update expression has an incorrect data type",
    "Invalid UpdateExpression: Incorrect operand type for operator or function",
)
# Messages of an update that depend on the item: with one of them AWS cancels a transaction. The
# list is that of TransactionCanceledException, API reference.
_OF_ITEMS = (
    _OF_TYPES[0],
    "Attempting to store more than 38 significant digits in a Number",
    "Item size to update has exceeded the maximum allowed size",
    "Number overflow. Attempting to store a number with magnitude larger than supported range",
    "Number underflow. Attempting to store a number with magnitude smaller than supported range",
    "The document path provided in the update expression is invalid for update",
    "The provided expression refers to an attribute that does not exist in the item",
    "One or more parameter values were invalid: Type mismatch for key",  # of an index
    dynamodb_updated.OF_AN_OTHER_TYPE,
    dynamodb_updated.TOO_DEEP,
    dynamodb_updated.TOO_LONG,
)


def _cancel_for_what_an_item_is() -> None:
    """moto rejects the whole request without a reason for each action."""
    transact, update = DynamoDBBackend.transact_write_items, DynamoDBBackend.update_item

    def transact_write_items(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.emulator_transacts = True
        try:
            return transact(self, *args, **kwargs)
        finally:
            self.emulator_transacts = False

    def update_item(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return update(self, *args, **kwargs)
        except MockValidationException as error:
            text = str(error.message)
            if text.startswith(_OF_TYPES) and LEGACY in str(kwargs.get("update_expression")):
                raise MockValidationException("Type mismatch for attribute to update") from error
            if self.__dict__.get("emulator_transacts") and text.startswith(_OF_ITEMS):
                raise ValidationError(text) from error
            raise

    replace(DynamoDBBackend, "transact_write_items", transact_write_items)
    replace(DynamoDBBackend, "update_item", update_item)


def _return_what_was_updated() -> None:
    """moto leaves out what has the same value as before."""
    original = DynamoHandler.update_item

    def update_item(self: Any) -> Any:
        asked, text = self.body.get("ReturnValues"), self.body.get("UpdateExpression")
        narrows = text is not None and asked in ("UPDATED_OLD", "UPDATED_NEW")
        if narrows:
            self.body["ReturnValues"] = asked.replace("UPDATED", "ALL")
        response = original(self)
        result: Any = response.result
        if narrows and "Attributes" in result:
            names = self.body.get("ExpressionAttributeNames") or {}
            paths = paths_in(",".join(update_grammar.update(text).paths), names)
            result["Attributes"] = project(result["Attributes"], paths)
        if not result.get("Attributes"):
            result.pop("Attributes", None)
        return response

    replace(DynamoHandler, "update_item", update_item)


def _without_unrequested(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """ReturnConsumedCapacity and ReturnItemCollectionMetrics are NONE where they are not given."""

    def operation(self: Any) -> Any:
        response = original(self)
        for name in ("ConsumedCapacity", "ItemCollectionMetrics"):
            if self.body.get(f"Return{name}", "NONE") == "NONE":
                response.result.pop(name, None)
        return response

    return operation


def _change_expiry_once() -> None:
    """UpdateTimeToLive must change something; both return DynamoDB's code for no table."""
    original = DynamoDBBackend.update_time_to_live
    describe = DynamoDBBackend.describe_time_to_live

    def update_time_to_live(self: Any, table_name: str, ttl_spec: dict[str, Any]) -> None:
        now = self.get_table(table_name).ttl
        enabled, attribute = now["TimeToLiveStatus"] == "ENABLED", now.get("AttributeName")
        if enabled and ttl_spec.get("AttributeName") not in (None, attribute):
            raise MockValidationException(
                "TimeToLive is active on a different AttributeName: current AttributeName is "
                f"{attribute}"
            )
        if bool(ttl_spec.get("Enabled")) == enabled:
            state = "enabled" if enabled else "disabled"
            raise MockValidationException(f"TimeToLive is already {state}")
        original(self, table_name, ttl_spec)

    def describe_time_to_live(self: Any, table_name: str) -> Any:
        self.get_table(table_name)
        return describe(self, table_name)

    replace(DynamoDBBackend, "update_time_to_live", update_time_to_live)
    replace(DynamoDBBackend, "describe_time_to_live", describe_time_to_live)
