"""A request to one of the services with checks: read once, checked, and written as it is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID  # type: ignore[attr-defined]  # moto.core has it
from moto.dynamodb.models import dynamodb_backends

from emulator.aws.checks import constraints, dynamodb, failures, sqs, ssm
from emulator.aws.checks.dynamodb import Schema
from emulator.aws.checks.rejection import Canceled, Rejection
from emulator.aws.direct import region_of

_DYNAMODB, _SQS = "DynamoDB_20120810", "AmazonSQS"
_TYPES = {_DYNAMODB: "com.amazonaws.dynamodb.v20120810#", _SQS: "com.amazonaws.sqs#"}


def checked(headers: Mapping[str, str], body: bytes) -> bytes:
    """The body that moto gets. Raises Rejection."""
    target = headers.get("X-Amz-Target", "")
    service, _, operation = target.partition(".")
    if service not in _TYPES and service not in constraints.SERVICES:
        return body
    try:
        given = json.loads(body)
        if not isinstance(given, dict):
            raise TypeError("a request's JSON is an object")
        constraints.check(target, given)
        if service == "AmazonSSM":
            ssm.check(operation, given)
            return json.dumps(given).encode()
        if service not in _TYPES:
            return body
        if service == _SQS:
            sqs.check_queue(operation, given)
            sqs.check(operation, given)
            return body
        dynamodb.check_table_names(given)
        dynamodb.check(operation, given, lambda name: _schema(region_of(headers), name))
    except failures.MALFORMED as error:
        found = failures.malformed(headers, body)
        raise found or Rejection(str(error), failures.SERIALIZATION) from error
    return json.dumps(given).encode()


def document(headers: Mapping[str, str], rejection: Rejection) -> dict[str, Any]:
    """The error as the service's JSON protocol has it."""
    service = headers.get("X-Amz-Target", "").partition(".")[0]
    common = "com.amazon.coral.service#"  # of all services
    prefix = common if rejection.code == failures.SERIALIZATION else _TYPES.get(service, "")
    found = {"__type": prefix + rejection.code, "message": rejection.message}
    if isinstance(rejection, Canceled):
        return {**found, "Message": rejection.message, "CancellationReasons": rejection.reasons}
    return found


def _schema(region: str, name: str) -> Schema | None:
    """The keys of moto's table, by its name or ARN; None where there is none, which moto
    reports."""
    tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][region].tables
    table = tables.get(name.rpartition("table/")[2])
    if table is None:
        return None
    known = table.__dict__.get("emulator_schema")
    if known is None or len(known.indexes) != len(table.indexes) + len(table.global_indexes):
        known = table.__dict__["emulator_schema"] = _described(table)
    return known if isinstance(known, Schema) else None


def _described(table: Any) -> Schema:
    def names(schema: list[dict[str, str]]) -> tuple[str, ...]:
        ordered = sorted(schema, key=lambda each: each["KeyType"])  # HASH, RANGE
        return tuple(each["AttributeName"] for each in ordered)

    indexes = [*table.indexes, *table.global_indexes]
    return Schema(
        names(table.schema),
        {each["AttributeName"]: each["AttributeType"] for each in table.attr},
        {index.name: names(index.schema) for index in indexes},
        {
            index.name: frozenset(
                (
                    *names(table.schema),
                    *names(index.schema),
                    *(index.projection.get("NonKeyAttributes") or ()),
                )
            )
            for index in table.global_indexes
            if (index.projection or {}).get("ProjectionType", "ALL") != "ALL"
        },
    )
