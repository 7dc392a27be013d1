"""Filter patterns of CloudWatch Logs: terms, and conditions of JSON. No I/O.

Source: "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live
Tail", CloudWatch Logs user guide: all terms have to be in the line, one of those with `?`, none of
those with `-`; what is neither a letter, a digit nor an underscore stands in quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from emulator.metrics import json_conditions
from emulator.metrics.expressions import Unsupported as NoPattern

Matches = Callable[[str], bool]
_TERM = re.compile(r'\s*(?P<sign>[?-]?)(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s"]+))')
_PLAIN = re.compile(r"\w+")
MOST_CHARACTERS = 1024  # of a pattern: PutMetricFilter and FilterLogEvents, API reference


class InvalidPattern(ValueError):
    """A pattern that CloudWatch Logs rejects; the text is AWS's, but for one that is too long."""


def matcher(pattern: str) -> Matches:
    """Raises InvalidPattern, and NoPattern for a form that is not supported here."""
    if len(pattern) > MOST_CHARACTERS:
        raise InvalidPattern(f"{len(pattern)} characters: {MOST_CHARACTERS} fit")
    text = pattern.strip()
    if text.startswith("{"):
        condition = json_conditions.read(text)
        return lambda line: _holds(condition, line)
    if text.startswith(("[", "%")):
        raise NoPattern(f"the filter pattern {pattern!r}: terms and those of JSON are known here")
    signed = _terms(text)
    wanted, either, excluded = ([term for sign, term in signed if sign == each] for each in "+?-")
    if either and (wanted or excluded):
        raise NoPattern(f"the filter pattern {pattern!r}: ? together with other terms")
    return lambda line: (
        all(term in line for term in wanted)
        and not any(term in line for term in excluded)
        and (not either or any(term in line for term in either))
    )


def _terms(text: str) -> list[tuple[str, str]]:
    """Each with its sign, which is + where there is none."""
    found, end = [], 0
    while end < len(text):
        term = _TERM.match(text, end)
        if term is None:
            raise InvalidPattern("Invalid filter pattern")
        if term["plain"] is not None and not _PLAIN.fullmatch(term["plain"]):
            raise InvalidPattern(f"Invalid character(s) in term '{term['plain']}'")
        quoted = term["quoted"]
        word = term["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        found.append((term["sign"] or "+", word))
        end = term.end()
    return found


def _holds(condition: json_conditions.Matches, line: str) -> bool:
    try:
        return condition(json.loads(line))
    except (ValueError, RecursionError):
        return False
