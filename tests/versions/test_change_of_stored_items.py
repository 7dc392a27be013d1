"""A change of stored items without downtime: expand, migrate, contract; see docs/extending.md.

Messages get the attribute `size`. Three versions of the code that reads and writes them are at
work one after the other, two at a time, on what the first version really stored.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.lambdas import given, when
from tests.support.lambdas.backend import Backend, tables
from tests.versions import handover
from tools.backfill import Item, backfill, position_of

LEFT = json.loads(Path(__file__).with_name("left.json").read_text(encoding="utf-8"))
PAYLOADS = ["text 1", "text 2", "text 3", "to all"]


class Before:
    """Knows nothing of the attribute."""

    def written(self, item: Item) -> Item:
        return item

    def size(self, item: Item) -> int:
        return len(item["payload"])


class Expanded(Before):
    """Writes the attribute, and does without where it is missing."""

    def written(self, item: Item) -> Item:
        return {**item, "size": len(item["payload"])}

    def size(self, item: Item) -> int:
        return int(item["size"]) if "size" in item else super().size(item)


class Contracted(Expanded):
    """Every item has it."""

    def size(self, item: Item) -> int:
        return int(item["size"])


def change(item: Item) -> Item | None:
    """What the command is given by its name."""
    lacks = item["item"].startswith("message#") and "payload" in item and "size" not in item
    return {"size": len(item["payload"])} if lacks else None


@pytest.fixture
def stored(world: Backend) -> Backend:
    for table, items in LEFT["items"].items():
        for item in items:
            world.aws.dynamodb.put_item(TableName=table, Item=item)
    return world


def messages(world: Backend) -> Iterator[Item]:
    for chat in (LEFT["chat"], LEFT["group"]):
        for item in world.aws.chats.query_all({"chat": chat}):
            if item["item"].startswith("message#"):
                yield item


def sizes(world: Backend, version: Before) -> list[int]:
    return sorted(version.size(each) for each in messages(world))


def test_at_no_time_two_versions_misread_each_other(stored: Backend, tmp_path: Path) -> None:
    expected = sorted(map(len, PAYLOADS))
    assert sizes(stored, Before()) == sizes(stored, Expanded()) == expected
    with pytest.raises(KeyError):  # to contract before all is migrated is the mistake
        sizes(stored, Contracted())

    new = Expanded().written({**next(messages(stored)), "item": "message#new", "payload": "more"})
    stored.aws.chats.put(new)
    assert backfill(stored.aws.dynamodb, "Chats", change, tmp_path / "position") == len(PAYLOADS)

    expected = sorted([*expected, len("more")])
    assert sizes(stored, Expanded()) == sizes(stored, Contracted()) == expected
    assert sizes(stored, Before()) == expected  # and to go back loses nothing


def test_handlers_that_know_nothing_of_it_go_on_with_items_that_have_it(
    stored: Backend, tmp_path: Path
) -> None:
    backfill(stored.aws.dynamodb, "Chats", change, tmp_path / "position")
    chats = [dict(item.attrs) for item in tables()["Chats"].all_items()]
    assert any("size" in each for each in chats)
    stored.clock.time = handover.NOW + 60
    given.connected(stored, "mira", "phone")
    found, _ = when.syncs(stored, "mira", chats={LEFT["group"]: 0})
    assert [each["payload"] for each in found] == ["to all"]


def test_it_goes_on_where_it_was_ended_and_looks_at_nothing_twice(
    stored: Backend, tmp_path: Path
) -> None:
    position = tmp_path / "position"
    looked_at: list[Any] = []

    def ends(item: Item) -> Item | None:
        if len(looked_at) == 5:
            raise KeyboardInterrupt
        looked_at.append((item["chat"], item["item"]))
        return change(item)

    with pytest.raises(KeyboardInterrupt):
        backfill(stored.aws.dynamodb, "Chats", ends, position, page=1)
    rest: list[Any] = []

    def goes_on(item: Item) -> Item | None:
        rest.append((item["chat"], item["item"]))
        return change(item)

    backfill(stored.aws.dynamodb, "Chats", goes_on, position, page=1)
    assert sorted([*looked_at, *rest]) == sorted(
        (each["chat"]["S"], each["item"]["S"]) for each in LEFT["items"]["Chats"]
    )
    assert sizes(stored, Contracted()) == sorted(map(len, PAYLOADS))


def test_a_run_after_a_finished_one_looks_at_all_items_again(
    stored: Backend, tmp_path: Path
) -> None:
    position = tmp_path / "position"
    for page in (1, 100):  # the first one has positions between, the second one none
        assert backfill(stored.aws.dynamodb, "Chats", change, position, page=page) == len(PAYLOADS)
        assert not position.exists()
        for message in messages(stored):  # as in a table that was restored
            stored.aws.chats.put({k: v for k, v in message.items() if k != "size"})


def test_each_table_of_an_account_and_region_at_an_endpoint_has_a_position_of_its_own(
    world: Backend,
) -> None:
    client: Any = world.aws.dynamodb
    described = client.describe_table(TableName="Chats")["Table"]
    elsewhere = boto3.client("dynamodb", "us-east-1", endpoint_url="http://localhost:4566")
    arn = described["TableArn"]
    copies = [
        (client, described),
        (elsewhere, described),
        (client, {**described, "TableArn": arn.replace("us-east-1", "eu-west-1")}),
        (client, {**described, "TableArn": re.sub(r":\d{12}:", ":222222222222:", arn)}),
        (client, {**described, "TableArn": arn.replace("Chats", "Users")}),
        # deleted, and made again with the same name
        (client, {**described, "CreationDateTime": datetime(2020, 1, 1, tzinfo=UTC)}),
    ]
    found = [position_of(*each, f"changes:{n}") for each in copies for n in ("one", "two")]
    assert len(set(found)) == len(found) == 12
    assert found[:2] == [position_of(client, described, f"changes:{n}") for n in ("one", "two")]


def test_what_was_written_meanwhile_wins_and_what_was_deleted_stays_so(
    stored: Backend, tmp_path: Path
) -> None:
    newer, gone, *_ = messages(stored)

    def races(item: Item) -> Item | None:
        """The service writes between the command's read and its write."""
        if item["item"] == newer["item"] and item["chat"] == newer["chat"]:
            stored.aws.chats.put({**newer, "size": 1_000})
        if item["item"] == gone["item"] and item["chat"] == gone["chat"]:
            stored.aws.chats.delete({name: gone[name] for name in ("chat", "item")})
        return change(item)

    changed = backfill(stored.aws.dynamodb, "Chats", races, tmp_path / "position")
    assert changed == len(PAYLOADS) - 2
    assert sorted(each["size"] for each in messages(stored))[-1] == 1_000
    assert len(list(messages(stored))) == len(PAYLOADS) - 1
