"""Calls of DynamoDB and its streams.

Source: docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html, and of
the condition keys docs.aws.amazon.com/amazondynamodb/latest/developerguide/
specifying-conditions.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emulator.iam.authority import Need
from emulator.iam.calls import partiql
from emulator.iam.calls.call import Call, Names, Place

_TRANSACTED = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
_KEY_CONDITION = re.compile(r"\(?\s*([#\w.-]+)\s*=\s*(:\w+)")
_TURNED_CONDITION = re.compile(r"(:\w+)\s*=\s*([#\w.-]+)")
_BY_ATTRIBUTE = ("AttributeUpdates", "Expected", "KeyConditions", "QueryFilter", "ScanFilter")
_NAME = re.compile(r"#?[A-Za-z_][\w-]*")
_WORDS = {"set", "remove", "add", "delete", "and", "or", "not", "between", "in", "size"}
_WORDS |= {"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"}
_WORDS |= {"if_not_exists", "list_append"}


def needs(call: Call, place: Place, names: Names) -> list[Need]:
    match call.operation:
        case "BatchGetItem" | "BatchWriteItem":
            return _of_batch(call, place, names)
        case "TransactGetItems" | "TransactWriteItems":
            return _of_transaction(call, place, names)
        case "ExecuteStatement" | "BatchExecuteStatement" | "ExecuteTransaction":
            return _of_statements(call, place)
        case "DescribeStream" | "GetShardIterator":
            return [_need(call.operation, call.text("StreamArn") or "*")]
        case "GetRecords":
            return [_need("GetRecords", call.text("ShardIterator").partition("|")[0] or "*")]
        case "ListTables" | "DescribeLimits" | "DescribeEndpoints" | "ListStreams":
            return [_need(call.operation, "*")]
    table = call.text("TableName")
    named = table or call.text("ResourceArn") or call.text("TableArn")
    arn = _table(place, named) if named else "*"
    if call.operation in ("Query", "Scan") and (index := call.text("IndexName")):
        arn = f"{arn}/index/{index}"
    return [_need(call.operation, arn, lambda: _conditions(call, call.given, names))]


def _of_batch(call: Call, place: Place, names: Names) -> list[Need]:
    items = call.given.get("RequestItems")
    if not isinstance(items, Mapping):
        return [_need(call.operation, "*")]

    def one(table: str, asked: Any) -> Need:
        def context() -> Mapping[str, Sequence[str]]:
            keys = _list(asked, "Keys")
            for each in asked if isinstance(asked, list) else ():
                keys += [_structure(each, "PutRequest").get("Item")]
                keys += [_structure(each, "DeleteRequest").get("Key")]
            shared = asked if isinstance(asked, Mapping) else {}
            return {
                **_attributes(shared, keys),
                **_leading(names.partition_key(table, None), keys),
            }

        return _need(call.operation, _table(place, table), context)

    return [one(table, asked) for table, asked in items.items()]


def _of_transaction(call: Call, place: Place, names: Names) -> list[Need]:
    """ "For a transaction, each of its actions needs its own permission."""
    found = []
    for entry in call.structures("TransactItems"):
        for kind, asked in entry.items():
            if kind in _TRANSACTED and isinstance(asked, Mapping):
                found.append(
                    _need(
                        _TRANSACTED[kind],
                        _table(place, str(asked.get("TableName", ""))),
                        _context_of(call, asked, names),
                    )
                )
    return found or [_need(call.operation, "*")]


def _context_of(call: Call, asked: Mapping[str, Any], names: Names) -> Any:
    return lambda: {
        **_conditions(call, asked, names),
        "dynamodb:enclosingoperation": [call.operation],
    }


def _of_statements(call: Call, place: Place) -> list[Need]:
    """PartiQL's; what can't be read needs everything."""
    listed = call.structures("Statements") or call.structures("TransactStatements")
    texts = [str(each.get("Statement", "")) for each in listed] or [call.text("Statement")]
    found = []
    for text in texts:
        statement = partiql.read(text)
        if statement is None:  # it may do anything
            return [_need(f"PartiQL{action}", "*") for action in partiql.ACTIONS.values()]
        index = f"/index/{statement.index_name}" if statement.index_name else ""
        found.append(_need(f"PartiQL{statement.action}", _table(place, statement.table) + index))
    return found


def _need(action: str, arn: str, context: Any = dict) -> Need:
    return Need(f"dynamodb:{action}", (arn,), context)


def _table(place: Place, named: str) -> str:
    return named if named.startswith("arn:") else place.arn("dynamodb", f"table/{named}")


def _conditions(call: Call, asked: Mapping[str, Any], names: Names) -> Mapping[str, Sequence[str]]:
    index = asked.get("IndexName")
    key = names.partition_key(str(asked.get("TableName", "")), index)
    found: dict[str, Sequence[str]] = {
        **_attributes(asked, [asked.get("Key"), asked.get("Item")]),
        **_leading(key, [asked.get("Key"), asked.get("Item"), _queried(asked)]),
    }
    for name in ("Select", "ReturnValues", "ReturnConsumedCapacity"):
        if isinstance(asked.get(name), str):
            found[f"dynamodb:{name.lower()}"] = [asked[name]]
    return found


def _leading(key: str | None, items: Iterable[Any]) -> dict[str, Sequence[str]]:
    values = [
        str(value)
        for each in items
        if key is not None
        for value in [*_structure(each, key).values()][:1]
    ]
    return {"dynamodb:leadingkeys": values} if values else {}


def _queried(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """The key that a KeyConditionExpression or the older KeyConditions name, as an item would
    have it."""
    aliases = _structure(asked, "ExpressionAttributeNames")
    values = _structure(asked, "ExpressionAttributeValues")
    expression = str(asked.get("KeyConditionExpression", ""))
    pairs = _KEY_CONDITION.findall(expression)
    pairs += [(name, value) for value, name in _TURNED_CONDITION.findall(expression)]
    return {
        **{
            name: value
            for name, condition in _structure(asked, "KeyConditions").items()
            for value in _list(condition, "AttributeValueList")[:1]
        },
        **{str(aliases.get(name, name)): values[value] for name, value in pairs if value in values},
    }


def _structure(asked: Any, name: str) -> Mapping[str, Any]:
    """Empty for what is malformed, which the service rejects; so is `_list`."""
    value = asked.get(name) if isinstance(asked, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _list(asked: Any, name: str) -> list[Any]:
    value = asked.get(name) if isinstance(asked, Mapping) else None
    return [*value] if isinstance(value, list) else []


def _attributes(asked: Mapping[str, Any], items: Iterable[Any]) -> dict[str, Sequence[str]]:
    """All top-level attributes that the request names."""
    aliases = _structure(asked, "ExpressionAttributeNames")
    found = {name for each in items if isinstance(each, Mapping) for name in each}
    found |= {str(each) for each in aliases.values()}
    found |= {name for older in _BY_ATTRIBUTE for name in _structure(asked, older)}
    expressions = (
        *("ProjectionExpression", "ConditionExpression", "UpdateExpression", "FilterExpression"),
        "KeyConditionExpression",
    )
    for expression in expressions:
        text = re.sub(r":\w+|[.\[][^\s,=<>()]*", " ", str(asked.get(expression, "")))
        found |= {
            each
            for each in _NAME.findall(text)
            if not each.startswith("#") and each.lower() not in _WORDS
        }
    found |= {str(each) for each in _list(asked, "AttributesToGet")}
    return {"dynamodb:attributes": sorted(found)} if found else {}
