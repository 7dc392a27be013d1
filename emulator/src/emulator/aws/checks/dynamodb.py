"""Requests of DynamoDB that AWS rejects, and numbers as it stores them.

`schema` describes a table: it looks at moto's, the only part of a check that isn't in the request.
Source: DynamoDB API reference, and "Constraints in Amazon DynamoDB", developer guide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.aws.checks import expressions
from emulator.aws.checks.rejection import Rejection
from emulator.aws.checks.values import checked

MOST_WRITES, MOST_GETS, MOST_ACTIONS = 25, 100, 100
HASH_BYTES, RANGE_BYTES = 2048, 1024
TOKEN_CHARACTERS = 36
Parameters = dict[str, Any]

_SINGLE = {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"}
_MISMATCH = "The provided key element does not match the schema"
_SIZE = "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: {}"
_AT_LEAST_1 = "Member must have length greater than or equal to 1"


@dataclass(frozen=True)
class Schema:
    """Names of a table's key attributes, hash key first, and of its indexes'; `types` of all."""

    keys: tuple[str, ...]
    types: Mapping[str, str]
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


SchemaOf = Callable[[str], Schema | None]


def check(operation: str, given: Parameters, schema: SchemaOf) -> None:
    """Writes numbers in `given` as they are stored. Raises Rejection."""
    if operation in _SINGLE:
        _check_single(operation, given, schema)
    elif operation == "BatchWriteItem":
        _check_batch_write(given, schema)
    elif operation == "BatchGetItem":
        _check_batch_get(given, schema)
    elif operation in ("TransactWriteItems", "TransactGetItems"):
        _check_transaction(given, schema)


def _check_single(operation: str, given: Parameters, schema: SchemaOf) -> None:
    if given.get("Limit") is not None and int(given["Limit"]) < 1:
        bound = "Member must have value greater than or equal to 1"
        raise Rejection(_SIZE.format(given["Limit"], "limit", bound))
    for name in ("Item", "Key", "ExpressionAttributeValues", "ExclusiveStartKey"):
        if isinstance(given.get(name), dict):
            given[name] = {key: checked(value) for key, value in given[name].items()}
    expressions.check(given)
    table = schema(str(given.get("TableName", "")))
    if table is None:
        return
    if "Key" in given:
        _check_key(given["Key"], table)
    if operation == "PutItem":
        _check_index_keys(given.get("Item", {}), table)
    if operation in ("Query", "Scan"):
        _check_page(given, table)
    if operation == "UpdateItem" and not given.get("UpdateExpression"):
        given.setdefault("AttributeUpdates", {})  # the key alone makes the item; moto stumbles


def _check_key(key: Mapping[str, Mapping[str, Any]], table: Schema) -> None:
    if set(key) != set(table.keys):
        raise Rejection(_MISMATCH)
    for name, limit in zip(table.keys, (HASH_BYTES, RANGE_BYTES), strict=False):
        ((kind, value),) = key[name].items()
        if kind != table.types.get(name):
            raise Rejection(_MISMATCH)
        if len(str(value).encode()) > limit:
            which = "hashkey" if name == table.keys[0] else "rangekey"
            raise Rejection(
                f"One or more parameter values were invalid: Size of {which} has exceeded the "
                f"maximum size limit of{limit} bytes"
            )


def _check_index_keys(item: Mapping[str, Mapping[str, Any]], table: Schema) -> None:
    for index, names in table.indexes.items():
        for name in names:
            kind = next(iter(item.get(name, {})), None)
            if kind is not None and kind != table.types.get(name):
                raise Rejection(
                    f"One or more parameter values were invalid: Type mismatch for Index Key {name}"
                    f" Expected: {table.types.get(name)} Actual: {kind} IndexName: {index}"
                )


def _check_page(given: Parameters, table: Schema) -> None:
    index = given.get("IndexName")
    names = table.indexes.get(index, ()) if index else table.keys
    if "FilterExpression" in given and "KeyConditionExpression" in given:
        expressions.check_filter(given, names)
    start = given.get("ExclusiveStartKey")
    if not start:
        return
    types = {name: next(iter(value)) for name, value in start.items()}
    if types != {name: table.types.get(name) for name in {*names, *table.keys}}:
        raise Rejection("The provided starting key is invalid")
    asked = (given.get("ExpressionAttributeValues") or {}).values()
    if "KeyConditionExpression" in given and names and start[names[0]] not in asked:
        raise Rejection(
            "The provided starting key is outside query boundaries based on provided conditions"
        )


def _check_batch_write(given: Parameters, schema: SchemaOf) -> None:
    requests = given.get("RequestItems")
    if not isinstance(requests, dict):
        return
    if not requests:
        raise Rejection(_SIZE.format("{}", "requestItems", _AT_LEAST_1))
    for name, writes in requests.items():
        if not writes:
            bound = f"Map value must satisfy constraint: [{_AT_LEAST_1}]"
            raise Rejection(_SIZE.format(f"{{{name}=[]}}", "requestItems", bound))
    if sum(map(len, requests.values())) > MOST_WRITES:
        raise Rejection("Too many items requested for the BatchWriteItem call")
    for name, writes in requests.items():
        table, keys = schema(name), []
        for write in writes:
            for kind, part in (("PutRequest", "Item"), ("DeleteRequest", "Key")):
                if kind in write:
                    _check_single(
                        "PutItem" if part == "Item" else "DeleteItem",
                        write[kind],
                        lambda _name, table=table: table,  # type: ignore[misc]
                    )
                    keys.append(_key_of(write[kind][part], table))
        _check_distinct(keys)


def _key_of(attributes: Mapping[str, Any], table: Schema | None) -> Any:
    names = table.keys if table is not None else sorted(attributes)
    return [attributes.get(name) for name in names]


def _check_distinct(keys: list[Any]) -> None:
    texts = [repr(key) for key in keys]
    if len(set(texts)) < len(texts):
        raise Rejection("Provided list of item keys contains duplicates")


def _check_batch_get(given: Parameters, schema: SchemaOf) -> None:
    requests = given.get("RequestItems")
    if not isinstance(requests, dict):
        return
    if not requests:
        raise Rejection(_SIZE.format("{}", "requestItems", _AT_LEAST_1))
    if any(not asked.get("Keys") for asked in requests.values()):
        raise Rejection(_SIZE.format("[]", "requestItems.member.keys", _AT_LEAST_1))
    if sum(len(asked["Keys"]) for asked in requests.values()) > MOST_GETS:
        raise Rejection("Too many items requested for the BatchGetItem call")
    for name, asked in requests.items():
        expressions.check(asked)
        table = schema(name)
        asked["Keys"] = [
            {attribute: checked(value) for attribute, value in key.items()} for key in asked["Keys"]
        ]
        if table is not None:
            for key in asked["Keys"]:
                _check_key(key, table)
        _check_distinct([_key_of(key, table) for key in asked["Keys"]])


def _check_transaction(given: Parameters, schema: SchemaOf) -> None:
    actions = given.get("TransactItems")
    if not isinstance(actions, list):
        return
    if not actions:
        raise Rejection(_SIZE.format("[]", "transactItems", _AT_LEAST_1))
    if len(actions) > MOST_ACTIONS:
        bound = "Member must have length less than or equal to 100"
        raise Rejection(_SIZE.format("[...]", "transactItems", bound))
    token = given.get("ClientRequestToken")
    if token is not None and not 1 <= len(token) <= TOKEN_CHARACTERS:
        bound = f"Member must have length less than or equal to {TOKEN_CHARACTERS}"
        raise Rejection(_SIZE.format(token, "clientRequestToken", bound))
    for action in actions:
        for kind, part in action.items():
            _check_single("PutItem" if kind == "Put" else "DeleteItem", part, schema)
