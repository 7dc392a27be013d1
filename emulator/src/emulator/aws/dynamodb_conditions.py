"""Conditions and filters of DynamoDB as it evaluates them: by type as well as by value.

moto compares Python's values: a number with a text is a TypeError, `true` equals 1, an attribute
that is not there equals NULL, and a size counts the characters of base64. Source: DynamoDB
developer guide, "Comparison operator and function reference"; the results of its cases are those of
dynalite's tests (github.com/architect/dynalite), which also run against the service.
"""

from __future__ import annotations

import base64
import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from moto.dynamodb import comparisons
from moto.dynamodb.models.dynamo_type import DynamoType

from emulator.aws.hooks import replace

_SETS = {"SS": "S", "NS": "N", "BS": "B"}
_ORDERED = frozenset({"S", "N", "B"})


class Typed(NamedTuple):
    """A value with its type, as moto has both: binary values are bytes, or base64."""

    kind: str
    value: Any


def install() -> None:
    """Change moto's comparisons as this module's docstring describes."""
    for name, holds in (
        ("OpLessThan", operator.lt),
        ("OpLessThanOrEqual", operator.le),
        ("OpGreaterThan", operator.gt),
        ("OpGreaterThanOrEqual", operator.ge),
    ):
        replace(getattr(comparisons, name), "expr", _ordered(holds))
    replace(comparisons.OpEqual, "expr", lambda self, item: _equal(*_both(self, item)))
    replace(comparisons.OpNotEqual, "expr", lambda self, item: not _equal(*_both(self, item)))
    replace(comparisons.FuncBetween, "expr", _between)
    replace(comparisons.FuncIn, "expr", _in)
    replace(comparisons.FuncContains, "expr", _contains)
    replace(comparisons.FuncBeginsWith, "expr", _begins_with)


def _both(self: Any, item: Any) -> tuple[Typed | None, Typed | None]:
    return _typed(self.lhs, item), _typed(self.rhs, item)


def _typed(operand: Any, item: Any) -> Typed | None:
    """The value with its type; None for an attribute that is not there, and for the size of a type
    without one."""
    if isinstance(operand, comparisons.FuncSize):
        return _size(_typed(operand.attr, item))
    if isinstance(operand, comparisons.AttributeValue):
        return Typed(operand.type, operand.value)
    found = operand._get_attr(item)
    return None if found is None else Typed(found.type, found.value)


def _of(value: Any) -> Typed:
    """A value inside of a list or a map."""
    if isinstance(value, DynamoType):
        return Typed(value.type, value.value)
    ((kind, inner),) = value.items()
    return Typed(kind, inner)


def _size(of: Typed | None) -> Typed | None:
    if of is None or of.kind in ("N", "BOOL", "NULL"):
        return None
    return Typed("N", len(_bytes(of.value) if of.kind == "B" else of.value))


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else base64.b64decode(value)


def _scalar(kind: str, value: Any) -> Any:
    if kind == "N":
        return Decimal(value)
    return _bytes(value) if kind == "B" else value


def _equal(one: Typed | None, other: Typed | None) -> bool:
    if one is None or other is None or one.kind != other.kind:
        return False
    kind = one.kind
    if kind in _SETS:
        members = ({_scalar(_SETS[kind], each) for each in side.value} for side in (one, other))
        return next(members) == next(members)
    if kind == "L":
        return len(one.value) == len(other.value) and all(
            _equal(_of(left), _of(right))
            for left, right in zip(one.value, other.value, strict=True)
        )
    if kind == "M":
        return one.value.keys() == other.value.keys() and all(
            _equal(_of(each), _of(other.value[name])) for name, each in one.value.items()
        )
    return bool(_scalar(kind, one.value) == _scalar(kind, other.value))


def _compare(holds: Callable[[Any, Any], Any], one: Typed | None, other: Typed | None) -> bool:
    if one is None or other is None or one.kind != other.kind or one.kind not in _ORDERED:
        return False
    return bool(holds(_scalar(one.kind, one.value), _scalar(other.kind, other.value)))


def _ordered(holds: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    return lambda self, item: _compare(holds, *_both(self, item))


def _between(self: Any, item: Any) -> bool:
    value, low, high = (_typed(each, item) for each in (self.attr, self.start, self.end))
    return _compare(operator.le, low, value) and _compare(operator.le, value, high)


def _in(self: Any, item: Any) -> bool:
    value = _typed(self.attr, item)
    return any(_equal(value, _typed(each, item)) for each in self.possible_values)


def _contains(self: Any, item: Any) -> bool:
    """A part of a text or of bytes, or one element of a set or a list."""
    whole, part = _typed(self.attr, item), _typed(self.operand, item)
    if whole is None or part is None:
        return False
    if whole.kind == "L":
        return any(_equal(_of(each), part) for each in whole.value)
    if part.kind == _SETS.get(whole.kind):
        wanted = _scalar(part.kind, part.value)
        return any(_scalar(part.kind, each) == wanted for each in whole.value)
    if whole.kind != part.kind or whole.kind not in ("S", "B"):
        return False
    return _scalar(part.kind, part.value) in _scalar(whole.kind, whole.value)


def _begins_with(self: Any, item: Any) -> bool:
    whole, begin = _typed(self.attr, item), _typed(self.substr, item)
    if whole is None or begin is None or whole.kind != begin.kind or whole.kind not in ("S", "B"):
        return False
    return bool(_scalar(whole.kind, whole.value).startswith(_scalar(begin.kind, begin.value)))
