"""Parameters of DynamoDB from before it had expressions, checked and written as expressions.

moto evaluates them by Python's types, and ignores ConditionalOperator and a Value beside Exists.
Source: DynamoDB developer guide, "Legacy DynamoDB conditional parameters"; messages are those that
dynalite (github.com/architect/dynalite) reports of the service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.aws.checks.expressions import ORDERED
from emulator.aws.checks.rejection import Rejection
from emulator.aws.checks.values import INVALID, checked

Parameters = dict[str, Any]
LEGACY = "legacy"  # how the placeholders begin of what is written here
# Operator -> (the expression, how many values it takes at least and at most, their types)
_ALL = ("B", "BOOL", "BS", "L", "M", "N", "NS", "NULL", "S", "SS")
_OPERATORS: Mapping[str, tuple[str, int, int, Sequence[str]]] = {
    "EQ": ("{0} = {1}", 1, 1, _ALL),
    "NE": ("{0} <> {1}", 1, 1, _ALL),
    "LE": ("{0} <= {1}", 1, 1, ORDERED),
    "LT": ("{0} < {1}", 1, 1, ORDERED),
    "GE": ("{0} >= {1}", 1, 1, ORDERED),
    "GT": ("{0} > {1}", 1, 1, ORDERED),
    "NOT_NULL": ("attribute_exists({0})", 0, 0, _ALL),
    "NULL": ("attribute_not_exists({0})", 0, 0, _ALL),
    "CONTAINS": ("contains({0}, {1})", 1, 1, (*ORDERED, "BOOL", "NULL")),
    "NOT_CONTAINS": ("NOT contains({0}, {1})", 1, 1, (*ORDERED, "BOOL", "NULL")),
    "BEGINS_WITH": ("begins_with({0}, {1})", 1, 1, ("S", "B")),
    "IN": ("{0} IN ({1})", 1, 100, ORDERED),
    "BETWEEN": ("{0} BETWEEN {1} AND {2}", 2, 2, ORDERED),
}
_OF_RANGE_KEYS = ("EQ", "LE", "LT", "GE", "GT", "BEGINS_WITH", "BETWEEN")
_CONDITIONS = {
    "Expected": "ConditionExpression",
    "KeyConditions": "KeyConditionExpression",
    "QueryFilter": "FilterExpression",
    "ScanFilter": "FilterExpression",
}
_SETS = ("SS", "NS", "BS")


def rewrite(given: Parameters, keys: Sequence[str] = ()) -> None:
    """Changes `given`; `keys` are those that a Query is about, hash key first. Raises Rejection."""
    names = _Names()
    joiner = f" {given.pop('ConditionalOperator', 'AND')} "
    for name, expression in _CONDITIONS.items():
        conditions = given.pop(name, None)
        if not conditions:
            continue
        normal = {attribute: _normal(attribute, each) for attribute, each in conditions.items()}
        if name == "KeyConditions":
            _check_key_conditions(normal, keys)
        if name == "QueryFilter":
            _check_filter(normal, keys)
        written = [names.condition(attribute, *each) for attribute, each in normal.items()]
        given[expression] = (" AND " if name == "KeyConditions" else joiner).join(written)
    attributes = given.pop("AttributesToGet", None)
    if attributes:
        _check_distinct(attributes)
        given["ProjectionExpression"] = ", ".join(map(names.of, attributes))
    if given.get("AttributeUpdates"):
        given["UpdateExpression"] = _update(given.pop("AttributeUpdates"), names)
    names.add_to(given)


class _Names:
    """Placeholders for the names and values of one request."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def of(self, attribute: str) -> str:
        return self._names.setdefault(attribute, f"#{LEGACY}{len(self._names)}")

    def value(self, value: Any) -> str:
        placeholder = f":{LEGACY}{len(self._values)}"
        self._values[placeholder] = value
        return placeholder

    def condition(self, attribute: str, name: str, values: Sequence[Any]) -> str:
        written = [self.value(each) for each in values]
        if name == "IN":
            written = [", ".join(written)]
        return _OPERATORS[name][0].format(self.of(attribute), *written)

    def add_to(self, given: Parameters) -> None:
        if self._names:
            found = {placeholder: name for name, placeholder in self._names.items()}
            given["ExpressionAttributeNames"] = {
                **(given.get("ExpressionAttributeNames") or {}),
                **found,
            }
        if self._values:
            given["ExpressionAttributeValues"] = {
                **(given.get("ExpressionAttributeValues") or {}),
                **self._values,
            }


def _normal(attribute: str, condition: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The operator and its values. Raises Rejection."""
    name, listed = condition.get("ComparisonOperator"), condition.get("AttributeValueList")
    exists, where = condition.get("Exists"), f" for Attribute: {attribute}"
    if "Value" in condition and listed is not None:
        raise Rejection(f"{INVALID}Value and AttributeValueList cannot be used together{where}")
    if exists is not None and name is not None:
        raise Rejection(f"{INVALID}Exists and ComparisonOperator cannot be used together{where}")
    if name is None:
        if listed is not None:
            text = "AttributeValueList can only be used with a ComparisonOperator"
            raise Rejection(f"{INVALID}{text}{where}")
        if exists is False and "Value" in condition:
            raise Rejection(f"{INVALID}Value cannot be used when Exists is false{where}")
        if exists is False:
            return "NULL", []
        if "Value" not in condition:
            shown = "null" if exists is None else "true"
            raise Rejection(f"{INVALID}Value must be provided when Exists is {shown}{where}")
        return "EQ", [checked(condition["Value"])]
    values = [condition["Value"]] if "Value" in condition else listed or []
    _check_operator(name, [checked(each) for each in values])
    return name, [checked(each) for each in values]


def _check_operator(name: str, values: Sequence[Mapping[str, Any]]) -> None:
    if name not in _OPERATORS:
        raise Rejection(
            f"1 validation error detected: Value '{name}' at 'comparisonOperator' failed to satisfy"
            f" constraint: Member must satisfy enum value set: [{', '.join(_OPERATORS)}]"
        )
    _, least, most, types = _OPERATORS[name]
    if not least <= len(values) <= most:
        text = f"Invalid number of argument(s) for the {name} ComparisonOperator"
        raise Rejection(f"{INVALID}{text}")
    kinds = [next(iter(value)) for value in values]
    for kind in kinds:
        if kind not in types:
            text = f"ComparisonOperator {name} is not valid for {kind} AttributeValue type"
            raise Rejection(f"{INVALID}{text}")
    if len(set(kinds)) > 1:
        text = "AttributeValues inside AttributeValueList must be of same type"
        raise Rejection(f"{INVALID}{text}")


def _check_key_conditions(
    conditions: Mapping[str, tuple[str, list[Any]]], keys: Sequence[str]
) -> None:
    if not 1 <= len(conditions) <= 2:
        raise Rejection("Conditions can be of length 1 or 2 only")
    for key in keys[: len(conditions)]:
        if key not in conditions:
            raise Rejection(f"Query condition missed key schema element: {key}")
    if len(keys) < len(conditions):
        raise Rejection("Query key condition not supported")
    for key, (name, _) in conditions.items():
        if name not in _OF_RANGE_KEYS:
            raise Rejection("Attempted conditional constraint is not an indexable operation")
        if keys and key == keys[0] and name != "EQ":
            raise Rejection("Query key condition not supported")


def _check_filter(conditions: Mapping[str, Any], keys: Sequence[str]) -> None:
    for key in keys:
        if key in conditions:
            raise Rejection(
                "QueryFilter can only contain non-primary key attributes: Primary key attribute: "
                f"{key}"
            )


def _check_distinct(attributes: Sequence[str]) -> None:
    for name in attributes:
        if attributes.count(name) > 1:
            raise Rejection(f"{INVALID}Duplicate value in attribute name: {name}")


def _update(updates: Mapping[str, Mapping[str, Any]], names: _Names) -> str:
    """The expression of AttributeUpdates. Raises Rejection."""
    clauses: dict[str, list[str]] = {"SET": [], "REMOVE": [], "ADD": [], "DELETE": []}
    for attribute, update in updates.items():
        action, name = update.get("Action", "PUT"), names.of(attribute)
        if "Value" not in update:
            if action != "DELETE":
                text = "Only DELETE action is allowed when no attribute value is specified"
                raise Rejection(f"{INVALID}{text}")
            clauses["REMOVE"].append(name)
            continue
        value = checked(update["Value"])
        kind = next(iter(value))
        if action == "DELETE" and kind not in _SETS:
            text = f"DELETE action with value is not supported for the type {kind}"
            raise Rejection(f"{INVALID}{text}")
        if action == "ADD" and kind not in (*_SETS, "N", "L"):
            text = f"ADD action is not supported for the type {kind}"
            raise Rejection(f"{INVALID}{text}")
        if action == "PUT":
            clauses["SET"].append(f"{name} = {names.value(value)}")
        elif kind == "L":  # which ADD of an expression does not take
            before = f"if_not_exists({name}, {names.value({'L': []})})"
            clauses["SET"].append(f"{name} = list_append({before}, {names.value(value)})")
        else:
            clauses[action].append(f"{name} {names.value(value)}")
    return " ".join(f"{name} {', '.join(each)}" for name, each in clauses.items() if each)
