"""The grammar of DynamoDB's condition and projection expressions.

Source: DynamoDB developer guide, "Condition and filter expressions, operators, and functions" and
"Referring to item attributes when using expressions".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeVar

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from emulator.aws.checks.rejection import Rejection

_T = TypeVar("_T")
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
OF_UPDATES = {"if_not_exists": 2, "list_append": 2}
_KEYWORDS = {"AND", "OR", "NOT", "BETWEEN", "IN"}
_TOKEN = re.compile(r"\s+|[A-Za-z_]\w*|#\w+|:\w+|\d+|<>|<=|>=|[=<>(),.\[\]]|.", re.DOTALL)
END = "<EOF>"
_OTHER_SPACE = re.compile(r"[^\S ]|  ")
_GLUED = re.compile(r"(?<=[.\[(]) | (?=[,)\].\[])|(?<=[a-z]) (?=\()")
MOST_OPERATORS = 300


class Operand(NamedTuple):
    """A document path, a value (`:a`), or `size(...)`; `text` as it was written."""

    kind: str  # path, value, size
    text: str


class Use(NamedTuple):
    """An operator or a function, with its operands."""

    name: str
    operands: tuple[Operand, ...]


class Parser:
    """One pass over an expression; `uses` has what it found. Raises Rejection, without the
    expression's kind in front."""

    def __init__(self, text: str) -> None:
        self._tokens = [each for each in _TOKEN.findall(text) if not each.isspace()]
        self._at = 0
        self._dropped: set[int] = set()  # parentheses around operands, which say nothing
        self._text = text
        self._closings = self._matched()
        self.uses: list[Use] = []
        self.operators = 0  # those that are no uses: AND, OR and NOT, or an update's

    @property
    def plain(self) -> str:
        """The expression without parentheses around operands and with single blanks, as moto takes
        it."""
        if not self._dropped and not _OTHER_SPACE.search(self._text):
            return self._text
        tokens = (each for at, each in enumerate(self._tokens) if at not in self._dropped)
        return _GLUED.sub("", " ".join(tokens))

    @property
    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else END

    def _take(self, *wanted: str) -> str:
        token = self._next
        if wanted and token.upper() not in wanted:
            raise self._error()
        self._at += 1
        return token

    def _error(self) -> Rejection:
        near = " ".join(self._tokens[max(self._at - 1, 0) : self._at + 2])
        return Rejection(f'Syntax error; token: "{self._next}", near: "{near}"')

    def read(self, rule: Callable[[], None]) -> None:
        """The whole text by `rule`."""
        try:
            rule()
        except RecursionError as error:
            self._check_count()
            raise Rejection("Syntax error; the expression is nested too deeply") from error
        if self._next != END:
            raise self._error()
        self._check_count()

    def _check_count(self) -> None:
        """ "The maximum number of operators or functions" ("Constraints in Amazon DynamoDB"), which
        counts in conditions as well, AND, OR and NOT among them: Scylla's
        test/alternator/test_limits.py, which runs against the service too."""
        if self.operators + len(self.uses) > MOST_OPERATORS:
            raise Rejection(
                f"The expression contains too many operators; operator count: {MOST_OPERATORS + 1}"
            )

    def projection(self) -> None:
        self._ungrouped()
        while self._next == ",":
            self._take()
            self._ungrouped()

    def _ungrouped(self) -> None:
        """Only conditions have parentheses: dynalite, db/projectionParser.pegjs."""
        if self._next == "(":
            raise self._error()
        self.path()

    def condition(self) -> None:
        self._both()
        while self._next.upper() == "OR":
            self._take()
            self.operators += 1
            self._both()

    def _both(self) -> None:
        self._one()
        while self._next.upper() == "AND":
            self._take()
            self.operators += 1
            self._one()

    def _one(self) -> None:
        while self._next.upper() == "NOT":
            self._take()
            self.operators += 1
        if self._next == "(" and not self._operand_in_parentheses():
            self._check_redundant()
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

    def _operand_in_parentheses(self) -> bool:
        """Whether what follows the closing parenthesis takes an operand, or goes on with its
        path."""
        after = self._tokens[self._closing(self._at) + 1 :][:1]
        return bool(after) and after[0].upper() in (*COMPARATORS, "BETWEEN", "IN", ".", "[")

    def _closing(self, at: int) -> int:
        """The index of the parenthesis that closes the one at `at`; past the end without one."""
        return self._closings.get(at, len(self._tokens))

    def _matched(self) -> dict[int, int]:
        found: dict[int, int] = {}
        opened: list[int] = []
        for index, each in enumerate(self._tokens):
            if each == "(":
                opened.append(index)
            elif each == ")" and opened:
                found[opened.pop()] = index
        return found

    def _check_redundant(self) -> None:
        closing = self._closing(self._at)
        doubled = self._tokens[self._at + 1 : self._at + 2] == ["("]
        if doubled and self._closing(self._at + 1) == closing - 1:
            raise Rejection("The expression has redundant parentheses;")

    def _inside(self, read: Callable[[], _T]) -> _T:
        """What `read` reads between parentheses, which are dropped."""
        self._dropped.add(self._at)
        self._take("(")
        found = read()
        self._dropped.add(self._at)
        self._take(")")
        return found

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
        if name in OF_UPDATES:
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
        if self._next == "(" and self._tokens[self._closing(self._at) + 1 :][:1] not in (
            ["."],
            ["["],
        ):
            self._check_redundant()
            return self._inside(self._operand)
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
        parts = [self._head()]
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

    def _head(self) -> str:
        if self._next == "(":
            self._check_redundant()
            return self._inside(self.path)
        return self._name()

    def _name(self) -> str:
        name = self._next
        if not re.fullmatch(r"#\w+|[A-Za-z_]\w*", name) or name.upper() in _KEYWORDS:
            raise self._error()
        if name.upper() in ReservedKeywords.get_reserved_keywords():
            raise Rejection(f"Attribute name is a reserved keyword; reserved keyword: {name}")
        return self._take()


class Read(NamedTuple):
    """A condition: its operators and functions from left to right, and its plain form."""

    uses: tuple[Use, ...]
    plain: str


@lru_cache(1000)
def condition(text: str) -> Read:
    """The operators and functions of a condition, filter or key condition. Raises Rejection."""
    parser = Parser(text)
    parser.read(parser.condition)
    return Read(tuple(parser.uses), parser.plain)


@lru_cache(1000)
def check_projection(projection: str) -> None:
    """Paths with commas between them. Raises Rejection."""
    parser = Parser(projection)
    parser.read(parser.projection)
