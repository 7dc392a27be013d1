"""The check that what the backend sends has the fields of the schemas, and no others.

The schemas allow others, so that a client understands what a later backend sends. The backend
itself says nothing that no schema names: a field that is not looked at may be somebody's secret.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import fastjsonschema

from lambdas.frames import SCHEMAS


def require(name: str, document: Any) -> None:
    """Raises JsonSchemaValueException where `document` does not fit its schema in lambdas/protocol, or has more."""
    _validator(name)(document)


@cache
def _validator(name: str) -> Callable[[Any], Any]:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    validator: Callable[[Any], Any] = fastjsonschema.compile(_closed(schema), use_default=False)
    return validator


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inside = {name: _closed(each) for name, each in schema.items()}
    return {"additionalProperties": False, **inside} if "properties" in schema else inside
