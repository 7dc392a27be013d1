"""Expressions of DynamoDB, as far as AWS rejects them before it looks at an item.

Source: DynamoDB developer guide, "Constraints in Amazon DynamoDB" (expressions) and "Comparison
operator and function reference"; API reference, Query (FilterExpression).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from emulator.aws.checks.rejection import Rejection

MOST_BYTES = 4096
MOST_IN = 100
NAMES = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_LEGACY = (
    "AttributesToGet",
    "AttributeUpdates",
    "ConditionalOperator",
    "Expected",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
)
_PLACEHOLDER = re.compile(r"#\w+")
_IN = re.compile(r"\bIN\s*\(([^()]*)\)", re.IGNORECASE)
_BEGINS = re.compile(r"\bbegins_with\s*\([^,()]+,\s*(:\w+)\s*\)", re.IGNORECASE)
_BETWEEN = re.compile(r"\bBETWEEN\s+(:\w+)\s+AND\s+(:\w+)", re.IGNORECASE)
_FIRST_OF_PATH = re.compile(r"(?<![\w.:#])#?[A-Za-z_]\w*")


def check(given: Mapping[str, Any]) -> None:
    """Of one operation, or one part of a batch. Raises Rejection."""
    present = [name for name in NAMES if given.get(name) is not None]
    legacy = [name for name in _LEGACY if given.get(name)]
    if present and legacy:
        raise Rejection(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(legacy)}}} "
            f"Expression parameters: {{{', '.join(present)}}}"
        )
    names, values = given.get("ExpressionAttributeNames"), given.get("ExpressionAttributeValues")
    if names == {}:
        raise Rejection("ExpressionAttributeNames must not be empty")
    for name in present:
        _check_one(name, str(given[name]), names or {}, values or {})


class _Read(NamedTuple):
    """What the checks need of one expression, which comes again and again."""

    size: int
    placeholders: tuple[str, ...]
    most_in: int
    begins: tuple[str, ...]
    between: tuple[tuple[str, str], ...]


@lru_cache(1000)
def _read(text: str) -> _Read:
    return _Read(
        len(text.encode()) if text.strip() else 0,
        tuple(_PLACEHOLDER.findall(text)),
        max((operands.count(",") + 1 for operands in _IN.findall(text)), default=0),
        tuple(_BEGINS.findall(text)),
        tuple(_BETWEEN.findall(text)),
    )


def _check_one(
    name: str, text: str, names: Mapping[str, str], values: Mapping[str, Mapping[str, Any]]
) -> None:
    begin = f"Invalid {name}: "
    found = _read(text)
    if not found.size:
        raise Rejection(f"{begin}The expression can not be empty;")
    if found.size > MOST_BYTES:
        raise Rejection(
            f"{begin}Expression size has exceeded the maximum allowed size; expression size: "
            f"{found.size}"
        )
    for placeholder in found.placeholders:
        if placeholder not in names:
            raise Rejection(
                f"{begin}An expression attribute name used in the document path is not defined; "
                f"attribute name: {placeholder}"
            )
    if found.most_in > MOST_IN:
        raise Rejection(
            f"{begin}The IN operator is provided with too many operands; number of operands: "
            f"{found.most_in}"
        )
    for operand in found.begins:
        kind = next(iter(values.get(operand, {"S": ""})))
        if kind not in ("S", "B"):
            raise Rejection(
                f"{begin}Incorrect operand type for operator or function; operator or function: "
                f"begins_with, operand type: {kind}"
            )
    for low, high in found.between:
        _check_bounds(begin, values.get(low), values.get(high))


def _check_bounds(
    begin: str, low: Mapping[str, Any] | None, high: Mapping[str, Any] | None
) -> None:
    if not low or not high:
        return
    ((kind, least),), ((other, most),) = low.items(), high.items()
    if kind != other or kind not in ("S", "N"):
        return
    if (float(least) > float(most)) if kind == "N" else (least.encode() > most.encode()):
        raise Rejection(
            f"{begin}The BETWEEN operator requires upper bound to be greater than or equal to "
            f"lower bound; lower bound operand: AttributeValue: {{{kind}:{least}}}, upper bound "
            f"operand: AttributeValue: {{{kind}:{most}}}"
        )


def check_filter(given: Mapping[str, Any], keys: Collection[str]) -> None:
    """A Query's filter names no key attribute of what is queried. Raises Rejection."""
    names = given.get("ExpressionAttributeNames") or {}
    for first in _FIRST_OF_PATH.findall(str(given.get("FilterExpression") or "")):
        name = names.get(first, first)
        if name in keys:
            raise Rejection(
                "Filter Expression can only contain non-primary key attributes: Primary key "
                f"attribute: {name}"
            )
