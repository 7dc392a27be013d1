"""The grammar of DynamoDB's condition and projection expressions.

Source: DynamoDB developer guide, "Condition and filter expressions, operators, and functions" and
"Referring to item attributes when using expressions".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from emulator.aws.checks.rejection import Rejection

COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
# Name -> number of operands. Each is true or false, but for size, which is an operand itself.
FUNCTIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
_OF_UPDATES = ("if_not_exists", "list_append")
_KEYWORDS = {"AND", "OR", "NOT", "BETWEEN", "IN"}
_TOKEN = re.compile(r"\s+|[A-Za-z_]\w*|#\w+|:\w+|\d+|<>|<=|>=|[=<>(),.\[\]]|.", re.DOTALL)
_END = "<EOF>"
_CLAUSES = ("SET", "ADD", "REMOVE", "DELETE")
_OF_PATH = re.compile(r"#?\w+|[.\[\]]")


class Operand(NamedTuple):
    """A document path, a value (`:a`), or `size(...)`; `text` as it was written."""

    kind: str  # path, value, size
    text: str


class Use(NamedTuple):
    """An operator or a function, with its operands."""

    name: str
    operands: tuple[Operand, ...]


class _Parser:
    """One pass over an expression; `uses` has what it found. Raises Rejection, without the
    expression's kind in front."""

    def __init__(self, text: str) -> None:
        self._tokens = [each for each in _TOKEN.findall(text) if not each.isspace()]
        self._at = 0
        self.uses: list[Use] = []

    @property
    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def _take(self, *wanted: str) -> str:
        token = self._next
        if wanted and token.upper() not in wanted:
            raise self._error()
        self._at += 1
        return token

    def _error(self) -> Rejection:
        near = " ".join(self._tokens[max(self._at - 1, 0) : self._at + 2])
        return Rejection(f'Syntax error; token: "{self._next}", near: "{near}"')

    def end(self) -> None:
        if self._next != _END:
            raise self._error()

    def projection(self) -> None:
        self.path()
        while self._next == ",":
            self._take()
            self.path()

    def condition(self) -> None:
        self._both()
        while self._next.upper() == "OR":
            self._take()
            self._both()

    def _both(self) -> None:
        self._one()
        while self._next.upper() == "AND":
            self._take()
            self._one()

    def _one(self) -> None:
        while self._next.upper() == "NOT":
            self._take()
        if self._next == "(":
            self._take()
            self.condition()
            self._take(")")
            return
        if self._calls() and self._next != "size":
            self.uses.append(self._function())
            return
        self._comparison(self._operand())

    def _comparison(self, first: Operand) -> None:
        sign = self._next.upper()
        if sign in COMPARATORS:
            self._take()
            self.uses.append(Use(sign, (first, self._operand())))
        elif sign == "BETWEEN":
            self._take()
            low = self._operand()
            self._take("AND")
            self.uses.append(Use(sign, (first, low, self._operand())))
        elif sign == "IN":
            self._take()
            self.uses.append(Use(sign, (first, *self._listed())))
        elif first.kind == "size":
            raise Rejection(
                "The function is not allowed to be used this way in an expression; function: size"
            )
        else:
            raise self._error()

    def _listed(self) -> Iterator[Operand]:
        self._take("(")
        yield self._operand()
        while self._take(",", ")") == ",":
            yield self._operand()

    def _calls(self) -> bool:
        after = self._tokens[self._at + 1 : self._at + 2]
        return after == ["("] and re.match(r"[A-Za-z_]", self._next) is not None

    def _function(self) -> Use:
        name = self._take()
        if name in _OF_UPDATES:
            raise Rejection(
                f"The function is not allowed in a condition expression; function: {name}"
            )
        if name not in FUNCTIONS:
            raise Rejection(f"Invalid function name; function: {name}")
        operands = tuple(self._listed())
        if len(operands) != FUNCTIONS[name]:
            raise Rejection(
                "Incorrect number of operands for operator or function; operator or function: "
                f"{name}, number of operands: {len(operands)}"
            )
        return Use(name, operands)

    def _operand(self) -> Operand:
        if self._next.startswith(":") and len(self._next) > 1:
            return Operand("value", self._take())
        if self._calls():
            use = self._function()
            if use.name != "size":
                raise Rejection(
                    "The function is not allowed to be used this way in an expression; function: "
                    f"{use.name}"
                )
            self.uses.append(use)
            return Operand("size", use.operands[0].text)
        return Operand("path", self.path())

    def path(self) -> str:
        parts = [self._name()]
        while self._next in (".", "["):
            if self._take() == ".":
                parts.append(f".{self._name()}")
            else:
                index = self._next
                if not index.isdigit():
                    raise self._error()
                self._take()
                self._take("]")
                parts.append(f"[{index}]")
        return "".join(parts)

    def _name(self) -> str:
        name = self._next
        if not re.fullmatch(r"#\w+|[A-Za-z_]\w*", name) or name.upper() in _KEYWORDS:
            raise self._error()
        if name.upper() in ReservedKeywords.get_reserved_keywords():
            raise Rejection(f"Attribute name is a reserved keyword; reserved keyword: {name}")
        return self._take()


@lru_cache(1000)
def uses_in(condition: str) -> tuple[Use, ...]:
    """The operators and functions of a condition, filter or key condition, from left to right.
    Raises Rejection."""
    parser = _Parser(condition)
    parser.condition()
    parser.end()
    return tuple(parser.uses)


@lru_cache(1000)
def check_projection(projection: str) -> None:
    """Paths with commas between them. Raises Rejection."""
    parser = _Parser(projection)
    parser.projection()
    parser.end()


@lru_cache(1000)
def check_sums(update: str) -> None:
    """`SET a = b + c` takes two operands; the rest of an update moto checks. Raises Rejection."""
    depth = signs = 0
    for word in _TOKEN.findall(update):
        depth += (word == "(") - (word == ")")
        if (depth == 0 and word == ",") or word.upper() in _CLAUSES:
            signs = 0
        if depth == 0 and word in "+-":
            signs += 1
            if signs > 1:
                raise Rejection(f'Syntax error; token: "{word}", near: "{word}"')


@lru_cache(1000)
def updated_paths(update: str) -> tuple[str, ...]:
    """The paths that an update expression changes, as they are written in it."""
    found: list[str] = []
    begins, depth = False, 0
    for word in filter(str.strip, _TOKEN.findall(update)):
        depth += (word == "(") - (word == ")")
        if word.upper() in _CLAUSES or (depth == 0 and word == ","):
            begins = True
            found.append("")
        elif begins and _OF_PATH.fullmatch(word):
            found[-1] += word
        else:
            begins = False
    return tuple(filter(None, found))
