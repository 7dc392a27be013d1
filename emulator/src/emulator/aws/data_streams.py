"""The records of streams that a reader has not handled yet, as they are saved and put back.

moto numbers a record by its place in the shard's list, counted from `starting_sequence_number`;
what all readers are past is left out, and that number moved on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import StreamRecord

_CREATED = "ApproximateCreationDateTime"


def taken(positions: Mapping[str, int]) -> dict[str, Any]:
    """The records to save, by table: those after its position, where 0 is before the first. Nobody
    reads the stream of a table without a position."""
    return {
        table.name: _saved(table.stream_shard, positions.get(table.name))
        for table in _tables()
        if table.stream_shard is not None
    }


def restore(saved: Mapping[str, Any], report: Callable[[str], None]) -> None:
    shards = {table.name: table.stream_shard for table in _tables()}
    for name, found in saved.items():
        shard, records = shards.get(name), found["records"]
        if shard is not None:
            shard.starting_sequence_number = found["starting"]
            shard.items = [_record(each) for each in records]
        elif records:
            report(
                f"the template has no stream of a table {name} any more: "
                f"its {len(records)} records are left"
            )


def _saved(shard: Any, position: int | None) -> dict[str, Any]:
    starting = shard.starting_sequence_number
    following = starting + len(shard.items)
    first = following if position is None else min(max(position + 1, starting), following)
    records = shard.items[first - starting :]
    return {"starting": first, "records": [_as_json(each.record) for each in records]}


def _as_json(record: dict[str, Any]) -> dict[str, Any]:
    change = record["dynamodb"]
    return {**record, "dynamodb": {**change, _CREATED: change[_CREATED].isoformat()}}


def _record(saved: dict[str, Any]) -> Any:
    change = saved["dynamodb"]
    record: Any = StreamRecord.__new__(StreamRecord)
    created = datetime.fromisoformat(change[_CREATED])
    record.record = {**saved, "dynamodb": {**change, _CREATED: created}}
    return record


def _tables() -> Iterator[Any]:
    for regions in dynamodb_backends.values():
        for backend in regions.values():
            yield from backend.tables.values()
