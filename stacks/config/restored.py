"""Settings of tables that were restored to a point in time and replace the stack's own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from stacks.config import arns
from stacks.config.errors import require
from stacks.config.type_checks import require_types

RESTORABLE = ("Chats", "Users")  # all but the tickets, which are good for half a minute
# docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")


@dataclass(frozen=True, kw_only=True)
class Restored:
    """The names of restored tables; None for the table that the stack makes, which stays there.

    DynamoDB restores into a new table. It has another stream, whose ARN is `chats_stream`, and has
    lost its settings, which `python -m tools.restore` gives it again. CloudFormation does not know
    it: it appears by its name only (docs/restoring.md).
    """

    chats: str | None = None
    chats_stream: str | None = None
    users: str | None = None

    def __post_init__(self) -> None:
        require_types(self, "restored.")
        for name in map(str.lower, RESTORABLE):
            table = getattr(self, name)
            require(
                table is None or bool(TABLE_NAME.fullmatch(table)),
                f"restored.{name}",
                table,
                "a table's name has 3 to 255 letters, digits, hyphens, dots and underscores",
                f"Set restored.{name} to the name of the restored table, or to none",
            )
        stream = self.chats_stream
        require(
            stream is None or arns.is_arn_of(arns.STREAM, stream),
            "restored.chats_stream",
            stream,
            f"it is the ARN of a table's stream, {arns.STREAM.form}",
            "Set restored.chats_stream to the LatestStreamArn of restored.chats, or both to none",
        )
        require(
            (stream is None) == (self.chats is None)
            and (stream is None or f":table/{self.chats}/stream/" in stream),
            "restored.chats_stream",
            stream,
            f"the delivery watch reads the stream of restored.chats, which is {self.chats}",
            "Set restored.chats_stream to the LatestStreamArn of restored.chats, or both to none",
        )

    def of(self, table: str) -> str | None:
        """The name of the table that serves as `Chats` or another."""
        name: str | None = getattr(self, table.lower()) if table in RESTORABLE else None
        return name

    def named_arns(self) -> Iterator[arns.NamedArn]:
        yield arns.NamedArn("restored.chats_stream", self.chats_stream, arns.STREAM)
