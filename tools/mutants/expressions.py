"""Mutants of DynamoDB's expressions, which Python's syntax tree has only as strings.

A condition that is left out would leave a value unused, and DynamoDB rejects such a request: every
test would find that. So a condition is made always true instead, with all its values.
"""

import re
from collections.abc import Iterator

_UPDATE = re.compile(r"^\s*(SET|REMOVE|ADD|DELETE)\b")
_PATH = r"[#\w.]+(?:\{\w+\})?"
_TEST = re.compile(
    rf"(?:attribute_exists|attribute_not_exists|contains|begins_with)\([^()]*\)"
    rf"|(?:size\({_PATH}\)|{_PATH})\s(?:=|<>|<=|>=|<|>)\s:\w+"
)
_COMPARED = re.compile(r"\s(<=|>=|<|>)\s")
_SET = re.compile(rf"({_PATH}) = (:\w+)")
_BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}


def is_expression(text: str) -> bool:
    return bool(_UPDATE.search(text) or _TEST.search(text))


def variants(text: str) -> Iterator[str]:
    """Each text that differs from an update or condition expression by one mistake."""
    if _UPDATE.search(text):
        for found in _SET.finditer(text):  # what was there stays
            path, value = found.groups()
            yield _replaced(text, found, f"{path} = if_not_exists({path}, {value})")
        return
    for found in _TEST.finditer(text):
        yield _replaced(text, found, f"({found[0]} OR NOT {found[0]})")
    for found in _COMPARED.finditer(text):
        yield _replaced(text, found, f" {_BOUNDARY[found[1]]} ")
    for found in re.finditer(r" (AND|OR) ", text):
        yield _replaced(text, found, " OR " if found[1] == "AND" else " AND ")


def _replaced(text: str, found: re.Match[str], new: str) -> str:
    return text[: found.start()] + new + text[found.end() :]
