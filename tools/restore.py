"""`python -m tools.restore --table NAME --to NAME [--at TIME]`: a table as it was at some time.

DynamoDB restores into a new table, without the stream, expiry and protection of the old one: the
new one gets them here. In each chat it then leaves out positions, so that none is given out again
that a device may have seen. It prints the settings with which the environment takes the new table.
Each step is done once, so the command can be repeated. With `--from-vault` the new table is there
already: AWS Backup restored it (docs/restoring.md).
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

# Positions that are left out in each chat: more than a chat can have got in the time that was lost.
# Readers skip positions without a message.
SKIPPED = 100_000
HEAD = "head"  # the item that has a chat's last position
LIFE = 86_400  # seconds that the item lives which closes them: no request can come later
POLL = 10.0  # seconds
LEFT_OUT = "positions-left-out"  # the tag of a table in which that is done
# What the template gives the tables (stacks/config/tables.py, stacks/data.py): by their keys the
# settings of `restored` that name them, the stream of Chats, and the expiry of both.
KEYS = {("chat", "item"): "chats", ("user", "item"): "users"}
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
EXPIRY = {"Enabled": True, "AttributeName": "expires_at"}

Description = dict[str, Any]  # of a table, as DescribeTable has it


class RestoreError(Exception):
    """Why no table is made or changed, in one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    client = boto3.client("dynamodb", endpoint_url=given.endpoint_url)
    try:
        settings = restore(
            client, given.table, given.to, given.at, from_vault=given.from_vault, report=print
        )
    except RestoreError as error:
        print(f"restore: {error}", file=sys.stderr)
        return 1
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
    from_vault: bool = False,
    report: Callable[[str], None] = lambda _: None,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, str]:
    """The settings of `restored` with which the table serves. `at` is the last moment that can be
    restored if it is None, about five minutes ago. `from_vault`: the target exists, and the source
    may be gone, or in another account or region."""
    old, made = _described(client, source), _described(client, target)
    setting = _setting(source, target, old, made)
    if made is not None:
        _require_copy(made, old, source, at, from_vault)
    elif from_vault or old is None:
        missing = target if from_vault else source
        raise RestoreError(f"there is no table {missing}; restore it from the vault first")
    else:
        when = {"RestoreDateTime": at} if at else {"UseLatestRestorableTime": True}
        client.restore_table_to_point_in_time(
            SourceTableName=source, TargetTableName=target, **when
        )
        report(f"{target}: restoring, which takes from minutes to hours")
    _wait(client, target, pause)
    _as_before(client, target, old, setting, pause)
    report(f"{target}: has its stream, expiry and protection")
    if setting != "chats":
        return {setting: target}
    made = client.describe_table(TableName=target)["Table"]
    _leave_out_positions(client, made, report)
    return {"chats": target, "chats_stream": made["LatestStreamArn"]}


def _setting(source: str, target: str, old: Description | None, made: Description | None) -> str:
    """What names the table in `restored`, by its keys. Raises RestoreError."""
    tables = [each for each in (old, made) if each is not None]
    if source == target or len({each["TableArn"] for each in tables}) < len(tables):
        raise RestoreError(f"{source} and {target} are the same table; give --to a new name")
    if not tables:
        raise RestoreError(f"there is no table {source} and no table {target}")
    found = {
        tuple(key["AttributeName"] for key in sorted(each["KeySchema"], key=lambda k: k["KeyType"]))
        for each in tables
    }
    if len(found) != 1 or not found <= KEYS.keys():
        raise RestoreError(
            f"only tables with the keys {' or '.join(map('/'.join, KEYS))} are restored, both with "
            f"the same; the keys are {' and '.join(map('/'.join, sorted(found)))}"
        )
    return KEYS[found.pop()]


def _require_copy(
    made: Description, old: Description | None, source: str, at: datetime | None, from_vault: bool
) -> None:
    """Only a copy of the source may be changed: any other table may be one that serves users.

    DescribeTable says from which table or backup a table was restored:
    docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreSummary.html.
    Where it does not, or the source is gone, the caller asserts it with `from_vault`.
    """
    target, summary = made["TableName"], made.get("RestoreSummary", {})
    origin = summary.get("SourceTableArn")
    same = origin == old["TableArn"] if old else str(origin).rpartition("/")[2] == source
    if origin is not None and not same:
        raise RestoreError(f"{target} was restored from {origin}, and not from {source}")
    if not from_vault and (origin is None or old is None):
        raise RestoreError(
            f"{target} exists, and nothing shows that it was restored from {source}; "
            "if it is a copy of it, as from the vault, add --from-vault"
        )
    moment = summary.get("RestoreDateTime")
    if at is not None and (moment is None or int(moment.timestamp()) != int(at.timestamp())):
        shown = moment and moment.astimezone(UTC)
        raise RestoreError(f"{target} was restored to {shown}, and not to {at.astimezone(UTC)}")


def _as_before(
    client: Any,
    target: str,
    old: Description | None,
    setting: str,
    pause: Callable[[float], None],
) -> None:
    """What a restored table lacks. docs.aws.amazon.com/amazondynamodb/latest/developerguide/
    PointInTimeRecovery.Tutorial.html, "you must manually set". Protection is on without `old`."""
    made = client.describe_table(TableName=target)["Table"]
    if setting == "chats" and not made.get("LatestStreamArn"):
        client.update_table(TableName=target, StreamSpecification=STREAM)
        _wait(client, target, pause)
    protected = old is None or old.get("DeletionProtectionEnabled")
    if protected and not made.get("DeletionProtectionEnabled"):
        client.update_table(TableName=target, DeletionProtectionEnabled=True)
        _wait(client, target, pause)
    expiry = client.describe_time_to_live(TableName=target)["TimeToLiveDescription"]
    if expiry["TimeToLiveStatus"] == "DISABLED":
        client.update_time_to_live(TableName=target, TimeToLiveSpecification=EXPIRY)
    client.update_continuous_backups(
        TableName=target,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    if old is None:
        return
    own = [
        {"Key": key, "Value": value}
        for key, value in _tags(client, old).items()
        if key != LEFT_OUT and not key.startswith("aws:")
    ]
    if own:
        client.tag_resource(ResourceArn=made["TableArn"], Tags=own)


def _tags(client: Any, table: Description) -> dict[str, str]:
    pages = client.get_paginator("list_tags_of_resource").paginate(ResourceArn=table["TableArn"])
    return {each["Key"]: each["Value"] for page in pages for each in page["Tags"]}


def _leave_out_positions(client: Any, made: Description, report: Callable[[str], None]) -> None:
    """Once in each chat, and never after all are done: then the table may serve already, and has
    chats that are newer. The mark has the time when the table was made: what it holds may be a copy
    of an earlier table of the same name."""
    table = made["TableName"]
    mark = f"{table} {made['CreationDateTime'].timestamp():.0f}"
    if _tags(client, made).get(LEFT_OUT) == mark:
        report(f"{table}: positions were left out before")
        return
    chats = 0
    for head in _heads(client, table):
        if head.get("restored_as") != {"S": mark}:
            _leave_out(client, table, head, mark)
            chats += 1
    client.tag_resource(ResourceArn=made["TableArn"], Tags=[{"Key": LEFT_OUT, "Value": mark}])
    report(f"{table}: positions are left out in {chats} chats")


def _heads(client: Any, table: str) -> Iterator[dict[str, Any]]:
    start: dict[str, Any] | None = {}
    while start is not None:
        found = client.scan(
            TableName=table,
            ConsistentRead=True,
            **({"ExclusiveStartKey": start} if start else {}),
        )
        yield from (each for each in found["Items"] if each["item"] == {"S": HEAD})
        start = found.get("LastEvaluatedKey")


def _leave_out(client: Any, table: str, head: dict[str, Any], mark: str) -> None:
    """Moves the chat's last position, and puts a void item there: both or neither, since a repeat
    passes over a chat that has the mark.

    The void item is older than any request that might still fill one of the positions below it, so
    readers pass all of them at once (lambdas/messages/log.py).
    """
    last = int(head["seq"]["N"]) + SKIPPED
    void = {
        "chat": head["chat"],
        "item": {"S": f"message#{last:012d}"},
        "sent_at": {"N": "0"},
        "void": {"BOOL": True},
        "expires_at": {"N": str(int(time.time()) + LIFE)},
    }
    move = {
        "TableName": table,
        "Key": {"chat": head["chat"], "item": head["item"]},
        "UpdateExpression": "SET seq = :last, restored_as = :mark",
        "ConditionExpression": "seq = :seq",  # else another run is at work
        "ExpressionAttributeValues": {
            ":last": {"N": str(last)},
            ":mark": {"S": mark},
            ":seq": head["seq"],
        },
    }
    client.transact_write_items(
        TransactItems=[{"Update": move}, {"Put": {"TableName": table, "Item": void}}]
    )


def _described(client: Any, table: str) -> Description | None:
    try:
        found: Description = client.describe_table(TableName=table)["Table"]
    except client.exceptions.ResourceNotFoundException:
        return None
    return found


def _wait(client: Any, table: str, pause: Callable[[float], None]) -> None:
    while client.describe_table(TableName=table)["Table"]["TableStatus"] != "ACTIVE":
        pause(POLL)


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, help="the table that is restored, by its name")
    parser.add_argument("--to", required=True, help="the name of the new table")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--at",
        type=_moment,
        help="in UTC, as 2026-11-29T16:00:00, or with an offset as 2026-11-29T21:30:00+05:30; "
        "default: the last moment that can be restored",
    )
    which.add_argument(
        "--from-vault",
        action="store_true",
        help="AWS Backup restored the new table, and --table may be gone or elsewhere",
    )
    parser.add_argument("--endpoint-url", help="of the emulator; default: AWS")
    return parser


if __name__ == "__main__":
    sys.exit(main())
