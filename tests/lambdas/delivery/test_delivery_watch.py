"""The delivery watch: whom it nudges, pushes to, or leaves alone."""

import pytest

from lambdas.delivery import delivery_watch
from lambdas.delivery.watermarks import LONGEST_INTERVAL
from lambdas.messages.membership import Membership
from lambdas.notifications.push_jobs import Job, PushQueue
from tests.lambdas.delivery import watched
from tests.support.lambdas import events, given, then, when
from tests.support.lambdas.backend import Backend, failing
from tests.support.lambdas.connection_api import GONE


@pytest.fixture
def chat(world: Backend) -> str:
    return watched.written_to_raju(world)


def test_who_is_connected_and_behind_is_nudged_once_and_a_push_waits(
    world: Backend, chat: str
) -> None:
    assert when.delivery_watch_runs(world, *watched.inserted(world, chat, 1, 2, 3)) == []
    (nudge,) = world.frames("raju", "phone")
    assert then.valid(nudge) == {"type": "nudge", "chat": chat, "seq": 3}
    assert world.frames("ravi", "phone") == [], "the sending device has its own messages"
    assert then.pushes(world) == [{"user": "raju", "chat": chat, "devices": ["phone"]}]


def test_a_message_of_a_clock_that_is_ahead_holds_nobody_up_for_longer_than_any_other(
    world: Backend, chat: str
) -> None:
    slept: list[float] = []
    records = watched.inserted(world, chat, 1, 2, 3)
    world.clock.pass_seconds(-600)
    response = delivery_watch.watch(world.aws, {"Records": records}, slept.append)
    assert response == {"batchItemFailures": []}
    assert slept == [delivery_watch.GRACE_SECONDS + LONGEST_INTERVAL]
    assert [frame["type"] for frame in world.frames("raju", "phone")] == ["nudge"]


def test_who_has_acknowledged_is_left_alone(world: Backend, chat: str) -> None:
    when.acknowledges(world, "raju", chat, delivered=3)
    assert when.delivery_watch_runs(world, *watched.inserted(world, chat, 1, 2, 3)) == []
    assert world.api.requests == [] and then.pushes(world) == []


def test_nobody_is_pushed_for_what_the_user_has_read_elsewhere_or_is_not_shown(
    world: Backend, chat: str
) -> None:
    given.user(world, "raju", "desk")
    when.acknowledges(world, "raju", chat, "desk", read=3)
    accepted = when.sends(world, "ravi", chat, hidden=True)
    assert accepted["seq"] == 4
    then.pushes(world)
    when.delivery_watch_runs(world, *watched.inserted(world, chat, 1, 2, 3, 4))
    assert then.pushes(world) == []
    when.sends(world, "ravi", chat)
    then.pushes(world)
    when.delivery_watch_runs(world, *watched.inserted(world, chat, 4, 5))
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
    when.delivery_watch_runs(world, *watched.inserted(world, chat, 1))
    assert [frame["type"] for frame in world.frames("ravi", "desk")] == ["nudge"]
    assert world.frames("ravi", "phone") == [] and then.pushes(world) == []


def test_a_message_that_is_too_young_gets_time_to_be_acknowledged(
    world: Backend, chat: str
) -> None:
    waits: list[float] = []

    def acknowledged_meanwhile(seconds: float) -> None:
        waits.append(seconds)
        when.acknowledges(world, "raju", chat, delivered=3)

    records = watched.inserted(world, chat, 1, 2, 3)
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

    records = [*watched.inserted(world, large, 1), *watched.inserted(world, small, 1)]
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
    delivery_watch.watch(world.aws, {"Records": watched.inserted(world, chat, 1, 2)}, waits.append)
    assert waits == pytest.approx([2.1]), "1.8 s, and 0.1 s for each of 3 members"


def test_nobody_waits_for_who_is_away(world: Backend) -> None:
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    waits: list[float] = []
    delivery_watch.watch(world.aws, {"Records": watched.inserted(world, chat, 1)}, waits.append)
    assert waits == []


def test_a_connection_that_a_nudge_finds_gone_loses_its_lease(world: Backend, chat: str) -> None:
    world.api.answers[world.connections["raju", "phone"]] = GONE
    when.delivery_watch_runs(world, *watched.inserted(world, chat, 3))
    assert [job["user"] for job in then.pushes(world)] == ["raju"]
    posts = len(world.api.requests)
    when.sends(world, "ravi", chat)
    assert len(world.api.requests) == posts


def test_a_batch_comes_again_from_the_first_chat_that_failed(world: Backend, chat: str) -> None:
    given.online(world, "mira")
    other = given.direct_chat(world, "ravi", "mira")
    when.sends(world, "ravi", other)
    first = events.stream_record("INSERT", 1, new=watched.message(world, chat, 1))
    second = events.stream_record("INSERT", 2, new=watched.message(world, other, 1))
    # numbers have 21 to 40 digits: as texts they have another order
    # docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
    second["dynamodb"]["SequenceNumber"] = f"10{first['dynamodb']['SequenceNumber']}"
    for name in (chat, other):
        world.aws.chats.update({"chat": name, "item": "head"}, "REMOVE purged_to")
    failed = when.delivery_watch_runs(world, first, second)
    assert failed == [first["dynamodb"]["SequenceNumber"]]


def test_a_group_that_all_have_left_is_passed_over(world: Backend) -> None:
    given.online(world, "ravi")
    group = given.group(world, "ravi")
    when.sends(world, "ravi", group)
    Membership(world.aws.chats, world.aws.users).leave("ravi", group, lambda _: None)
    assert when.delivery_watch_runs(world, *watched.inserted(world, group, 1)) == []


def test_own_deletes_and_voids_are_nothing_new(world: Backend, chat: str) -> None:
    item = watched.message(world, chat, 3)
    void = {"chat": chat, "item": item["item"], "void": True, "sent_at": 1, "expires_at": 1}
    records = [
        events.stream_record("REMOVE", 1, old=item),
        events.stream_record("INSERT", 2, new=void),
    ]
    assert when.delivery_watch_runs(world, *records) == []
    assert world.api.requests == [] and then.pushes(world) == []
    assert watched.head(world, chat)["purged_to"] == 0


def test_one_chats_trouble_is_not_the_others(world: Backend, chat: str) -> None:
    given.online(world, "mira")
    other = given.direct_chat(world, "ravi", "mira")
    when.sends(world, "ravi", other)
    first = events.stream_record("INSERT", 1, new=watched.message(world, other, 1))
    broken = events.stream_record("INSERT", 2, new=watched.message(world, chat, 1))
    again = events.stream_record("INSERT", 3, new=watched.message(world, chat, 2))
    world.aws.chats.update({"chat": chat, "item": "head"}, "REMOVE purged_to")
    failed = when.delivery_watch_runs(world, first, broken, again)
    assert failed == [broken["dynamodb"]["SequenceNumber"]]
    assert [frame["type"] for frame in world.frames("mira", "phone")][-1] == "nudge"


def test_a_queue_that_fails_makes_the_batch_come_again(world: Backend, chat: str) -> None:
    record = events.stream_record("INSERT", 4, new=watched.message(world, chat, 1))
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
    record = events.stream_record("INSERT", 4, new=watched.message(world, chat, 1))
    failed = when.delivery_watch_runs(world, record)
    assert failed == [record["dynamodb"]["SequenceNumber"]] * rejected


def test_what_one_invocation_can_not_do_comes_again(world: Backend, chat: str) -> None:
    given.online(world, "mira")
    other = given.direct_chat(world, "ravi", "mira")
    when.sends(world, "ravi", other)
    first = events.stream_record("INSERT", 1, new=watched.message(world, chat, 1))
    second = events.stream_record("INSERT", 2, new=watched.message(world, other, 1))
    began, posted = world.clock() + 60, len(world.api.requests)
    vars(world.aws)["now"] = lambda: began + 50 * (len(world.api.requests) - posted)
    response = delivery_watch.watch(world.aws, {"Records": [first, second]})
    number = second["dynamodb"]["SequenceNumber"]
    assert response == {"batchItemFailures": [{"itemIdentifier": number}]}
    assert [frame["type"] for frame in world.frames("raju", "phone")] == ["nudge"]


def test_a_chat_that_is_no_more_is_passed_over(world: Backend, chat: str) -> None:
    record = events.stream_record(
        "INSERT", 4, new={**watched.message(world, chat, 1), "chat": "gone"}
    )
    assert when.delivery_watch_runs(world, record) == []
