"""The grammar of DynamoDB's update expressions.

Source: DynamoDB developer guide, "Using update expressions in DynamoDB"; the parentheses, and what
is an error, are those of dynalite's grammar (github.com/architect/dynalite, db/updateParser.pegjs),
whose tests also run against the service.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from emulator.aws.checks.grammar import END, OF_UPDATES, Parser
from emulator.aws.checks.rejection import Rejection

_CLAUSES = ("SET", "ADD", "REMOVE", "DELETE")


class Read(NamedTuple):
    """The paths that an update changes, as they are written, and its plain form."""

    paths: tuple[str, ...]
    plain: str


class _Parser(Parser):
    """Names, values and types of operands are checked elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.paths: list[str] = []

    def update(self) -> None:
        seen: set[str] = set()
        while not seen or self._next != END:
            clause = self._take(*_CLAUSES).upper()
            if clause in seen:
                raise Rejection(
                    f'The "{clause}" section can only be used once in an update expression;'
                )
            seen.add(clause)
            self._action(clause)
            while self._next == ",":
                self._take()
                self._action(clause)

    def _action(self, clause: str) -> None:
        if self._next == "(":
            raise self._error()
        self.paths.append(self.path())
        if clause == "SET":
            self._take("=")
            self._value()
        elif clause != "REMOVE":
            self._take_value()

    def _value(self) -> None:
        """A sum or an operand, in parentheses or not."""
        grouped = self._next == "("
        if grouped and self._tokens[self._closing(self._at) + 1 :][:1] not in (["+"], ["-"]):
            self._inside(self._sum)
        else:
            self._sum()

    def _sum(self) -> None:
        self._term()
        if self._next in ("+", "-"):
            self._take()
            self.operators += 1
            self._term()

    def _term(self) -> None:
        if self._next == "(":
            self._inside(self._bare)
        else:
            self._bare()

    def _bare(self) -> None:
        if self._next.startswith(":"):
            self._take_value()
        elif self._calls():
            self._call()
        elif self._next == "(":
            raise self._error()
        else:
            self.path()

    def _call(self) -> None:
        name = self._take()
        if name not in OF_UPDATES:
            raise Rejection(f"Invalid function name; function: {name}")
        self.operators += 1
        self._take("(")
        self._term()
        count = 1
        while self._take(",", ")") == ",":
            self._term()
            count += 1
        if count != OF_UPDATES[name]:
            raise Rejection(
                "Incorrect number of operands for operator or function; operator or function: "
                f"{name}, number of operands: {count}"
            )

    def _take_value(self) -> None:
        if not self._next.startswith(":") or len(self._next) < 2:
            raise self._error()
        self._take()


@lru_cache(1000)
def update(text: str) -> Read:
    """Raises Rejection."""
    parser = _Parser(text)
    parser.read(parser.update)
    return Read(tuple(parser.paths), parser.plain)
