"""Time to live: expired items are deleted, and the stream names DynamoDB as who did it.

moto stores the setting and deletes nothing. Source: DynamoDB developer guide, "DynamoDB Streams
and Time to Live".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import Item

SERVICE = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
_FIVE_YEARS = 5 * 365 * 24 * 3600  # older times are not taken for a time to live


def sweep(now: float) -> int:
    """Delete what expired before `now` (epoch seconds) in every table; gives how many."""
    deleted = 0
    for regions in dynamodb_backends.values():
        for backend in regions.values():
            for table in backend.tables.values():
                for item in list(_expired(table, now)):
                    _delete(table, item)
                    deleted += 1
    return deleted


def _expired(table: Any, now: float) -> Iterator[Item]:
    attribute = table.ttl.get("AttributeName")
    if table.ttl.get("TimeToLiveStatus") != "ENABLED" or not attribute:
        return
    for found in table.items.values():
        for item in found.values() if table.has_range_key else (found,):
            at = item.attrs.get(attribute)
            if at is not None and at.is_number() and now - _FIVE_YEARS < float(at.value) < now:
                yield item


def _delete(table: Any, item: Item) -> None:
    table.delete_item(item.hash_key, item.range_key)
    if table.stream_shard is not None:
        table.stream_shard.items[-1].record["userIdentity"] = SERVICE
