"""The frame `devices_changed` after a REST call: who gets it, and what happens if it fails."""

from typing import Any

import pytest

from lambdas.presence import fan_out
from tests.lambdas.api.registered import put
from tests.support.lambdas.rest import Phone, Rest


def test_peers_and_own_devices_are_notified_of_a_new_a_changed_and_a_removed_device(
    api: Rest,
) -> None:
    ravi, raju, zoe = api.sign_up("ravi", "raju", "zoe")
    phone = api.phone(ravi)
    own, peer, stranger = (
        api.connect(phone), api.connect(api.phone(raju)), api.connect(api.phone(zoe)),
    )  # fmt: skip
    api.request("POST", "/api/chats", {"kind": "direct", "with": raju}, user=ravi)
    tablet = api.phone(ravi, "tablet")
    changed = {"type": "devices_changed", "user": ravi}
    assert own == peer == [changed]
    tablet_frames = api.connect(tablet)
    assert put(api, Phone(ravi, "tablet")) == 200  # with new keys
    assert own == peer == [changed] * 2
    assert tablet_frames == []  # it knows
    assert api.request("DELETE", "/api/devices/tablet", user=ravi).status == 204
    assert own == peer == [changed] * 3
    assert stranger == []


def test_peers_of_every_chat_are_notified_of_a_device_and_each_of_them_once(api: Rest) -> None:
    ravi, *peers = api.sign_up("ravi", "raju", "zoe", "mira")
    notified = [api.connect(api.phone(peer)) for peer in peers]
    for peer in peers:
        api.request("POST", "/api/chats", {"kind": "direct", "with": peer}, user=ravi)
    api.request("POST", "/api/chats", {"kind": "group", "members": peers[:2]}, user=ravi)
    for frames in notified:
        frames.clear()
    api.phone(ravi)
    assert notified == [[{"type": "devices_changed", "user": ravi}]] * 3


def test_a_peer_that_can_not_be_reached_does_not_stop_a_registration(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    gone = api.phone(raju)
    api.connect(gone)
    api.gateway.received.clear()
    api.request("POST", "/api/chats", {"kind": "direct", "with": raju}, user=ravi)
    assert put(api, Phone(ravi)) == 200


def test_what_can_not_be_announced_is_done_all_the_same(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise OSError("a table can't be read")

    ravi, raju, zoe = api.sign_up("ravi", "raju", "zoe")
    monkeypatch.setattr(fan_out, "to_connected", fails)
    phone = api.phone(ravi)
    keys = {"one_time_keys": phone.one_time_keys(range(1))}
    group = {"kind": "group", "members": [raju]}
    chat = f"/api/chats/{api.request('POST', '/api/chats', group, user=ravi).body['chat']}"
    api.connect(phone)
    requests: list[tuple[str, str, Any]] = [
        ("POST", f"{chat}/members", {"add": [zoe], "remove": [raju]}),
        ("POST", f"{chat}/admins", {"rules": {"add": "admins"}}),
        ("POST", "/api/devices/phone/one-time-keys", keys),
        ("POST", "/api/keys/claim", {"devices": [phone.address]}),
        ("DELETE", "/api/devices/phone", None),
    ]
    replies = [api.request(*each, user=ravi) for each in requests]
    assert [reply.status for reply in replies] == [200, 200, 200, 200, 204]
