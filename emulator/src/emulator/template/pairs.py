"""Lists of keys and values, as tags and attributes stand in a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def attributes_of(properties: Mapping[str, Any], name: str) -> dict[str, str]:
    """`[{"Key", "Value"}]` as a dict; CloudFormation's values are strings."""
    return {entry["Key"]: str(entry["Value"]) for entry in properties.get(name, ())}
