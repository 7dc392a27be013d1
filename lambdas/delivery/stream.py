"""Records of the Chats table's stream, as the changes of each chat. No I/O.

Records are DynamoDB Streams records as Lambda gets them
(docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lambdas.attribute_values import from_wire
from lambdas.tables import Item, seq_of

TTL = "dynamodb.amazonaws.com"  # the principal of a removal by TTL

Record = dict[str, Any]


@dataclass
class Changes:
    """What happened in a chat, in one batch."""

    chat: str
    first: str  # sequence number of the chat's first record
    messages: list[Item] = field(default_factory=list)
    acknowledged: bool = False
    new_marks: set[str] = field(default_factory=set)  # users of devices that had no mark before
    readers: set[str] = field(default_factory=set)  # whose read mark moved, who joined or left
    expired: int = 0  # the highest seq that DynamoDB removed
    expirations: int = 0  # how many it removed


def by_chat(records: Iterable[Record]) -> list[Changes]:
    """The changes of each chat, in the order in which the batch first names it."""
    result: dict[str, Changes] = {}
    for record in records:
        change = record["dynamodb"]
        keys = from_wire(change["Keys"])
        chat = keys["chat"]
        changes = result.setdefault(chat, Changes(chat, change["SequenceNumber"]))
        kind = (record["eventName"], keys["item"].split("#")[0])
        if kind == ("INSERT", "message"):
            message = from_wire(change["NewImage"])
            if not message.get("void"):
                changes.messages.append(message)
        elif kind == ("MODIFY", "member"):
            old, new = from_wire(change["OldImage"]), from_wire(change["NewImage"])
            changes.acknowledged |= old["delivered"] != new["delivered"]
            if new["delivered"].keys() - old["delivered"].keys():
                changes.new_marks.add(keys["item"].removeprefix("member#"))
            if old["read"] != new["read"]:
                changes.readers.add(keys["item"].removeprefix("member#"))
        elif kind in (("INSERT", "member"), ("REMOVE", "member")):
            changes.readers.add(keys["item"].removeprefix("member#"))
        elif kind == ("REMOVE", "message") and _by_ttl(record):
            changes.expired = max(changes.expired, seq_of(keys))
            changes.expirations += 1
    return list(result.values())


def _by_ttl(record: Record) -> bool:
    return bool((record.get("userIdentity") or {}).get("principalId") == TTL)
