"""A replica of DynamoDB that has received nothing yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def lagging(dynamodb: Any) -> Iterator[None]:
    """Every read that is not consistent finds nothing meanwhile: replicas may lag by any time."""
    get_item, query, batch_get_item = dynamodb.get_item, dynamodb.query, dynamodb.batch_get_item

    def get(**request: Any) -> Any:
        return get_item(**request) if request.get("ConsistentRead") else {}

    def queried(**request: Any) -> Any:
        return query(**request) if request.get("ConsistentRead") else {"Items": []}

    def got(**request: Any) -> Any:
        tables = request["RequestItems"].values()
        if all(table.get("ConsistentRead") for table in tables):
            return batch_get_item(**request)
        return {"Responses": {}, "UnprocessedKeys": {}}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamodb, "get_item", get)
        patch.setattr(dynamodb, "query", queried)
        patch.setattr(dynamodb, "batch_get_item", got)
        yield
