"""Expressions of DynamoDB, as far as AWS rejects them before it looks at an item.

Source: DynamoDB developer guide, "Constraints in Amazon DynamoDB" (expressions) and "Comparison
operator and function reference"; API reference, Query (FilterExpression).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from emulator.aws.checks import grammar, update_grammar
from emulator.aws.checks.grammar import Operand, Use
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
_TYPES = ("B", "BOOL", "BS", "L", "M", "N", "NS", "NULL", "S", "SS")
ORDERED = ("S", "N", "B")  # the types that <, <=, >, >= and BETWEEN compare
_SIZED = ("S", "B", "SS", "NS", "BS", "L", "M")
_NOT_OF_KEYS = re.compile(r"<>|(?<![#:\w])(?:OR|NOT|IN)\b", re.IGNORECASE)
_TURNED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OF_KEYS = {"and", "between", "begins_with"}
_INTO = re.compile(r"(?<![\w.:#])(#?[A-Za-z_]\w*)\s*(?=[.\[])")
_FIRST_OF_PATH = re.compile(r"(?<![\w.:#])#?[A-Za-z_]\w*")


def check(given: dict[str, Any]) -> None:
    """Checks the expressions of one operation, or of one part of a batch, and writes them as moto
    takes them. Raises Rejection."""
    present = [name for name in NAMES if given.get(name) is not None]
    legacy = [name for name in _LEGACY if given.get(name)]
    if "KeyConditionExpression" not in present and "KeyConditions" in legacy:
        legacy.remove("KeyConditions")  # they go together with other expressions
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
        given[name] = _check_one(name, given[name], names or {}, values or {})
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
    """What the checks need to know of one expression. It is cached, as the same expressions come
    again."""

    size: int
    placeholders: tuple[str, ...]
    values: tuple[str, ...]
    into: tuple[str, ...]  # attributes whose elements it looks at


@lru_cache(1000)
def _read(text: str) -> _Read:
    return _Read(
        len(text.encode()) if text.strip() else 0,
        tuple(_PLACEHOLDER.findall(text)),
        tuple(_VALUE.findall(text)),
        tuple(_INTO.findall(text)),
    )


def _check_one(
    name: str, text: str, names: Mapping[str, str], values: Mapping[str, Mapping[str, Any]]
) -> str:
    """The expression as moto takes it."""
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
    for value in found.values:
        if value not in values:
            raise Rejection(
                f"{begin}An expression attribute value used in expression is not defined; "
                f"attribute value: {value}"
            )
    if name == "KeyConditionExpression":
        _check_key_condition(text, names)
    try:
        if name == "ProjectionExpression":
            grammar.check_projection(text)
            return text
        if name == "UpdateExpression":
            return update_grammar.update(text).plain
        read = grammar.condition(text)
        for use in read.uses:
            _check_use(use, values)
    except Rejection as rejection:
        raise Rejection(begin + rejection.message) from rejection
    return _of_keys(read) if name == "KeyConditionExpression" else read.plain


def _of_keys(read: grammar.Read) -> str:
    """Each key stands in front of its value, as moto takes it. Raises Rejection for a function in a
    comparison: dynalite's tests of Query."""
    if any(use.name == "size" for use in read.uses):
        raise Rejection("KeyConditionExpressions cannot contain nested operations")
    if all(use.operands[0].kind == "path" for use in read.uses):
        return read.plain
    parts = []
    for name, operands in read.uses:
        first, *others = (each.text for each in operands)
        if operands[0].kind == "value" and name in _TURNED:
            parts.append(f"{others[0]} {_TURNED[name]} {first}")
        elif name == "BETWEEN":
            parts.append(f"{first} BETWEEN {' AND '.join(others)}")
        elif name in grammar.COMPARATORS:
            parts.append(f"{first} {name} {others[0]}")
        else:
            parts.append(f"{name}({', '.join((first, *others))})")
    return " AND ".join(parts)


def _check_use(use: Use, values: Mapping[str, Mapping[str, Any]]) -> None:
    """Checks the operands of an operator or a function."""
    first, *others = use.operands
    if use.name == "IN" and len(others) > MOST_IN:
        raise Rejection(
            f"The IN operator is provided with too many operands; number of operands: {len(others)}"
        )
    if first in others:
        shown = f"[{first.text}]"
        raise Rejection(
            "The first operand must be distinct from the remaining operands for this operator or "
            f"function; operator: {use.name}, first operand: {shown}"
        )
    if use.name in ("attribute_exists", "attribute_not_exists") and first.kind != "path":
        raise Rejection(
            "Operator or function requires a document path; operator or function: " + use.name
        )
    kinds = [_kind(operand, values) for operand in use.operands]
    if use.name == "attribute_type":
        _check_type_name(use.operands[1], kinds[1], values)
    _check_kinds(use.name, kinds)
    if use.name == "BETWEEN" and {each.kind for each in others} == {"value"}:
        _check_bounds("", *(values[each.text] for each in others))


def _kind(operand: Operand, values: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The operand's type; None for a path, whose type is the item's."""
    if operand.kind == "value":
        return next(iter(values[operand.text]))
    return "N" if operand.kind == "size" else None


def _check_kinds(name: str, kinds: Sequence[str | None]) -> None:
    allowed: Collection[str] = _TYPES
    if name in ("<", "<=", ">", ">=", "BETWEEN"):
        allowed = ORDERED
    elif name == "begins_with":
        allowed = ("S", "B")
    elif name == "size":
        allowed = _SIZED
    for kind in kinds:
        if kind is not None and kind not in allowed:
            raise Rejection(
                "Incorrect operand type for operator or function; operator or function: "
                f"{name}, operand type: {kind}"
            )


def _check_type_name(
    operand: Operand, kind: str | None, values: Mapping[str, Mapping[str, Any]]
) -> None:
    if kind != "S":
        raise Rejection(
            "Incorrect operand type for operator or function; operator or function: "
            f"attribute_type, operand type: {kind}"
        )
    named = values[operand.text]["S"]
    if named not in _TYPES:
        raise Rejection(
            f"Invalid attribute type name found; type: {named}, valid types: {{{','.join(_TYPES)}}}"
        )


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


def check_key_types(given: Mapping[str, Any], types: Mapping[str, str]) -> None:
    """The values of a key condition have the types of the keys, and none of them is empty.
    Raises Rejection."""
    names = given.get("ExpressionAttributeNames") or {}
    values = given.get("ExpressionAttributeValues") or {}
    for use in grammar.condition(str(given["KeyConditionExpression"])).uses:
        first, *others = use.operands
        name = names.get(first.text, first.text)
        for operand in others:
            ((kind, value),) = values.get(operand.text, {"": "x"}).items()
            if name not in types or not kind:
                continue
            if kind != types[name]:
                raise Rejection(
                    "One or more parameter values were invalid: Condition parameter type does not "
                    "match schema type"
                )
            if not value:
                raise Rejection(
                    "One or more parameter values are not valid. The AttributeValue for a key "
                    f"attribute cannot contain an empty string value. Key: {name}"
                )


def check_scalar_keys(
    given: Mapping[str, Any], keys: Collection[str], indexes: Mapping[str, Collection[str]]
) -> None:
    """No expression looks into a key attribute. Raises Rejection."""
    names = given.get("ExpressionAttributeNames") or {}
    for expression in NAMES:
        for first in _read(str(given.get(expression) or "")).into:
            name = names.get(first, first)
            if name in keys or any(name in each for each in indexes.values()):
                kind = "Key" if name in keys else "IndexKey"
                raise Rejection(
                    "Key attributes must be scalars; list random access '[]' and map lookup '.' "
                    f"are not allowed: {kind}: {name}"
                )


def check_projected(given: Mapping[str, Any], projected: Collection[str]) -> None:
    """ "Global secondary index queries cannot fetch attributes from the parent table": Query, API
    reference. Raises Rejection."""
    names = given.get("ExpressionAttributeNames") or {}
    asked = _FIRST_OF_PATH.findall(str(given.get("ProjectionExpression") or ""))
    lacking = [name for each in asked if (name := names.get(each, each)) not in projected]
    if lacking:
        raise Rejection(
            "One or more parameter values were invalid: Global secondary index "
            f"{given['IndexName']} does not project [{', '.join(lacking)}]"
        )
