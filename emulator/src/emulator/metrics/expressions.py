"""Metric math: expressions over metrics, as alarms and dashboards have them.

Arithmetic, comparisons and the functions in `_FUNCTIONS`; whatever else an expression has is an
`Unsupported` that names it. Source: "Using math expressions with CloudWatch metrics", CloudWatch
user guide.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emulator.metrics.store import MINUTE, Series

Search = Callable[[str, str], list[Series]]
"""(a search expression, a statistic) -> the series of each metric that it finds"""

_OPERATORS: Mapping[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: lambda a, b: float(a > b),
    ast.GtE: lambda a, b: float(a >= b),
    ast.Lt: lambda a, b: float(a < b),
    ast.LtE: lambda a, b: float(a <= b),
    ast.Eq: lambda a, b: float(a == b),
    ast.NotEq: lambda a, b: float(a != b),
}
_SUMMED: Mapping[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "MIN": min,
    "MAX": max,
    "AVG": lambda values: sum(values) / len(values),
}
_FUNCTIONS = ("FILL", "IF", "PERIOD", "SEARCH", *_SUMMED)


class Unsupported(Exception):
    """A part of a metric, an expression or an alarm that the emulator does not evaluate."""


def parsed(expression: str) -> ast.expr:
    """Raises Unsupported."""
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        raise Unsupported(f"the expression {expression!r}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else "?"
            if name not in _FUNCTIONS:
                raise Unsupported(f"the function {name} of metric math")
        elif not isinstance(node, _KNOWN):
            raise Unsupported(f"{type(node).__name__} in the expression {expression!r}")
    return tree


_KNOWN = (
    *(ast.Name, ast.Constant, ast.Load, ast.BinOp, ast.Compare, ast.UnaryOp, ast.USub),
    *_OPERATORS,
)


def names(tree: ast.expr) -> set[str]:
    """The ids of metrics and expressions that an expression needs."""
    return {
        each.id
        for each in ast.walk(tree)
        if isinstance(each, ast.Name) and each.id not in _FUNCTIONS
    }


def evaluated(
    tree: ast.expr,
    metrics: Mapping[str, Series],
    count: int,
    search: Search | None = None,
    period: int = MINUTE,
) -> Series:
    """One series of `count` periods of so many seconds. Raises Unsupported."""
    value = _Evaluation(metrics, count, search, period).value(tree)
    if isinstance(value, float | int):
        return [float(value)] * count
    if isinstance(value, str) or (value and isinstance(value[0], list)):
        raise Unsupported("an expression that gives several series")
    series: Series = value
    return series


class _Evaluation:
    def __init__(
        self, metrics: Mapping[str, Series], count: int, search: Search | None, period: int
    ) -> None:
        self._metrics, self._count, self._search = metrics, count, search
        self._period = period

    def value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value):
                return value
            case ast.Name(id=name):
                if name not in self._metrics:
                    raise Unsupported(f"{name}, which no metric is called")
                return self._metrics[name]
            case ast.UnaryOp(operand=operand):
                return self._each(operator.sub, 0.0, self.value(operand))
            case ast.BinOp(left=left, op=op, right=right):
                return self._each(_OPERATORS[type(op)], self.value(left), self.value(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._each(_OPERATORS[type(op)], self.value(left), self.value(right))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name, [self.value(each) for each in arguments])
        raise Unsupported(f"{type(node).__name__} in an expression")

    def _call(self, name: str, given: list[Any]) -> Any:
        match name, given:
            case "FILL", [values, fill]:
                return [fill if each is None else each for each in self._series(values)]
            case "PERIOD", [_]:
                return self._period
            case "IF", [condition, then, otherwise]:
                rows = zip(
                    *(self._series(each) for each in (condition, then, otherwise)), strict=True
                )
                return [None if c is None else a if c else b for c, a, b in rows]
            case "SEARCH", [str(text), str(statistic), *_] if self._search is not None:
                return self._search(text, statistic)
            case _, [values] if name in _SUMMED:
                several = values if values and isinstance(values[0], list) else [values]
                return [_summed(_SUMMED[name], row) for row in zip(*several, strict=True)] or (
                    [None] * self._count
                )
        raise Unsupported(f"{name} with these arguments")

    def _each(self, function: Callable[[float, float], float], a: Any, b: Any) -> Series:
        pairs = zip(self._series(a), self._series(b), strict=True)
        return [_applied(function, x, y) for x, y in pairs]

    def _series(self, value: Any) -> Series:
        if isinstance(value, float | int):
            return [float(value)] * self._count
        if isinstance(value, str) or (value and isinstance(value[0], list)):
            raise Unsupported("arithmetic with what a search finds")
        return value or [None] * self._count


def _applied(
    function: Callable[[float, float], float], a: float | None, b: float | None
) -> float | None:
    if a is None or b is None:
        return None
    try:
        return function(a, b)
    except ZeroDivisionError:  # such a point is left out
        return None


def _summed(
    function: Callable[[Sequence[float]], float], row: Sequence[float | None]
) -> float | None:
    present = [each for each in row if each is not None]
    return function(present) if present else None


_SEARCH = re.compile(r"\{(?P<schema>[^}]*)\}\s*(?P<terms>.*)", re.DOTALL)
_TERM = re.compile(r'(?P<name>\w+)="(?P<value>[^"]*)"')


def searched(text: str) -> tuple[str, frozenset[str], dict[str, str]]:
    """The namespace, the names of dimensions, and the terms of a search expression, in the form
    `{Namespace,Dimension} MetricName="x"`; raises Unsupported for others."""
    found = _SEARCH.fullmatch(text.strip())
    terms = dict(_TERM.findall(found["terms"])) if found else {}
    if not found or _TERM.sub("", found["terms"]).strip():
        raise Unsupported(f"the search {text!r}")
    namespace, *dimensions = (each.strip().strip('"') for each in found["schema"].split(","))
    return namespace, frozenset(dimensions), terms
