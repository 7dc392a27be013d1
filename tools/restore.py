"""`python -m tools.restore --table NAME --to NAME [--at TIME]`: a table as it was at some time.

DynamoDB restores into a new table, without the stream, expiry and protection of the old one: the
new one gets them here. In each chat it then leaves out positions, so that none is given out again
that a device may have seen. It prints the settings with which the environment takes the new table.
Each step is done once, so the command can be repeated (docs/restoring.md).
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

# More than one chat gets in the time that is lost. Readers pass over positions without a message.
SKIPPED = 100_000
HEAD = "head"  # the item that has a chat's last position
LIFE = 86_400  # seconds, of what closes them: by then no request is on its way
POLL = 10.0  # seconds


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    client = boto3.client("dynamodb", endpoint_url=given.endpoint_url)
    try:
        settings = restore(client, given.table, given.to, given.at, report=print)
    except (BotoCoreError, ClientError) as error:
        print(f"restore: {error}; the same command goes on", file=sys.stderr)
        return 1
    print("write into the environment:")
    for name, value in settings.items():
        print(f"  restored.{name} = {value}")
    return 0


def restore(
    client: Any,
    source: str,
    target: str,
    at: datetime | None = None,
    *,
    report: Callable[[str], None] = lambda _: None,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, str]:
    """The settings of `restored` with which the table serves. `at` is the last moment that can be
    restored if it is None, about five minutes ago."""
    old = client.describe_table(TableName=source)["Table"]
    if not _exists(client, target):
        when = {"RestoreDateTime": at} if at else {"UseLatestRestorableTime": True}
        client.restore_table_to_point_in_time(
            SourceTableName=source, TargetTableName=target, **when
        )
        report(f"{target}: restoring, which takes from minutes to hours")
    _wait(client, target, pause)
    _as_before(client, source, target, old, pause)
    report(f"{target}: has stream, expiry and protection as {source}")
    keys = [each["AttributeName"] for each in old["KeySchema"]]
    if "chat" not in keys:
        return {"users": target}
    left_out = sum(_skip(client, target, key) for key in _heads(client, target, keys))
    report(f"{target}: positions are left out in {left_out} chats")
    made = client.describe_table(TableName=target)["Table"]
    return {"chats": target, "chats_stream": made["LatestStreamArn"]}


def _as_before(
    client: Any, source: str, target: str, old: dict[str, Any], pause: Callable[[float], None]
) -> None:
    """What a restored table lacks. docs.aws.amazon.com/amazondynamodb/latest/developerguide/
    PointInTimeRecovery.Tutorial.html, "you must manually set"."""
    made = client.describe_table(TableName=target)["Table"]
    if old.get("StreamSpecification") and not made.get("LatestStreamArn"):
        client.update_table(TableName=target, StreamSpecification=old["StreamSpecification"])
        _wait(client, target, pause)
    if old.get("DeletionProtectionEnabled") and not made.get("DeletionProtectionEnabled"):
        client.update_table(TableName=target, DeletionProtectionEnabled=True)
        _wait(client, target, pause)
    expiry = client.describe_time_to_live(TableName=source)["TimeToLiveDescription"]
    now = client.describe_time_to_live(TableName=target)["TimeToLiveDescription"]
    if "AttributeName" in expiry and now["TimeToLiveStatus"] == "DISABLED":
        client.update_time_to_live(
            TableName=target,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": expiry["AttributeName"]},
        )
    client.update_continuous_backups(
        TableName=target,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    tags = client.list_tags_of_resource(ResourceArn=old["TableArn"])["Tags"]
    own = [each for each in tags if not each["Key"].startswith("aws:")]
    if own:
        client.tag_resource(ResourceArn=made["TableArn"], Tags=own)


def _heads(client: Any, table: str, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    start: dict[str, Any] | None = {}
    while start is not None:
        found = client.scan(TableName=table, **({"ExclusiveStartKey": start} if start else {}))
        for item in found["Items"]:
            if item["item"] == {"S": HEAD}:
                yield {key: item[key] for key in keys}
        start = found.get("LastEvaluatedKey")


def _skip(client: Any, table: str, key: dict[str, Any]) -> bool:
    """Whether it was this call that moved the chat's last position: a table does it once."""
    try:
        moved = client.update_item(
            TableName=table,
            Key=key,
            ReturnValues="UPDATED_NEW",
            UpdateExpression="SET seq = seq + :skipped, restored_as = :table",
            ConditionExpression="attribute_exists(seq) AND "
            "(attribute_not_exists(restored_as) OR restored_as <> :table)",
            ExpressionAttributeValues={":skipped": {"N": str(SKIPPED)}, ":table": {"S": table}},
        )
    except client.exceptions.ConditionalCheckFailedException:
        return False
    _close(client, table, key, int(moved["Attributes"]["seq"]["N"]))
    return True


def _close(client: Any, table: str, key: dict[str, Any], seq: int) -> None:
    """A void item at the last position that is left out, older than any request that might still
    fill one of them: readers pass all of them at once (lambdas/messages/log.py)."""
    item = {
        "chat": key["chat"],
        "item": {"S": f"message#{seq:012d}"},
        "sent_at": {"N": "0"},
        "void": {"BOOL": True},
        "expires_at": {"N": str(int(time.time()) + LIFE)},
    }
    client.put_item(TableName=table, Item=item)


def _exists(client: Any, table: str) -> bool:
    try:
        client.describe_table(TableName=table)
    except client.exceptions.ResourceNotFoundException:
        return False
    return True


def _wait(client: Any, table: str, pause: Callable[[float], None]) -> None:
    while client.describe_table(TableName=table)["Table"]["TableStatus"] != "ACTIVE":
        pause(POLL)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, help="the table that is restored, by its name")
    parser.add_argument("--to", required=True, help="the name of the new table")
    parser.add_argument(
        "--at",
        type=lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
        help="in UTC, as 2026-11-29T16:00:00; default: the last moment that can be restored",
    )
    parser.add_argument("--endpoint-url", help="of the emulator; default: AWS")
    return parser


if __name__ == "__main__":
    sys.exit(main())
