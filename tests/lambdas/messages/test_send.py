"""The send handler: what reaches whom, what the sender learns, and what it costs."""

import json
from typing import Any

import pytest

from lambdas import limits
from lambdas.frames import encode
from lambdas.limits import Limit
from lambdas.messages import send
from lambdas.messages.direct import Begin, DirectChats
from lambdas.people.contacts import Contacts
from lambdas.presence import connection
from lambdas.settings import Aws
from lambdas.tables import DEVICES, chat_key, message_item, user_key
from tests.support.lambdas import events, given, then, when
from tests.support.lambdas.backend import Backend, backend, failing, recorded_calls
from tests.support.lambdas.connection_api import GONE, HANGS, ConnectionApi
from tests.support.lambdas.rest import written_log


def test_a_message_reaches_the_other_side_and_is_accepted(world: Backend) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    accepted = then.valid(when.sends(world, "ravi", chat, payload="xyz"))
    assert accepted["type"] == "accepted" and accepted["seq"] == 1
    (message,) = world.frames("raju", "phone")
    assert then.valid(message) == {
        "type": "message",
        "chat": chat,
        "seq": 1,
        "message_id": accepted["message_id"],
        "sender": "ravi",
        "sender_device": "phone",
        "sent_at": accepted["sent_at"],
        "alg": "megolm.v1",
        "payload": "xyz",
    }
    assert world.frames("ravi", "phone") == []
    assert then.pushes(world) == []


def test_own_other_devices_get_it_too(world: Backend) -> None:
    given.user(world, "ravi", "phone", "desk")
    given.connected(world, "ravi", "phone")
    given.connected(world, "ravi", "desk")
    given.user(world, "raju", "phone")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat, device="desk")
    assert [frame["seq"] for frame in world.frames("ravi", "phone")] == [1]
    assert world.frames("ravi", "desk") == []
    assert [job["user"] for job in then.pushes(world)] == ["raju"]


def test_in_a_group_everybody_gets_it_or_is_pushed(world: Backend) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    for away in ("mira", "anna", "zoe"):
        given.user(world, away, "phone")
    chat = given.group(world, "ravi", "raju", "mira", "anna", "zoe")
    when.sends(world, "ravi", chat)
    assert len(world.frames("raju", "phone")) == 1
    assert sorted(then.pushes(world), key=str) == [
        {"user": away, "chat": chat} for away in ("anna", "mira", "zoe")
    ]


def test_a_user_with_one_reachable_device_is_not_pushed(world: Backend) -> None:
    given.online(world, "ravi")
    given.user(world, "raju", "phone", "desk")
    given.connected(world, "raju", "desk")
    when.sends(world, "ravi", given.direct_chat(world, "ravi", "raju"))
    assert len(world.frames("raju", "desk")) == 1
    assert then.pushes(world) == []


def test_who_gets_it_on_one_device_is_not_rung_for_another_one_that_does_not(
    world: Backend,
) -> None:
    given.online(world, "ravi")
    given.user(world, "raju", "phone", "desk")
    for device in ("phone", "desk"):
        given.connected(world, "raju", device)
    world.api.answers[world.connections["raju", "phone"]] = GONE
    when.sends(world, "ravi", given.direct_chat(world, "ravi", "raju"))
    assert len(world.frames("raju", "desk")) == 1 and then.pushes(world) == []


def test_each_device_gets_its_own_payload_and_the_sender_learns_of_the_others(
    world: Backend,
) -> None:
    given.user(world, "ravi", "phone", "desk")
    given.connected(world, "ravi", "phone")
    given.connected(world, "ravi", "desk")
    given.user(world, "raju", "phone", "watch")
    given.connected(world, "raju", "phone")
    given.connected(world, "raju", "watch")
    chat = given.direct_chat(world, "ravi", "raju")
    to = {"raju/phone": "for the phone", "raju/lost": "too late", "zoe/phone": "wrong chat"}
    accepted = then.valid(when.sends(world, "ravi", chat, to=to))
    assert accepted["missing"] == ["raju/watch", "ravi/desk"]
    assert accepted["stale"] == ["raju/lost", "zoe/phone"]
    assert world.frames("raju", "phone")[0]["payload"] == "for the phone"
    assert world.frames("raju", "watch")[0]["payload"] is None
    assert world.frames("ravi", "desk")[0]["payload"] is None


def test_a_group_of_many_devices_still_gets_a_response(world: Backend) -> None:
    given.online(world, "ravi")
    crowd = [f"{'u' * 30}{number:02d}" for number in range(28)]
    for name in crowd:
        entries: dict[str, Any] = {f"{'d' * 62}{number:02d}": {} for number in range(50)}
        world.aws.users.put({**user_key(name, DEVICES), "devices": entries})
    chat = given.group(world, "ravi", *crowd)
    accepted = then.valid(when.sends(world, "ravi", chat, to={f"{crowd[0]}/{'d' * 62}00": "x"}))
    assert len(encode(accepted)) < 32 * 1024
    assert len(accepted["missing"]) == 100 and accepted["more"] is True


def test_a_connection_that_is_gone_loses_its_lease_and_the_user_is_pushed(world: Backend) -> None:
    given.online(world, "ravi")
    gone = given.online(world, "raju")
    world.api.answers[gone] = GONE
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    assert [job["user"] for job in then.pushes(world)] == ["raju"]
    posts = len(world.api.requests)
    when.sends(world, "ravi", chat)
    assert len(world.api.requests) == posts, "posted to a connection known to be gone"
    assert [job["user"] for job in then.pushes(world)] == ["raju"]


def test_gone_says_nothing_about_a_connection_that_is_still_opening(world: Backend) -> None:
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    just_now = int(world.clock() * 1000) - 500
    connection.handler(events.connect("raju", "phone", "opening=", just_now), None)
    world.api.answers["opening="] = GONE  # as a post from inside $connect finds it
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    del world.api.answers["opening="]
    when.sends(world, "ravi", chat)
    assert [frame["seq"] for frame in world.api.frames("opening=")] == [2]


def test_one_connection_that_hangs_stops_nobody(world: Backend) -> None:
    given.online(world, "ravi")
    for member in ("raju", "mira", "anna"):
        given.online(world, member)
    chat = given.group(world, "ravi", "raju", "mira", "anna")
    world.api.answers[world.connections["raju", "phone"]] = HANGS
    accepted = when.sends(world, "ravi", chat)
    assert accepted["type"] == "accepted"
    assert len(world.frames("mira", "phone")) == len(world.frames("anna", "phone")) == 1
    assert [job["user"] for job in then.pushes(world)] == ["raju"]


def test_a_connection_that_fails_keeps_its_lease(world: Backend) -> None:
    given.online(world, "ravi")
    connection_id = given.online(world, "raju")
    world.api.answers[connection_id] = 500
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    assert [job["user"] for job in then.pushes(world)] == ["raju"]
    del world.api.answers[connection_id]
    when.sends(world, "ravi", chat)
    assert [frame["seq"] for frame in world.frames("raju", "phone")] == [2]


def test_a_message_one_to_one_costs_four_calls_and_a_push_two_more(world: Backend) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    given.user(world, "mira", "phone")
    online = given.direct_chat(world, "ravi", "raju")
    offline = given.direct_chat(world, "ravi", "mira")
    with recorded_calls(world) as calls:
        when.sends(world, "ravi", online)
    own, other = ["BatchGetItem"] * 2  # the sender's devices, and the others'
    assert sorted(calls) == [own, other, "PutItem", "UpdateItem"]
    with recorded_calls(world) as calls:
        when.sends(world, "ravi", offline)
    rung = "BatchGetItem"
    assert sorted(calls) == [own, other, rung, "PutItem", "SendMessage", "UpdateItem"]


def test_the_sender_is_who_connected_whatever_the_frame_says(world: Backend) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat, sender="raju", sender_device="desk", user="raju", seq=7)
    (message,) = world.frames("raju", "phone")
    assert (message["sender"], message["sender_device"], message["seq"]) == ("ravi", "phone", 1)


@pytest.mark.parametrize("chat", ["theirs", "nobodys"])
def test_for_others_than_members_a_chat_looks_as_if_it_did_not_exist(
    world: Backend, chat: str
) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    given.online(world, "eve")
    name = given.direct_chat(world, "ravi", "raju") if chat == "theirs" else "nowhere"
    before = then.everything(world)
    response = when.sends(world, "eve", name)
    assert then.is_error(response, "not_found") == f"you have no chat {name}"
    assert response["action"] == "send" and "message_id" in response
    assert then.everything(world) == before
    assert world.api.requests == [] and then.pushes(world) == []


def test_a_message_that_could_not_be_stored_leaves_a_void_and_is_not_accepted(
    world: Backend,
) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    with failing(world, "PutItem"):
        response = when.sends(world, "ravi", chat)
    assert "on our side" in then.is_error(response, "internal")
    assert world.frames("raju", "phone") == [] and then.pushes(world) == []
    when.sends(world, "ravi", chat)
    messages, synced = when.syncs(world, "raju", chats={chat: 0})
    assert [frame["seq"] for frame in messages] == [2]
    assert synced["chats"][chat]["complete_to"] == 2 and "retry_after" not in synced


def test_a_queue_that_fails_does_not_fail_the_message(world: Backend) -> None:
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    chat = given.direct_chat(world, "ravi", "raju")
    with failing(world, "SendMessage"):
        assert when.sends(world, "ravi", chat)["type"] == "accepted"


def test_a_writer_that_is_late_does_not_write(world: Backend) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    times = iter([world.clock(), world.clock() + 5])
    ends = world.clock() + 5
    vars(world.aws)["now"] = lambda: next(times, ends)
    then.is_error(when.sends(world, "ravi", chat), "internal")
    items = then.everything(world)[world.aws.settings["CHATS_TABLE"]]
    assert [item.get("void") for item in items if item["item"]["S"].startswith("message")] == [
        {"BOOL": True}
    ]


def test_logs_name_the_message_and_never_show_it(world: Backend) -> None:
    given.online(world, "ravi")
    given.online(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    with written_log() as log:
        accepted = when.sends(world, "ravi", chat, payload="c2VjcmV0LXBheWxvYWQ")
        world.api.answers[world.connections["raju", "phone"]] = 403
        when.sends(world, "ravi", chat, payload="c2VjcmV0LXBheWxvYWQ")
        with failing(world, "PutItem"):
            when.sends(world, "ravi", chat, payload="c2VjcmV0LXBheWxvYWQ")
        when.raw(world, "ravi", "phone", '{"action":"send","payload":"c2VjcmV0LXBheWxvYWQ"}')
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (accepted["message_id"], chat) in {
        (line.get("message_id"), line.get("chat")) for line in lines
    }
    assert "could not reach a connection" in log.getvalue()
    assert "c2VjcmV0LXBheWxvYWQ" not in log.getvalue()


@pytest.mark.parametrize("days", [30, 7])
def test_a_message_says_when_it_was_sent_and_ends_as_many_days_later_as_is_configured(
    emulated: tuple[Aws, ConnectionApi], days: int
) -> None:
    with backend(*emulated, MESSAGE_TTL_DAYS=str(days)) as world:
        given.online(world, "ravi")
        given.online(world, "raju")
        chat = given.direct_chat(world, "ravi", "raju")
        world.clock.pass_seconds(0.25)
        accepted = when.sends(world, "ravi", chat)
        item = world.aws.chats.get(chat_key(chat, message_item(1)), consistent=True)
        (frame,) = world.frames("raju", "phone")
        sent_at = int(world.clock() * 1000)
        assert item and item["sent_at"] == accepted["sent_at"] == frame["sent_at"] == sent_at
        assert item["expires_at"] == int(world.clock()) + days * 86_400


def test_only_the_answer_to_a_request_makes_a_contact(world: Backend) -> None:
    contacts = Contacts(world.aws.users)
    for name in ("ravi", "raju", "mira"):
        given.online(world, name)
    direct = DirectChats(world.aws.chats, world.aws.users)
    request = direct.begin("ravi", "raju", lambda: Begin(request=True))[0].chat
    group = given.group(world, "ravi", "raju", "mira")
    when.sends(world, "ravi", request)
    when.sends(world, "raju", group)
    when.sends(world, "raju", given.direct_chat(world, "raju", "mira"))
    assert contacts.states("raju") == contacts.states("ravi") == {}
    when.sends(world, "raju", request)
    assert contacts.states("raju") == {"ravi": "contact"} and contacts.states("ravi") == {}


def test_each_device_of_a_user_has_its_own_limit_of_sends(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "SENDS", Limit(1, 60, "too many messages"))
    monkeypatch.setattr(limits, "SAMPLE", 1)
    given.user(world, "ravi", "phone", "desk")
    given.user(world, "raju")
    chat = given.direct_chat(world, "ravi", "raju")
    assert when.sends(world, "ravi", chat)["type"] == "accepted"
    rejected = then.valid(when.sends(world, "ravi", chat))
    then.is_error(rejected, "rate_limited")
    assert 50 < rejected["retry_after"] <= 60
    world.clock.pass_seconds(40)
    given.connected(world, "ravi", "phone")
    with recorded_calls(world) as calls:
        later = when.sends(world, "ravi", chat)
    assert later["retry_after"] == pytest.approx(rejected["retry_after"] - 40)
    assert calls == [], "who is over the limit costs nothing until then"
    assert when.sends(world, "ravi", chat, "desk")["type"] == "accepted"
