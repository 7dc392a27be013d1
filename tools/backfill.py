"""`python -m tools.backfill --table NAME --change MODULE:FUNCTION`: adds attributes to items.

The second step of a change of stored items without downtime (docs/extending.md). The function gets
an item and returns the attributes that it lacks, or nothing. An item that has got one of them
meanwhile, or is gone, is not changed: the running functions write newer values. The command may be
interrupted at any time, and continues where it was: its position is saved after each page, and
deleted after the last one. A run after that looks at all items again.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

Item = dict[str, Any]
Change = Callable[[Item], Mapping[str, Any] | None]
PAGE = 100  # items; each may be a write
POSITIONS = Path(".local") / "backfill"


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    module, _, function = given.change.partition(":")
    change: Change = getattr(import_module(module), function)
    client = boto3.client("dynamodb", endpoint_url=given.endpoint_url)
    try:
        described = client.describe_table(TableName=given.table)["Table"]
        position = position_of(client, described, given.change)
        changed = backfill(client, given.table, change, position, pause=1 / given.pages_per_second)
    except (BotoCoreError, ClientError) as error:
        print(f"backfill: {error}; the same command goes on where it was", file=sys.stderr)
        return 1
    print(f"{given.table}: all items have been looked at, {changed} changed by this run")
    return 0


def position_of(client: Any, described: Mapping[str, Any], change: str) -> Path:
    """The file with the position of a change in one table, as DescribeTable has it: tables of other
    accounts, regions and endpoints have the same names, and a table that is made again too."""
    arn: str = described["TableArn"]
    region, account, table = arn.split(":")[3:]
    endpoint = urlsplit(str(client.meta.endpoint_url)).netloc.replace(":", "_")
    made = f"{described['CreationDateTime'].timestamp():.0f}"
    name = f"{change.replace(':', '.')}.json"
    return POSITIONS / endpoint / account / region / table.rpartition("/")[2] / made / name


def backfill(
    client: Any,
    table: str,
    change: Change,
    position: Path,
    *,
    page: int = PAGE,
    pause: float = 0.0,
) -> int:
    """How many items this run changed. `pause` is in seconds, after each page."""
    described = client.describe_table(TableName=table)["Table"]
    keys = [each["AttributeName"] for each in described["KeySchema"]]
    changed = 0
    start: Item | None = _read(position)
    while start is not None:
        found = client.scan(
            TableName=table, Limit=page, **({"ExclusiveStartKey": start} if start else {})
        )
        for stored in found["Items"]:
            lacking = change({name: _read_value(each) for name, each in stored.items()})
            if lacking:
                changed += _add(client, table, {key: stored[key] for key in keys}, lacking)
        start = found.get("LastEvaluatedKey")
        if start is not None:
            _write(position, start)
        time.sleep(pause)
    position.unlink(missing_ok=True)
    return changed


def _add(client: Any, table: str, key: Item, lacking: Mapping[str, Any]) -> bool:
    """Whether the attributes were added: not if the item is gone, or got one of them meanwhile."""
    names = {f"#a{number}": name for number, name in enumerate((next(iter(key)), *lacking))}
    of_key, *added = names
    values = {
        f":{each[1:]}": TypeSerializer().serialize(value)
        for each, value in zip(added, lacking.values(), strict=True)
    }
    absent = " AND ".join(f"attribute_not_exists({each})" for each in added)
    try:
        client.update_item(
            TableName=table,
            Key=key,
            UpdateExpression=f"SET {', '.join(f'{each} = :{each[1:]}' for each in added)}",
            ConditionExpression=f"attribute_exists({of_key}) AND {absent}",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )
    except client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def _read_value(stored: Any) -> Any:
    return TypeDeserializer().deserialize(stored)


def _read(position: Path) -> Item:
    """Where to go on: {} is the table's beginning."""
    if not position.is_file():
        return {}
    start: Item = json.loads(position.read_text(encoding="utf-8"))
    return start


def _write(position: Path, start: Item) -> None:
    position.parent.mkdir(parents=True, exist_ok=True)
    beside = position.with_suffix(".new")
    beside.write_text(json.dumps(start), encoding="utf-8")
    beside.replace(position)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, help="its name in the account")
    parser.add_argument("--change", required=True, metavar="MODULE:FUNCTION")
    parser.add_argument("--pages-per-second", type=float, default=5.0, help=f"of {PAGE} items")
    parser.add_argument("--endpoint-url", help="of the emulator; default: AWS")
    return parser


if __name__ == "__main__":
    sys.exit(main())
