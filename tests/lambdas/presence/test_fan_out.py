"""Leases after posts that find connections gone; over tables in memory."""

from collections.abc import Sequence
from typing import Any

import pytest

from lambdas.connections import Outcome, Post
from lambdas.frames import decode
from lambdas.presence.devices import OPENING_SECONDS, Address, Devices
from lambdas.presence.fan_out import Delivery, announce, deliver
from lambdas.tables import Table
from tests.model.dynamodb import DynamoDB
from tests.model.world import TABLES
from tests.support.lambdas import given

NOW = 1_800_000_000.0
POST_SECONDS = 1.0  # that some posts take together
FRAME = {"type": "pong"}
SOME_TIME_AGO = int((NOW - 60) * 1000)


class Gateway:
    """Connections that are gone, or fail; what was delivered to the others."""

    def __init__(self, *gone: str) -> None:
        self.gone = set(gone)
        self.failing: set[str] = set()
        self.delivered: list[tuple[str, Any]] = []
        self.within: list[float] = []
        self.now = NOW

    def post_all(self, posts: Sequence[Post], within: float) -> list[Outcome]:
        self.within.append(within)
        self.now += POST_SECONDS
        return [self._post(post) for post in posts]

    def _post(self, post: Post) -> Outcome:
        if post.connection_id in self.gone:
            return Outcome.GONE
        if post.connection_id in self.failing:
            return Outcome.FAILED
        self.delivered.append((post.connection_id, decode(str(post.frame))))
        return Outcome.DELIVERED


class Database(DynamoDB):
    """One that can be switched off."""

    broken = False

    def update_item(self, **request: Any) -> Any:
        if self.broken:
            raise ConnectionError
        return super().update_item(**request)


@pytest.fixture
def database() -> Database:
    return Database(TABLES)


@pytest.fixture
def devices(database: Database) -> Devices:
    """ravi, raju and mira, whose phones are connected as ravi=, raju= and mira=."""
    store = Devices(Table(database, "Users"))  # type: ignore[arg-type] # stands in for the client
    for user in ("ravi", "raju", "mira"):
        store.create_user(user)
        store.register(user, "phone")
        store.connect(user, "phone", f"{user}=", SOME_TIME_AGO)
    return store


def _deliver(gateway: Gateway, devices: Devices, *users: str) -> list[Outcome]:
    posts = [Delivery(user, "phone", f"{user}=", FRAME) for user in users]
    return deliver(gateway, devices, posts, clock=lambda: NOW)  # type: ignore[arg-type] # a fake


def _connection(devices: Devices, user: str) -> str | None:
    return devices.of([user], consistent=True)[user]["phone"].connection_id


def test_gone_ends_the_lease_and_the_others_get_theirs(devices: Devices) -> None:
    gateway = Gateway("raju=")
    assert _deliver(gateway, devices, "raju", "mira") == [Outcome.GONE, Outcome.DELIVERED]
    assert _connection(devices, "raju") is None and _connection(devices, "mira") == "mira="


def test_a_device_that_connected_again_gets_the_frame_there(devices: Devices) -> None:
    devices.connect("raju", "phone", "newer=", SOME_TIME_AGO + 1)
    gateway = Gateway("raju=")
    assert _deliver(gateway, devices, "raju", "mira") == [Outcome.DELIVERED] * 2
    assert gateway.delivered == [("mira=", FRAME), ("newer=", FRAME)]
    assert _connection(devices, "raju") == "newer="


def test_gone_says_nothing_of_a_connection_that_was_opening_when_posting_began(
    devices: Devices,
) -> None:
    opening = int((NOW - OPENING_SECONDS + POST_SECONDS / 2) * 1000)
    devices.connect("raju", "phone", "opening=", opening)
    gateway = Gateway("opening=")
    posts = [Delivery("raju", "phone", "opening=", FRAME)]
    deliver(gateway, devices, posts, clock=lambda: gateway.now)  # type: ignore[arg-type] # a fake
    assert gateway.now > opening / 1000 + OPENING_SECONDS and gateway.delivered == []
    assert _connection(devices, "raju") == "opening="


def test_a_connection_that_fails_keeps_its_lease_beside_one_that_is_gone(devices: Devices) -> None:
    gateway = Gateway("raju=")
    gateway.failing = {"mira="}
    assert _deliver(gateway, devices, "raju", "mira") == [Outcome.GONE, Outcome.FAILED]
    assert _connection(devices, "raju") is None and _connection(devices, "mira") == "mira="


def test_a_device_that_was_removed_is_just_gone(devices: Devices) -> None:
    given.no_device(devices._users, "raju", "phone")
    assert _deliver(Gateway("raju="), devices, "raju") == [Outcome.GONE]


def test_a_lease_that_can_not_be_ended_spoils_nothing(devices: Devices, database: Database) -> None:
    database.broken = True
    gateway = Gateway("raju=")
    assert _deliver(gateway, devices, "raju", "mira") == [Outcome.GONE, Outcome.DELIVERED]
    database.broken = False
    assert _connection(devices, "raju") == "raju="


def test_two_users_that_watch_each_other_and_are_both_gone_cause_no_more_notifications(
    devices: Devices,
) -> None:
    devices.watch(Address("ravi", "phone"), ["raju"], [], NOW + 100)
    devices.watch(Address("raju", "phone"), ["ravi"], [], NOW + 100)
    devices.watch(Address("mira", "phone"), ["ravi", "raju"], [], NOW + 100)
    gateway = Gateway("ravi=", "raju=")
    assert _deliver(gateway, devices, "ravi") == [Outcome.GONE]
    posted = {
        (connection, frame["user"], frame["online"]) for connection, frame in gateway.delivered
    }
    assert posted == {("mira=", "ravi", False), ("mira=", "raju", False)}


def test_a_watcher_is_notified_of_each_of_those_that_were_gone_together(devices: Devices) -> None:
    devices.watch(Address("mira", "phone"), ["ravi", "raju"], [], NOW + 100)
    gateway = Gateway("ravi=", "raju=")
    assert _deliver(gateway, devices, "ravi", "raju") == [Outcome.GONE] * 2
    notified = [(connection, frame["user"]) for connection, frame in gateway.delivered]
    assert notified == [("mira=", "ravi"), ("mira=", "raju")]


def test_nobody_is_notified_of_one_device_of_a_user_who_is_online_with_another(
    devices: Devices,
) -> None:
    devices.register("ravi", "desk")
    devices.connect("ravi", "desk", "desk=", SOME_TIME_AGO)
    devices.watch(Address("mira", "phone"), ["ravi"], [], NOW + 100)
    gateway = Gateway("ravi=")
    assert _deliver(gateway, devices, "ravi") == [Outcome.GONE]
    assert gateway.delivered == []


def test_an_announcement_has_the_presence_of_the_moment_in_which_it_is_posted(
    devices: Devices,
) -> None:
    devices.watch(Address("mira", "phone"), ["raju", "ravi"], [], NOW + 100)
    devices.disconnect("raju", "phone", "raju=", NOW)
    gateway = Gateway()
    announce(gateway, devices, ["raju", "ravi", "raju"], clock=lambda: NOW)  # type: ignore[arg-type]
    assert [(frame["user"], frame["online"]) for _, frame in gateway.delivered] == [
        ("raju", False),
        ("ravi", True),
    ]


def test_of_several_the_one_whom_nobody_watches_keeps_nothing_of_the_others(
    devices: Devices,
) -> None:
    devices.watch(Address("mira", "phone"), ["raju"], [], NOW + 100)
    gateway = Gateway()
    announce(gateway, devices, ["ravi", "raju"], clock=lambda: NOW)  # type: ignore[arg-type] # a fake
    assert [frame["user"] for _, frame in gateway.delivered] == ["raju"]


def test_nobody_is_notified_when_nobody_watches(devices: Devices) -> None:
    devices.watch(Address("mira", "phone"), ["raju"], [], NOW)  # over by now
    gateway = Gateway()
    announce(gateway, devices, ["raju", "nobody"], clock=lambda: NOW)  # type: ignore[arg-type] # a fake
    assert gateway.delivered == []


def test_all_posts_together_have_the_time_of_the_first(devices: Devices) -> None:
    devices.connect("raju", "phone", "newer=", SOME_TIME_AGO + 1)
    devices.watch(Address("mira", "phone"), ["ravi"], [], NOW + 100)
    gateway = Gateway("ravi=", "raju=")
    posts = [Delivery(user, "phone", f"{user}=", FRAME) for user in ("ravi", "raju")]
    deliver(gateway, devices, posts, clock=lambda: gateway.now)  # type: ignore[arg-type] # a fake
    assert [connection for connection, _ in gateway.delivered] == ["newer=", "mira="]
    assert gateway.within == pytest.approx([2.5, 1.5, 0.5])
