"""Pages of a table's items for the console: all of them, or those of a partition key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from emulator.console.commands import bad_request

PAGE = 50


def page(dynamodb: Any, table: str, query: Mapping[str, str]) -> dict[str, Any]:
    """`partition` is the value of the partition key, `begins` what the sort key begins with (of a
    number: what it is), `start` where the page begins, as the page before has it.

    Raises ApiError."""
    described = dynamodb.describe_table(TableName=table)["Table"]
    keys = [each["AttributeName"] for each in described["KeySchema"]]
    types = {
        each["AttributeName"]: each["AttributeType"] for each in described["AttributeDefinitions"]
    }
    request: dict[str, Any] = {"TableName": table, "Limit": PAGE}
    if query.get("start"):
        request["ExclusiveStartKey"] = _key(query["start"])
    try:
        if "partition" in query:
            condition = _condition(keys, types, query["partition"], query.get("begins", ""))
            found = dynamodb.query(**request, **condition)
        else:
            found = dynamodb.scan(**request)
    except dynamodb.exceptions.ClientError as error:
        raise bad_request(error.response["Error"]["Message"]) from error
    return {
        "name": table,
        "keys": keys,
        "types": [types[key] for key in keys],
        "count": described["ItemCount"],
        "items": [plain(item) for item in found["Items"]],
        "next": found.get("LastEvaluatedKey"),
    }


def _key(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise bad_request("start is a key as JSON") from error


def _condition(
    keys: list[str], types: Mapping[str, str], partition: str, begins: str
) -> dict[str, Any]:
    names, values = {"#p": keys[0]}, {":p": {types[keys[0]]: partition}}
    expression = "#p = :p"
    if begins:
        if len(keys) < 2:
            raise bad_request("this table has no sort key")
        names["#s"], values[":s"] = keys[1], {types[keys[1]]: begins}
        # begins_with is not for numbers: DynamoDB developer guide, "Key condition expressions"
        expression += " AND " + ("#s = :s" if types[keys[1]] == "N" else "begins_with(#s, :s)")
    return {
        "KeyConditionExpression": expression,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def plain(value: Any) -> Any:
    """An item as JSON: a binary value is base64 in it."""
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value
