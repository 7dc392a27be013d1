"""The conditions of JSON in filter patterns of CloudWatch Logs. No I/O.

Source: "Filter pattern syntax for metric filters" (filter and pattern syntax), CloudWatch Logs user
guide.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from emulator.metrics.expressions import Unsupported

Matches = Callable[[Any], bool]
"""(a line's JSON) -> whether the pattern matches it"""

# names of properties may have hyphens and underscores: "Filter pattern syntax"
SELECTOR = r"\$(?:\.[\w-]+(?:\[\d+\])*)+"
_PART = re.compile(
    rf"\s*(?:(?P<field>{SELECTOR})\s*(?:(?P<op>!=|>=|<=|=|>|<)\s*"
    r"(?:\"(?P<text>[^\"]*)\"|(?P<plain>[\w*.-]+))"
    r"|(?P<exists>NOT\s+EXISTS|IS\s+NULL|IS\s+TRUE|IS\s+FALSE))"
    r"|(?P<word>&&|\|\||\(|\)))"
)
_NUMBERS: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_CONSTANTS = {"NULL": None, "TRUE": True, "FALSE": False}
_MISSING = object()


def read(pattern: str) -> Matches:
    """Raises Unsupported for a pattern of another form than "" and { a JSON condition }."""
    text = pattern.strip()
    if not text:
        return lambda _document: True
    if not (text.startswith("{") and text.endswith("}")):
        raise Unsupported(f"the filter pattern {pattern!r}: those of JSON are known here")
    reader = _Reader(text[1:-1])
    whole = reader.either()
    if reader.left:
        raise Unsupported(f"the filter pattern {pattern!r}")
    return whole


def field_of(document: Any, selector: str) -> Any:
    """The value at `$.a.b`; None where there is none."""
    found = _at(document, selector)
    return None if found is _MISSING else found


def text_of(value: Any) -> str:
    """A value as CloudWatch writes it into a dimension."""
    return value if isinstance(value, str) else json.dumps(value)


def _at(document: Any, selector: str) -> Any:
    """The value that a selector such as `$.a.b[0]` leads to."""
    for step in re.findall(r"[\w-]+", selector):
        if isinstance(document, dict) and step in document:
            document = document[step]
        elif isinstance(document, list) and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        else:
            return _MISSING
    return document


class _Reader:
    """One method for each level of binding: ||, && and what stands alone."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.left = list(_parts(text))

    def either(self) -> Matches:
        parts = [self._both()]
        while self._take("||"):
            parts.append(self._both())
        return lambda document: any(part(document) for part in parts)

    def _both(self) -> Matches:
        parts = [self._one()]
        while self._take("&&"):
            parts.append(self._one())
        return lambda document: all(part(document) for part in parts)

    def _one(self) -> Matches:
        if self._take("("):
            inner = self.either()
            if self._take(")"):
                return inner
        elif self.left and not isinstance(first := self.left[0], str):
            del self.left[0]
            return _condition(first)
        raise Unsupported(f"the filter pattern {self._text!r}")

    def _take(self, word: str) -> bool:
        if self.left and self.left[0] == word:
            del self.left[0]
            return True
        return False


def _parts(text: str) -> Iterator[str | re.Match[str]]:
    end, text = 0, text.strip()
    while end < len(text):
        found = _PART.match(text, end)
        if not found:
            raise Unsupported(f"the filter pattern {text!r}")
        end = found.end()
        yield found["word"] or found


def _condition(found: re.Match[str]) -> Matches:
    selector = found["field"]
    if found["exists"]:
        *_, word = found["exists"].split()
        if word == "EXISTS":
            return lambda document: _at(document, selector) is _MISSING
        return lambda document: _at(document, selector) is _CONSTANTS[word]
    wanted, sign = found["text"] if found["text"] is not None else found["plain"], found["op"]
    # an asterisk is the only wildcard
    matches = re.compile(".*".join(map(re.escape, wanted.split("*"))), re.DOTALL).fullmatch

    def holds(document: Any) -> bool:
        value = _at(document, selector)
        if value is _MISSING:
            return False
        number = _number(wanted) if found["text"] is None else None
        if number is not None:
            given = _number(value)
            return sign == "!=" if given is None else _NUMBERS[sign](given, number)
        return (matches(text_of(value)) is not None) is (sign == "=")

    if sign not in ("=", "!=") and _number(wanted) is None:
        raise Unsupported(f"the comparison {found[0].strip()!r}")
    return holds


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
