"""Resource schemas: which properties a resource keeps for life, from the copies in cfn-lint.

Source: "createOnlyProperties" and "conditionalCreateOnlyProperties" of the CloudFormation resource
provider schemas, https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from emulator.rehearsal.account import is_custom

# cfn-lint's richest set; what a property is does not differ between regions.
REGION = "us-east-1"
MISSING = object()
# What the schema leaves out. "A local secondary index can only be created when its parent table is
# created": https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-dynamodb-table-localsecondaryindex.html
ALSO: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "AWS::DynamoDB::Table": (("LocalSecondaryIndexes",),),
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-route53-recordset.html
    "AWS::Route53::RecordSet": (("Name",),),
}
TABLES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")


def replacing(
    resource_type: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[str, ...]:
    """The properties whose change replaces the resource: "Name", "A/B"."""
    found = [
        "/".join(path)
        for path in (*create_only(resource_type), *ALSO.get(resource_type, ()))
        if value_at(before, path) != value_at(after, path)
    ]
    if resource_type in TABLES and _edited_attributes(before, after):
        found.append("AttributeDefinitions")
    return tuple(found)


@cache
def create_only(resource_type: str) -> tuple[tuple[str, ...], ...]:
    """Paths of properties whose change replaces the resource: ("Name",), ("A", "B").

    Empty for a custom resource, whose function decides by the PhysicalResourceId of its response,
    and for a type without a schema.
    """
    if is_custom(resource_type):
        return ()
    schema = _schema(resource_type)
    pointers = [
        *schema.get("createOnlyProperties", ()),
        *schema.get("conditionalCreateOnlyProperties", ()),
    ]
    paths = {tuple(pointer.removeprefix("/properties/").split("/")) for pointer in pointers}
    return tuple(sorted(paths))


@cache
def known(resource_type: str) -> bool:
    """Whether there is a schema that says what replaces a resource of this type."""
    return is_custom(resource_type) or bool(_schema(resource_type))


@cache
def given_identifier(resource_type: str) -> tuple[str, ...]:
    """The properties that identify the resource; none where AWS makes its identifier up."""
    schema = {} if is_custom(resource_type) else _schema(resource_type)
    pointers = schema.get("primaryIdentifier", ())
    if set(pointers) & set(schema.get("readOnlyProperties", ())):
        return ()
    return tuple(pointer.removeprefix("/properties/") for pointer in pointers)


def _edited_attributes(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """ "Replacement if you edit an existing AttributeDefinition": one that is added or taken away
    with an index is none. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
    """
    old, new = (
        {
            each.get("AttributeName"): each.get("AttributeType")
            for each in properties.get("AttributeDefinitions") or ()
        }
        for properties in (before, after)
    )
    return any(old[name] != new[name] for name in old.keys() & new.keys())


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
