"""What Elastic Load Balancing has and local mode doesn't play is refused when it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.providers import LocalModeError

Properties = Mapping[str, Any]


def not_played(where: str, what: str, instead: str) -> LocalModeError:
    return LocalModeError(f"{where}: {what} is not played locally: {instead}")


def attributes_of(properties: Properties, name: str) -> dict[str, str]:
    """`[{"Key", "Value"}]` as a dict; CloudFormation's values are strings."""
    return {entry["Key"]: str(entry["Value"]) for entry in properties.get(name, ())}


def require_known(where: str, attributes: Mapping[str, str], known: set[str]) -> None:
    unknown = sorted(attributes.keys() - known)
    if unknown:
        raise not_played(where, f"the attribute {unknown[0]}", "remove it for this environment")
