"""Resource schemas: which properties a resource keeps for life, from the copies in cfn-lint.

Source: "createOnlyProperties" and "conditionalCreateOnlyProperties" of the CloudFormation resource
provider schemas, https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from emulator.providers import EmulatorError
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
    found = schema(resource_type)
    pointers = [
        *found.get("createOnlyProperties", ()),
        *found.get("conditionalCreateOnlyProperties", ()),
    ]
    paths = {tuple(pointer.removeprefix("/properties/").split("/")) for pointer in pointers}
    return tuple(sorted(paths))


@cache
def known(resource_type: str) -> bool:
    """Whether there is a schema that says what replaces a resource of this type."""
    return is_custom(resource_type) or bool(schema(resource_type))


@cache
def given_identifier(resource_type: str) -> tuple[str, ...]:
    """The properties that identify the resource; none where AWS makes its identifier up."""
    found = {} if is_custom(resource_type) else schema(resource_type)
    pointers = found.get("primaryIdentifier", ())
    if set(pointers) & set(found.get("readOnlyProperties", ())):
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


def schema(resource_type: str) -> Mapping[str, Any]:
    """CloudFormation's of a type; empty for one that cfn-lint does not have."""
    name = files().get(resource_type)
    if name is None:
        return {}
    return _read("resources", name)


@cache
def files() -> Mapping[str, str]:
    """The name of the file with its schema, for each type."""
    return {**_read("providers", REGION), **_read("providers", "sam")}


def _read(folder: str, name: str) -> Mapping[str, Any]:
    try:
        text = (_directory() / folder / f"{name}.json").read_text("utf-8")
    except OSError as error:
        raise EmulatorError(f"cfn-lint has no schemas there, as 1.58 has: {error}") from error
    found: Mapping[str, Any] = json.loads(text)
    return found


@cache
def _directory() -> Path:
    """cfn-lint's data, without its code: importing that takes 50 MB and a second."""
    package = find_spec("cfnlint")
    if package is None or not package.submodule_search_locations:
        raise EmulatorError("cfn-lint is not installed, whose resource schemas are needed")
    return Path(package.submodule_search_locations[0], "data", "schemas")
