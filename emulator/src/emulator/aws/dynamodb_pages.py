"""The end of a page of Query and Scan, and what of its items is returned.

"If DynamoDB processes the number of items up to the limit, it stops the operation and returns the
matching values up to that point, and a key in LastEvaluatedKey" (Query, API reference), also where
nothing follows; moto returns the key where another item follows. Filters come after the limit.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from moto.dynamodb.models.table import Table

from emulator.aws.hooks import replace

_PROJECTIONS = ("projection_expression", "projection_expressions")  # of Scan and of Query


def install() -> None:
    """Change moto's tables as this module's docstring describes."""
    for name in ("query", "scan"):
        replace(Table, name, _with_key(getattr(Table, name)))


def _with_key(original: Callable[..., Any]) -> Callable[..., Any]:
    parameters = inspect.signature(original)

    @functools.wraps(original)
    def read(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = parameters.bind(self, *args, **kwargs)
        call.apply_defaults()
        asked = call.arguments
        wanted, asked["filter_expression"] = asked["filter_expression"], None
        (projection,) = (name for name in _PROJECTIONS if name in asked)
        paths, asked[projection] = asked[projection], None
        found, scanned, last = original(*call.args, **call.kwargs)
        if last is None and asked["limit"] and scanned == asked["limit"] and found:
            last = self._get_last_evaluated_key(found[-1], asked["index_name"])
        if wanted is not None:
            found = [item for item in found if wanted.expr(item)]
        if paths:
            if any(index.name == asked["index_name"] for index in self.indexes):
                found = [self.get_item(item.hash_key, item.range_key) for item in found]
            found = [item.project(paths) for item in found]
        return found, scanned, last

    return read
