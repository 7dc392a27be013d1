"""Tables restored to a point in time serve in place of the old ones, as docs/restoring.md has it."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.settings import aws
from stacks.config.restored import Restored
from tests.support.lambdas import given, when
from tests.support.lambdas.backend import Backend, tables
from tools.restore import SKIPPED, restore


@pytest.fixture
def at_six(world: Backend) -> Iterator[Backend]:
    """ravi and raju have written three texts, and the tables have their stream and their expiry."""
    client: Any = world.aws.dynamodb
    client.update_table(
        TableName="Chats",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    client.update_time_to_live(
        TableName="Chats",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
    )
    yield world
    for name in ("Chats-restored", "Users-restored"):
        client.delete_table(TableName=name)
    client.update_table(TableName="Chats", StreamSpecification={"StreamEnabled": False})
    tables()["Chats"].latest_stream_label = None  # moto gives a table only one stream


def restored(world: Backend) -> dict[str, str]:
    client = world.aws.dynamodb
    return {
        **restore(client, "Chats", "Chats-restored"),
        **restore(client, "Users", "Users-restored"),
    }


def take(world: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a deployment with the printed settings does to the functions."""
    monkeypatch.setenv("CHATS_TABLE", "Chats-restored")
    monkeypatch.setenv("USERS_TABLE", "Users-restored")
    clients = {name: vars(world.aws)[name] for name in ("dynamodb", "sqs", "now")}
    aws.cache_clear()
    ours = aws()
    vars(ours).update(clients)
    world.aws = ours
    assert os.environ["CHATS_TABLE"] == ours.chats.name


def test_devices_that_saw_what_is_lost_get_all_that_comes_after(
    at_six: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = at_six
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    for number in (1, 2, 3):
        when.sends(world, "ravi", chat, payload=f"kept {number}")
    settings = restored(world)
    for number in (4, 5):  # after the moment that is restored
        when.sends(world, "ravi", chat, payload=f"lost {number}")
    assert when.acknowledges(world, "raju", chat, delivered=5, read=5) is None
    take(world, monkeypatch)

    Restored(**settings)  # as the environment takes them
    accepted = when.sends(world, "ravi", chat, payload="after")
    assert accepted["seq"] == 3 + SKIPPED + 1  # 4 and 5 are not given out again
    world.clock.pass_seconds(60)
    found, synced = when.syncs(world, "raju", chats={chat: 5})
    assert [each["payload"] for each in found] == ["after"]
    assert synced["chats"][chat]["complete_to"] == accepted["seq"]
    assert synced["chats"][chat]["missing"] == []
    found, _ = when.syncs(world, "raju", chats={chat: 0})
    assert [each["payload"] for each in found] == ["kept 1", "kept 2", "kept 3", "after"]
    assert when.acknowledges(world, "raju", chat, delivered=accepted["seq"]) is None


def test_a_restored_table_gets_what_a_restore_leaves_out_and_it_is_done_once(
    at_six: Backend,
) -> None:
    given.online(at_six, "ravi")
    given.online(at_six, "raju")
    given.direct_chat(at_six, "ravi", "raju")
    client = at_six.aws.dynamodb
    first, again = restored(at_six), restored(at_six)
    assert first == again
    table = client.describe_table(TableName="Chats-restored")["Table"]
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert table["LatestStreamArn"] == first["chats_stream"]
    expiry = client.describe_time_to_live(TableName="Chats-restored")["TimeToLiveDescription"]
    assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "expires_at")
    backups = client.describe_continuous_backups(TableName="Chats-restored")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    seqs = [
        item["seq"]["N"]
        for item in client.scan(TableName="Chats-restored")["Items"]
        if item["item"]["S"] == "head"
    ]
    assert seqs == [str(SKIPPED)]
