"""Errors for settings of Elastic Load Balancing that the emulator does not support."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from emulator.providers import EmulatorError

Properties = Mapping[str, Any]
CROSS_ZONE = "load_balancing.cross_zone.enabled"


def unsupported(where: str, what: str, instead: str) -> EmulatorError:
    return EmulatorError(f"{where}: {what} is not supported locally: {instead}")


def require_known(where: str, attributes: Mapping[str, str], known: set[str]) -> None:
    unknown = sorted(attributes.keys() - known)
    if unknown:
        raise unsupported(where, f"the attribute {unknown[0]}", "remove it for this environment")


def check_cross_zone(where: str, attributes: Mapping[str, str]) -> None:
    """Raises EmulatorError where requests shall stay in the zone they came to: a laptop is one."""
    if attributes.get(CROSS_ZONE) == "false":
        what = f"{CROSS_ZONE} false, as there is one zone here,"
        raise unsupported(where, what, "set it to true for this environment")


def number_within(
    where: str, name: str, value: Any, least: int, most: int, unit: str = "", of: str = ""
) -> int:
    """A whole number from `least` to `most`; raises EmulatorError for anything else."""
    if not re.fullmatch(r"-?\d{1,9}", str(value)) or not least <= int(value) <= most:
        what = f"{name} {value} of {of}" if of else f"{name} {value}"
        limits = f"{least} to {most} {unit}".strip()
        raise EmulatorError(f"{where}: {what} is not within {limits}: set it to a number that is")
    return int(value)
