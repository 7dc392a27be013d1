"""Event patterns: what EventBridge and Lambda's filters match events with.

Source: EventBridge user guide, "Comparison operators for use in event patterns", and the library
that AWS publishes for them, github.com/aws/event-ruler: its JsonRuleCompiler decides what a pattern
may be. A pattern is checked whole when it is compiled, so that no event finds a fault in it.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from emulator import strict_json

ABSENT = object()
MOST_COMPARABLE = 5_000_000_000  # "Numeric matching", EventBridge user guide
MOST_ALTERNATIVES = 1000  # of a pattern with several $or, so that none takes for ever
Test = Callable[[Any], bool]
Branch = Mapping[str, Sequence[Test]]  # the conditions by a field's name, in their names' order
Membership = tuple[tuple[int, int], ...]
"""(an array, the place in it) for each array that a value is in, from the outermost"""
_NO_VALUE: Sequence[tuple[Any, Membership]] = [(ABSENT, ())]
# Names inside $or: RESERVED_FIELD_NAMES_IN_OR_RELATIONSHIP of event-ruler.
_RESERVED = {"exactly", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr"}
_RESERVED |= {"equals-ignore-case", "=", "<", "<=", ">", ">=", "regex", "not-wildcard"}
_RESERVED |= {"not-equals-ignore-case", "date-after", "date-on-or-after", "date-before"}
_RESERVED |= {"date-on-or-before", "in-date-range", "ip-address-in-range"}
_RESERVED |= {"ip-address-not-in-range"}
_ADDRESS = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|[0-9a-fA-F:]*:[0-9a-fA-F:]*")


class InvalidPattern(ValueError):
    """AWS rejects the pattern; the text says why."""


class _Object(tuple[tuple[str, Any], ...]):
    """An object of a pattern: its names and values, a name twice if the text has it twice."""

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(frozen=True)
class Pattern:
    """What an event must have: all that one of the branches says, of which $or makes several."""

    branches: Sequence[Branch]

    def matches(self, event: Mapping[str, Any]) -> bool:
        fields = _fields(event, self._steps)
        return any(_is_met(branch, fields) for branch in self.branches)

    @cached_property
    def _steps(self) -> Set[str]:
        """The names on the way to the fields."""
        split = (name.split(".") for name in self.names())
        return {".".join(each[:count]) for each in split for count in range(1, len(each) + 1)}

    def only(self, allowed: Callable[[str], bool]) -> Pattern:
        """The branches that name no other field than those that are allowed."""
        return Pattern([branch for branch in self.branches if all(map(allowed, branch))])

    def names(self) -> Set[str]:
        return {name for branch in self.branches for name in branch}


def compiled(text: str) -> Pattern:
    """Raises InvalidPattern, and ValueError for what is not JSON."""
    branches = _with(strict_json.loads(text, _Object), "", [{}], in_or=False)
    return Pattern([dict(sorted(branch.items())) for branch in branches])


def _with(pattern: Any, before: str, branches: list[Branch], *, in_or: bool) -> list[Branch]:
    """The branches with what the pattern says of the fields whose names begin with `before`. Of a
    field that it has twice, the last one counts: as JsonRuleCompiler.writeRules."""
    if not isinstance(pattern, _Object):
        raise InvalidPattern("it must be an object")
    if not pattern:
        raise InvalidPattern("empty objects are not allowed")
    for name, rule in pattern:
        if name == "$or":
            if not isinstance(rule, list) or len(rule) < 2:
                raise InvalidPattern("$or takes an array of at least 2 objects")
            branches = [new for each in rule for new in _with(each, before, branches, in_or=True)]
            if len(branches) > MOST_ALTERNATIVES:
                raise InvalidPattern(f"over {MOST_ALTERNATIVES} alternatives of $or")
        elif in_or and name in _RESERVED:
            raise InvalidPattern(f"{name!r} is reserved, and no field's name inside $or")
        elif isinstance(rule, _Object):
            branches = _with(rule, f"{before}{name}.", branches, in_or=in_or)
        else:
            conditions = _leaf(name, rule)
            branches = [{**branch, f"{before}{name}": conditions} for branch in branches]
    return branches


def _leaf(name: str, rule: Any) -> Sequence[Test]:
    if not isinstance(rule, list):
        raise InvalidPattern(f"{name!r} must be an object or an array, got {rule!r}")
    if not rule:
        raise InvalidPattern(f"empty arrays are not allowed, as at {name!r}")
    return [_condition(each) for each in rule]


def _fields(event: Any, steps: Set[str]) -> Mapping[str, Sequence[tuple[Any, Membership]]]:
    """The values by their joined names, as event-ruler's Event has them: those of arrays and of
    objects in arrays as well; an empty array or object has none."""
    found: dict[str, list[tuple[Any, Membership]]] = {}
    none: Membership = ()
    waiting = [(name, value, none) for name, value in event.items() if name in steps]
    arrays = itertools.count()
    while waiting:
        name, value, member = waiting.pop()
        if isinstance(value, dict):
            for key, each in value.items():
                if (inner := f"{name}.{key}") in steps:
                    waiting.append((inner, each, member))
        elif isinstance(value, list):
            array = next(arrays)
            for place, each in enumerate(value):
                alone = len(value) == 1 or not isinstance(each, dict | list)
                waiting.append((name, each, member if alone else (*member, (array, place))))
        else:
            found.setdefault(name, []).append((value, member))
    return found


def _is_met(branch: Branch, fields: Mapping[str, Sequence[tuple[Any, Membership]]]) -> bool:
    """Fields are found one by one, each in the same elements of arrays as those before it: as
    event-ruler's ACFinder, and NameState for what is absent."""
    last = {
        array: at
        for at, name in enumerate(branch)
        for _, member in fields.get(name, ())
        for array, _ in member
    }
    if not last:
        return all(
            any(test(value) for value, _ in fields.get(name, _NO_VALUE) for test in conditions)
            for name, conditions in branch.items()
        )
    found: set[frozenset[tuple[int, int]]] = {frozenset()}
    for at, (name, conditions) in enumerate(branch.items()):
        values = fields.get(name, ())
        fit = _tree(member for value, member in values if any(test(value) for test in conditions))
        joined = {before.union(each) for before in found for each in _agreeing(fit, dict(before))}
        if any(test(ABSENT) for test in conditions):
            there = _tree(member for _, member in values)
            joined |= {each for each in found if next(_agreeing(there, dict(each)), None) is None}
        found = {frozenset(place for place in each if last[place[0]] > at) for each in joined}
    return bool(found)


class _Node:
    """Memberships that begin alike, by the place in the next array. `member` ends here."""

    def __init__(self) -> None:
        self.member: Membership | None = None
        self.below: dict[int, dict[int, _Node]] = {}


def _tree(members: Iterable[Membership]) -> _Node:
    root = _Node()
    for member in members:
        node = root
        for array, place in member:
            node = node.below.setdefault(array, {}).setdefault(place, _Node())
        node.member = member
    return root


def _agreeing(root: _Node, before: Mapping[int, int]) -> Iterator[Membership]:
    """The memberships of the tree with the places that `before` has, in the arrays that both have.
    It looks at no others, so that the elements of arrays are not compared each with each."""
    waiting = [iter([root])]
    while waiting:
        node = next(waiting[-1], None)
        if node is None:
            waiting.pop()
            continue
        if node.member is not None:
            yield node.member
        for array, places in node.below.items():
            if array not in before:
                waiting.append(iter(places.values()))
            elif before[array] in places:
                waiting.append(iter([places[before[array]]]))


def _condition(condition: Any) -> Test:
    if isinstance(condition, list):
        raise InvalidPattern("a value to match is a string, a number, true, false or null")
    if not isinstance(condition, _Object):
        return _equal(condition)
    if len(condition) != 1:
        raise InvalidPattern(f"one operator is allowed in a match expression, got {condition!r}")
    ((name, operand),) = condition
    if name not in _OPERATORS:
        raise InvalidPattern(f"operator {name!r} is not known")
    return _OPERATORS[name](operand)


def _equal(wanted: Any) -> Test:
    if _is_number(wanted):
        return lambda value: _is_number(value) and bool(value == wanted)
    address = _address(wanted)
    if address is not None:
        return lambda value: _address(value) == address
    return lambda value: type(value) is type(wanted) and bool(value == wanted)


def _address(value: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a text is; it may be written in several ways."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        return None
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _comparable(number: Any) -> float:
    if abs(number) > MOST_COMPARABLE:
        raise InvalidPattern(f"{number} is not from -5e9 to 5e9, which is what numbers compare in")
    return float(number)


def _text(operator: str, operand: Any) -> str:
    if not isinstance(operand, str):
        raise InvalidPattern(f"{operator} takes a string, got {operand!r}")
    return operand


def _fits(expression: str) -> Test:
    whole = re.compile(expression, re.DOTALL)
    return lambda value: isinstance(value, str) and whole.fullmatch(value) is not None


def _any_case(operand: Any) -> str:
    """The expression for a text in any case, by each character's lower and upper case: as
    event-ruler's EqualsIgnoreCaseParser."""
    text = _text("equals-ignore-case", operand)
    return "".join(f"(?:{re.escape(c.lower())}|{re.escape(c.upper())})" for c in text)


def _end(operator: str, form: str) -> Callable[[Any], Test]:
    """prefix or suffix, which may ignore case."""

    def build(operand: Any) -> Test:
        if not isinstance(operand, _Object):
            return _fits(form.format(re.escape(_text(operator, operand))))
        if [name for name, _ in operand] != ["equals-ignore-case"]:
            raise InvalidPattern(f"{operator} takes equals-ignore-case alone, got {operand!r}")
        return _fits(form.format(_any_case(operand[0][1])))

    return build


def _wildcard(operand: Any) -> Test:
    pieces, text = [""], _text("wildcard", operand)  # what is between wildcards
    for part in re.findall(r"\\.?|[^\\]", text, re.DOTALL):
        if part.startswith("\\") and part not in (r"\*", r"\\"):
            raise InvalidPattern(f"an escape of {text!r} is neither that of * nor of a backslash")
        if part != "*":
            pieces[-1] += re.escape(part[-1])
        else:
            pieces.append("")
    if "" in pieces[1:-1]:
        raise InvalidPattern(f"two wildcards in a row in {text!r}")
    first, *rest = pieces
    # the first place of a piece is as good as any other, so that nothing is tried again
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1])
    return _fits(f"{first}{middle}.*{rest[-1]}" if rest else first)


def _cidr(operand: Any) -> Test:
    text = _text("cidr", operand)
    first, _, bits = text.partition("/")
    address = _address(first)
    if (
        address is None
        or not re.fullmatch("[0-9]{1,3}", bits)
        or int(bits) >= address.max_prefixlen
    ):
        raise InvalidPattern(f"cidr takes an address and less bits than it has, got {text!r}")
    network = ipaddress.ip_network(text, strict=False)
    return lambda value: (found := _address(value)) is not None and found in network


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
    if isinstance(operand, _Object):
        if len(operand) != 1 or operand[0][0] not in _NEGATED:
            raise InvalidPattern(f"anything-but takes one of {sorted(_NEGATED)}, got {operand!r}")
        ((name, inner),) = operand
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
    "equals-ignore-case": lambda operand: _fits(_any_case(operand)),
    "exactly": lambda operand: _fits(re.escape(_text("exactly", operand))),
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _end("prefix", "{}.*"),
    "suffix": _end("suffix", ".*{}"),
    "wildcard": _wildcard,
}
