"""The connection and presence handlers: connecting, watching, and leaving."""

import json

import pytest

from lambdas.people.contacts import Contacts
from lambdas.presence import authorize, connection, tickets
from lambdas.presence.devices import LEASE_SECONDS, Address, Devices
from lambdas.presence.leases import WATCH_SECONDS
from tests.support.lambdas import events, given, then, when
from tests.support.lambdas.backend import Backend
from tests.support.lambdas.connection_api import GONE
from tests.support.lambdas.rest import written_log


def _ticket(world: Backend, user: str = "ravi", device: str = "phone") -> str:
    return tickets.issue(world.aws.tickets, user, device, world.clock(), lambda size: "t" * size)


def _watches(world: Backend, user: str, *watched: str) -> list[dict[str, object]]:
    """The presence frames that the watcher, their contact, gets for it."""
    for name in watched:
        Contacts(world.aws.users).add(name, user)
    before = len(world.frames(user, "phone"))
    response = when.raw(world, user, "phone", {"action": "watch", "users": list(watched)})
    return [*world.frames(user, "phone")[before:], response]


# -- authorizer


@pytest.mark.parametrize(
    "protocols", ["chat.v1, ticket.{}", "ticket.{},chat.v1", " chat.v1 ,  ticket.{} "]
)
@pytest.mark.parametrize("header", ["Sec-WebSocket-Protocol", "sec-websocket-protocol"])
def test_a_ticket_lets_its_device_in(world: Backend, protocols: str, header: str) -> None:
    event = events.authorizer(protocols.format(_ticket(world)), header)
    assert authorize.handler(event, None) == {
        "principalId": "ravi/phone",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": events.METHOD_ARN,
                }
            ],
        },
        "context": {"user": "ravi", "device": "phone", "asked_at": int(world.clock() * 1000)},
    }


def test_a_ticket_works_once_and_for_thirty_seconds(world: Backend) -> None:
    def effect(ticket: str) -> str:
        response = authorize.handler(events.authorizer(f"chat.v1, ticket.{ticket}"), None)
        assert ("context" in response) == (
            response["policyDocument"]["Statement"][0]["Effect"] == "Allow"
        )
        return str(response["policyDocument"]["Statement"][0]["Effect"])

    assert effect("x" * 32) == "Deny"
    used = _ticket(world)
    assert [effect(used), effect(used)] == ["Allow", "Deny"]
    late = _ticket(world)
    world.clock.pass_seconds(tickets.TICKET_SECONDS)
    assert effect(late) == "Deny"
    just_in_time = _ticket(world)
    world.clock.pass_seconds(tickets.TICKET_SECONDS - 0.5)
    assert effect(just_in_time) == "Allow"


@pytest.mark.parametrize(
    "protocols",
    [
        None,
        "",
        "chat.v1",
        "ticket.{}",
        "chat.v2, ticket.{}",
        "chat.v1, ticket.",
        "chat.v1, ticket.{}, ticket.{}",
        "chat.v1 ticket.{}",
        "chat.v1, {}",
    ],
)
def test_a_header_of_another_form_is_unauthorized_and_spends_nothing(
    world: Backend, protocols: str | None
) -> None:
    ticket = _ticket(world)
    before = then.everything(world)
    event = events.authorizer(protocols and protocols.replace("{}", ticket))
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize.handler(event, None)
    assert then.everything(world) == before


def test_neither_table_nor_log_shows_a_ticket(world: Backend) -> None:
    ticket = _ticket(world)
    assert ticket not in json.dumps(then.everything(world))
    with written_log() as log:
        for _ in range(2):
            authorize.handler(events.authorizer(f"chat.v1, ticket.{ticket}"), None)
    assert ticket not in log.getvalue()


# -- leases


def test_connecting_takes_the_lease_and_names_the_protocol(world: Backend) -> None:
    given.user(world, "ravi", "phone")
    response = connection.handler(events.connect("ravi", "phone", "a="), None)
    assert response == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "chat.v1"}}


@pytest.mark.parametrize(("user", "device"), [("ravi", "stolen"), ("nobody", "phone")])
def test_a_device_that_is_not_registered_does_not_connect(
    world: Backend, user: str, device: str
) -> None:
    given.user(world, "ravi", "phone")
    before = then.everything(world)
    assert connection.handler(events.connect(user, device, "a="), None)["statusCode"] == 403
    assert then.everything(world) == before


def test_an_older_connection_is_notified_and_closed(world: Backend) -> None:
    older = given.online(world, "ravi")
    newer = given.connected(world, "ravi", "phone")
    assert [then.valid(frame) for frame in world.api.frames(older)] == [{"type": "displaced"}]
    assert world.api.closed() == [older]
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    connection.handler(events.disconnect("ravi", "phone", older), None)  # late, and of the older
    when.sends(world, "raju", chat)
    assert [frame["type"] for frame in world.api.frames(newer)] == ["message"]


def test_a_connect_that_was_overtaken_does_not_take_the_lease(world: Backend) -> None:
    given.user(world, "ravi", "phone")
    at = int(world.clock() * 1000) - 60_000
    connection.handler(events.connect("ravi", "phone", "second=", at + 5), None)
    response = connection.handler(events.connect("ravi", "phone", "first=", at), None)
    assert response["statusCode"] == 409 and world.api.requests == []
    given.online(world, "raju")
    when.sends(world, "raju", given.direct_chat(world, "ravi", "raju"))
    assert len(world.api.frames("second=")) == 1


@pytest.mark.parametrize(("earlier", "status"), [(1, 403), (0, 200)])
def test_a_ticket_from_before_all_sign_ins_ended_opens_nothing(
    world: Backend, earlier: int, status: int
) -> None:
    given.user(world, "ravi", "phone")
    Devices(world.aws.users).reject_earlier_tickets("ravi", world.clock())
    now = int(world.clock() * 1000)
    event = events.connect("ravi", "phone", "c=", now + 5_000, asked_at=now - earlier)
    assert connection.handler(event, None)["statusCode"] == status
    connected = Devices(world.aws.users).of(["ravi"], consistent=True)["ravi"]["phone"].connected_at
    assert connected == (now + 5_000 if status == 200 else None)


def test_who_watches_the_own_presence_sees_it(world: Backend) -> None:
    given.online(world, "ravi")
    response = when.raw(world, "ravi", "phone", {"action": "watch", "users": ["ravi"]})
    assert response == {"type": "presence", "user": "ravi", "online": True}


def test_a_displaced_connection_that_is_gone_already_is_not_closed_again(world: Backend) -> None:
    older = given.online(world, "ravi")
    world.api.answers[older] = GONE
    given.connected(world, "ravi", "phone")
    assert world.api.closed() == []


def test_a_lease_runs_out(world: Backend) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    world.clock.pass_seconds(LEASE_SECONDS)
    when.sends(world, "ravi", chat)
    assert world.frames("raju", "phone") == []
    assert [job["user"] for job in then.pushes(world)] == ["raju"]


# -- watching


def test_a_watcher_is_notified_at_once_and_of_each_change(world: Backend) -> None:
    given.online(world, "ravi")
    given.user(world, "raju", "phone", "desk")
    given.online(world, "mira")
    first = _watches(world, "ravi", "raju", "mira")
    assert sorted((then.valid(frame) for frame in first), key=str) == [
        {"type": "presence", "user": "mira", "online": True},
        {"type": "presence", "user": "raju", "online": False},
    ]
    world.api.requests.clear()
    phone = given.connected(world, "raju", "phone")
    assert len(world.frames("ravi", "phone")) == 1
    desk = given.connected(world, "raju", "desk")  # there already
    assert len(world.frames("ravi", "phone")) == 1
    connection.handler(events.disconnect("raju", "phone", phone), None)  # still there
    world.clock.pass_seconds(5)
    connection.handler(events.disconnect("raju", "desk", desk), None)
    gone_at = int(world.clock() * 1000)
    assert [then.valid(frame) for frame in world.frames("ravi", "phone")] == [
        {"type": "presence", "user": "raju", "online": True},
        {"type": "presence", "user": "raju", "online": False, "last_seen": gone_at},
    ]


def test_who_can_not_be_announced_connects_and_leaves_all_the_same(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise TimeoutError

    given.user(world, "ravi", "phone")
    monkeypatch.setattr(Devices, "watchers", fails)
    connected = given.connected(world, "ravi", "phone")  # answered with 200
    response = connection.handler(events.disconnect("ravi", "phone", connected), None)
    assert response == {"statusCode": 200}
    assert Devices(world.aws.users).of(["ravi"])["ravi"]["phone"].connection_id is None


def test_nobody_is_notified_of_the_end_of_a_connection_that_was_displaced(world: Backend) -> None:
    given.online(world, "raju")
    given.user(world, "ravi", "phone")
    old = given.connected(world, "ravi", "phone")
    given.connected(world, "ravi", "phone")
    _watches(world, "raju", "ravi")
    before = len(world.frames("raju", "phone"))
    connection.handler(events.disconnect("ravi", "phone", old), None)
    assert len(world.frames("raju", "phone")) == before


def test_watching_ends_after_five_minutes(world: Backend) -> None:
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    _watches(world, "ravi", "raju")
    world.api.requests.clear()
    world.clock.pass_seconds(WATCH_SECONDS)
    given.connected(world, "raju", "phone")
    assert world.frames("ravi", "phone") == []


def test_a_connection_found_gone_is_a_change_too(world: Backend) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    _watches(world, "ravi", "raju")
    world.api.requests.clear()
    world.api.answers[world.connections["raju", "phone"]] = GONE
    when.sends(world, "ravi", given.direct_chat(world, "ravi", "raju"))
    (frame,) = world.frames("ravi", "phone")
    assert frame["type"] == "presence" and frame["online"] is False


def test_watchers_that_are_gone_themselves_are_tidied_up_as_well(world: Backend) -> None:
    for name in ("ravi", "raju", "mira"):
        given.online(world, name)
    _watches(world, "raju", "ravi")
    _watches(world, "mira", "raju")
    world.api.requests.clear()
    world.api.answers[world.connections["raju", "phone"]] = GONE
    connection.handler(events.disconnect("ravi", "phone", world.connections["ravi", "phone"]), None)
    (frame,) = world.frames("mira", "phone")
    assert (frame["user"], frame["online"]) == ("raju", False)


def test_only_the_device_that_watches_is_notified(world: Backend) -> None:
    given.user(world, "ravi", "phone", "desk")
    given.connected(world, "ravi", "phone")
    given.connected(world, "ravi", "desk")
    given.user(world, "raju", "phone")
    _watches(world, "ravi", "raju")
    given.connected(world, "raju", "phone")
    assert world.frames("ravi", "desk") == []


def test_a_stranger_a_blocked_one_and_nobody_are_answered_alike(world: Backend) -> None:
    """Who may see the presence of whom: by contact and setting."""
    given.online(world, "ravi")
    store = Contacts(world.aws.users)
    shown = {
        ("contacts", None): False,
        ("contacts", "contact"): True,
        ("contacts", "blocked"): False,
        ("everybody", None): True,
        ("everybody", "blocked"): False,
        ("nobody", "contact"): False,
    }
    for number, ((setting, state), expected) in enumerate(shown.items()):
        name = f"user_{number}"
        given.online(world, name)
        store.put_settings(name, {"presence": setting})
        if state:
            given.decision(world.aws.users, name, "ravi", state)
        world.api.requests.clear()
        frame = when.raw(world, "ravi", "phone", {"action": "watch", "users": [name]})
        assert then.valid(frame) == {"type": "presence", "user": name, "online": expected}
        given.connected(world, name, "phone")
        connection.handler(events.disconnect(name, "phone", world.connections[name, "phone"]), None)
        assert any(each["user"] == name for each in world.frames("ravi", "phone")) is expected
    frame = when.raw(world, "ravi", "phone", {"action": "watch", "users": ["nobody"]})
    assert then.valid(frame) == {"type": "presence", "user": "nobody", "online": False}


def test_a_stranger_is_not_seen_beside_a_contact(world: Backend) -> None:
    for name in ("ravi", "raju", "mira"):
        given.online(world, name)
    Contacts(world.aws.users).add("raju", "ravi")
    when.raw(world, "ravi", "phone", {"action": "watch", "users": ["raju", "mira", "ravi"]})
    shown = {frame["user"]: frame["online"] for frame in world.frames("ravi", "phone")}
    assert shown == {"raju": True, "mira": False}


def test_strangers_do_not_crowd_out_contacts_who_watch(world: Backend) -> None:
    given.user(world, "raju")
    devices = Devices(world.aws.users)
    for user in range(10):
        for device in range(50):
            devices.watch(Address(f"a{user}", f"d{device}"), ["raju"], [], world.clock() + 100)
    devices.watch(Address("zoe", "phone"), ["raju"], ["raju"], world.clock() + 100)
    assert Address("zoe", "phone") in devices.watchers("raju", world.clock())


def test_ping_is_answered_without_a_call(world: Backend) -> None:
    given.online(world, "ravi")
    response = when.raw(world, "ravi", "phone", {"action": "ping"})
    assert then.valid(response) == {"type": "pong"}
