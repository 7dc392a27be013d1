"""Requests of DynamoDB that AWS rejects, and numbers as it stores them.

`schema` describes a table: it looks at moto's, the only part of a check that isn't in the request.
Source: DynamoDB API reference, and "Constraints in Amazon DynamoDB", developer guide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.aws.checks import dynamodb_legacy, dynamodb_tables, expressions
from emulator.aws.checks.rejection import Canceled, Rejection, Unfit
from emulator.aws.checks.values import bytes_in, checked

MOST_WRITES, MOST_GETS, MOST_ACTIONS = 25, 100, 100
HASH_BYTES, RANGE_BYTES = 2048, 1024
MOST_NAME_BYTES = 65_535
TRANSACTION_BYTES = 4 * 1024 * 1024
TOKEN_CHARACTERS = 36
Parameters = dict[str, Any]

_SINGLE = {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"}
_MISMATCH = "The provided key element does not match the schema"
_SIZE = "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: {}"
_LONG_NAMES = {"S": "string", "B": "binary"}
_ACTIONS = ("ADD", "PUT", "DELETE")
_TOO_LONG = (
    "One or more parameter values were invalid: Size of {} has exceeded the maximum size limit of{}"
    " bytes"
)
_TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
_AT_LEAST_1 = "Member must have length greater than or equal to 1"


@dataclass(frozen=True)
class Schema:
    """Names of a table's key attributes, hash key first, and of its indexes'; `types` of all.
    `projected` has the attributes of those global indexes that do not project all."""

    keys: tuple[str, ...]
    types: Mapping[str, str]
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    projected: Mapping[str, frozenset[str]] = field(default_factory=dict)


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
        _check_transaction(operation, given, schema)
    elif operation == "CreateTable":
        dynamodb_tables.check_create(given)
    elif operation == "UpdateTable" and (table := schema(str(given.get("TableName", "")))):
        dynamodb_tables.check_update(given, table.indexes, table.types)
        if given.get("AttributeDefinitions"):
            given["AttributeDefinitions"] = dynamodb_tables.merged_definitions(given, table.types)


def check_table_names(given: Parameters) -> None:
    """Names, not ARNs, which the same parameter takes: naming rules, developer guide. Raises
    Rejection."""
    requests = given.get("RequestItems")
    actions = given.get("TransactItems")
    parts = [part for action in actions for part in action.values()] if actions else [given]
    names = [*requests] if isinstance(requests, dict) else [each.get("TableName") for each in parts]
    for name in names:
        if not isinstance(name, str) or name.startswith("arn:"):
            continue
        if not 3 <= len(name) <= 255:
            raise Rejection(
                "TableName must be at least 3 characters long and at most 255 characters long"
            )
        if not _TABLE_NAME.fullmatch(name):
            bound = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
            raise Rejection(_SIZE.format(name, "tableName", bound))


def _check_single(operation: str, given: Parameters, schema: SchemaOf) -> None:
    if given.get("Limit") is not None and int(given["Limit"]) < 1:
        bound = "Member must have value greater than or equal to 1"
        raise Rejection(_SIZE.format(given["Limit"], "limit", bound))
    for name in ("Item", "Key", "ExpressionAttributeValues", "ExclusiveStartKey"):
        if isinstance(given.get(name), dict):
            given[name] = {key: checked(value) for key, value in given[name].items()}
    _check_names(given.get("Item", {}))
    expressions.check(given)
    table = schema(str(given.get("TableName", "")))
    if table is None:
        return
    if "Key" in given:
        _check_key(given["Key"], table)
    _check_attribute_updates(given.get("AttributeUpdates") or {}, table)
    dynamodb_legacy.rewrite(given, _keys_of_read(given, table))
    expressions.check_scalar_keys(given, table.keys, table.indexes)
    if operation == "PutItem":
        _check_index_keys(given.get("Item", {}), table)
    if operation in ("Query", "Scan"):
        _check_page(given, table)
    if operation == "UpdateItem" and not given.get("UpdateExpression"):
        given.setdefault("AttributeUpdates", {})  # the key alone makes the item; moto fails


def _check_names(item: Mapping[str, Any]) -> None:
    """ "Attribute names must be between 1 and 64 KB long": naming rules, developer guide."""
    for name in item:
        if not 0 < len(name.encode()) <= MOST_NAME_BYTES:
            raise Rejection(
                "One or more parameter values were invalid: The length of an attribute name is from"
                f" 1 to {MOST_NAME_BYTES} bytes"
            )


def _check_attribute_updates(updates: Mapping[str, Mapping[str, Any]], table: Schema) -> None:
    for name, update in updates.items():
        action = update.get("Action", "PUT")
        if action not in _ACTIONS:
            raise Rejection(
                f"1 validation error detected: Value '{action}' at 'attributeUpdates.{name}.member."
                f"action' failed to satisfy constraint: Member must satisfy enum value set: "
                f"[{', '.join(_ACTIONS)}]"
            )
        if name in table.keys:
            raise Rejection(
                f"One or more parameter values were invalid: Cannot update attribute {name}. This "
                "attribute is part of the key"
            )


def _check_key(key: Mapping[str, Mapping[str, Any]], table: Schema) -> None:
    if set(key) != set(table.keys):
        raise Unfit(_MISMATCH)
    for name, limit in zip(table.keys, (HASH_BYTES, RANGE_BYTES), strict=False):
        ((kind, value),) = key[name].items()
        if kind != table.types.get(name):
            raise Unfit(_MISMATCH)
        if not value:
            raise Rejection(
                "One or more parameter values are not valid. The AttributeValue for a key "
                f"attribute cannot contain an empty {_LONG_NAMES.get(kind, kind)} value. Key: "
                f"{name}"
            )
        if key_bytes(kind, value) > limit:
            which = "hashkey" if name == table.keys[0] else "rangekey"
            raise Rejection(_TOO_LONG.format(which, limit))


def _check_key_types(item: Mapping[str, Mapping[str, Any]], table: Schema) -> None:
    """Checks the key of an item in a batch, whose error is that of a key."""
    if any(name not in item or [*item[name]] != [table.types.get(name)] for name in table.keys):
        raise Rejection(_MISMATCH)


def key_bytes(kind: str, value: Any) -> int:
    return bytes_in(value) if kind == "B" else len(str(value).encode())


def _check_index_keys(item: Mapping[str, Mapping[str, Any]], table: Schema) -> None:
    for index, names in table.indexes.items():
        for name, limit in zip(names, (HASH_BYTES, RANGE_BYTES), strict=False):
            if name not in item:
                continue
            ((kind, value),) = item[name].items()
            if kind != table.types.get(name):
                raise Unfit(
                    f"One or more parameter values were invalid: Type mismatch for Index Key {name}"
                    f" Expected: {table.types.get(name)} Actual: {kind} IndexName: {index}"
                )
            if key_bytes(kind, value) > limit:
                which = "hashkey" if name == names[0] else "rangekey"
                raise Rejection(f"{_TOO_LONG.format(which, limit)} IndexName: {index}")


def _keys_of_read(given: Parameters, table: Schema) -> tuple[str, ...]:
    """The keys of the table or index that a Query or a Scan reads; for other operations the
    table's. Raises Rejection."""
    index = given.get("IndexName")
    if index and index not in table.indexes:
        raise Rejection(f"The table does not have the specified index: {index}")
    return table.indexes[index] if index else table.keys


def _check_page(given: Parameters, table: Schema) -> None:
    names = _keys_of_read(given, table)
    if "FilterExpression" in given and "KeyConditionExpression" in given:
        expressions.check_filter(given, names)
    if "KeyConditionExpression" in given:
        expressions.check_key_types(given, {name: table.types[name] for name in names})
    projected = table.projected.get(str(given.get("IndexName")))
    if projected is not None:
        expressions.check_projected(given, projected)
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
            if len(write) != 1:
                raise Rejection("A write request has either a PutRequest or a DeleteRequest")
            for kind, part in (("PutRequest", "Item"), ("DeleteRequest", "Key")):
                if kind in write:
                    if table is not None and kind == "PutRequest":
                        _check_key_types(write[kind][part], table)
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
        dynamodb_legacy.rewrite(asked)
        table = schema(name)
        asked["Keys"] = [
            {attribute: checked(value) for attribute, value in key.items()} for key in asked["Keys"]
        ]
        if table is not None:
            for key in asked["Keys"]:
                _check_key(key, table)
        _check_distinct([_key_of(key, table) for key in asked["Keys"]])


def _check_transaction(operation: str, given: Parameters, schema: SchemaOf) -> None:
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
    reasons: list[Unfit | None] = []
    for action in actions:
        if len(action) != 1:
            raise Rejection(
                "TransactItems can only contain one of Check, Put, Update or Delete"
                if operation == "TransactWriteItems"
                else "TransactItems can only contain a Get"
            )
        ((kind, part),) = action.items()
        if kind == "ConditionCheck" and "ConditionExpression" not in part:
            raise Rejection(
                "1 validation error detected: Value null at 'transactItems.member.conditionCheck."
                "conditionExpression' failed to satisfy constraint: Member must not be null"
            )
        reasons.append(_unfit(kind, part, schema))
    if any(reasons):
        raise Canceled(reasons)
    _check_one_item_each(actions, schema)
    if len(json.dumps(actions)) > TRANSACTION_BYTES:
        _check_size(actions)


def _unfit(kind: str, part: Parameters, schema: SchemaOf) -> Unfit | None:
    """Why the action's key is a reason to cancel; raises Rejection for all else."""
    try:
        _check_single("PutItem" if kind == "Put" else "DeleteItem", part, schema)
        if kind == "Put" and (table := schema(str(part.get("TableName", "")))):
            _check_put_key(part["Item"], table)
    except Unfit as unfit:
        return unfit
    return None


def _check_put_key(item: Mapping[str, Mapping[str, Any]], table: Schema) -> None:
    """Outside of a transaction and a batch moto does it."""
    for name in table.keys:
        text = f"Missing the key {name} in the item"
        if name in item:
            (kind,) = item[name]
            if kind == table.types.get(name):
                continue
            wanted = table.types.get(name)
            text = f"Type mismatch for key {name} expected: {wanted} actual: {kind}"
        raise Unfit(f"One or more parameter values were invalid: {text}")


def _check_one_item_each(actions: list[Parameters], schema: SchemaOf) -> None:
    """ "You can't target the same item with multiple operations within the same transaction":
    TransactWriteItems and TransactGetItems, developer guide."""
    keys = []
    for action in actions:
        ((_, part),) = action.items()
        table = schema(str(part.get("TableName", "")))
        attributes = part.get("Key") or part.get("Item") or {}
        keys.append((part.get("TableName"), repr(_key_of(attributes, table))))
    if len(set(keys)) < len(keys):
        raise Rejection("Transaction request cannot include multiple operations on one item")


def _check_size(actions: list[Parameters]) -> None:
    """ "The aggregate size of the items in the transaction cannot exceed 4 MB": API reference."""
    items = [part.get("Item") or {} for action in actions for part in action.values()]
    if sum(size(name) + size(value) for item in items for name, value in item.items()) > (
        TRANSACTION_BYTES
    ):
        raise Rejection("The aggregate size of the items of a transaction has exceeded 4 MB")


def size(value: Any) -> int:
    """The size in bytes: exact for text and binary values, which make items large, and about right
    for the rest."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Mapping):
        return sum(_size_of(kind, inner) for kind, inner in value.items())
    return sum(map(size, value)) if isinstance(value, list) else 1


def _size_of(kind: str, inner: Any) -> int:
    """`inner` of an attribute that is called B is none of these."""
    if kind == "B" and isinstance(inner, str):
        return bytes_in(inner)
    return sum(map(bytes_in, inner)) if kind == "BS" and isinstance(inner, list) else size(inner)
