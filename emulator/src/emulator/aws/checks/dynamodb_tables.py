"""Checks of CreateTable and UpdateTable: requests that DynamoDB rejects, while moto accepts them or
fails.

Source: DynamoDB API reference, CreateTable and UpdateTable ("You can only perform one of the
following operations at once"), KeySchemaElement, Projection, StreamSpecification; "Quotas in Amazon
DynamoDB" (20 global and 5 local secondary indexes); messages are those that
github.com/architect/dynalite has recorded of the service. No I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from emulator.aws.checks.rejection import Rejection

_MOST = {
    "GlobalSecondaryIndexes": ("GlobalSecondaryIndex", 20),
    "LocalSecondaryIndexes": ("LocalSecondaryIndex", 5),
}
_CHANGES = (
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexUpdates",
    "GlobalTableWitnessUpdates",
    "MultiRegionConsistency",
    "OnDemandThroughput",
    "ProvisionedThroughput",
    "ReplicaUpdates",
    "SSESpecification",
    "StreamSpecification",
    "TableClass",
    "WarmThroughput",
)
# a replica of another account's table, and indexes of vectors: moto has neither
_UNSUPPORTED = ("GlobalTableSourceArn", "VectorIndexes")
_ORDER = (("first", "HASH"), ("second", "RANGE"))
_INVALID = "One or more parameter values were invalid: {}"


def check_create(given: Mapping[str, Any]) -> None:
    """Raises Rejection."""
    for name in _UNSUPPORTED:
        if given.get(name):
            raise Rejection(f"{name} is not supported here")
    for name in ("AttributeDefinitions", "KeySchema"):
        if given.get(name) is None:
            text = f"Value null at '{name[0].lower()}{name[1:]}' failed to satisfy constraint: "
            raise Rejection(f"1 validation error detected: {text}Member must not be null")
    for name, (kind, most) in _MOST.items():
        if len(given.get(name) or ()) > most:
            text = f"{kind} count exceeds the per-table limit of {most}"
            raise Rejection(_INVALID.format(text))
    _check_keys(given["KeySchema"])
    _check_indexes(given)
    _check_stream(given)


def _check_keys(schema: Sequence[Mapping[str, str]]) -> None:
    names = [each["AttributeName"] for each in schema]
    if len(set(names)) < len(names):
        raise Rejection(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name"
        )
    for each, (place, kind) in zip(schema, _ORDER, strict=False):
        if each["KeyType"] != kind:
            text = f"Invalid KeySchema: The {place} KeySchemaElement is not a {kind} key type"
            raise Rejection(text)


def _check_indexes(given: Mapping[str, Any]) -> None:
    """Checks the indexes of a new table."""
    locals_ = given.get("LocalSecondaryIndexes") or []
    indexes = [*locals_, *(given.get("GlobalSecondaryIndexes") or ())]
    keys, pay_per_request = given["KeySchema"], given.get("BillingMode") == "PAY_PER_REQUEST"
    if locals_ and len(keys) < len(_ORDER):
        text = "Table KeySchema does not have a range key, which is required when specifying a "
        raise Rejection(_INVALID.format(f"{text}LocalSecondaryIndex"))
    for each in indexes:
        _check_single(each)
        _check_keys(each["KeySchema"])
    for each in locals_:
        _check_local(each, keys[0]["AttributeName"])
    for each in indexes:
        _check_projection(each["Projection"])
    names = [each["IndexName"] for each in indexes]
    for name in names:
        if names.count(name) > 1:
            raise Rejection(_INVALID.format(f"Duplicate index name: {name}"))
    for each in indexes:
        if pay_per_request and each.get("ProvisionedThroughput"):
            text = f"ProvisionedThroughput should not be specified for index: {each['IndexName']} "
            raise Rejection(_INVALID.format(f"{text}when BillingMode is PAY_PER_REQUEST"))


def _check_single(index: Mapping[str, Any]) -> None:
    """A global index may have four attributes of each kind: "Multi-attribute keys pattern",
    developer guide. moto's has one."""
    kinds = [each["KeyType"] for each in index["KeySchema"]]
    if len(set(kinds)) < len(kinds):
        text = f"Index {index['IndexName']}: several attributes in a key of an index are not "
        raise Rejection(f"{text}supported here")


def _check_local(index: Mapping[str, Any], table_hash: str) -> None:
    name, keys = index["IndexName"], index["KeySchema"]
    if len(keys) < len(_ORDER):
        text = f"Index KeySchema does not have a range key for index: {name}"
        raise Rejection(_INVALID.format(text))
    if (own := keys[0]["AttributeName"]) != table_hash:
        text = (
            "Index KeySchema does not have the same leading hash key as table KeySchema for index: "
            f"{name}. index hash key: {own}, table hash key: {table_hash}"
        )
        raise Rejection(_INVALID.format(text))


def _check_projection(projection: Mapping[str, Any]) -> None:
    kind = projection.get("ProjectionType")
    if kind is None:
        raise Rejection(_INVALID.format("Unknown ProjectionType: null"))
    if ("NonKeyAttributes" in projection) != (kind == "INCLUDE"):
        verb = "is" if "NonKeyAttributes" in projection else "is not"
        text = f"ProjectionType is {kind}, but NonKeyAttributes {verb} specified"
        raise Rejection(_INVALID.format(text))


def check_update(
    given: Mapping[str, Any], indexes: Collection[str], types: Mapping[str, str]
) -> None:
    """`indexes` and `types`, of attributes, are those of the table. Raises Rejection."""
    if not any(given.get(name) is not None for name in _CHANGES):
        raise Rejection(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
            "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"
        )
    if given.get("BillingMode") == "PROVISIONED" and not given.get("ProvisionedThroughput"):
        text = "ProvisionedThroughput must be specified when BillingMode is PROVISIONED"
        raise Rejection(_INVALID.format(text))
    _check_stream(given)
    updates = given.get("GlobalSecondaryIndexUpdates") or []
    if sum("Create" in each or "Delete" in each for each in updates) > 1:
        raise Rejection(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted "
            "simultaneously per table",
            "LimitExceededException",
        )
    defined = types.keys() | {each["AttributeName"] for each in _definitions(given)}
    for update in updates:
        _check_index(update, indexes, defined)


def merged_definitions(given: Mapping[str, Any], types: Mapping[str, str]) -> list[dict[str, str]]:
    """The attribute definitions of an update with those that the table has: an update names what it
    adds, and moto would keep that alone."""
    added = {each["AttributeName"]: each["AttributeType"] for each in _definitions(given)}
    return [
        {"AttributeName": name, "AttributeType": kind} for name, kind in {**types, **added}.items()
    ]


def _check_stream(given: Mapping[str, Any]) -> None:
    stream = given.get("StreamSpecification") or {}
    if stream.get("StreamEnabled") and not stream.get("StreamViewType"):
        text = "StreamViewType must be specified when StreamEnabled is true"
        raise Rejection(_INVALID.format(text))


def _check_index(
    update: Mapping[str, Any], indexes: Collection[str], defined: Collection[str]
) -> None:
    for action, index in update.items():
        name = index["IndexName"]
        if action == "Create":
            if name in indexes:
                text = f"Attempting to create an index which already exists: {name}"
                raise Rejection(text)
            keys = {each["AttributeName"] for each in index["KeySchema"]}
            if missing := sorted(keys - set(defined)):
                text = (
                    "Some index key attributes are not defined in AttributeDefinitions. Keys: "
                    f"[{', '.join(missing)}]"
                )
                raise Rejection(_INVALID.format(text))
        elif name not in indexes:
            text = "Requested resource not found: Index: {} not found"
            raise Rejection(text.format(name), "ResourceNotFoundException")


def _definitions(given: Mapping[str, Any]) -> list[Mapping[str, str]]:
    return list(given.get("AttributeDefinitions") or ())
