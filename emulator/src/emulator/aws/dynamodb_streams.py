"""Streams, transactions and updates, as far as a reader of a table or stream sees a difference.

- A canceled transaction: moto copies whole tables beforehand (seconds with 10,000 items) and puts
  the copies back, with new stream objects that open iterators do not know. Here the touched items
  and the stream's length are put back instead.
- A rejected UpdateItem: moto leaves what it had changed by then, and on a new key an item that is
  only the key. Limits are those of the item that results; moto asks for 400 KB at each attribute,
  with the old value and the new one.
- UpdateItem on a new key: moto records two insertions, the first with nothing but the key.
- A write that changes nothing leaves no record (DynamoDB developer guide, "Change data capture
  for DynamoDB Streams"); moto records a modification.
- Iterators: moto keeps every one that it ever made, and raises KeyError for one that it has not.
  Those that are forgotten here have expired, as on AWS those that are 15 minutes old
  (GetShardIterator, API reference).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from moto.dynamodb.exceptions import (
    ERROR_TYPE_PREFIX,
    DynamodbException,
    MockValidationException,
    ResourceNotFoundException,
)
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import StreamShard
from moto.dynamodbstreams.models import DynamoDBStreamsBackend

from emulator.aws import dynamodb_updated
from emulator.aws.hooks import replace

_MOST_ITERATORS = 1000
_MOST_RECORDS = 1000  # of a GetRecords: its API reference
_EXPIRED = f"{ERROR_TYPE_PREFIX}ExpiredIteratorException"
_TOKEN_CHARACTERS = 632  # of the 472 random bytes at the end of moto's iterators, in Base64


def install() -> None:
    """Change moto's DynamoDB as this module's docstring describes."""
    _record_changes_only()
    _cancel_transactions_in_place()
    _undo_rejected_updates()
    _forget_old_iterators()
    _check_iterators()


def _record_changes_only() -> None:
    original_add = StreamShard.add

    def add(self: Any, old: Item | None, new: Item | None) -> None:
        if old is not None and new is not None and old.to_json() == new.to_json():
            return
        if old is None and self.items and _is_unfinished(self, new):
            self.items.pop()
        original_add(self, old, new)

    replace(StreamShard, "add", add)


def _is_unfinished(shard: Any, new: Any) -> bool:
    """Whether the last record is the insertion of the same key: only UpdateItem does that, as
    nothing can be inserted twice without having been removed in between."""
    last = shard.items[-1].record
    keys = {shard.table.hash_key_attr: new.hash_key.to_json()} if new else {}
    if new and shard.table.range_key_attr is not None:
        keys[shard.table.range_key_attr] = new.range_key.to_json()
    return bool(last["eventName"] == "INSERT" and last["dynamodb"]["Keys"] == keys)


def _cancel_transactions_in_place() -> None:
    original = DynamoDBBackend.transact_write_items

    def transact_write_items(self: Any, transact_items: list[dict[str, Any]]) -> None:
        transact_items = [_by_name(self, entry) for entry in transact_items]
        tables = {
            operation["TableName"]: self.tables[operation["TableName"]]
            for entry in transact_items
            for operation in entry.values()
            if operation.get("TableName") in self.tables
        }
        saved = [_Saved(table, transact_items) for table in tables.values()]
        for table in tables.values():
            table.__deepcopy__ = lambda memo, table=table: table
        try:
            original(self, transact_items)
        except Exception:
            for each in saved:
                each.put_back()
            raise
        finally:
            for table in tables.values():
                del table.__deepcopy__

    replace(DynamoDBBackend, "transact_write_items", transact_write_items)


def _undo_rejected_updates() -> None:
    original = DynamoDBBackend.update_item

    def update_item(self: Any, table_name: str, key: dict[str, Any], **given: Any) -> Item:
        table = self.get_table(table_name)
        saved = _Saved(table, [{"Update": {"TableName": table.name, "Key": key}}])
        try:
            item = original(self, table_name, key, **given)
            dynamodb_updated.check(table, saved.item, item, given.get("update_expression"))
            if saved.item is None and dynamodb_updated.only_removes(given.get("update_expression")):
                saved.put_back()
                return Item(item.hash_key, item.range_key, {})
        except Exception:
            saved.put_back()
            raise
        return item

    replace(LimitedSizeDict, "__setitem__", dict.__setitem__)
    replace(DynamoDBBackend, "update_item", update_item)


def _by_name(backend: DynamoDBBackend, entry: dict[str, Any]) -> dict[str, Any]:
    """A table may be named by its ARN, too (API reference, TransactWriteItems); for moto the two
    are different tables when it looks for actions on one item, and when it puts copies back."""
    return {
        kind: {**operation, "TableName": _name(backend, operation.get("TableName"))}
        for kind, operation in entry.items()
    }


def _name(backend: DynamoDBBackend, table: Any) -> Any:
    found = backend.tables.get(str(table).rpartition("table/")[2])
    return found.name if found is not None and found.table_arn == table else table


class _Saved:
    """The items of one table that a request names, as they were before it."""

    def __init__(self, table: Any, transact_items: list[dict[str, Any]]) -> None:
        self._table = table
        self._records = len(table.stream_shard.items) if table.stream_shard else 0
        self._items = [
            (hash_key, range_key, copy.deepcopy(_item(table, hash_key, range_key)))
            for hash_key, range_key in _keys(table, transact_items)
        ]

    @property
    def item(self) -> Any:
        """The first one; None where there was none."""
        return self._items[0][2] if self._items else None

    def put_back(self) -> None:
        table = self._table
        for hash_key, range_key, item in self._items:
            if range_key is None:
                if item is None:
                    table.items.pop(hash_key, None)
                else:
                    table.items[hash_key] = item
            elif item is None:
                table.items.get(hash_key, {}).pop(range_key, None)
            else:
                table.items[hash_key][range_key] = item
        if table.stream_shard is not None:
            del table.stream_shard.items[self._records :]


def _item(table: Any, hash_key: DynamoType, range_key: DynamoType | None) -> Any:
    if hash_key not in table.items:
        return None
    found = table.items[hash_key]
    return found if range_key is None else found.get(range_key)


def _keys(
    table: Any, transact_items: list[dict[str, Any]]
) -> Iterator[tuple[DynamoType, DynamoType | None]]:
    for entry in transact_items:
        for operation in entry.values():
            key = operation.get("Key") or operation.get("Item") or {}
            if operation.get("TableName") != table.name or table.hash_key_attr not in key:
                continue
            range_key = key.get(table.range_key_attr) if table.has_range_key else None
            if table.has_range_key and range_key is None:
                continue
            yield (
                DynamoType(key[table.hash_key_attr]),
                None if range_key is None else DynamoType(range_key),
            )


def _forget_old_iterators() -> None:
    original = DynamoDBStreamsBackend.get_records

    def get_records(self: Any, iterator_arn: str, limit: int) -> Any:
        response = original(self, iterator_arn, limit)
        for arn in list(self.shard_iterators)[: -_MOST_ITERATORS or None]:
            del self.shard_iterators[arn]
        return response

    replace(DynamoDBStreamsBackend, "get_records", get_records)


def _table_of(backend: Any, arn: str) -> Any:
    """The table that has the stream. moto takes any ARN with the table's name."""
    table = backend.dynamodb.tables.get(arn.partition(":table/")[2].partition("/")[0])
    if table is None or arn != f"{table.table_arn}/stream/{table.latest_stream_label}":
        raise ResourceNotFoundException(f"Requested resource not found: Stream: {arn} not found")
    return table


def _check_iterators() -> None:
    original_describe = DynamoDBStreamsBackend.describe_stream

    def describe_stream(self: Any, arn: str) -> dict[str, Any]:
        if arn.startswith("arn:"):  # the error of another form follows from moto's failure
            _table_of(self, arn)
        return original_describe(self, arn)

    replace(DynamoDBStreamsBackend, "describe_stream", describe_stream)
    original = DynamoDBStreamsBackend.get_shard_iterator

    def get_shard_iterator(
        self: Any, arn: str, shard_id: str, kind: str, sequence_number: str | int | None = None
    ) -> Any:
        found = _table_of(self, arn)
        if found.stream_shard.id != shard_id:
            raise ResourceNotFoundException(f"Requested resource not found: Shard: {shard_id}")
        if kind in ("TRIM_HORIZON", "LATEST"):
            return original(self, arn, shard_id, kind)
        if not str(sequence_number).isdigit():
            raise MockValidationException(f"{kind} needs a SequenceNumber")
        return original(self, arn, shard_id, kind, int(sequence_number or 0))  # type: ignore[arg-type]

    original_get_records = DynamoDBStreamsBackend.get_records

    def get_records(self: Any, iterator_arn: str, limit: int) -> Any:
        if iterator_arn not in self.shard_iterators:
            if _was_made(self.dynamodb, iterator_arn):
                raise DynamodbException(_EXPIRED, "Iterator expired")
            raise MockValidationException("Invalid ShardIterator")
        if not 1 <= limit <= _MOST_RECORDS:
            raise MockValidationException(f"Limit {limit} is not from 1 to {_MOST_RECORDS}")
        return original_get_records(self, iterator_arn, limit)

    replace(DynamoDBStreamsBackend, "get_shard_iterator", get_shard_iterator)
    replace(DynamoDBStreamsBackend, "get_records", get_records)


def _was_made(dynamodb: DynamoDBBackend, iterator_arn: str) -> bool:
    """Whether it has the form of moto's ones and names a stream: a set of all that are forgotten
    would grow without end."""
    stream, _, token = iterator_arn.partition("|1|")
    return len(token) == _TOKEN_CHARACTERS and any(
        stream == f"{table.table_arn}/stream/{table.latest_stream_label}"
        for table in dynamodb.tables.values()
    )
