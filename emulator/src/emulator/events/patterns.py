"""Event patterns: what EventBridge and Lambda's filters match events with.

Source: EventBridge user guide, "Comparison operators for use in event patterns", and the library
that AWS publishes for them, github.com/aws/event-ruler: its JsonRuleCompiler decides what a pattern
may be. A pattern is checked whole when it is compiled, so that no event finds a fault in it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ABSENT = object()
MOST_COMPARABLE = 5_000_000_000  # ComparableNumber of event-ruler
Test = Callable[[Any], bool]
_RESERVED = {"exactly", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr"}
_RESERVED |= {"equals-ignore-case", "=", "<", "<=", ">", ">="}


class InvalidPattern(ValueError):
    """AWS rejects the pattern; the text says why."""


def compiled(pattern: Any, *, in_or: bool = False) -> Test:
    """A test for the object that the pattern stands beside. Raises InvalidPattern."""
    node = _Node()
    _add(node, pattern, in_or)
    return node.is_met_by


@dataclass
class _Node:
    """The rules of a pattern for one name. event-ruler joins the names on the way to a field with
    dots, so that `{"a.b": [1]}` is `{"a": {"b": [1]}}`, in patterns as in events."""

    leaves: list[Test] = field(default_factory=list)
    objects: list[Test] = field(default_factory=list)  # alternatives of $or
    inside: dict[str, _Node] = field(default_factory=dict)

    def is_met_by(self, value: Any) -> bool:
        """Whether the object has what the pattern says of its fields."""
        return all(test(value) for test in self.objects) and all(
            node._is_met_at(name, value) for name, node in self.inside.items()
        )

    def _is_met_at(self, name: str, value: Any) -> bool:
        if not isinstance(value, Mapping):
            value = {}
        leaf = value.get(name, ABSENT)
        if not all(test(leaf) for test in self.leaves):
            return False
        return not (self.inside or self.objects) or _inside(self.is_met_by, _object(value, name))


def _add(node: _Node, pattern: Any, in_or: bool) -> None:
    if not isinstance(pattern, dict):
        raise InvalidPattern("it must be an object")
    if not pattern:
        raise InvalidPattern("empty objects are not allowed")
    for name, rule in pattern.items():
        if name == "$or":
            node.objects.append(_one_of(rule))
            continue
        if in_or and name in _RESERVED:
            raise InvalidPattern(f"{name!r} is reserved, and no field's name inside $or")
        at = node
        for part in name.split("."):
            at = at.inside.setdefault(part, _Node())
        if isinstance(rule, dict):
            _add(at, rule, in_or)
        else:
            at.leaves.append(_leaf(name, rule))


def _one_of(rule: Any) -> Test:
    if not isinstance(rule, list) or len(rule) < 2:
        raise InvalidPattern("$or takes an array of at least 2 objects")
    alternatives = [compiled(each, in_or=True) for each in rule]
    return lambda value: any(alternative(value) for alternative in alternatives)


def _leaf(name: str, rule: Any) -> Test:
    if not isinstance(rule, list):
        raise InvalidPattern(f"{name!r} must be an object or an array, got {rule!r}")
    if not rule:
        raise InvalidPattern(f"empty arrays are not allowed, as at {name!r}")
    conditions = [_condition(each) for each in rule]
    return lambda value: _on_leaf(conditions, value)


def _object(value: Mapping[str, Any], name: str) -> Any:
    """The object at a name, with the fields whose names begin with it and a dot."""
    begin, there = f"{name}.", value.get(name, ABSENT)
    dotted = {key.removeprefix(begin): each for key, each in value.items() if key.startswith(begin)}
    return _with(there, dotted) if dotted else there


def _with(there: Any, dotted: Mapping[str, Any]) -> Any:
    if isinstance(there, list) and there:
        return [_with(each, dotted) for each in there]
    return {**there, **dotted} if isinstance(there, Mapping) else dotted


def _inside(test: Test, value: Any) -> bool:
    if isinstance(value, list) and value:  # one element that matches is enough
        return any(_inside(test, each) for each in value)
    return test(value)


def _on_leaf(conditions: Sequence[Test], value: Any) -> bool:
    """Operators see leaves only: where an object stands, there is no value."""
    if isinstance(value, list) and value:
        return any(_on_leaf(conditions, each) for each in value)
    if isinstance(value, Mapping | list):
        value = ABSENT
    return any(condition(value) for condition in conditions)


def _condition(condition: Any) -> Test:
    if isinstance(condition, list):
        raise InvalidPattern("a value to match is a string, a number, true, false or null")
    if not isinstance(condition, dict):
        return lambda value: _equal(value, condition)
    if len(condition) != 1:
        raise InvalidPattern(f"one operator is allowed in a match expression, got {condition!r}")
    ((name, operand),) = condition.items()
    if name not in _OPERATORS:
        raise InvalidPattern(f"operator {name!r} is not known")
    return _OPERATORS[name](operand)


def _equal(value: Any, wanted: Any) -> bool:
    if _is_number(wanted):
        return _is_number(value) and bool(value == wanted)
    return type(value) is type(wanted) and bool(value == wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _comparable(number: Any) -> float:
    """A number that operators compare with: event-ruler takes none beyond these."""
    if abs(number) > MOST_COMPARABLE:
        raise InvalidPattern(f"{number} is not from -5e9 to 5e9, which is what numbers compare in")
    return float(number)


def _text(operator: str, operand: Any) -> str:
    if not isinstance(operand, str):
        raise InvalidPattern(f"{operator} takes a string, got {operand!r}")
    return operand


def _end(operator: str, meets: Callable[[str, str], bool]) -> Callable[[Any], Test]:
    """prefix or suffix, which may ignore case."""

    def build(operand: Any) -> Test:
        if not isinstance(operand, dict):
            text = _text(operator, operand)
            return lambda value: isinstance(value, str) and meets(value, text)
        if operand.keys() != {"equals-ignore-case"}:
            raise InvalidPattern(f"{operator} takes equals-ignore-case alone, got {operand!r}")
        lower = _text("equals-ignore-case", operand["equals-ignore-case"]).lower()
        return lambda value: isinstance(value, str) and meets(value.lower(), lower)

    return build


def _exactly(operand: Any) -> Test:
    text = _text("exactly", operand)
    return lambda value: bool(value == text)


def _ignoring_case(operand: Any) -> Test:
    lower = _text("equals-ignore-case", operand).lower()
    return lambda value: isinstance(value, str) and value.lower() == lower


def _wildcard(operand: Any) -> Test:
    parts, text = [], _text("wildcard", operand)
    if "**" in text.replace(r"\*", ""):
        raise InvalidPattern(f"two wildcards in a row in {text!r}")
    for part in re.findall(r"\\.?|[^\\]", text, re.DOTALL):
        if part.startswith("\\") and part not in (r"\*", r"\\"):
            raise InvalidPattern(f"an escape of {text!r} is neither that of * nor of a backslash")
        parts.append(".*" if part == "*" else re.escape(part[-1]))
    expression = re.compile("".join(parts), re.DOTALL)
    return lambda value: isinstance(value, str) and expression.fullmatch(value) is not None


def _cidr(operand: Any) -> Test:
    text = _text("cidr", operand)
    address, slash, bits = text.partition("/")
    try:
        longest = ipaddress.ip_address(address).max_prefixlen
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        slash = ""
    if not slash or not bits.isdigit() or int(bits) >= longest:
        raise InvalidPattern(f"cidr takes an address and less bits than it has, got {text!r}")

    def within(value: Any) -> bool:
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return within


def _numeric(operand: Any) -> Test:
    """One comparison, or a lower bound and an upper one in that order."""
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise InvalidPattern(f"numeric takes an array of 2 or 4, got {operand!r}")
    signs, numbers = operand[::2], operand[1::2]
    if not all(_is_number(number) for number in numbers):
        raise InvalidPattern(f"numeric compares with numbers, got {operand!r}")
    numbers = [_comparable(number) for number in numbers]
    known = signs[0] in tuple(_COMPARISONS) if len(signs) == 1 else _is_range(signs)
    if not known:
        raise InvalidPattern(
            f"numeric takes =, <, <=, >, >= or a lower and an upper bound: {operand!r}"
        )
    if len(numbers) == 2 and numbers[0] >= numbers[1]:
        raise InvalidPattern(f"the lower bound of {operand!r} is not below the upper one")
    pairs = [(_COMPARISONS[sign], number) for sign, number in zip(signs, numbers, strict=True)]
    return lambda value: _is_number(value) and all(holds(value, number) for holds, number in pairs)


def _is_range(signs: Sequence[Any]) -> bool:
    return signs[0] in (">", ">=") and signs[1] in ("<", "<=")


def _exists(operand: Any) -> Test:
    if not isinstance(operand, bool):
        raise InvalidPattern(f"exists takes true or false, got {operand!r}")
    return lambda value: (value is not ABSENT) is operand


def _anything_but(operand: Any) -> Test:
    tests: list[Test]
    if isinstance(operand, dict):
        if len(operand) != 1 or next(iter(operand)) not in _NEGATED:
            raise InvalidPattern(f"anything-but takes one of {sorted(_NEGATED)}, got {operand!r}")
        ((name, inner),) = operand.items()
        texts = [_text(name, each) for each in _listed(inner)]
        if not texts:
            raise InvalidPattern(f"empty arrays are not allowed, as at {name!r}")
        if name in ("prefix", "suffix") and "" in texts:
            raise InvalidPattern(f"an empty {name} is not allowed")
        tests = [_OPERATORS[name](text) for text in texts]
    else:
        values = _listed(operand)
        kinds = {
            str if isinstance(each, str) else float if _is_number(each) else None for each in values
        }
        if len(kinds) != 1 or None in kinds:
            raise InvalidPattern(f"anything-but takes strings or numbers alone, got {operand!r}")
        if kinds == {float}:
            values = [_comparable(each) for each in values]
        tests = [_condition(each) for each in values]
    return lambda value: value is not ABSENT and not any(test(value) for test in tests)


def _listed(operand: Any) -> list[Any]:
    return operand if isinstance(operand, list) else [operand]


_NEGATED = {"equals-ignore-case", "prefix", "suffix", "wildcard"}
_COMPARISONS: Mapping[Any, Callable[[float, float], bool]] = {
    "=": lambda value, number: value == number,
    "<": lambda value, number: value < number,
    "<=": lambda value, number: value <= number,
    ">": lambda value, number: value > number,
    ">=": lambda value, number: value >= number,
}
_OPERATORS: Mapping[str, Callable[[Any], Test]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _ignoring_case,
    "exactly": _exactly,
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _end("prefix", str.startswith),
    "suffix": _end("suffix", str.endswith),
    "wildcard": _wildcard,
}
