"""What the Parameter Store rejects of a parameter that is put; moto takes nearly all. No I/O.

Source: docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html (names, 15
levels, AllowedPattern); docs.aws.amazon.com/systems-manager/latest/userguide/
parameter-store-advanced-parameters.html (4 KB and 8 KB).
"""

from __future__ import annotations

import re
from typing import Any

from emulator.aws.checks.rejection import Rejection

STANDARD, ADVANCED = 4096, 8192  # bytes of a value
_LEVELS = 15
_NAME = re.compile(r"[a-zA-Z0-9_.\-/]+")


def check(operation: str, given: dict[str, Any]) -> None:
    """Writes the tier that Intelligent-Tiering takes. Raises Rejection."""
    if operation != "PutParameter" or not isinstance(given.get("Value"), str):
        return
    name, value = str(given.get("Name", "")), given["Value"]
    plain = name.rpartition(":parameter")[2]  # of an ARN
    if not _NAME.fullmatch(plain):
        raise Rejection(
            "Parameter name: can only contain letters, numbers and the following symbols: .-_/"
        )
    if plain.strip("/").count("/") >= _LEVELS:
        raise Rejection(
            f"A parameter hierarchy can have a maximum of {_LEVELS} levels",
            "HierarchyLevelLimitExceededException",
        )
    if re.search(r"\{\{.*\}\}", value, re.DOTALL):
        raise Rejection("A parameter value can't include {{}} or the name of a parameter in it")
    _check_size(given, len(value.encode()))
    pattern = given.get("AllowedPattern")
    if pattern and not _allowed(str(pattern), value):
        raise Rejection(
            f"Parameter value, cannot be validated against allowedPattern: {pattern}",
            "ParameterPatternMismatchException",
        )


def _check_size(given: dict[str, Any], size: int) -> None:
    tier = given.get("Tier")
    if tier == "Intelligent-Tiering":
        tier = given["Tier"] = "Advanced" if size > STANDARD else "Standard"
    most = ADVANCED if tier == "Advanced" else STANDARD
    if size > most:
        raise Rejection(
            f"{tier or 'Standard'} tier parameters support a maximum parameter value of {most} "
            "characters."
        )


def _allowed(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error as error:
        raise Rejection(f"{error}: {pattern}", "InvalidAllowedPatternException") from error
