"""DynamoDB capacity units from item bytes, by the rules of the developer guide.

("Capacity unit consumption", "Item sizes and formats".) An emulator reports constants, so they
are computed here from the items as they go over the wire.
"""

import math
from collections.abc import Mapping
from typing import Any

WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096


def item_bytes(item: Mapping[str, Any]) -> int:
    """Names and values in UTF-8 bytes; `item` is in DynamoDB's wire form."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        digits = content.replace("-", "").replace(".", "").strip("0")
        return math.ceil(len(digits) / 2) + 1
    if kind in ("BOOL", "NULL"):
        return 1
    if kind in ("SS", "NS"):
        return sum(_value_bytes({kind[0]: part}) for part in content)
    if kind == "L":  # 3 bytes for the list, 1 for each element
        return 3 + sum(1 + _value_bytes(part) for part in content)
    if kind == "M":
        return 3 + len(content) + item_bytes(content)
    raise ValueError(f"no size rule for DynamoDB type {kind}")


def write_units(size: int) -> int:
    """WRU of one item written outside a transaction; an update counts the larger of old and new."""
    return max(1, math.ceil(size / WRITE_UNIT_BYTES))


def read_units(size: int, *, consistent: bool) -> float:
    """RRU of one item, or of all items of one Query page together."""
    units = max(1, math.ceil(size / READ_UNIT_BYTES))
    return float(units) if consistent else units / 2
