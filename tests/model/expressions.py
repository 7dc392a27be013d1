"""DynamoDB's condition and update expressions, evaluated on items in wire form.

As much of the language as the functions use; anything else is refused. A differential test holds it
against moto's. docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

Value = dict[str, Any]  # one typed value: {"S": "x"}
Item = dict[str, Value]
Names = Mapping[str, str]
Values = Mapping[str, Value]
Operand = Callable[[Item, Names, Values], Value | None]
Condition = Callable[[Item, Names, Values], bool]
Change = Callable[[Item, Item, Names, Values], None]  # (old item, item to change, names, values)

TOKEN = re.compile(r"\s*(<>|<=|>=|[<>=(),.+-]|[:#]?[A-Za-z0-9_]+)")


class InvalidPath(Exception):
    """A document path that leads nowhere: DynamoDB's ValidationException."""


class Tokens:
    def __init__(self, text: str) -> None:
        self._words = TOKEN.findall(text)
        if "".join(self._words) != re.sub(r"\s", "", text):
            raise ValueError(text)
        self._place = 0

    @property
    def next(self) -> str:
        return self._words[self._place] if self._place < len(self._words) else ""

    def take(self, *wanted: str) -> str:
        word = self.next
        if wanted and word.upper() not in wanted:
            raise ValueError(f"{word} instead of {wanted} in {self._words}")
        self._place += 1
        return word

    def accept(self, *wanted: str) -> bool:
        if self.next.upper() in wanted:
            self._place += 1
            return True
        return False


def holds(expression: str | None, item: Item | None, names: Names, values: Values) -> bool:
    return expression is None or condition(expression)(item or {}, names, values)


def updated(expression: str, item: Item, names: Names, values: Values) -> Item:
    """The item after an update expression; all operands are read from the item as it was."""
    result = dict(item)
    for change in changes(expression):
        change(item, result, names, values)
    return result


@lru_cache(maxsize=256)
def condition(text: str) -> Condition:
    tokens = Tokens(text)
    result = _any_of(tokens)
    tokens.take("")
    return result


def _any_of(tokens: Tokens) -> Condition:
    parts = [_all_of(tokens)]
    while tokens.accept("OR"):
        parts.append(_all_of(tokens))
    return lambda *given: any(part(*given) for part in parts)


def _all_of(tokens: Tokens) -> Condition:
    parts = [_single(tokens)]
    while tokens.accept("AND"):
        parts.append(_single(tokens))
    return lambda *given: all(part(*given) for part in parts)


def _single(tokens: Tokens) -> Condition:
    if tokens.accept("NOT"):
        negated = _single(tokens)
        return lambda *given: not negated(*given)
    if tokens.accept("("):
        inner = _any_of(tokens)
        tokens.take(")")
        return inner
    if tokens.next in ("attribute_exists", "attribute_not_exists"):
        exists = tokens.take() == "attribute_exists"
        tokens.take("(")
        operand = _operand(tokens)
        tokens.take(")")
        return lambda *given: (operand(*given) is not None) == exists
    if tokens.accept("CONTAINS"):
        tokens.take("(")
        whole = _operand(tokens)
        tokens.take(",")
        part = _operand(tokens)
        tokens.take(")")
        return lambda *given: _contains(whole(*given), part(*given))
    left = _operand(tokens)
    sign = tokens.take("=", "<>", "<", "<=", ">", ">=")
    right = _operand(tokens)
    return lambda *given: _compare(sign, left(*given), right(*given))


def _contains(whole: Value | None, part: Value | None) -> bool:
    if whole is None or part is None:
        return False
    ((kind, content),) = whole.items()
    ((other, value),) = part.items()
    return kind in ("SS", "NS") and kind[0] == other and value in content


def _compare(sign: str, left: Value | None, right: Value | None) -> bool:
    if left is None or right is None:
        return sign == "<>" and (left is not None or right is not None)
    a, b = _plain(left), _plain(right)
    if sign in ("=", "<>"):
        return (a == b) == (sign == "=")
    if a[0] != b[0]:
        return False
    less, same = bool(a[1] < b[1]), bool(a[1] == b[1])
    return {"<": less, "<=": less or same, ">": not less and not same, ">=": not less}[sign]


def _plain(value: Value) -> tuple[str, Any]:
    ((kind, content),) = value.items()
    if kind == "N":
        return kind, float(content)
    if kind in ("SS", "NS"):
        return kind, frozenset(content)
    if kind == "M":
        return kind, {name: _plain(part) for name, part in content.items()}
    return kind, content


def _operand(tokens: Tokens) -> Operand:
    if tokens.next.startswith(":"):
        name = tokens.take()
        return lambda _item, _names, values: values[name]
    if tokens.accept("SIZE"):
        tokens.take("(")
        inner = _operand(tokens)
        tokens.take(")")
        return lambda *given: _size(inner(*given))
    path = _path(tokens)
    return lambda item, names, _values: _at(item, path, names)


def _size(value: Value | None) -> Value | None:
    return None if value is None else {"N": str(len(next(iter(value.values()))))}


def _path(tokens: Tokens) -> tuple[str, ...]:
    parts = [tokens.take()]
    while tokens.accept("."):
        parts.append(tokens.take())
    return tuple(parts)


def _at(item: Item, path: tuple[str, ...], names: Names) -> Value | None:
    here: Value | None = {"M": item}
    for part in path:
        if here is None or "M" not in here:
            return None
        here = here["M"].get(names[part] if part.startswith("#") else part)
    return here


@lru_cache(maxsize=256)
def changes(text: str) -> tuple[Change, ...]:
    tokens = Tokens(text)
    result: list[Change] = []
    while tokens.next:
        clause = tokens.take("SET", "REMOVE", "ADD", "DELETE").upper()
        result.append(_change(clause, tokens))
        while tokens.accept(","):
            result.append(_change(clause, tokens))
    return tuple(result)


def _change(clause: str, tokens: Tokens) -> Change:
    path = _path(tokens)
    if clause == "REMOVE":
        return lambda _old, item, names, _values: _write(item, path, names, None)
    if clause == "SET":
        tokens.take("=")
        source = _sum(tokens)
        return lambda old, item, names, values: _write(
            item, path, names, _required(source(old, names, values))
        )
    operand = _operand(tokens)

    def members(old: Item, item: Item, names: Names, values: Values) -> None:
        given = _required(operand(old, names, values))
        if "N" in given:  # ADD to a number
            before = int((_at(old, path, names) or {"N": "0"})["N"])
            _write(item, path, names, {"N": str(before + int(given["N"]))})
            return
        new = given["SS"]
        there = (_at(old, path, names) or {"SS": []})["SS"]
        kept = {*there, *new} if clause == "ADD" else {*there} - {*new}
        _write(item, path, names, {"SS": sorted(kept)} if kept else None)

    return members


def _sum(tokens: Tokens) -> Operand:
    left = _source(tokens)
    if not tokens.accept("+"):
        return left
    right = _source(tokens)

    def total(item: Item, names: Names, values: Values) -> Value:
        parts = [_required(each(item, names, values))["N"] for each in (left, right)]
        return {"N": str(sum(map(int, parts)))}

    return total


def _source(tokens: Tokens) -> Operand:
    if not tokens.accept("IF_NOT_EXISTS"):
        return _operand(tokens)
    tokens.take("(")
    path = _path(tokens)
    tokens.take(",")
    otherwise = _operand(tokens)
    tokens.take(")")

    def value(item: Item, names: Names, values: Values) -> Value | None:
        there = _at(item, path, names)
        return otherwise(item, names, values) if there is None else there

    return value


def _required(value: Value | None) -> Value:
    if value is None:
        raise InvalidPath
    return value


def _write(item: Item, path: tuple[str, ...], names: Names, value: Value | None) -> None:
    """Changes the outermost map in place, and copies of the ones inside."""
    *parents, last = [names[part] if part.startswith("#") else part for part in path]
    here = item
    for part in parents:
        if "M" not in here.get(part, {}):
            raise InvalidPath
        here[part] = {"M": dict(here[part]["M"])}
        here = here[part]["M"]
    if value is None:
        here.pop(last, None)
    else:
        here[last] = value
