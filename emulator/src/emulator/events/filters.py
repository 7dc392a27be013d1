"""Filter criteria of event source mappings.

Source: Lambda developer guide, "Control which events Lambda sends to your function", and
EventBridge, "Comparison operators for use in event patterns".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emulator.providers import EmulatorError

_ABSENT = object()


def compile_filters(criteria: Mapping[str, Any] | None) -> Callable[[Mapping[str, Any]], bool]:
    """A test for records: true where one of the criteria's filters matches, or there is none.

    Raises EmulatorError for a pattern that Lambda would reject or that is not known here.
    """
    texts = [each["Pattern"] for each in (criteria or {}).get("Filters", [])]
    patterns = [_parsed(text) for text in texts]
    if not patterns:
        return lambda record: True
    return lambda record: any(_matches(pattern, record) for pattern in patterns)


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        pattern = json.loads(text)
    except ValueError:
        pattern = None
    if not isinstance(pattern, dict):
        raise EmulatorError(f"a filter pattern is a JSON object, got {text!r}")
    _check(pattern)
    return pattern


def _check(pattern: Mapping[str, Any]) -> None:
    for key, rule in pattern.items():
        if key == "$or" and isinstance(rule, list):
            for alternative in rule:
                _check(alternative)
        elif isinstance(rule, dict):
            _check(rule)
        elif isinstance(rule, list):
            for condition in rule:
                if isinstance(condition, dict) and not set(condition) <= _OPERATORS.keys():
                    raise EmulatorError(f"filter operator {sorted(condition)} is not known")
        else:
            raise EmulatorError(f"a filter pattern has lists of values; {key!r} has {rule!r}")


def _matches(pattern: Mapping[str, Any], value: Any) -> bool:
    if not isinstance(value, Mapping):
        value = {}
    for key, rule in pattern.items():
        if key == "$or":
            if not any(_matches(alternative, value) for alternative in rule):
                return False
            continue
        found = value.get(key, _ABSENT)
        if isinstance(rule, Mapping):
            if not _matches(rule, found):
                return False
        elif not _any_condition(rule, found):
            return False
    return True


def _any_condition(conditions: Sequence[Any], value: Any) -> bool:
    if isinstance(value, list):  # one element that matches is enough
        return any(_any_condition(conditions, each) for each in value)
    return any(_holds(condition, value) for condition in conditions)


def _holds(condition: Any, value: Any) -> bool:
    if isinstance(condition, Mapping):
        return all(_OPERATORS[name](operand, value) for name, operand in condition.items())
    return value is not _ABSENT and type(value) is type(condition) and bool(value == condition)


def _is_text(test: Callable[[str, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda operand, value: isinstance(value, str) and test(value, operand)


def _anything_but(operand: Any, value: Any) -> bool:
    if value is _ABSENT:
        return False
    if isinstance(operand, Mapping):
        return not any(_OPERATORS[name](inner, value) for name, inner in operand.items())
    return value not in (operand if isinstance(operand, list) else [operand])


def _numeric(operand: Sequence[Any], value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return all(_COMPARISONS[sign](value, number) for sign, number in pairs)


_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda value, number: value == number,
    "<": lambda value, number: value < number,
    "<=": lambda value, number: value <= number,
    ">": lambda value, number: value > number,
    ">=": lambda value, number: value >= number,
}

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "prefix": _is_text(str.startswith),
    "suffix": _is_text(str.endswith),
    "equals-ignore-case": _is_text(lambda value, operand: value.lower() == operand.lower()),
    "anything-but": _anything_but,
    "numeric": _numeric,
    "exists": lambda operand, value: (value is not _ABSENT) is operand,
}
