"""Items in DynamoDB's responses, written as JSON at once.

moto serializes each value of each attribute by the shape it has in the service's model: 1 ms of CPU
for an item of nine attributes, so a page of 1,000 takes a second. An item is JSON already, but for
binary values, so the items are left out for moto's serializer and put into its result.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from moto.dynamodb.responses import DynamoResult

from emulator.aws.hooks import replace

_READS = frozenset({"BatchGetItem", "Query", "Scan"})
_ITEMS: dict[str, Any] = {"Items": [], "Responses": {}}  # field of a response -> without items


def install() -> None:
    """Change moto's responses as this module's docstring describes."""
    original = DynamoResult.execute_result

    def execute_result(self: Any, context: Any) -> Any:
        result = self._result
        operation = str(context.operation_model.name)
        there = _ITEMS.keys() & result.keys() if operation in _READS else ()
        if not there:
            return original(self, context)
        self._result = {**result, **{name: _ITEMS[name] for name in there}}
        status, headers, body = original(self, context)
        document = {**json.loads(body), **{name: result[name] for name in there}}
        return status, headers, json.dumps(document, default=_binary)

    replace(DynamoResult, "execute_result", execute_result)


def _binary(value: Any) -> str:
    """A binary value is base64 in JSON."""
    if not isinstance(value, bytes):
        raise TypeError(f"an item has a value of type {type(value).__name__}")
    return base64.b64encode(value).decode()
