"""Attribute values of DynamoDB: their form, and numbers as DynamoDB stores them.

Source: DynamoDB developer guide, "Supported data types and naming rules" and "Constraints in Amazon
DynamoDB"; messages are those that dynalite and moto report of the service.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Any

from emulator.aws.checks.rejection import Rejection

MOST_DIGITS = 38
MOST_LEVELS = 32
_LARGEST, _SMALLEST = 125, -130  # exponents of the first digit
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,9})?")
_EXACT = Context(prec=MOST_DIGITS)
_SETS = {"SS": "string", "NS": "number", "BS": "binary"}
INVALID = "One or more parameter values were invalid: "


def bytes_in(base64: str) -> int:
    """The number of bytes that the base64 text stands for: limits are of those, not of what is
    sent."""
    return len(base64) * 3 // 4 - base64[-2:].count("=")


@functools.lru_cache(10_000)
def number(text: str) -> str:
    """A number as DynamoDB returns it: no exponent, no leading or trailing zeros. Raises
    Rejection."""
    if not _NUMBER.fullmatch(text):
        what = f": {text}" if text else ""
        raise Rejection(f"The parameter cannot be converted to a numeric value{what}")
    value = Decimal(text)
    digits = "".join(map(str, value.as_tuple().digits)).strip("0")
    if not digits:
        return "0"
    if value.adjusted() > _LARGEST:
        raise Rejection(
            "Number overflow. Attempting to store a number with magnitude larger than supported "
            "range"
        )
    if value.adjusted() < _SMALLEST:
        raise Rejection(
            "Number underflow. Attempting to store a number with magnitude smaller than supported "
            "range"
        )
    if len(digits) > MOST_DIGITS:
        raise Rejection("Attempting to store more than 38 significant digits in a Number")
    return f"{_EXACT.normalize(value):f}"


def checked(value: Any, level: int = 0) -> Any:
    """The value with its numbers as they are stored. Raises Rejection."""
    if not isinstance(value, dict):
        raise Rejection("Unexpected value type in payload", "SerializationException")
    if len(value) != 1:
        which = "has more than one datatypes set" if value else "is empty"
        raise Rejection(
            f"Supplied AttributeValue {which}, must contain exactly one of the supported datatypes"
        )
    ((kind, inner),) = value.items()
    if kind not in _KINDS:
        raise Rejection(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        )
    if level > MOST_LEVELS:
        raise Rejection("Nesting Levels have exceeded supported limits")
    wire, check = _KINDS[kind]
    if not isinstance(inner, wire):
        raise Rejection("Unexpected value type in payload", "SerializationException")
    return value if check is None else {kind: check(inner, level)}


def _set(kind: str) -> Callable[[list[Any], int], list[Any]]:
    def check(members: list[Any], _level: int) -> list[Any]:
        if not members:
            raise Rejection(f"{INVALID}An {_SETS[kind]} set  may not be empty")
        if not all(isinstance(each, str) for each in members):
            raise Rejection("Unexpected value type in payload", "SerializationException")
        if kind == "NS":
            members = [number(each) for each in members]
        if len(set(members)) < len(members):
            listed = ", ".join(members)
            raise Rejection(f"{INVALID}Input collection [{listed}] contains duplicates.")
        return members

    return check


def _map(inner: dict[str, Any], level: int) -> dict[str, Any]:
    return {name: checked(each, level + 1) for name, each in inner.items()}


def _list(inner: list[Any], level: int) -> list[Any]:
    return [checked(each, level + 1) for each in inner]


def _null(inner: bool, _level: int) -> bool:
    if not inner:
        raise Rejection(f"{INVALID}Null attribute value types must have the value of true")
    return inner


def _text_number(inner: str, _level: int) -> str:
    return number(inner)


_KINDS: Mapping[str, tuple[type, Callable[[Any, int], Any] | None]] = {
    "S": (str, None),
    "B": (str, None),
    "BOOL": (bool, None),
    "N": (str, _text_number),
    "NULL": (bool, _null),
    "M": (dict, _map),
    "L": (list, _list),
    **{kind: (list, _set(kind)) for kind in _SETS},
}
