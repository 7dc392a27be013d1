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
_VALUE = re.compile(r":\w+")
_IN = re.compile(r"\bIN\s*\(([^()]*)\)", re.IGNORECASE)
_BEGINS = re.compile(r"\bbegins_with\s*\([^,()]+,\s*(:\w+)\s*\)", re.IGNORECASE)
_BETWEEN = re.compile(r"\bBETWEEN\s+(:\w+)\s+AND\s+(:\w+)", re.IGNORECASE)
_CONTAINS = re.compile(r"\bcontains\s*\(\s*([^,()]+?)\s*,\s*([^,()]+?)\s*\)", re.IGNORECASE)
_NOT_OF_KEYS = re.compile(r"<>|(?<![#:\w])(?:OR|NOT|IN)\b", re.IGNORECASE)
_OF_KEYS = {"and", "between", "begins_with"}
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
    if not all(isinstance(given[name], str) for name in present):
        raise TypeError("an expression is a string")
    for name in present:
        _check_one(name, given[name], names or {}, values or {})
    _check_all_used(
        "Names", names or {}, [_read(str(given[each])).placeholders for each in present]
    )
    _check_all_used("Values", values or {}, [_read(str(given[each])).values for each in present])
    _check_paths(str(given.get("ProjectionExpression") or ""), names or {})


def _check_all_used(kind: str, given: Mapping[str, Any], used: list[tuple[str, ...]]) -> None:
    if given and not used:
        raise Rejection(f"ExpressionAttribute{kind} can only be specified when using expressions")
    unused = [name for name in given if not any(name in each for each in used)]
    if unused:
        raise Rejection(
            f"Value provided in ExpressionAttribute{kind} unused in expressions: keys: "
            f"{{{', '.join(sorted(unused))}}}"
        )


def _check_paths(projection: str, names: Mapping[str, str]) -> None:
    """No path of a projection is another one, or leads to it."""
    paths: list[list[str]] = []
    for path in filter(None, map(str.strip, projection.split(","))):
        parts = path.replace("[", ".[").split(".")
        paths.append([names.get(part, part) for part in parts])
    for number, one in enumerate(paths):
        for other in paths[number + 1 :]:
            if one == other[: len(one)] or other == one[: len(other)]:
                raise Rejection(
                    "Invalid ProjectionExpression: Two document paths overlap with each other; "
                    "must remove or rewrite one of these paths; path one: "
                    f"[{', '.join(one)}], path two: [{', '.join(other)}]"
                )


class _Read(NamedTuple):
    """What the checks need of one expression, which comes again and again."""

    size: int
    placeholders: tuple[str, ...]
    most_in: int
    begins: tuple[str, ...]
    between: tuple[tuple[str, str], ...]
    values: tuple[str, ...]
    contains: tuple[tuple[str, str], ...]


@lru_cache(1000)
def _read(text: str) -> _Read:
    return _Read(
        len(text.encode()) if text.strip() else 0,
        tuple(_PLACEHOLDER.findall(text)),
        max((operands.count(",") + 1 for operands in _IN.findall(text)), default=0),
        tuple(_BEGINS.findall(text)),
        tuple(_BETWEEN.findall(text)),
        tuple(_VALUE.findall(text)),
        tuple(_CONTAINS.findall(text)),
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
    for value in found.values:
        if value not in values:
            raise Rejection(
                f"{begin}An expression attribute value used in expression is not defined; "
                f"attribute value: {value}"
            )
    for low, high in found.between:
        _check_bounds(begin, values[low], values[high])
    for first, second in found.contains:
        if first == second:
            raise Rejection(
                f"{begin}The first operand must be distinct from the remaining operands for this "
                f"operator or function; operator: contains, first operand: [{first}]"
            )
    if name == "KeyConditionExpression":
        _check_key_condition(text, names)


def _check_key_condition(text: str, names: Mapping[str, str]) -> None:
    wrong = _NOT_OF_KEYS.search(text)
    if wrong is not None:
        raise Rejection(f"Invalid operator used in KeyConditionExpression: {wrong[0].upper()}")
    keys = [names.get(each, each) for each in _FIRST_OF_PATH.findall(text)]
    keys = [each for each in keys if each.lower() not in _OF_KEYS]
    if len(set(keys)) < len(keys):
        raise Rejection("KeyConditionExpressions must only contain one condition per key")


def _check_bounds(begin: str, low: Mapping[str, Any], high: Mapping[str, Any]) -> None:
    ((kind, least),), ((other, most),) = low.items(), high.items()
    if kind != other:
        raise Rejection(
            f"{begin}The BETWEEN operator requires same data type for lower and upper bounds; lower"
            f" bound operand: AttributeValue: {{{kind}:{least}}}, upper bound operand: "
            f"AttributeValue: {{{other}:{most}}}"
        )
    if kind not in ("S", "N"):
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
