"""What DynamoDB rejects of CreateTable and UpdateTable, where moto takes it or fails.

Source: DynamoDB API reference, CreateTable and UpdateTable ("You can only perform one of the
following operations at once"), StreamSpecification; "Quotas in Amazon DynamoDB" (20 global and 5
local secondary indexes). No I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
_INVALID = "One or more parameter values were invalid: {}"


def check_create(given: Mapping[str, Any]) -> None:
    """Raises Rejection."""
    for name, (kind, most) in _MOST.items():
        if len(given.get(name) or ()) > most:
            text = f"{kind} count exceeds the per-table limit of {most}"
            raise Rejection(_INVALID.format(text))
    _check_stream(given)


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
    """With those that the table has: an update names what it adds, and moto keeps that alone."""
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
