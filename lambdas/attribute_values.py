"""Conversion between DynamoDB attribute values ({"S": "x"}) and the Python values used here.

Not by boto3's (de)serializer, which goes through Decimal and costs several times as much in every
read of a group's devices and in every cold start. A test compares the two.
"""

from collections.abc import Mapping
from typing import Any

Wire = dict[str, Any]


def to_wire(item: Mapping[str, Any]) -> Wire:
    return {name: _typed(value) for name, value in item.items()}


def from_wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers come back as int (all of ours are), sets as set."""
    return {name: _plain(value) for name, value in item.items()}


def _typed(value: Any) -> Wire:
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):  # before int, which it also is
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, Mapping):
        return {"M": to_wire(value)}
    if isinstance(value, set | frozenset) and value:
        return {"SS": sorted(value)}
    if isinstance(value, list | tuple):
        return {"L": [_typed(part) for part in value]}
    if value is None:
        return {"NULL": True}
    raise TypeError(f"DynamoDB has no place for {value!r:.80}")


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "S" | "BOOL":
            return content
        case "N":
            return int(content)
        case "M":
            return from_wire(content)
        case "SS":
            return set(content)
        case "L":
            return [_plain(part) for part in content]
        case "NULL":
            return None
    raise TypeError(f"an attribute of type {kind} is not ours")
