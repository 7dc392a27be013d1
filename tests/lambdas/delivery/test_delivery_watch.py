from collections.abc import Iterable
from typing import Any

import pytest

from lambdas.delivery import delivery_watch
from lambdas.delivery.purge import raise_mark
from lambdas.messages.membership import Membership
from lambdas.notifications.push_jobs import Job, PushQueue
from lambdas.presence.devices import Devices
from lambdas.settings import Aws
from lambdas.tables import DEVICES, Item, Key, user_key
from tests.support.lambdas import events, given, then, when
from tests.support.lambdas.backend import Backend, backend, failing
from tests.support.lambdas.connection_api import GONE, ConnectionApi


def _message(world: Backend, chat: str, seq: int) -> Item:
    item = world.aws.chats.get({"chat": chat, "item": f"message#{seq:012d}"}, consistent=True)
    assert item is not None
    return item


def _inserted(world: Backend, chat: str, *seqs: int) -> list[Any]:
    return [events.stream_record("INSERT", seq, new=_message(world, chat, seq)) for seq in seqs]


def _acknowledged(world: Backend, chat: str, user: str, number: int = 900) -> Any:
    item = world.aws.chats.get({"chat": chat, "item": f"member#{user}"}, consistent=True)
    assert item is not None
    return events.stream_record("MODIFY", number, old={**item, "delivered": {}}, new=item)


def _stored(world: Backend, chat: str) -> list[int]:
    page = world.aws.chats.query({"chat": chat}, prefix="message#", consistent=True)
    return [int(item["item"].removeprefix("message#")) for item in page.items]


def _head(world: Backend, chat: str) -> Item:
    item = world.aws.chats.get({"chat": chat, "item": "head"}, consistent=True)
    assert item is not None
    return item


@pytest.fixture
def chat(world: Backend) -> str:
    """ravi is there and has written three messages to raju, whose phone is connected."""
    given.online(world, "ravi")
    given.online(world, "raju")
    name = given.direct_chat(world, "ravi", "raju")
    for _ in range(3):
        when.sends(world, "ravi", name)
    world.api.requests.clear()
    return name


def test_who_is_connected_and_behind_is_nudged_once_and_a_push_waits(
    world: Backend, chat: str
) -> None:
    assert when.delivery_watch_runs(world, *_inserted(world, chat, 1, 2, 3)) == []
    (nudge,) = world.frames("raju", "phone")
    assert then.valid(nudge) == {"type": "nudge", "chat": chat, "seq": 3}
    assert world.frames("ravi", "phone") == [], "the sending device has its own messages"
    assert then.pushes(world) == [{"user": "raju", "chat": chat, "devices": ["phone"]}]


def test_who_has_acknowledged_is_left_alone(world: Backend, chat: str) -> None:
    when.acknowledges(world, "raju", chat, delivered=3)
    assert when.delivery_watch_runs(world, *_inserted(world, chat, 1, 2, 3)) == []
    assert world.api.requests == [] and then.pushes(world) == []


def test_nobody_is_pushed_for_what_the_user_has_read_elsewhere_or_is_not_shown(
    world: Backend, chat: str
) -> None:
    given.user(world, "raju", "desk")
    when.acknowledges(world, "raju", chat, "desk", read=3)
    accepted = when.sends(world, "ravi", chat, hidden=True)
    assert accepted["seq"] == 4
    then.pushes(world)
    when.delivery_watch_runs(world, *_inserted(world, chat, 1, 2, 3, 4))
    assert then.pushes(world) == []
    when.sends(world, "ravi", chat)
    then.pushes(world)
    when.delivery_watch_runs(world, *_inserted(world, chat, 4, 5))
    assert [job["devices"] for job in then.pushes(world)] == [["phone"]]


def test_the_senders_other_devices_are_nudged_and_never_pushed(world: Backend) -> None:
    given.user(world, "ravi", "phone", "desk", "tablet")
    given.connected(world, "ravi", "phone")
    given.connected(world, "ravi", "desk")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    when.acknowledges(world, "raju", chat, delivered=1)
    world.api.requests.clear()
    when.delivery_watch_runs(world, *_inserted(world, chat, 1))
    assert [frame["type"] for frame in world.frames("ravi", "desk")] == ["nudge"]
    assert world.frames("ravi", "phone") == [] and then.pushes(world) == []


def test_a_message_that_is_too_young_gets_time_to_be_acknowledged(
    world: Backend, chat: str
) -> None:
    waits: list[float] = []

    def acknowledged_meanwhile(seconds: float) -> None:
        waits.append(seconds)
        when.acknowledges(world, "raju", chat, delivered=3)

    records = _inserted(world, chat, 1, 2, 3)
    response = delivery_watch.watch(world.aws, {"Records": records}, acknowledged_meanwhile)
    assert response == {"batchItemFailures": []}
    assert waits == [2.0]
    assert world.api.requests == [] and then.pushes(world) == []


def test_a_chat_waits_as_long_as_clients_may_hold_receipts_back_and_delays_no_smaller_one(
    world: Backend,
) -> None:
    names = [f"member{number:02}" for number in range(12)]
    for name in names:
        given.online(world, name)
    large, small = given.group(world, *names), given.direct_chat(world, *names[:2])
    for chat in (large, small):
        when.sends(world, names[0], chat)
    nudged: list[list[str]] = []
    waits: list[float] = []

    def nudges() -> list[str]:
        frames = [frame for name in names for frame in world.frames(name, "phone")]
        return [frame["chat"] for frame in frames if frame["type"] == "nudge"]

    def wait(seconds: float) -> None:
        nudged.append(nudges())
        waits.append(seconds)
        world.clock.pass_seconds(seconds)

    records = [*_inserted(world, large, 1), *_inserted(world, small, 1)]
    delivery_watch.watch(world.aws, {"Records": records}, wait)
    assert waits == pytest.approx([2.0, 1.0]), "1.8 s, and 0.1 s for each of 2 and of 12 members"
    assert nudged == [[], [small]]
    assert nudges() == [small, *[large] * 11]


def test_the_last_device_has_time_to_acknowledge_the_newest_that_it_lacks(world: Backend) -> None:
    for name in ("ravi", "raju", "mira"):
        given.online(world, name)
    chat = given.group(world, "ravi", "raju", "mira")
    when.sends(world, "ravi", chat)
    world.clock.pass_seconds(1)
    when.sends(world, "raju", chat)  # who lacks the older one alone
    when.acknowledges(world, "ravi", chat, delivered=2)
    waits: list[float] = []
    delivery_watch.watch(world.aws, {"Records": _inserted(world, chat, 1, 2)}, waits.append)
    assert waits == pytest.approx([2.1]), "1.8 s, and 0.1 s for each of 3 members"


def test_nobody_waits_for_who_is_away(world: Backend) -> None:
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    waits: list[float] = []
    delivery_watch.watch(world.aws, {"Records": _inserted(world, chat, 1)}, waits.append)
    assert waits == []


def test_a_connection_that_a_nudge_finds_gone_loses_its_lease(world: Backend, chat: str) -> None:
    world.api.answers[world.connections["raju", "phone"]] = GONE
    when.delivery_watch_runs(world, *_inserted(world, chat, 3))
    assert [job["user"] for job in then.pushes(world)] == ["raju"]
    posts = len(world.api.requests)
    when.sends(world, "ravi", chat)
    assert len(world.api.requests) == posts


def test_what_every_device_has_is_purged(world: Backend, chat: str) -> None:
    when.acknowledges(world, "raju", chat, delivered=3)
    assert when.delivery_watch_runs(world, _acknowledged(world, chat, "raju")) == []
    assert _stored(world, chat) == [1, 2, 3], "ravi's phone has not acknowledged them"
    when.acknowledges(world, "ravi", chat, delivered=2)
    assert when.delivery_watch_runs(world, _acknowledged(world, chat, "ravi")) == []
    assert _stored(world, chat) == [3] and _head(world, chat)["purged_to"] == 2
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
    when.delivery_watch_runs(world, _acknowledged(world, chat, "mira"))
    assert _stored(world, chat) == [1] and _head(world, chat)["purged_to"] == 0


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
    when.delivery_watch_runs(world, _acknowledged(world, chat, "raju"))
    assert _stored(world, chat) == [1] and _head(world, chat)["purged_to"] == 0


def test_the_mark_of_a_purge_moves_forward_only(world: Backend, chat: str) -> None:
    """The request of an earlier purge may arrive after a later one's."""
    assert raise_mark(world.aws.chats, chat, 3)
    assert not raise_mark(world.aws.chats, chat, 2) and not raise_mark(world.aws.chats, chat, 3)
    assert _head(world, chat)["purged_to"] == 3


def test_a_batch_comes_again_from_the_first_chat_that_failed(world: Backend, chat: str) -> None:
    given.online(world, "mira")
    other = given.direct_chat(world, "ravi", "mira")
    when.sends(world, "ravi", other)
    first = events.stream_record("INSERT", 1, new=_message(world, chat, 1))
    second = events.stream_record("INSERT", 2, new=_message(world, other, 1))
    for name in (chat, other):
        world.aws.chats.update({"chat": name, "item": "head"}, "REMOVE purged_to")
    failed = when.delivery_watch_runs(world, first, second)
    assert failed == [first["dynamodb"]["SequenceNumber"]]


def test_a_device_that_is_lost_keeps_nothing_for_ever(world: Backend, chat: str) -> None:
    given.user(world, "raju", "lost")
    when.acknowledges(world, "ravi", chat, delivered=2)
    month = 30 * 86_400
    world.clock.pass_seconds(month - 60)
    given.connected(world, "ravi", "phone")
    given.connected(world, "raju", "phone")
    when.acknowledges(world, "raju", chat, delivered=2)
    record = _acknowledged(world, chat, "raju")
    when.delivery_watch_runs(world, record)
    assert _head(world, chat)["purged_to"] == 0
    world.clock.pass_seconds(60)
    when.delivery_watch_runs(world, record)
    assert _head(world, chat)["purged_to"] == 2


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

    def watched(old: Item) -> dict[str, int]:
        new = world.aws.chats.get(member, consistent=True)
        assert new is not None
        record = events.stream_record("MODIFY", 900, old=old, new=new)
        assert when.delivery_watch_runs(world, record) == []
        left = world.aws.chats.get(member, consistent=True)
        assert left is not None
        marks: dict[str, int] = left["delivered"]
        return marks

    when.acknowledges(world, "raju", chat, delivered=2)
    assert len(watched(before)) == 301, "an item that has not grown is left as it is"
    given.user(world, "raju", "new")
    when.acknowledges(world, "raju", chat, "new", delivered=2)
    lengths: list[int] = []
    update = world.aws.chats.update

    def measured(key: Any, expression: str, *rest: Any, **values: Any) -> Item:
        lengths.append(len(expression))
        return update(key, expression, *rest, **values)

    monkeypatch.setattr(world.aws.chats, "update", measured)
    assert watched(before) == {"phone": 2, "new": 2}
    assert len(lengths) == 3 and max(lengths) < 4096, "DynamoDB takes no longer expression"


def test_marks_of_removed_devices_leave_the_members_item_and_ticks_stay(
    world: Backend, chat: str
) -> None:
    given.user(world, "raju", "sold", "lost")
    when.acknowledges(world, "raju", chat, "sold", delivered=2)
    when.acknowledges(world, "raju", chat, "lost", delivered=1)
    for device in ("sold", "lost"):
        Devices(world.aws.users).remove("raju", device)
    record = events.stream_record("INSERT", 4, new=_message(world, chat, 1))
    for _ in range(2):
        assert when.delivery_watch_runs(world, record) == []
        member = world.aws.chats.get({"chat": chat, "item": "member#raju"}) or {}
        assert member["delivered"] == {} and member["removed"] == 2
    _, synced = when.syncs(world, "ravi")
    assert synced["chats"][chat]["members"]["raju"]["delivered"] == 2


def test_two_purges_at_once_and_one_that_died_leave_nothing_behind(
    world: Backend, chat: str
) -> None:
    for name in ("ravi", "raju"):
        when.acknowledges(world, name, chat, delivered=2)
    record = _acknowledged(world, chat, "raju", 7)
    with failing(world, "BatchWriteItem"):
        failed = when.delivery_watch_runs(world, record)
    assert failed == [record["dynamodb"]["SequenceNumber"]]
    assert _head(world, chat)["purged_to"] == 2 and _stored(world, chat) == [1, 2, 3]
    assert when.delivery_watch_runs(world, record) == []
    for name in ("ravi", "raju"):
        when.acknowledges(world, name, chat, delivered=3)
    when.delivery_watch_runs(world, _acknowledged(world, chat, "raju"))
    when.delivery_watch_runs(world, _acknowledged(world, chat, "ravi"))
    assert _stored(world, chat) == [] and _head(world, chat)["purged_to"] == 3


def test_retain_until_expiry_keeps_everything(emulated: tuple[Aws, ConnectionApi]) -> None:
    with backend(*emulated, RETAIN_UNTIL_EXPIRY="true") as world:
        given.online(world, "ravi")
        given.online(world, "raju")
        chat = given.direct_chat(world, "ravi", "raju")
        when.sends(world, "ravi", chat)
        for name in ("ravi", "raju"):
            when.acknowledges(world, name, chat, delivered=1)
        when.delivery_watch_runs(world, _acknowledged(world, chat, "raju"))
        assert _stored(world, chat) == [1] and _head(world, chat)["purged_to"] == 0


def test_what_dynamodb_removed_for_its_age_is_gone_and_not_void(world: Backend, chat: str) -> None:
    world.clock.pass_seconds(31 * 86_400)
    given.connected(world, "raju", "phone")
    old = [_message(world, chat, seq) for seq in (1, 2)]
    for item in old:
        world.aws.chats.delete({"chat": chat, "item": item["item"]})
    records = [
        events.stream_record("REMOVE", 5 - number, old=item, by_ttl=True)
        for number, item in enumerate(old)
    ]
    assert when.delivery_watch_runs(world, *records) == []
    assert _head(world, chat)["purged_to"] == 2
    _, synced = when.syncs(world, "raju", chats={chat: 0})
    assert synced["chats"][chat]["missing"] == [[1, 3]]


def test_what_expired_is_gone_also_where_something_was_written_meanwhile(
    world: Backend, chat: str
) -> None:
    old = _message(world, chat, 1)
    world.aws.chats.delete({"chat": chat, "item": old["item"]})
    removed = events.stream_record("REMOVE", 7, old=old, by_ttl=True)
    assert when.delivery_watch_runs(world, removed, *_inserted(world, chat, 3)) == []
    assert _head(world, chat)["purged_to"] == 1


def test_a_group_that_all_have_left_is_passed_over(world: Backend) -> None:
    given.online(world, "ravi")
    group = given.group(world, "ravi")
    when.sends(world, "ravi", group)
    Membership(world.aws.chats, world.aws.users).leave("ravi", group, lambda _: None)
    assert when.delivery_watch_runs(world, *_inserted(world, group, 1)) == []


def test_a_message_that_stays_longer_is_not_passed_over(world: Backend, chat: str) -> None:
    newer = _message(world, chat, 3)  # sent when messages were kept for a shorter time
    world.aws.chats.delete({"chat": chat, "item": newer["item"]})
    when.delivery_watch_runs(world, events.stream_record("REMOVE", 1, old=newer, by_ttl=True))
    assert _head(world, chat)["purged_to"] == 0
    messages, _ = when.syncs(world, "raju", chats={chat: 0})
    assert [frame["seq"] for frame in messages] == [1, 2]


def test_own_deletes_and_voids_are_nothing_new(world: Backend, chat: str) -> None:
    item = _message(world, chat, 3)
    void = {"chat": chat, "item": item["item"], "void": True, "sent_at": 1, "expires_at": 1}
    records = [
        events.stream_record("REMOVE", 1, old=item),
        events.stream_record("INSERT", 2, new=void),
    ]
    assert when.delivery_watch_runs(world, *records) == []
    assert world.api.requests == [] and then.pushes(world) == []
    assert _head(world, chat)["purged_to"] == 0


def test_one_chats_trouble_is_not_the_others(world: Backend, chat: str) -> None:
    given.online(world, "mira")
    other = given.direct_chat(world, "ravi", "mira")
    when.sends(world, "ravi", other)
    first = events.stream_record("INSERT", 1, new=_message(world, other, 1))
    broken = events.stream_record("INSERT", 2, new=_message(world, chat, 1))
    again = events.stream_record("INSERT", 3, new=_message(world, chat, 2))
    world.aws.chats.update({"chat": chat, "item": "head"}, "REMOVE purged_to")
    failed = when.delivery_watch_runs(world, first, broken, again)
    assert failed == [broken["dynamodb"]["SequenceNumber"]]
    assert [frame["type"] for frame in world.frames("mira", "phone")][-1] == "nudge"


def test_a_queue_that_fails_makes_the_batch_come_again(world: Backend, chat: str) -> None:
    record = events.stream_record("INSERT", 4, new=_message(world, chat, 1))
    with failing(world, "SendMessage"):
        failed = when.delivery_watch_runs(world, record)
    assert failed == [record["dynamodb"]["SequenceNumber"]]
    assert when.delivery_watch_runs(world, record) == []
    assert len(then.pushes(world)) == 1


@pytest.mark.parametrize("rejected", [True, False])
def test_a_job_that_the_queue_rejects_makes_the_batch_come_again(
    world: Backend, chat: str, monkeypatch: pytest.MonkeyPatch, rejected: bool
) -> None:
    def added(_: object, jobs: list[Job], _begun: object) -> list[Job]:
        return jobs if rejected else []

    monkeypatch.setattr(PushQueue, "add", added)
    record = events.stream_record("INSERT", 4, new=_message(world, chat, 1))
    failed = when.delivery_watch_runs(world, record)
    assert failed == [record["dynamodb"]["SequenceNumber"]] * rejected


def test_what_one_invocation_can_not_do_comes_again(world: Backend, chat: str) -> None:
    given.online(world, "mira")
    other = given.direct_chat(world, "ravi", "mira")
    when.sends(world, "ravi", other)
    first = events.stream_record("INSERT", 1, new=_message(world, chat, 1))
    second = events.stream_record("INSERT", 2, new=_message(world, other, 1))
    began, posted = world.clock() + 60, len(world.api.requests)
    vars(world.aws)["now"] = lambda: began + 50 * (len(world.api.requests) - posted)
    response = delivery_watch.watch(world.aws, {"Records": [first, second]})
    number = second["dynamodb"]["SequenceNumber"]
    assert response == {"batchItemFailures": [{"itemIdentifier": number}]}
    assert [frame["type"] for frame in world.frames("raju", "phone")] == ["nudge"]


def test_a_chat_that_is_no_more_is_passed_over(world: Backend, chat: str) -> None:
    record = events.stream_record("INSERT", 4, new={**_message(world, chat, 1), "chat": "gone"})
    assert when.delivery_watch_runs(world, record) == []
