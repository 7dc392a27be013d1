"""PartiQL statements: the action of each, and its table.

Source: docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html, and of the
permissions ql-iam.html.
"""

from __future__ import annotations

import re
from typing import NamedTuple

ACTIONS = {"select": "Select", "insert": "Insert", "update": "Update", "delete": "Delete"}
_BEFORE_TABLE = {"select": "from", "insert": "into", "update": "update", "delete": "from"}
_TOKEN = re.compile(
    r"""
    (?P<quoted> "(?:[^"]|"")*" | '(?:[^']|'')*' )
    | (?P<word> [\w-]+ )
    | (?P<sign> \S )
    """,
    re.VERBOSE,
)


class Statement(NamedTuple):
    """`action` is one of the values of ACTIONS; `index_name` is empty for the table itself."""

    action: str
    table: str
    index_name: str


def read(text: str) -> Statement | None:
    """Reads a statement; None for a text that is not one statement about one table, whose effect is
    not known then."""
    tokens = [*_TOKEN.finditer(text)]
    words = [(each["word"] or each["sign"] or "").lower() for each in tokens]
    if words[:2] == ["exists", "("]:  # a condition of a transaction
        tokens, words = tokens[2:], words[2:]
    before = _BEFORE_TABLE.get(words[0]) if words else None
    if before is None or words.count(before) != 1:
        return None
    named = words.index(before) + 1
    table = _name(tokens, named)
    dotted = words[named + 1 : named + 2] == ["."]
    index = _name(tokens, named + 2) if dotted else ""
    if not table or (dotted and not index):
        return None
    return Statement(ACTIONS[words[0]], table, index)


def _name(tokens: list[re.Match[str]], index: int) -> str:
    """Quoted or not; empty where there is none."""
    if index >= len(tokens):
        return ""
    return tokens[index]["word"] or (tokens[index]["quoted"] or "")[1:-1]
