"""The conditions of each write to the `devices` item: what may change it, and what may not."""

from typing import Any

import pytest

from lambdas.errors import ChatError
from lambdas.presence.device_changes import DeviceChanges
from lambdas.presence.devices import (
    DEVICES_LIMIT,
    LEASE_SECONDS,
    OPENING_SECONDS,
    WATCHERS_LIMIT,
    Address,
    Device,
    Devices,
)
from lambdas.presence.leases import WATCH_SECONDS, displaced, presence_frame
from lambdas.presence.tickets import TICKET_SECONDS, issue, redeem
from lambdas.tables import DEVICES, Table, TransactionCancelled, transact, user_key
from tests.model.dynamodb import DynamoDB
from tests.model.world import TABLES

NOW = 1_795_000_000.0
MS = int(NOW * 1000)


@pytest.fixture
def users() -> Table:
    return Table(DynamoDB(TABLES), "Users")  # type: ignore[arg-type] # stands in for the client


@pytest.fixture
def devices(users: Table) -> Devices:
    found = Devices(users)
    found.create_user("ravi")
    assert found.register("ravi", "phone", NOW, "first")
    return found


def entry(users: Table, device: str = "phone") -> Any:
    item = users.get(user_key("ravi", DEVICES), consistent=True) or {"devices": {}}
    return item["devices"].get(device)


def test_registering_again_changes_only_whose_sign_in_it_is(devices: Devices, users: Table) -> None:
    devices.connect("ravi", "phone", "c", MS)
    devices.set_endpoint("ravi", "phone", "arn", "fcm")
    before = entry(users)
    assert before["registered_at"] == MS
    devices.create_user("ravi")
    assert not devices.register("ravi", "phone", NOW + 9, None)
    assert entry(users) == before
    assert not devices.register("ravi", "phone", NOW + 9, "second")
    assert entry(users) == {**before, "sign_in": "second"}
    assert devices.register("ravi", "plain") and entry(users, "plain") == {}
    assert not devices.register("ravi", "plain", NOW, "third")
    assert entry(users, "plain") == {"sign_in": "third"}
    assert devices.register("of the pool itself", "phone")


@pytest.mark.parametrize(("seconds", "seen"), [(86_400, MS), (86_401, MS + 86_401_000)])
def test_a_device_that_registers_again_after_a_day_was_seen(
    devices: Devices, users: Table, seconds: int, seen: int
) -> None:
    """Else a purge would not wait for one that was away for as long as messages live."""
    assert not devices.register("ravi", "phone", NOW + seconds, "first")
    assert entry(users) == {"registered_at": seen, "sign_in": "first"}


def test_a_user_has_at_most_fifty_devices(devices: Devices) -> None:
    for number in range(DEVICES_LIMIT - 1):
        assert devices.register("ravi", f"d{number}", NOW)
    with pytest.raises(ChatError, match="at most 50 devices"):
        devices.register("ravi", "more", NOW)
    assert not devices.register("ravi", "phone", NOW)  # it is one of them
    assert len(devices.of(["ravi", "ravi", "nobody"], consistent=True)["ravi"]) == 50


def test_an_endpoint_is_of_a_registered_device_and_replaced_only_where_it_stands(
    devices: Devices, users: Table
) -> None:
    assert not devices.set_endpoint("ravi", "desk", "arn", "fcm")
    assert entry(users, "desk") is None
    assert devices.set_endpoint("ravi", "phone", "arn", "fcm")
    assert not devices.set_endpoint("ravi", "phone", None, None, instead_of="other")
    assert (entry(users)["endpoint_arn"], entry(users)["platform"]) == ("arn", "fcm")
    assert devices.set_endpoint("ravi", "phone", None, None, instead_of="arn")
    assert {"endpoint_arn", "platform"}.isdisjoint(entry(users))


@pytest.mark.parametrize(
    "seen", [Device(), Device("c", sign_in="other"), Device("d", sign_in="first"), Device("c")]
)
def test_a_device_is_removed_only_as_it_was_seen(
    devices: Devices, users: Table, seen: Device
) -> None:
    devices.connect("ravi", "phone", "c", MS)
    with pytest.raises(TransactionCancelled):
        transact(users, [devices.remove_action("ravi", "phone", seen)])
    there = devices.of(["ravi"])["ravi"]["phone"]
    transact(users, [devices.remove_action("ravi", "phone", there)])
    assert entry(users) is None
    with pytest.raises(TransactionCancelled):
        transact(users, [devices.remove_action("ravi", "phone", there)])


def test_changes_are_to_be_announced_until_the_last_one_is(users: Table, devices: Devices) -> None:
    changes = DeviceChanges(users)
    found, first = changes.of("ravi")
    assert first is not None and found == devices.of(["ravi"])["ravi"]
    transact(users, [changes.count_action("ravi")])
    changes.announced("ravi", first)
    assert changes.of("ravi")[1] == first + 1
    changes.announced("ravi", first + 1)
    changes.announced("ravi", first)  # of an earlier change, late
    assert changes.of("ravi")[1] is None
    changes.announced("nobody", 1)
    assert changes.of("nobody") == ({}, None)
    assert "nobody" not in devices.of(["nobody"])


@pytest.mark.parametrize(
    ("device", "at", "asked_at", "rejected"),
    [
        ("desk", MS + 1, None, "forbidden"),
        ("phone", MS - 1, None, "conflict"),
        ("phone", MS, None, None),
        ("phone", MS + 1, MS + 1, None),
    ],
)
def test_the_newest_connection_of_a_registered_device_takes_the_lease(
    devices: Devices, device: str, at: int, asked_at: int | None, rejected: str | None
) -> None:
    devices.connect("ravi", "phone", "older", MS)
    if rejected is None:
        before = devices.connect("ravi", device, "newer", at, asked_at)
        assert before["phone"].connection_id == "older"
        return
    with pytest.raises(ChatError) as error:
        devices.connect("ravi", device, "newer", at, asked_at)
    assert error.value.code == rejected
    assert devices.of(["ravi"])["ravi"]["phone"].connection_id == "older"


def test_a_ticket_from_before_the_sign_ins_ended_opens_nothing(devices: Devices) -> None:
    assert set(devices.reject_earlier_tickets("ravi", NOW)) == {"phone"}
    with pytest.raises(ChatError, match="have ended") as error:
        devices.connect("ravi", "phone", "c", MS + 5000, MS - 1)
    assert error.value.code == "forbidden"
    with pytest.raises(ChatError):  # no ticket's time: that of the connection counts
        devices.connect("ravi", "phone", "c", MS - 1)
    devices.connect("ravi", "phone", "c", MS + 5000, MS)
    assert devices.reject_earlier_tickets("nobody", NOW) == {}
    assert devices.of(["nobody"]) == {}


def test_a_lease_is_returned_by_its_connection_only(devices: Devices, users: Table) -> None:
    devices.connect("ravi", "phone", "c", MS)
    assert devices.disconnect("ravi", "phone", "other", NOW + 1) is None
    assert entry(users)["connection_id"] == "c"
    assert devices.disconnect("ravi", "phone", "c", NOW + 1) == {
        "phone": Device(last_seen=MS + 1000, registered_at=MS, sign_in="first")
    }


def test_gone_ends_a_lease_that_is_older_than_the_time_of_opening(devices: Devices) -> None:
    devices.connect("ravi", "phone", "c", MS)
    young = devices.forget("ravi", "phone", "c", NOW + OPENING_SECONDS)
    assert not young.done and young.devices["phone"].connection_id == "c"
    other = devices.forget("ravi", "phone", "other", NOW + OPENING_SECONDS + 1)
    assert not other.done and other.devices["phone"].connection_id == "c"
    old = devices.forget("ravi", "phone", "c", NOW + OPENING_SECONDS + 0.001)
    assert old.done and old.devices["phone"].connection_id is None
    assert devices.forget("nobody", "phone", "c", NOW) == (False, {})


def test_a_lease_is_as_old_as_its_connection_and_not_as_its_ticket(devices: Devices) -> None:
    devices.connect("ravi", "phone", "c", MS, asked_at=MS - TICKET_SECONDS * 1000)
    assert not devices.forget("ravi", "phone", "c", NOW + OPENING_SECONDS).done
    assert devices.forget("ravi", "phone", "c", NOW + OPENING_SECONDS + 1).done


def test_a_frame_counts_from_the_connection_that_holds_the_lease(devices: Devices) -> None:
    devices.connect("ravi", "phone", "c", MS)
    phone = Address("ravi", "phone")
    devices.require_lease(phone, "c", {})  # seen before it connected
    devices.require_lease(phone, "old", {"phone": Device("old")})
    for address, connection, code in (
        (phone, "other", "conflict"),
        (Address("ravi", "desk"), "c", "forbidden"),
        (Address("nobody", "phone"), "c", "forbidden"),
    ):
        with pytest.raises(ChatError) as error:
            devices.require_lease(address, connection, {})
        assert error.value.code == code


def test_a_watch_ends_when_it_says(devices: Devices) -> None:
    watcher = Address("raju", "desk")
    devices.watch(watcher, ["ravi", "mira"], ["mira"], NOW + WATCH_SECONDS)
    for user in ("ravi", "mira"):
        assert devices.watchers(user, NOW + WATCH_SECONDS - 1) == [watcher]
        assert devices.watchers(user, NOW + WATCH_SECONDS) == []


def test_how_long_a_lease_a_watch_and_a_ticket_last() -> None:
    """API Gateway ends a connection after 2 h; $connect runs for 6 s at most."""
    assert (LEASE_SECONDS, WATCH_SECONDS, TICKET_SECONDS, OPENING_SECONDS) == (7800, 300, 30, 10)
    lease = Device("c", MS)
    assert lease.connected(NOW + LEASE_SECONDS - 1) and not lease.connected(NOW + LEASE_SECONDS)
    assert not Device(None, MS).connected(NOW) and not Device("c").connected(NOW)
    assert displaced({"phone": lease}, "phone", "d", NOW) == "c"
    assert displaced({"phone": lease}, "phone", "c", NOW) is None
    assert displaced({"phone": lease}, "phone", "d", NOW + LEASE_SECONDS) is None


def test_last_seen_is_the_last_sign_of_any_device() -> None:
    away = {"a": Device(last_seen=7), "b": Device(connected_at=9), "c": Device(registered_at=99)}
    frame = {"type": "presence", "user": "ravi", "online": False}
    assert presence_frame("ravi", away, NOW) == {**frame, "last_seen": 9}
    assert presence_frame("ravi", {"c": Device(registered_at=99)}, NOW) == frame
    online = {**away, "d": Device("c", MS)}
    assert presence_frame("ravi", online, NOW) == {**frame, "online": True}
    assert Device(last_seen=3, connected_at=5, registered_at=4).seen == 5
    assert Device(last_seen=6, connected_at=5, registered_at=7).seen == 7
    assert Device().seen == 0


def test_a_ticket_stands_as_a_digest_with_its_times() -> None:
    tickets = Table(DynamoDB(TABLES), "Tickets")  # type: ignore[arg-type]
    ticket = issue(tickets, "ravi", "phone", NOW + 0.5, lambda size: "t" * size)
    assert len(ticket) == 32
    assert redeem(tickets, ticket, NOW + 30.9) == ("ravi", "phone", MS + 500, None)
    assert redeem(tickets, ticket, NOW) is None
    issue(tickets, "ravi", "phone", NOW, lambda size: "t" * size, "another's sign-in")
    assert redeem(tickets, ticket, NOW) == ("ravi", "phone", MS, "another's sign-in")
    issue(tickets, "ravi", "phone", NOW + 0.5, lambda size: "t" * size)
    assert redeem(tickets, ticket, NOW + 31) is None
    assert redeem(tickets, ticket, NOW) is None  # it was used up by that


def test_each_write_replaces_what_the_one_before_has_written(
    devices: Devices, users: Table
) -> None:
    for number in range(2):
        at = MS + number * 60_000
        devices.connect("ravi", "phone", f"c{number}", at)
        assert (entry(users)["connection_id"], entry(users)["connected_at"]) == (f"c{number}", at)
        devices.disconnect("ravi", "phone", f"c{number}", NOW + number * 60 + 1)
        assert entry(users)["last_seen"] == at + 1000
        devices.set_endpoint("ravi", "phone", f"arn{number}", f"p{number}")
        assert (entry(users)["endpoint_arn"], entry(users)["platform"]) == (
            f"arn{number}",
            f"p{number}",
        )
        devices.reject_earlier_tickets("ravi", NOW + number * 60)
        item = users.get(user_key("ravi", DEVICES), consistent=True)
        assert item and item["closed_at"] == at


def test_strangers_who_watch_come_after_contacts(devices: Devices) -> None:
    stranger, contact = Address("a", "phone"), Address("z", "phone")
    for watcher, contacts in ((stranger, []), (contact, ["ravi"])):
        devices.watch(watcher, ["ravi"], contacts, NOW + 9)
    assert devices.watchers("ravi", NOW) == [contact, stranger]


def test_a_connection_is_older_although_its_ticket_is_good(devices: Devices) -> None:
    devices.reject_earlier_tickets("ravi", NOW - 60)
    devices.connect("ravi", "phone", "c", MS)
    with pytest.raises(ChatError) as error:
        devices.connect("ravi", "phone", "older", MS - 1, MS - 60_000)
    assert error.value.code == "conflict"
    seen = {"a": Device(last_seen=9, connected_at=5), "b": Device(last_seen=3)}
    assert presence_frame("ravi", seen, NOW)["last_seen"] == 9


def test_of_very_many_watchers_five_hundred_are_notified(devices: Devices) -> None:
    for number in range(WATCHERS_LIMIT + 1):
        devices.watch(Address("raju", f"d{number:04d}"), ["ravi"], [], NOW + 9)
    assert WATCHERS_LIMIT == 500 == len(devices.watchers("ravi", NOW))


def test_a_device_that_was_removed_meanwhile_is_not_signed_in(
    devices: Devices, users: Table
) -> None:
    devices._sign_in("ravi", "gone", "second")
    assert entry(users, "gone") is None and entry(users)["sign_in"] == "first"
