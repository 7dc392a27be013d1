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


def write(dynamodb: Any, table: str, act: str, typed: Mapping[str, Any]) -> dict[str, Any]:
    """Puts the item, or deletes that with the key, for which `typed` may be the whole item too.

    Raises ApiError for what DynamoDB rejects."""
    import botocore.exceptions

    keys = [
        each["AttributeName"]
        for each in dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
    ]
    try:
        item = {name: _typed(value) for name, value in typed.items()}
        if act == "put":
            dynamodb.put_item(TableName=table, Item=item)
        else:
            key = {name: value for name, value in item.items() if name in keys}
            dynamodb.delete_item(TableName=table, Key=key)
    except botocore.exceptions.ClientError as error:
        raise bad_request(error.response["Error"]["Message"]) from error
    except (botocore.exceptions.ParamValidationError, ValueError) as error:
        raise bad_request(f"this is no item: {error}".splitlines()[0]) from error
    return {"name": table, "written": True}


def _typed(value: Any) -> Any:
    """An attribute as boto3 takes it: base64 of a binary one becomes its bytes."""
    import base64

    if not isinstance(value, dict):
        return value
    decoded: dict[str, Any] = {}
    for kind, inner in value.items():
        match kind, inner:
            case "B", str(text):
                decoded[kind] = base64.b64decode(text, validate=True)
            case "BS", list(texts):
                decoded[kind] = [base64.b64decode(each, validate=True) for each in texts]
            case "M", dict(members):
                decoded[kind] = {name: _typed(each) for name, each in members.items()}
            case "L", list(members):
                decoded[kind] = [_typed(each) for each in members]
            case _:
                decoded[kind] = inner
    return decoded


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
