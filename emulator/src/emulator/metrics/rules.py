"""The rule of a composite alarm: from the states of other alarms. No I/O.

Source: "Composite alarm rule expressions", CloudWatch user guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from emulator.metrics.evaluation import INSUFFICIENT
from emulator.metrics.expressions import Unsupported

Rule = Callable[[Mapping[str, str]], bool]
"""(the state of each alarm, by its name and by its ARN) -> whether the composite alarm is on"""
Part = str | tuple[str, str]  # a word, or a state and the alarm that has to be in it

_PART = re.compile(
    r'\s*(?:(?P<state>OK|ALARM|INSUFFICIENT_DATA)\s*\(\s*"?(?P<alarm>[^")]+?)"?\s*\)'
    r"|(?P<word>AND|OR|NOT|TRUE|FALSE|\(|\)))"
)


def rule(text: str) -> Rule:
    """Raises Unsupported for what can't be read."""
    reader = _Reader(text)
    whole = reader.either()
    if reader.left:
        raise Unsupported(f"the alarm rule {text!r}")
    return whole


class _Reader:
    """One method for each level of binding: OR, AND, NOT and what stands alone."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.left = list(_parts(text))

    def either(self) -> Rule:
        parts = [self._both()]
        while self._take("OR"):
            parts.append(self._both())
        return lambda states: any(part(states) for part in parts)

    def _both(self) -> Rule:
        parts = [self._one()]
        while self._take("AND"):
            parts.append(self._one())
        return lambda states: all(part(states) for part in parts)

    def _one(self) -> Rule:
        if self._take("NOT"):
            inner = self._one()
            return lambda states: not inner(states)
        if self._take("("):
            inner = self.either()
            if self._take(")"):
                return inner
        elif self.left and isinstance(first := self.left[0], tuple):
            del self.left[0]
            state, alarm = first
            return lambda states: states.get(alarm, INSUFFICIENT) == state
        elif self._take("TRUE"):
            return lambda _states: True
        elif self._take("FALSE"):
            return lambda _states: False
        raise Unsupported(f"the alarm rule {self._text!r}")

    def _take(self, word: str) -> bool:
        if self.left and self.left[0] == word:
            del self.left[0]
            return True
        return False


def _parts(text: str) -> Iterator[Part]:
    end, text = 0, text.strip()
    while end < len(text):
        found = _PART.match(text, end)
        if not found:
            raise Unsupported(f"the alarm rule {text!r}")
        end = found.end()
        yield (found["state"], found["alarm"]) if found["state"] else found["word"]
