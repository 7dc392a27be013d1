"""The rules of leases, as truth tables: who is online, and who is displaced."""

import itertools

from lambdas.presence.devices import LEASE_SECONDS, Address, Device, device_from
from lambdas.presence.fan_out import Delivery, to_connected
from lambdas.presence.leases import displaced, online, presence_frame

NOW = 1_000_000.0
MS = int(NOW * 1000)
LIVE = Device("live=", MS - 60_000)
DEAD = Device("dead=", MS - LEASE_SECONDS * 1000)
AWAY = Device(last_seen=MS - 5_000)


def test_a_lease_holds_until_it_is_two_hours_and_ten_minutes_old() -> None:
    assert LIVE.connected(NOW) and not DEAD.connected(NOW) and not AWAY.connected(NOW)
    assert DEAD.connected(NOW - 0.001)
    assert not Device("half=").connected(NOW) and not Device().connected(NOW)


def test_a_user_is_online_as_long_as_one_device_is() -> None:
    for devices in itertools.product((LIVE, DEAD, AWAY), repeat=3):
        named = {str(number): device for number, device in enumerate(devices)}
        frame = presence_frame("raju", named, NOW)
        assert online(named, NOW) == (LIVE in devices) == frame["online"]
        assert ("last_seen" in frame) != frame["online"]


def test_last_seen_is_the_latest_sign_of_life_if_there_was_any() -> None:
    assert presence_frame("raju", {"a": DEAD, "b": AWAY}, NOW)["last_seen"] == AWAY.last_seen
    assert presence_frame("raju", {"a": DEAD}, NOW)["last_seen"] == DEAD.connected_at
    assert "last_seen" not in presence_frame("raju", {"a": Device()}, NOW)
    assert "last_seen" not in presence_frame("raju", {}, NOW)


def test_only_another_connection_that_may_live_is_displaced() -> None:
    assert displaced({"a": LIVE}, "a", "new=", NOW) == "live="
    assert displaced({"a": LIVE}, "a", "live=", NOW) is None
    assert displaced({"a": LIVE}, "b", "new=", NOW) is None
    assert displaced({"a": DEAD}, "a", "new=", NOW) is None
    assert displaced({"a": AWAY}, "a", "new=", NOW) is None


def test_a_device_is_what_its_entry_says() -> None:
    entry = {"connection_id": "x=", "connected_at": 1, "endpoint_arn": "arn", "platform": "fcm"}
    assert device_from(entry) == Device(
        connection_id="x=", connected_at=1, endpoint_arn="arn", platform="fcm"
    )
    assert device_from({}) == Device()


def test_deliveries_go_to_connected_devices_besides_the_one_it_came_from() -> None:
    users = {"ravi": {"a": LIVE, "b": LIVE, "c": DEAD}, "raju": {"a": AWAY, "b": LIVE}}
    found = to_connected(users, lambda user, device: {"for": user + device}, NOW)
    assert [each.frame["for"] for each in found] == ["ravia", "ravib", "rajub"]
    found = to_connected(users, {"type": "pong"}, NOW, besides=Address("ravi", "a"))
    assert found == [
        Delivery("ravi", "b", "live=", {"type": "pong"}),
        Delivery("raju", "b", "live=", {"type": "pong"}),
    ]
