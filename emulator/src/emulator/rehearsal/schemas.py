"""Resource schemas: which properties a resource keeps for life, from the copies in cfn-lint.

Source: "createOnlyProperties" and "conditionalCreateOnlyProperties" of the CloudFormation resource
provider schemas, https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

# cfn-lint's richest set; what a property is does not differ between regions.
REGION = "us-east-1"
MISSING = object()


@cache
def create_only(resource_type: str) -> tuple[tuple[str, ...], ...]:
    """Paths of properties whose change replaces the resource: ("Name",), ("A", "B").

    Empty for a custom resource, whose function decides by the PhysicalResourceId it answers with,
    and for a type without a schema.
    """
    schema = _schema(resource_type)
    pointers = [
        *schema.get("createOnlyProperties", ()),
        *schema.get("conditionalCreateOnlyProperties", ()),
    ]
    paths = {tuple(pointer.removeprefix("/properties/").split("/")) for pointer in pointers}
    return tuple(sorted(paths))


def value_at(properties: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """MISSING where there is none; a list on the way gives the values of its entries."""
    value: Any = properties
    for position, name in enumerate(path):
        if isinstance(value, list):
            inner = path[position + 1 :] if name == "*" else path[position:]
            return [value_at(each, inner) for each in value]
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value


def _schema(resource_type: str) -> Mapping[str, Any]:
    # Imported here since it takes a second, which a start without changes need not wait for.
    from cfnlint.schema import ResourceNotFoundError
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    try:
        found = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type)
    except ResourceNotFoundError:
        return {}
    schema: Mapping[str, Any] = found.schema
    return schema
