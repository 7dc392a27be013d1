"""Checks of an updated item: what AWS rejects that the update's expression does not show.

moto looks at the values that a request gives, not at those that an attribute gets from another one
or inside of a map. Source: "Constraints in Amazon DynamoDB", developer guide (400 KB, keys of 2,048
and 1,024 bytes, 32 levels), which holds for the item that results; messages are those of
TransactionCanceledException, API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moto.dynamodb.exceptions import ItemSizeToUpdateTooLarge, MockValidationException

from emulator.aws.checks.dynamodb import HASH_BYTES, RANGE_BYTES, key_bytes
from emulator.aws.checks.values import MOST_LEVELS
from emulator.aws.dynamodb_speed import ITEM_LIMIT

_MAKES = re.compile(r"(?<![#:.\w])(?:SET|ADD)\b", re.IGNORECASE)  # reserved: no attribute's name
_INDEX_KEY = "The update expression attempted to update the secondary index key "
OF_AN_OTHER_TYPE = f"{_INDEX_KEY}to unsupported type"
TOO_LONG = f"{_INDEX_KEY}beyond allowed size limits"
TOO_DEEP = "Nesting Levels have exceeded supported limits"


def check(table: Any, before: Any, item: Any, expression: str | None) -> None:
    """`before` is None where the update made the item. Raises moto's exception."""
    if item.size() > ITEM_LIMIT:
        raise ItemSizeToUpdateTooLarge
    _check_index_keys(table, {} if before is None else before.attrs, item.attrs)
    nests = expression and ("." in expression or "[" in expression)  # sets what is inside another
    if nests and any(map(_is_too_deep, item.to_json()["Attributes"].values())):
        raise MockValidationException(TOO_DEEP)


def _is_too_deep(value: Mapping[str, Any], level: int = 0) -> bool:
    ((kind, inner),) = value.items()
    inside = inner.values() if kind == "M" else inner if kind == "L" else ()
    return level > MOST_LEVELS or any(_is_too_deep(each, level + 1) for each in inside)


def only_removes(expression: str | None) -> bool:
    """Whether it makes no item: "DELETE - Nothing happens; there is no attribute to delete"
    (UpdateItem, API reference, AttributeUpdates). Of REMOVE, Alternator's tests say so, which run
    against the service as well (github.com/scylladb/scylladb, test/alternator/test_item.py)."""
    return bool(expression) and not _MAKES.search(str(expression))


def _check_index_keys(table: Any, before: Any, after: Any) -> None:
    types = {each["AttributeName"]: each["AttributeType"] for each in table.attr}
    for index in table.all_indexes():
        for key in index.schema:
            name = key["AttributeName"]
            value, there = after.get(name), before.get(name)
            if value is None or (there is not None and there == value):
                continue
            if value.type != types[name]:
                raise MockValidationException(OF_AN_OTHER_TYPE)
            limit = HASH_BYTES if key["KeyType"] == "HASH" else RANGE_BYTES
            if key_bytes(value.type, value.value) > limit:
                raise MockValidationException(TOO_LONG)
