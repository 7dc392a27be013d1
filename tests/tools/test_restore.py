"""`python -m tools.restore`: which table it takes, and that a command that broke off can be repeated.

What devices get from a restored table is in tests/versions/test_restored_tables.py.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from stacks.config.restored import RESTORABLE
from stacks.config.tables import TABLES
from tests.support.lambdas.backend import DUMMY, tables, unwatched_dynamodb
from tests.support.lambdas.moto_aws import moto_aws
from tools import restore as command
from tools.restore import KEYS, SKIPPED, STREAM, RestoreError, restore

AT = datetime(2026, 11, 29, 16, tzinfo=UTC)
SEQ = 7


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """DynamoDB with the table `old`, of chats, with a tag."""
    for name, value in DUMMY.items():
        monkeypatch.setenv(name, value)
    with moto_aws():
        client = unwatched_dynamodb()
        chats(client, "old")
        arn = client.describe_table(TableName="old")["Table"]["TableArn"]
        client.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "chat"}])
        yield client


def make(client: Any, name: str, *keys: str, **settings: Any) -> None:
    client.create_table(
        **settings,
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE")[: len(keys)], strict=True)
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
    )
    client.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )


def chats(client: Any, name: str) -> None:
    """Two chats with a last position, and an item of another kind."""
    make(client, name, "chat", "item", StreamSpecification=STREAM)
    for chat, item in (("a", "head"), ("b", "head"), ("b", "member#ravi")):
        client.put_item(
            TableName=name,
            Item={"chat": {"S": chat}, "item": {"S": item}, "seq": {"N": str(SEQ)}},
        )


def left_out(client: Any, name: str) -> dict[tuple[str, str], str]:
    """The last position of each chat, and the void items with their keys."""
    found = client.scan(TableName=name)["Items"]
    return {
        (each["chat"]["S"], each["item"]["S"]): each.get("seq", {"N": "void"})["N"]
        for each in found
        if each["item"]["S"] != "member#ravi"
    }


LAST = SEQ + SKIPPED
BEFORE = {("a", "head"): str(SEQ), ("b", "head"): str(SEQ)}
DONE = {(chat, "head"): str(LAST) for chat in "ab"} | {
    (chat, f"message#{LAST:012d}"): "void" for chat in "ab"
}


def as_from_vault(client: Any, name: str, origin: str | None) -> None:
    """A table as AWS Backup leaves it, which says or does not say of which table it is a copy."""
    if origin is None:
        chats(client, name)
        return
    client.restore_table_to_point_in_time(
        SourceTableName="old", TargetTableName=name, UseLatestRestorableTime=True
    )
    region = "arn:aws:dynamodb:eu-west-1:222222222222:table/"  # of the table that was copied
    tables()[name].source_table_arn = region + origin


def test_it_knows_the_tables_of_the_template_that_can_be_restored() -> None:
    assert {TABLES[id].keys: id.lower() for id in RESTORABLE} == KEYS


@pytest.mark.parametrize("from_vault", [False, True])
@pytest.mark.parametrize("target", ["old", "arn:aws:dynamodb:us-east-1:123456789012:table/old"])
def test_a_table_is_never_restored_onto_itself(client: Any, target: str, from_vault: bool) -> None:
    with pytest.raises(RestoreError, match="same table"):
        restore(client, "old", target, from_vault=from_vault)
    assert left_out(client, "old") == BEFORE


@pytest.mark.parametrize("source_is_gone", [False, True])
@pytest.mark.parametrize("from_vault", [False, True])
@pytest.mark.parametrize("origin", [None, "old", "other"])
def test_an_existing_table_is_changed_only_if_it_is_a_copy_of_the_source(
    client: Any, origin: str | None, from_vault: bool, source_is_gone: bool
) -> None:
    as_from_vault(client, "new", origin)
    if origin == "old" and not source_is_gone:
        arn = client.describe_table(TableName="old")["Table"]["TableArn"]
        tables()["new"].source_table_arn = arn
    if source_is_gone:
        client.delete_table(TableName="old")
    allowed = (
        origin != "other"  # it says so itself
        and (from_vault or (origin == "old" and not source_is_gone))  # else somebody has to say so
    )
    if allowed:
        assert set(restore(client, "old", "new", from_vault=from_vault)) == {
            "chats",
            "chats_stream",
        }
    else:
        with pytest.raises(RestoreError):
            restore(client, "old", "new", from_vault=from_vault)
    assert left_out(client, "new") == (DONE if allowed else BEFORE)


def test_a_table_that_was_restored_to_another_moment_is_rejected(client: Any) -> None:
    restore(client, "old", "new", AT)
    tables()["new"].restore_date_time = AT  # moto says when it was made
    restore(client, "old", "new", AT)
    with pytest.raises(RestoreError, match="2026-11-29 16:00:00"):
        restore(client, "old", "new", AT.replace(minute=30))


def test_without_the_source_a_table_gets_what_the_template_gives_it(client: Any) -> None:
    chats(client, "new")
    client.delete_table(TableName="old")
    settings = restore(client, "old", "new", from_vault=True)
    assert restore(client, "old", "new", from_vault=True) == settings
    table = client.describe_table(TableName="new")["Table"]
    assert settings == {"chats": "new", "chats_stream": table["LatestStreamArn"]}
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert table["DeletionProtectionEnabled"]
    expiry = client.describe_time_to_live(TableName="new")["TimeToLiveDescription"]
    assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "expires_at")


def test_tags_and_protection_are_those_of_the_source(client: Any) -> None:
    restore(client, "old", "new")
    table = client.describe_table(TableName="new")["Table"]
    assert not table["DeletionProtectionEnabled"]
    tags = client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
    assert {"Key": "team", "Value": "chat"} in tags


def test_if_neither_table_exists_nothing_is_made(client: Any) -> None:
    for from_vault in (False, True):
        with pytest.raises(RestoreError, match="no table"):
            restore(client, "gone", "new", from_vault=from_vault)
    with pytest.raises(RestoreError, match="no table"):
        restore(client, "old", "new", from_vault=True)  # is not in the vault alone
    assert client.list_tables()["TableNames"] == ["old"]


@pytest.mark.parametrize("keys", [("ticket",), ("chat",), ("user", "kind")])
def test_a_table_of_another_kind_is_rejected_before_anything_is_made(
    client: Any, keys: tuple[str, ...]
) -> None:
    make(client, "tickets", *keys)
    with pytest.raises(RestoreError, match="keys"):
        restore(client, "tickets", "new")
    assert sorted(client.list_tables()["TableNames"]) == ["old", "tickets"]


def test_a_table_of_users_gets_no_stream_and_keeps_its_items(client: Any) -> None:
    make(client, "users", "user", "item")
    item = {"user": {"S": "ravi"}, "item": {"S": "head"}, "seq": {"N": "1"}}
    client.put_item(TableName="users", Item=item)
    assert restore(client, "users", "new") == {"users": "new"}
    assert client.scan(TableName="new")["Items"] == [item]
    assert "LatestStreamArn" not in client.describe_table(TableName="new")["Table"]


class Failing:
    """A client whose writes fail from the given one on, counted from 0."""

    def __init__(self, client: Any, at: int) -> None:
        self._client, self._left = client, at

    def __getattr__(self, name: str) -> Any:
        if name not in ("put_item", "update_item", "transact_write_items"):
            return getattr(self._client, name)
        self._left -= 1
        if self._left < 0:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, name)
        return getattr(self._client, name)


@pytest.mark.parametrize("at", range(4))
def test_a_repeat_closes_what_was_left_out_whichever_write_failed(client: Any, at: int) -> None:
    failing = Failing(client, at)
    try:
        restore(failing, "old", "new")
    except ClientError:
        pass
    else:
        assert at >= 2, "each chat has one write"
    restore(client, "old", "new")
    assert left_out(client, "new") == DONE


def test_positions_are_left_out_anew_in_a_later_table_of_the_same_name(client: Any) -> None:
    """A copy of a restored table has its marks: the time when it was made tells them apart."""
    restore(client, "old", "new")
    tables()["new"].created_at -= timedelta(hours=1)
    restore(client, "old", "new")
    assert left_out(client, "new")["a", "head"] == str(LAST + SKIPPED)


def test_a_table_that_serves_already_keeps_the_positions_of_its_newer_chats(client: Any) -> None:
    restore(client, "old", "new")
    head = {"chat": {"S": "c"}, "item": {"S": "head"}, "seq": {"N": "1"}}
    client.put_item(TableName="new", Item=head)
    restore(client, "old", "new")
    assert left_out(client, "new") == {**DONE, ("c", "head"): "1"}


def test_a_table_that_was_restored_twice_leaves_out_positions_twice(client: Any) -> None:
    restore(client, "old", "new")
    for _ in range(2):
        restore(client, "new", "newer")
    assert left_out(client, "newer")["a", "head"] == str(LAST + SKIPPED)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-29T16:00:00",
        "2026-11-29T16:00:00Z",
        "2026-11-29T21:30:00+05:30",
        "2026-11-29T08:00:00-08:00",
    ],
)
def test_a_moment_is_in_utc_or_has_an_offset(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    asked: list[datetime] = []

    def restore(_client: Any, _source: str, _target: str, at: datetime, **_: Any) -> dict[str, str]:
        asked.append(at)
        return {}

    monkeypatch.setattr(command, "restore", restore)
    assert command.main(["--table", "old", "--to", "new", "--at", text]) == 0
    assert asked == [AT]
    assert asked[0].tzinfo is UTC


def test_a_rejected_command_is_reported_in_one_line(
    client: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boto3, "client", lambda *_, **__: client)
    assert command.main(["--table", "old", "--to", "old"]) == 1
    assert capsys.readouterr().err.startswith("restore: ")
