"""Waking phones, from the message over the real queue to the push: which ring, and how often."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from lambdas.messages.chats import Chats
from lambdas.messages.membership import Membership
from lambdas.notifications.push_jobs import WAKING_SECONDS
from lambdas.presence import connection
from tests.support.lambdas import events, given, then, when
from tests.support.lambdas.backend import Backend, recorded_calls
from tests.support.lambdas.connection_api import GONE
from tests.support.lambdas.phones import Phones


@pytest.fixture
def phones(world: Backend) -> Phones:
    """ravi is online; raju has a phone that is away."""
    phones = Phones(world)
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    return phones


def _watch(world: Backend, chat: str, *seqs: int) -> None:
    items = [world.aws.chats.get({"chat": chat, "item": f"message#{seq:012d}"}) for seq in seqs]
    records = [events.stream_record("INSERT", n, new=item) for n, item in enumerate(items)]
    assert when.delivery_watch_runs(world, *records) == []


def _opening(world: Backend, user: str, device: str = "phone") -> str:
    """A connection that began a moment ago, and of which a post finds nothing."""
    id = f"{user}-{device}-opening="
    just_now = int(world.clock() * 1000) - 500
    connection.handler(events.connect(user, device, id, just_now), None)
    world.connections[user, device] = id
    world.api.answers[id] = GONE
    return id


def test_a_connection_that_breaks_while_it_opens_suppresses_no_push(
    world: Backend, phones: Phones
) -> None:
    _opening(world, "raju")  # and no $disconnect ever comes
    chat = given.direct_chat(world, "ravi", "raju")
    accepted = when.sends(world, "ravi", chat)
    phones.run()
    assert phones.rings("raju") == [accepted["message_id"]]
    _watch(world, chat, 1)
    assert phones.run() == [] and len(phones.rings("raju")) == 1


def test_the_watch_wakes_whom_a_job_of_send_left_asleep(world: Backend, phones: Phones) -> None:
    chat = given.direct_chat(world, "ravi", "raju")
    accepted = when.sends(world, "ravi", chat)
    given.connected(world, "raju", "phone")  # before the job runs; then it dies in silence
    phones.run()
    assert phones.rings("raju") == []
    _watch(world, chat, 1)
    phones.run()
    assert phones.rings("raju") == [accepted["message_id"]]


def test_a_job_that_rang_nobody_delays_no_ring(world: Backend, phones: Phones) -> None:
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    opened = given.connected(world, "raju", "phone")  # before the job runs
    phones.run()
    when.acknowledges(world, "raju", chat, senders=["ravi"], delivered=1)
    connection.handler(events.disconnect("raju", "phone", opened), None)
    accepted = when.sends(world, "ravi", chat)
    phones.run()
    assert phones.rings("raju") == [accepted["message_id"]]


@pytest.mark.parametrize("away", [True, False], ids=["away", "connection that fails"])
def test_every_text_wakes_once_however_often_the_watch_looks(
    world: Backend, phones: Phones, away: bool
) -> None:
    if not away:
        world.api.answers[given.connected(world, "raju", "phone")] = 500
    chat = given.direct_chat(world, "ravi", "raju")
    texts = []
    for seq in (1, 2, 3):
        texts.append(when.sends(world, "ravi", chat)["message_id"])
        phones.run()
        for _ in range(2):
            _watch(world, chat, seq)
            phones.run()
    assert phones.rings("raju") == texts


def test_a_burst_is_a_few_jobs_and_none_of_it_is_passed_over(
    world: Backend, phones: Phones
) -> None:
    chat = given.direct_chat(world, "ravi", "raju")
    jobs, texts = 0, []
    for seq in range(1, 31):  # 20 texts a second; the function is as fast as that
        texts.append(when.sends(world, "ravi", chat)["message_id"])
        jobs += len(phones.run())
        world.clock.pass_seconds(0.05)
        if seq == 30:
            _watch(world, chat, *range(1, 31))
            jobs += len(phones.run())
    assert jobs == 2 and phones.rings("raju") == [texts[0], texts[-1]]
    assert phones.pushed["raju/phone"][-1]["unread"] == "30"


def test_who_was_rung_just_now_costs_a_read_in_three_seconds(
    world: Backend, phones: Phones
) -> None:
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    phones.run()
    when.sends(world, "ravi", chat)
    with recorded_calls(world) as calls:
        for _ in range(3):
            when.sends(world, "ravi", chat)
    assert calls.count("BatchGetItem") == 6  # devices alone: the sender's, the receiver's
    world.clock.pass_seconds(WAKING_SECONDS + 0.1)
    later = when.sends(world, "ravi", chat)
    phones.run()
    assert phones.rings("raju")[-1] == later["message_id"]


def test_a_burst_into_a_muted_chat_is_as_few_jobs_and_is_counted(
    world: Backend, phones: Phones
) -> None:
    chat = given.direct_chat(world, "ravi", "raju")
    chats = Chats(world.aws.chats, world.aws.users)
    chats.mute("raju", chat, int(world.clock()) + 60)
    jobs = 0
    for _ in range(30):
        when.sends(world, "ravi", chat)
        jobs += len(phones.run())
        world.clock.pass_seconds(0.05)
    _watch(world, chat, *range(1, 31))
    jobs += len(phones.run())
    assert jobs == 2 and phones.rings("raju") == []
    world.clock.pass_seconds(60)
    last = when.sends(world, "ravi", chat)
    phones.run()
    assert phones.rings("raju") == [last["message_id"]]
    assert phones.pushed["raju/phone"][-1]["unread"] == "31"


def test_jobs_that_wait_are_one(world: Backend, phones: Phones) -> None:
    chat, other = (given.direct_chat(world, "ravi", "raju"), given.group(world, "ravi", "raju"))
    for _ in range(20):
        for place in (chat, other):
            when.sends(world, "ravi", place)
    assert sorted(job["chat"] for job in then.pushes(world)) == sorted((chat, other))


@pytest.mark.parametrize(
    ("fields", "rings"),
    [
        ({}, 1),
        ({"hidden": False}, 1),
        ({"urgent": False}, 1),
        ({"hidden": True}, 0),
        ({"to": {"raju/phone": "x"}}, 1),
        ({"to": {"raju/phone": "x"}, "hidden": True}, 0),
        ({"to": {"raju/laptop": "x"}}, 0),
        ({"to": {"mira/phone": "x"}}, 0),
    ],
)
def test_only_who_has_something_to_read_is_rung(
    world: Backend, phones: Phones, fields: dict[str, Any], rings: int
) -> None:
    given.online(world, "mira")
    chat = given.group(world, "ravi", "raju", "mira")
    when.sends(world, "ravi", chat, **fields)
    phones.run()
    _watch(world, chat, 1)
    phones.run()
    assert len(phones.rings("raju")) == rings


def test_nobody_without_a_phone_to_wake_costs_a_job(world: Backend, phones: Phones) -> None:
    given.user(world, "mira", "laptop")
    chat = given.direct_chat(world, "ravi", "mira")
    when.sends(world, "ravi", chat)
    _watch(world, chat, 1)
    assert then.pushes(world) == []


def test_what_is_read_on_a_laptop_rings_no_phone(world: Backend, phones: Phones) -> None:
    given.online(world, "raju", "laptop")
    chat = given.direct_chat(world, "ravi", "raju")
    first, second = (when.sends(world, "ravi", chat)["message_id"] for _ in range(2))
    when.acknowledges(world, "raju", chat, "laptop", delivered=2, read=1)
    _watch(world, chat, 1, 2)
    phones.run()
    assert phones.rings("raju") == [second] != [first]
    assert phones.pushed["raju/phone"][0]["unread"] == "1"


def test_what_rang_is_taken_back_when_it_is_read_elsewhere(world: Backend, phones: Phones) -> None:
    given.user(world, "raju", "laptop")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    phones.run()
    given.connected(world, "raju", "laptop")
    when.acknowledges(world, "raju", chat, "laptop", delivered=1, read=1)
    assert [job.reader for job in phones.run()] == ["laptop"]
    assert phones.pushed["raju/phone"][-1] == {"chat_id": chat, "read": "1", "unread": "0"}
    when.acknowledges(world, "raju", chat, "laptop", delivered=1, read=1)
    assert phones.run() == []


def test_what_rings_again_is_taken_back_again(world: Backend, phones: Phones) -> None:
    given.user(world, "raju", "desk")
    chat = given.direct_chat(world, "ravi", "raju")
    for number in (1, 2):
        when.sends(world, "ravi", chat)
        phones.run()
        assert len(phones.rings("raju")) == number
        when.acknowledges(world, "raju", chat, "desk", read=number)
        phones.run()
        assert phones.pushed["raju/phone"][-1].get("read") == str(number)
        world.clock.pass_seconds(WAKING_SECONDS + 1)


def test_nobody_is_woken_for_what_another_device_can_read(world: Backend, phones: Phones) -> None:
    given.user(world, "raju", "tablet")
    given.push_token(world, "raju", "tablet")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat, to={"raju/tablet": "aGk"})
    phones.run()
    _watch(world, chat, 1)
    assert all("phone" not in job.get("devices", ()) for job in then.pushes(world))


def test_the_watch_takes_back_what_a_receipt_that_failed_did_not(
    world: Backend, phones: Phones
) -> None:
    given.user(world, "raju", "laptop")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    phones.run()
    member = {"chat": chat, "item": "member#raju"}
    world.aws.chats.update(member, "SET #r = :one", names={"#r": "read"}, one=1)
    new = world.aws.chats.get(member, consistent=True) or {}
    when.delivery_watch_runs(
        world, events.stream_record("MODIFY", 1, old={**new, "read": 0}, new=new)
    )
    phones.run()
    assert phones.pushed["raju/phone"][-1] == {"chat_id": chat, "read": "1", "unread": "0"}


def test_what_rang_is_taken_back_from_who_is_removed(world: Backend, phones: Phones) -> None:
    given.user(world, "mira", "phone")
    chat = given.group(world, "ravi", "raju", "mira")
    when.sends(world, "ravi", chat)
    phones.run()
    member = world.aws.chats.get({"chat": chat, "item": "member#raju"}, consistent=True)
    Membership(world.aws.chats, world.aws.users).change("ravi", chat, remove=["raju"])
    when.delivery_watch_runs(world, events.stream_record("REMOVE", 1, old=member))
    phones.run()
    assert phones.pushed["raju/phone"][-1]["unread"] == "0"
    assert "message_id" not in phones.pushed["raju/phone"][-1]


def test_who_is_added_again_counts_nothing_from_before(world: Backend, phones: Phones) -> None:
    given.user(world, "mira", "phone")
    given.contacts(world, "ravi", "raju")
    chat = given.group(world, "ravi", "raju", "mira")
    when.sends(world, "ravi", chat)
    phones.run()
    members = Membership(world.aws.chats, world.aws.users)
    members.change("ravi", chat, remove=["raju"])
    members.change("ravi", chat, add=["raju"])
    member = world.aws.chats.get({"chat": chat, "item": "member#raju"}, consistent=True)
    assert member and member["joined_seq"] == 1
    when.delivery_watch_runs(world, events.stream_record("INSERT", 1, new=member))
    phones.run()
    assert phones.pushed["raju/phone"][-1]["unread"] == "0"


def test_who_was_rung_just_now_is_rung_again_by_the_watch_only(
    world: Backend, phones: Phones
) -> None:
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    phones.run()
    world.clock.pass_seconds(WAKING_SECONDS / 2)
    when.sends(world, "ravi", chat)
    assert phones.run() == []
    world.clock.pass_seconds(WAKING_SECONDS / 2)
    third = when.sends(world, "ravi", chat)
    phones.run()
    assert phones.rings("raju")[1:] == [third["message_id"]]


def test_a_text_that_its_sender_sends_again_rings_once(world: Backend, phones: Phones) -> None:
    chat = given.direct_chat(world, "ravi", "raju")
    first = when.sends(world, "ravi", chat)
    phones.run()
    world.clock.pass_seconds(60)
    world.aws.chats.update({"chat": chat, "item": "head"}, "SET seq = seq + :one", one=1)
    item = world.aws.chats.get({"chat": chat, "item": "message#000000000001"}) or {}
    world.aws.chats.put({**item, "item": "message#000000000002"})  # so late that it is stored twice
    _watch(world, chat, 1, 2)
    phones.run()
    assert phones.rings("raju") == [first["message_id"]]


def test_a_late_message_below_one_that_rang_rings_too(world: Backend, phones: Phones) -> None:
    chat = given.direct_chat(world, "ravi", "raju")
    world.clock.time = time.time()
    when.sends(world, "ravi", chat)
    world.aws.chats.update({"chat": chat, "item": "head"}, "SET seq = seq + :one", one=1)
    when.sends(world, "ravi", chat)
    phones.run()
    late = world.aws.chats.get({"chat": chat, "item": "message#000000000003"}) or {}
    world.aws.chats.put({**late, "item": "message#000000000002", "message_id": "late"})
    _watch(world, chat, 1, 2, 3)
    phones.run()
    assert phones.rings("raju") == [late["message_id"], "late"]


class _Awaited:
    """What a function does beside something else. It is frozen with its response, so that nothing
    counts but what it has waited for: here that is done when it is waited for."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.act = act

    def result(self, timeout: float) -> object:
        assert timeout > 0
        return self.act()


class _Background:
    def submit(self, act: Callable[..., object], *given: object) -> _Awaited:
        return _Awaited(partial(act, *given))


def test_what_is_queued_beside_posts_is_queued_before_the_response(
    world: Backend, phones: Phones
) -> None:
    given.online(world, "mira")
    chat = given.group(world, "ravi", "raju", "mira")
    vars(world.aws)["background"] = _Background()
    when.sends(world, "ravi", chat)
    assert [job.user for job in phones.run()] == ["raju"]
    given.user(world, "raju", "desk")
    when.acknowledges(world, "raju", chat, "desk", read=1, senders=["ravi"])
    assert [job.reader for job in phones.run()] == ["desk"]
