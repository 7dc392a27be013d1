"""A resource of the synthesized templates, and the forms that its properties have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Resource:
    """One entry of a template's `Resources`; `properties` still holds its intrinsics."""

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.type} {self.logical_id} in stack {self.stack}"


def attributes_of(properties: Mapping[str, Any], name: str) -> dict[str, str]:
    """`[{"Key", "Value"}]` as a dict; CloudFormation's values are strings."""
    return {entry["Key"]: str(as_strings(entry["Value"])) for entry in properties.get(name, ())}


def as_strings(value: Any) -> Any:
    """The properties of a custom resource as its function gets them, and what another resource has
    for a string: CloudFormation passes every number and boolean as a string."""
    if isinstance(value, Mapping):
        return {name: as_strings(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_strings(inner) for inner in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
