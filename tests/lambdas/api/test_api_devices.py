"""Devices over REST: registration, lists and removal."""

import json
from typing import Any

import pytest

from lambdas.keys.directory import Directory
from lambdas.limits import Limit
from lambdas.messages.membership import CHAT_DEVICES_LIMIT, Membership
from lambdas.presence.devices import DEVICES_LIMIT, Address, Devices
from lambdas.tables import DEVICES, user_key
from tests.lambdas.api.registered import arn_of, endpoint, entry, fcm, put
from tests.support.lambdas.backend import Clock
from tests.support.lambdas.rest import Phone, Rest, client, key, new_name


def test_the_response_to_registering_has_the_time_in_milliseconds(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ravi,) = api.sign_up("ravi")
    clock = Clock()
    clock.pass_seconds(0.25)
    monkeypatch.setitem(vars(api.aws), "now", clock)
    body = Phone(ravi).registration()
    reply = api.request("PUT", "/api/devices/phone", body, user=ravi)
    assert reply.body == {"device": "phone", "time": int(clock.time * 1000)}


def test_a_registered_device_is_listed_with_its_keys(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone, tablet = api.phone(ravi), api.phone(ravi, "tablet")
    listed = api.request("GET", f"/api/users/{ravi}/devices", user=raju)
    assert listed.body == {
        "devices": {"phone": phone.registration(), "tablet": tablet.registration()},
        "former": [],
    }
    nobody = api.request("GET", f"/api/users/{raju}/devices", user=ravi)
    assert nobody.body == {"devices": {}, "former": []}


def test_who_asks_sees_the_names_of_the_own_devices_and_nobody_else_does(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    clock = Clock()
    monkeypatch.setitem(vars(api.aws), "now", clock)

    def own(user: str) -> Any:
        return api.request("GET", "/api/devices", user=user).body["devices"]

    def named(phone: Phone, **label: str) -> None:
        body = {**phone.registration(), **label}
        assert api.request("PUT", f"/api/devices/{phone.device}", body, user=ravi).status == 200

    assert own(ravi) == []
    web, phone = Phone(ravi, "web"), Phone(ravi, "phone")
    named(web, label="Chrome on Linux")
    named(phone)
    at = int(clock.time * 1000)
    unnamed = {"device": "phone", "connected": False, "seen": at}
    seen = {"device": "web", "connected": False, "seen": at}
    assert own(ravi) == [unnamed, {**seen, "label": "Chrome on Linux"}]
    named(web)  # a client that says nothing leaves it
    assert own(ravi)[1]["label"] == "Chrome on Linux"
    named(web, label="Firefox on Linux")
    assert own(ravi)[1]["label"] == "Firefox on Linux"
    clock.pass_seconds(60)
    Devices(api.aws.users).connect(ravi, "web", "c1", int(clock.time * 1000))
    assert own(ravi)[1] == {
        "device": "web",
        "label": "Firefox on Linux",
        "connected": True,
        "seen": at + 60_000,
    }
    listed = api.request("GET", f"/api/users/{ravi}/devices", user=raju)
    assert "Firefox" not in json.dumps(listed.body)
    api.request("DELETE", "/api/devices/web", user=ravi)
    named(web)
    assert "label" not in own(ravi)[1], "a removed device takes its name along"


def test_an_introduction_is_listed_with_the_keys_that_it_came_with(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(ravi)
    introduction = {"by": "phone", "signature": phone.sign({"any": "document"})}

    def register(device: Phone, **more: Any) -> int:
        body = device.registration(**more)
        return api.request("PUT", f"/api/devices/{device.device}", body, user=ravi).status

    def listed() -> Any:
        found = api.request("GET", f"/api/users/{ravi}/devices", user=raju).body
        return found["devices"]["web"].get("introduction"), found["former"]

    web, anew = Phone(ravi, "web"), Phone(ravi, "web")
    assert register(web, introduction=introduction) == 200
    assert listed() == (introduction, [])
    assert register(web) == 200  # with the same keys
    assert listed() == (introduction, [])
    assert register(anew) == 200
    (former,) = listed()[1]
    assert listed()[0] is None
    assert former.keys() == {"device", "keys", "signature", "until"}
    assert register(web, introduction=introduction) == 200
    assert [each["keys"] for each in listed()[1]] == [anew.registration()["keys"]]


@pytest.mark.parametrize(
    "introduction",
    [
        {"by": "web", "signature": "A" * 86},  # itself
        {"by": "phone", "signature": "A" * 85 + "B"},  # not the canonical form
        {"by": "phone", "signature": "A" * 87},
        {"by": "another/phone", "signature": "A" * 86},
        {"by": "phone"},
        "phone",
    ],
)
def test_what_is_no_introduction_is_rejected(api: Rest, introduction: object) -> None:
    (ravi,) = api.sign_up("ravi")
    body = Phone(ravi, "web").registration(introduction=introduction)
    assert api.request("PUT", "/api/devices/web", body, user=ravi).status == 400


def test_a_device_whose_keys_could_not_be_stored_is_not_registered(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise OSError

    (ravi,) = api.sign_up("ravi")
    monkeypatch.setattr(Directory, "put", fails)
    assert put(api, Phone(ravi)) == 500
    assert Devices(api.aws.users).of([ravi]) == {ravi: {}}


def test_a_device_that_is_removed_while_it_registers_again_has_keys(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ravi,) = api.sign_up("ravi")
    phone, register = api.phone(ravi), Devices.register

    def removed_meanwhile(self: Devices, *arguments: Any) -> bool:
        monkeypatch.undo()
        assert api.request("DELETE", "/api/devices/phone", user=ravi).status == 204
        return register(self, *arguments)

    monkeypatch.setattr(Devices, "register", removed_meanwhile)
    assert put(api, phone) == 200
    listed = api.request("GET", f"/api/users/{ravi}/devices", user=ravi).body["devices"]
    assert listed == {"phone": phone.registration()}


def test_registering_again_is_idempotent(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    phone = api.phone(ravi)
    frames = api.connect(api.phone(ravi, "tablet"))
    assert [put(api, phone) for _ in range(3)] == [200, 200, 200]
    assert frames == []  # nothing changed


def test_keys_of_a_removed_and_of_a_changed_device_are_listed_as_long_as_its_messages_live(
    api: Rest,
) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone, tablet = api.phone(ravi), api.phone(ravi, "tablet")
    anew = Phone(ravi)
    clock = Clock()
    vars(api.aws)["now"] = clock
    until = int(clock()) + 30 * 86_400
    assert put(api, anew) == 200
    for _ in range(2):
        assert api.request("DELETE", "/api/devices/tablet", user=ravi).status == 204
    listed = api.request("GET", f"/api/users/{ravi}/devices", user=raju).body
    assert listed["devices"] == {"phone": anew.registration()}
    assert listed["former"] == [
        {"device": each.device, **each.registration(), "until": until * 1000}
        for each in (phone, tablet)
    ]
    stored = api.aws.users.get(user_key(ravi, f"former#tablet#{tablet.ed25519}"))
    assert stored is not None
    assert stored["expires_at"] == until  # DynamoDB removes it then
    keys_ = {"curve25519", "ed25519", "signature"}
    assert stored.keys() == {"user", "item", "expires_at", *keys_}, "and not what it was called"
    claimed = {"devices": [tablet.address]}
    keys = api.request("POST", "/api/keys/claim", claimed, user=raju).body["keys"]
    assert keys == {}  # nobody encrypts for it
    assert put(api, tablet) == 200  # it comes back as it was
    listed = api.request("GET", f"/api/users/{ravi}/devices", user=raju).body
    assert [each["device"] for each in listed["former"]] == ["phone"]
    clock.pass_seconds(30 * 86_400)
    listed = api.request("GET", f"/api/users/{ravi}/devices", user=raju).body
    assert listed["former"] == []
    del vars(api.aws)["now"]


def test_former_devices_are_listed_as_long_as_messages_live_in_this_environment(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    week = api.deployed_with(MESSAGE_TTL_DAYS="7")
    clock = vars(week.aws)["now"] = Clock()
    assert put(week, Phone(ravi)) == 200
    assert week.request("DELETE", "/api/devices/phone", user=ravi).status == 204
    (former,) = week.request("GET", f"/api/users/{ravi}/devices", user=ravi).body["former"]
    assert former["until"] == (int(clock()) + 7 * 86_400) * 1000


def test_former_devices_of_a_deleted_user_are_listed(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(ravi)
    api.request("DELETE", "/api/devices/phone", user=ravi)
    api.aws.users.delete(user_key(ravi, "devices"))
    listed = api.request("GET", f"/api/users/{ravi}/devices", user=raju)
    assert listed.status == 200
    assert listed.body["devices"] == {}
    assert [each["keys"] for each in listed.body["former"]] == [phone.registration()["keys"]]


@pytest.mark.parametrize("user", ["nobody", "ab", "NOBODY", "a%2Fb", "x" * 40])
def test_an_unknown_user_is_not_found(api: Rest, user: str) -> None:
    (ravi,) = api.sign_up("ravi")
    assert api.request("GET", f"/api/users/{user}/devices", user=ravi).status == 404


def test_a_device_of_the_same_name_of_another_user_is_another_device(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone, other = api.phone(ravi), api.phone(raju)
    api.request("DELETE", "/api/devices/phone", user=raju)
    assert entry(api, phone) is not None
    assert entry(api, other) is None
    stolen = api.request("PUT", "/api/devices/phone", phone.registration(), user=raju)
    assert stolen.status == 400  # ravi's phone signed that it is ravi's
    assert entry(api, other) is None


def test_a_user_whose_sign_up_broke_off_before_it_had_a_record_can_register(api: Rest) -> None:
    phone = Phone(new_name("ravi"))
    assert put(api, phone) == 200
    assert entry(api, phone) is not None


def test_one_device_too_many_takes_the_place_of_the_one_unseen_for_longest(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    devices = Devices(api.aws.users)
    order = [f"device{number}" for number in range(DEVICES_LIMIT)]
    for number, name in enumerate(order):
        devices.register(ravi, name, at=1000 - number)
    devices.connect(ravi, order[-1], "c", 2_000_000)  # seen last, though registered first
    assert put(api, Phone(ravi, "one-more")) == 200
    left = Devices(api.aws.users).of([ravi])[ravi]
    assert set(left) == {*order, "one-more"} - {order[-2]}
    assert put(api, Phone(ravi, "device7")) == 200
    assert len(Devices(api.aws.users).of([ravi])[ravi]) == DEVICES_LIMIT


@pytest.mark.slow
def test_in_a_group_with_all_devices_that_it_may_have_a_new_one_takes_the_place_of_an_own_one(
    api: Rest,
) -> None:
    (ravi,) = api.sign_up("ravi")
    api.phone(ravi)
    others = [f"somebody_{number}" for number in range(52)]
    counts = [DEVICES_LIMIT] * 51 + [CHAT_DEVICES_LIMIT - 1 - 51 * DEVICES_LIMIT]
    for name, count in zip(others, counts, strict=True):
        devices: dict[str, Any] = {f"device{number}": {} for number in range(count)}
        api.aws.users.put({**user_key(name, DEVICES), "devices": devices})
    Membership(api.aws.chats, api.aws.users).found(ravi, others)
    assert put(api, Phone(ravi, "new")) == 200
    assert set(Devices(api.aws.users).of([ravi])[ravi]) == {"new"}
    api.connect(Phone(ravi, "new"))
    reply = api.request(
        "PUT", "/api/devices/another", Phone(ravi, "another").registration(), user=ravi
    )
    assert reply.status == 409 and "2,560 devices" in reply.body["error"]["message"]
    assert put(api, Phone(ravi, "new")) == 200, "known devices register again at any time"


def test_no_device_takes_the_place_of_one_that_is_connected(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    lease = {"connection_id": "c", "connected_at": int(api.aws.now() * 1000)}
    devices = {f"device{number}": lease for number in range(DEVICES_LIMIT)}
    api.aws.users.put({**user_key(ravi, DEVICES), "devices": devices})
    assert [put(api, Phone(ravi, "one-more")) for _ in range(3)] == [409] * 3
    assert api.aws.users.get(user_key(ravi, "device#one-more")) is None
    counted = api.aws.users.get(user_key(ravi, "limit#devices"))
    assert counted is None, "a page repeats it, and a new phone needs the tokens"


def test_a_registration_over_the_limit_removes_no_device(
    api: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ravi,) = api.sign_up("ravi")
    devices: dict[str, Any] = {f"device{number}": {} for number in range(DEVICES_LIMIT)}
    api.aws.users.put({**user_key(ravi, DEVICES), "devices": devices})
    monkeypatch.setattr("lambdas.api.devices.REGISTRATIONS", Limit(0, 100, "too many"))
    assert put(api, Phone(ravi, "one-more")) == 429
    assert Devices(api.aws.users).of([ravi])[ravi].keys() == devices.keys()


def test_a_removed_device_is_cut_off_and_forgotten(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(ravi, push=fcm(f"token-of-{ravi}"))
    arn = arn_of(api, phone)
    api.connect(phone)
    watching = api.connect(api.phone(raju))
    Devices(api.aws.users).watch(Address(raju, "phone"), [ravi], [ravi], 4e9)
    keys = {
        "one_time_keys": phone.one_time_keys(range(3)),
        "fallback_key": phone.fallback_key("f", 9),
    }
    api.request("POST", "/api/devices/phone/one-time-keys", keys, user=ravi)
    assert api.request("DELETE", "/api/devices/phone", user=ravi).status == 204
    assert f"connection-of-{ravi}-phone" in api.gateway.closed
    assert watching[0]["type"] == "presence"
    assert watching[0]["online"] is False
    listed = api.request("GET", f"/api/users/{ravi}/devices", user=raju).body
    assert listed["devices"] == {}
    claimed = api.request("POST", "/api/keys/claim", {"devices": [phone.address]}, user=raju)
    assert claimed.body == {"keys": {}}
    assert api.request("POST", "/api/tickets", {"device": "phone"}, user=ravi).status == 404
    left = {item["item"].partition("#")[0] for item in api.aws.users.query_all({"user": ravi})}
    assert left <= {"devices", "watcher", "onetime", "former", "contact", "limit"}
    with pytest.raises(client("sns").exceptions.NotFoundException):
        endpoint(arn)


def test_removing_is_idempotent_and_works_on_what_never_was(api: Rest) -> None:
    (ravi,) = api.sign_up("ravi")
    api.phone(ravi)
    for device in ("phone", "phone", "never"):
        assert api.request("DELETE", f"/api/devices/{device}", user=ravi).status == 204
    assert api.request("DELETE", "/api/devices/phone", user=new_name("stranger")).status == 204


def test_keys_that_changed_void_the_one_time_keys(api: Rest) -> None:
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(ravi)
    keys = {"one_time_keys": phone.one_time_keys(range(3))}
    assert api.request("POST", "/api/devices/phone/one-time-keys", keys, user=ravi).status == 200
    changed = Phone(ravi)
    assert put(api, changed) == 200
    claim = {"devices": [phone.address]}
    assert api.request("POST", "/api/keys/claim", claim, user=raju).body == {"keys": {}}
    # and what the old keys signed is not taken any more
    again = api.request("POST", "/api/devices/phone/one-time-keys", keys, user=ravi)
    assert again.status == 400
    keys = {"one_time_keys": {"new": changed.one_time_key("new", 77)}}
    api.request("POST", "/api/devices/phone/one-time-keys", keys, user=ravi)
    reply = api.request("POST", "/api/keys/claim", claim, user=raju)
    assert reply.body["keys"][phone.address]["key"] == key(77)
