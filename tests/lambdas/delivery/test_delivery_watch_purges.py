"""What the delivery watch deletes, and what it keeps, of messages and of marks."""

from collections.abc import Iterable
from typing import Any

import pytest

from lambdas.delivery.purge import raise_mark
from lambdas.settings import Aws
from lambdas.tables import DEVICES, Item, Key, user_key
from tests.lambdas.delivery import watched
from tests.support.lambdas import events, given, when
from tests.support.lambdas.backend import Backend, backend, failing
from tests.support.lambdas.connection_api import ConnectionApi


@pytest.fixture
def chat(world: Backend) -> str:
    return watched.written_to_raju(world)


def test_what_every_device_has_is_purged(world: Backend, chat: str) -> None:
    when.acknowledges(world, "raju", chat, delivered=3)
    assert when.delivery_watch_runs(world, watched.acknowledged(world, chat, "raju")) == []
    assert watched.stored(world, chat) == [1, 2, 3], "ravi's phone has not acknowledged them"
    when.acknowledges(world, "ravi", chat, delivered=2)
    assert when.delivery_watch_runs(world, watched.acknowledged(world, chat, "ravi")) == []
    assert watched.stored(world, chat) == [3] and watched.head(world, chat)["purged_to"] == 2
    given.user(world, "raju", "desk")
    given.connected(world, "raju", "desk")
    messages, synced = when.syncs(world, "raju", device="desk")
    assert [frame["seq"] for frame in messages] == [3]
    assert synced["chats"][chat]["missing"] == [[1, 2]]


@pytest.mark.parametrize("lacking", ["another device", "a device just registered", "no device"])
def test_nothing_is_purged_that_somebody_lacks(world: Backend, lacking: str) -> None:
    given.online(world, "ravi")
    devices = {"another device": ("phone", "desk"), "no device": ()}.get(lacking, ("phone",))
    given.user(world, "raju", *devices)
    given.online(world, "mira")
    chat = given.group(world, "ravi", "raju", "mira")
    when.sends(world, "ravi", chat)
    for name in ("ravi", "mira", *(["raju"] if devices else [])):
        when.acknowledges(world, name, chat, delivered=1)
    if lacking == "a device just registered":
        given.user(world, "mira", "phone", "tablet")
    when.delivery_watch_runs(world, watched.acknowledged(world, chat, "mira"))
    assert watched.stored(world, chat) == [1] and watched.head(world, chat)["purged_to"] == 0


def test_nothing_is_purged_that_a_device_lacks_which_a_replica_does_not_know_yet(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    for name in ("ravi", "raju"):
        when.acknowledges(world, name, chat, delivered=1)
    read = world.aws.users.batch_get
    behind = {user: item for user in ("ravi", "raju") for item in read([user_key(user, DEVICES)])}
    given.user(world, "raju", "phone", "tablet")

    def replica(keys: Iterable[Key], *, consistent: bool = False) -> list[Item]:
        wanted = [*keys]
        stale = [behind[key["user"]] for key in wanted if key["item"] == DEVICES]
        return read(wanted, consistent=True) if consistent or not stale else stale

    monkeypatch.setattr(world.aws.users, "batch_get", replica)
    when.delivery_watch_runs(world, watched.acknowledged(world, chat, "raju"))
    assert watched.stored(world, chat) == [1] and watched.head(world, chat)["purged_to"] == 0


def test_the_mark_of_a_purge_moves_forward_only(world: Backend, chat: str) -> None:
    """The request of an earlier purge may arrive after a later one's."""
    assert raise_mark(world.aws.chats, chat, 3)
    assert not raise_mark(world.aws.chats, chat, 2) and not raise_mark(world.aws.chats, chat, 3)
    assert watched.head(world, chat)["purged_to"] == 3


def test_a_device_that_is_lost_keeps_nothing_for_ever(world: Backend, chat: str) -> None:
    given.user(world, "raju", "lost")
    when.acknowledges(world, "ravi", chat, delivered=2)
    month = 30 * 86_400
    world.clock.pass_seconds(month - 60)
    given.connected(world, "ravi", "phone")
    given.connected(world, "raju", "phone")
    when.acknowledges(world, "raju", chat, delivered=2)
    record = watched.acknowledged(world, chat, "raju")
    when.delivery_watch_runs(world, record)
    assert watched.head(world, chat)["purged_to"] == 0
    world.clock.pass_seconds(60)
    when.delivery_watch_runs(world, record)
    assert watched.head(world, chat)["purged_to"] == 2


@pytest.mark.slow
def test_marks_of_removed_devices_leave_the_item_where_only_marks_move(
    world: Backend, chat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when many have come, acknowledged and gone."""
    names = [f"{'long' * 15}{number:04}" for number in range(300)]
    member = {"chat": chat, "item": "member#raju"}
    world.aws.chats.update(
        member, "SET delivered = :marks", marks=dict.fromkeys(names, 1) | {"phone": 1}
    )
    before = world.aws.chats.get(member, consistent=True)
    assert before is not None

    def left_after(old: Item) -> dict[str, int]:
        new = world.aws.chats.get(member, consistent=True)
        assert new is not None
        record = events.stream_record("MODIFY", 900, old=old, new=new)
        assert when.delivery_watch_runs(world, record) == []
        left = world.aws.chats.get(member, consistent=True)
        assert left is not None
        marks: dict[str, int] = left["delivered"]
        return marks

    when.acknowledges(world, "raju", chat, delivered=2)
    assert len(left_after(before)) == 301, "an item that has not grown is left as it is"
    given.user(world, "raju", "new")
    when.acknowledges(world, "raju", chat, "new", delivered=2)
    lengths: list[int] = []
    update = world.aws.chats.update

    def measured(key: Any, expression: str, *rest: Any, **values: Any) -> Item:
        lengths.append(len(expression))
        return update(key, expression, *rest, **values)

    monkeypatch.setattr(world.aws.chats, "update", measured)
    assert left_after(before) == {"phone": 2, "new": 2}
    assert len(lengths) == 3 and max(lengths) < 4096, "DynamoDB takes no longer expression"


def test_marks_of_removed_devices_leave_the_members_item_and_ticks_stay(
    world: Backend, chat: str
) -> None:
    given.user(world, "raju", "sold", "lost")
    when.acknowledges(world, "raju", chat, "sold", delivered=2)
    when.acknowledges(world, "raju", chat, "lost", delivered=1)
    for device in ("sold", "lost"):
        given.no_device(world.aws.users, "raju", device)
    record = events.stream_record("INSERT", 4, new=watched.message(world, chat, 1))
    for _ in range(2):
        assert when.delivery_watch_runs(world, record) == []
        member = world.aws.chats.get({"chat": chat, "item": "member#raju"}) or {}
        assert member["delivered"] == {} and member["removed"] == 2
    _, synced = when.syncs(world, "ravi")
    assert synced["chats"][chat]["members"]["raju"]["delivered"] == 2


def test_two_purges_at_once_and_one_that_broke_off_leave_nothing_behind(
    world: Backend, chat: str
) -> None:
    for name in ("ravi", "raju"):
        when.acknowledges(world, name, chat, delivered=2)
    record = watched.acknowledged(world, chat, "raju", 7)
    with failing(world, "BatchWriteItem"):
        failed = when.delivery_watch_runs(world, record)
    assert failed == [record["dynamodb"]["SequenceNumber"]]
    assert watched.head(world, chat)["purged_to"] == 2 and watched.stored(world, chat) == [1, 2, 3]
    assert when.delivery_watch_runs(world, record) == []
    for name in ("ravi", "raju"):
        when.acknowledges(world, name, chat, delivered=3)
    when.delivery_watch_runs(world, watched.acknowledged(world, chat, "raju"))
    when.delivery_watch_runs(world, watched.acknowledged(world, chat, "ravi"))
    assert watched.stored(world, chat) == [] and watched.head(world, chat)["purged_to"] == 3


def test_retain_until_expiry_keeps_everything(emulated: tuple[Aws, ConnectionApi]) -> None:
    with backend(*emulated, RETAIN_UNTIL_EXPIRY="true") as world:
        given.online(world, "ravi")
        given.online(world, "raju")
        chat = given.direct_chat(world, "ravi", "raju")
        when.sends(world, "ravi", chat)
        for name in ("ravi", "raju"):
            when.acknowledges(world, name, chat, delivered=1)
        when.delivery_watch_runs(world, watched.acknowledged(world, chat, "raju"))
        assert watched.stored(world, chat) == [1] and watched.head(world, chat)["purged_to"] == 0


def test_what_dynamodb_removed_for_its_age_is_gone_and_not_void(world: Backend, chat: str) -> None:
    world.clock.pass_seconds(31 * 86_400)
    given.connected(world, "raju", "phone")
    old = [watched.message(world, chat, seq) for seq in (1, 2)]
    for item in old:
        world.aws.chats.delete({"chat": chat, "item": item["item"]})
    records = [
        events.stream_record("REMOVE", 5 - number, old=item, by_ttl=True)
        for number, item in enumerate(old)
    ]
    assert when.delivery_watch_runs(world, *records) == []
    assert watched.head(world, chat)["purged_to"] == 2
    _, synced = when.syncs(world, "raju", chats={chat: 0})
    assert synced["chats"][chat]["missing"] == [[1, 3]]


def test_what_expired_is_gone_also_where_something_was_written_meanwhile(
    world: Backend, chat: str
) -> None:
    old = watched.message(world, chat, 1)
    world.aws.chats.delete({"chat": chat, "item": old["item"]})
    removed = events.stream_record("REMOVE", 7, old=old, by_ttl=True)
    assert when.delivery_watch_runs(world, removed, *watched.inserted(world, chat, 3)) == []
    assert watched.head(world, chat)["purged_to"] == 1


def test_a_message_that_stays_longer_is_not_passed_over(world: Backend, chat: str) -> None:
    newer = watched.message(world, chat, 3)  # sent when messages were kept for a shorter time
    world.aws.chats.delete({"chat": chat, "item": newer["item"]})
    when.delivery_watch_runs(world, events.stream_record("REMOVE", 1, old=newer, by_ttl=True))
    assert watched.head(world, chat)["purged_to"] == 0
    messages, _ = when.syncs(world, "raju", chats={chat: 0})
    assert [frame["seq"] for frame in messages] == [1, 2]
