"""The DynamoDB tables: one row each, with its keys.

A new table is a row here, a property of `Aws` in lambdas/settings.py, and, for each function that
uses it, its variable in functions.py and its actions in permissions.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """All keys are texts. `stream`: every change is a record with the old and the new item."""

    partition_key: str
    sort_key: str | None = None
    stream: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.partition_key, *((self.sort_key,) if self.sort_key else ()))


# The keys are the ids of the tables' constructs, and in lower case the names in permissions.py.
# A table's id never changes: a new id would be a new, empty table.
TABLES: Mapping[str, TableRow] = {
    "Chats": TableRow(partition_key="chat", sort_key="item", stream=True),
    "Users": TableRow(partition_key="user", sort_key="item"),
    "Tickets": TableRow(partition_key="ticket"),
}


def table_variable(table: str) -> str:
    """The environment variable that has the table's name: Chats -> CHATS_TABLE."""
    return f"{table.upper()}_TABLE"
