"""What Elastic Load Balancing has and local mode doesn't play is refused when it is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from emulator.providers import LocalModeError

Properties = Mapping[str, Any]
CROSS_ZONE = "load_balancing.cross_zone.enabled"


def not_played(where: str, what: str, instead: str) -> LocalModeError:
    return LocalModeError(f"{where}: {what} is not played locally: {instead}")


def require_known(where: str, attributes: Mapping[str, str], known: set[str]) -> None:
    unknown = sorted(attributes.keys() - known)
    if unknown:
        raise not_played(where, f"the attribute {unknown[0]}", "remove it for this environment")


def refuse_zonal(where: str, attributes: Mapping[str, str]) -> None:
    """Raises LocalModeError where requests shall stay in the zone they came to: a laptop is one."""
    if attributes.get(CROSS_ZONE) == "false":
        what = f"{CROSS_ZONE} false, as there is one zone here,"
        raise not_played(where, what, "set it to true for this environment")


def number_within(
    where: str, name: str, value: Any, least: int, most: int, unit: str = "", of: str = ""
) -> int:
    """A whole number from `least` to `most`; raises LocalModeError for anything else."""
    if not re.fullmatch(r"-?\d{1,9}", str(value)) or not least <= int(value) <= most:
        what = f"{name} {value} of {of}" if of else f"{name} {value}"
        limits = f"{least} to {most} {unit}".strip()
        raise LocalModeError(f"{where}: {what} is not within {limits}: set it to a number that is")
    return int(value)
