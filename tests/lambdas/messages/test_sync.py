import json

from lambdas.messages import sync as route
from lambdas.messages import sync_plan
from lambdas.messages.chats import Chats
from tests.support.lambdas import given, then, when
from tests.support.lambdas.backend import Backend, recorded_calls
from tests.support.lambdas.connection_api import GONE


def _chat_with(world: Backend, messages: int) -> str:
    """A chat of ravi, and raju who was away while ravi wrote; time has passed since."""
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    chat = given.direct_chat(world, "ravi", "raju")
    for number in range(messages):
        when.sends(world, "ravi", chat, payload=f"p{number + 1}")
    world.clock.pass_seconds(60)
    return chat


def test_what_was_missed_comes_in_order_and_then_synced(world: Backend) -> None:
    chat = _chat_with(world, 5)
    given.connected(world, "raju", "phone")
    messages, synced = when.syncs(world, "raju")
    assert [(frame["seq"], frame["payload"]) for frame in messages] == [
        (number, f"p{number}") for number in range(1, 6)
    ]
    assert all(then.valid(frame) for frame in messages)
    marks = {"delivered": 0, "read": 0}
    assert then.valid(synced) == {
        "type": "synced",
        "chats": {
            chat: {
                "seq": 5,
                "complete_to": 5,
                "missing": [],
                "members": {"raju": marks, "ravi": marks},
            }
        },
        "more": False,
    }


def test_without_chats_it_starts_at_what_the_device_has_acknowledged(world: Backend) -> None:
    chat = _chat_with(world, 3)
    given.connected(world, "raju", "phone")
    assert when.acknowledges(world, "raju", chat, delivered=2) is None
    messages, _ = when.syncs(world, "raju")
    assert [frame["seq"] for frame in messages] == [3]
    messages, _ = when.syncs(world, "raju", chats={chat: 1})
    assert [frame["seq"] for frame in messages] == [2, 3]
    messages, synced = when.syncs(world, "raju", chats={chat: 3})
    assert messages == [] and synced["chats"][chat]["complete_to"] == 3


def test_a_watermark_above_the_log_completes_nothing(world: Backend) -> None:
    chat = _chat_with(world, 3)
    given.connected(world, "raju", "phone")
    messages, synced = when.syncs(world, "raju", chats={chat: 999})
    assert messages == [] and synced["chats"][chat]["complete_to"] == 3


def test_it_stops_in_front_of_a_young_hole_and_steps_over_an_old_one(world: Backend) -> None:
    chat = _chat_with(world, 1)
    given.connected(world, "raju", "phone")
    world.aws.chats.update({"chat": chat, "item": "head"}, "SET seq = seq + :one", one=1)
    when.sends(world, "ravi", chat)
    world.clock.pass_seconds(5)
    messages, synced = when.syncs(world, "raju")
    assert [frame["seq"] for frame in messages] == [1]
    assert then.valid(synced)["chats"][chat]["complete_to"] == 1
    assert synced["retry_after"] == 10.0 and not synced["more"]
    world.clock.pass_seconds(synced["retry_after"])
    messages, synced = when.syncs(world, "raju", chats={chat: 1})
    assert [frame["seq"] for frame in messages] == [3]
    assert synced["chats"][chat]["complete_to"] == 3 and "retry_after" not in synced


def test_what_expired_is_missing_and_not_sent(world: Backend) -> None:
    chat = _chat_with(world, 2)
    given.connected(world, "raju", "phone")
    world.clock.pass_seconds(31 * 86_400)
    given.connected(world, "raju", "phone")
    given.connected(world, "ravi", "phone")
    when.sends(world, "ravi", chat)
    messages, synced = when.syncs(world, "raju", chats={chat: 0})
    assert [frame["seq"] for frame in messages] == [3]
    assert then.valid(synced)["chats"][chat]["missing"] == [[1, 2]]


def test_long_backlogs_come_in_parts(world: Backend) -> None:
    chat = _chat_with(world, 0)
    given.connected(world, "raju", "phone")
    for _ in range(103):
        when.sends(world, "ravi", chat)
    world.api.requests.clear()
    messages, synced = when.syncs(world, "raju")
    assert len(messages) == sync_plan.MESSAGES and synced["more"]
    done = synced["chats"][chat]["complete_to"]
    assert done == sync_plan.MESSAGES
    messages, synced = when.syncs(world, "raju", chats={chat: done})
    assert [frame["seq"] for frame in messages] == [101, 102, 103] and not synced["more"]


def test_a_post_that_fails_ends_the_answer_in_front_of_it(world: Backend) -> None:
    chat = _chat_with(world, 3)
    world.api.answers[given.connected(world, "raju", "phone")] = 500
    messages, synced = when.syncs(world, "raju")
    assert messages == []
    assert then.valid(synced)["chats"][chat]["complete_to"] == 0
    assert synced["retry_after"] == 1.0 and not synced["more"]


def test_an_answer_that_is_too_long_in_coming_ends_with_more(world: Backend) -> None:
    chat = _chat_with(world, 3)
    given.connected(world, "raju", "phone")
    began, a_post = world.clock(), route.POSTING_SECONDS * 0.6
    posted = len(world.api.requests)
    vars(world.aws)["now"] = lambda: began + a_post * (len(world.api.requests) - posted)
    messages, synced = when.syncs(world, "raju", chats={chat: 0})
    assert [frame["seq"] for frame in messages] == [1, 2]
    assert synced["more"] and synced["chats"][chat]["complete_to"] == 2


def test_many_chats_fit_into_one_frame_those_with_news_first(world: Backend) -> None:
    given.online(world, "raju")
    given.user(world, "ravi", "phone")
    room = Chats(world.aws.chats, world.aws.users)
    groups = [room.group("raju", ["ravi"]).chat for _ in range(230)]
    for chat in groups[-2:]:
        when.sends(world, "ravi", chat)
    world.clock.pass_seconds(60)
    messages, synced = when.syncs(world, "raju")
    assert {frame["chat"] for frame in messages} >= set(groups[-2:])
    assert set(synced["chats"]) >= set(groups[-2:]) and not synced["more"]
    assert 20_000 < len(json.dumps(synced, separators=(",", ":"))) < 32_000


def test_a_device_with_a_gone_connection_gets_nothing_and_loses_nothing(world: Backend) -> None:
    chat = _chat_with(world, 2)
    connection_id = given.connected(world, "raju", "phone")
    world.api.answers[connection_id] = GONE
    _, synced = when.syncs(world, "raju")
    assert synced["chats"][chat]["complete_to"] == 0


def test_only_own_chats_and_never_what_was_before_joining(world: Backend) -> None:
    for name in ("ravi", "raju", "eve"):
        given.online(world, name)
    chat = given.group(world, "ravi", "raju")
    when.sends(world, "ravi", chat, payload="before")
    before = then.everything(world)
    response = when.raw(world, "eve", "phone", {"action": "sync", "chats": {chat: 0}})
    assert then.is_error(response, "not_found") == f"you have no chat {chat}"
    assert then.everything(world) == before
    Chats(world.aws.chats, world.aws.users).change("ravi", chat, add=["eve"])
    when.sends(world, "ravi", chat, payload="after")
    world.clock.pass_seconds(60)
    for chats in (None, {chat: 0}):
        messages, synced = when.syncs(world, "eve", chats=chats)
        assert [frame["payload"] for frame in messages] == ["after"]
        assert synced["chats"][chat]["missing"] == []
        assert set(synced["chats"][chat]["members"]) == {"ravi", "raju", "eve"}


def test_a_chat_that_is_not_the_callers_does_not_spoil_the_others(world: Backend) -> None:
    chat = _chat_with(world, 1)
    given.connected(world, "raju", "phone")
    messages, synced = when.syncs(world, "raju", chats={chat: 0, "elsewhere": 3})
    assert len(messages) == 1 and list(synced["chats"]) == [chat]


def test_nothing_asked_is_nothing_answered(world: Backend) -> None:
    given.online(world, "raju")
    messages, synced = when.syncs(world, "raju", chats={})
    assert messages == [] and then.valid(synced)["chats"] == {}
    messages, synced = when.syncs(world, "raju")
    assert messages == [] and then.valid(synced)["chats"] == {}


def test_a_sync_writes_nothing(world: Backend) -> None:
    _chat_with(world, 3)
    given.connected(world, "raju", "phone")
    with recorded_calls(world) as calls:
        when.syncs(world, "raju")
    assert set(calls) == {"Query", "BatchGetItem"}


def test_typing_is_told_to_the_other_members_and_not_stored(world: Backend) -> None:
    given.user(world, "ravi", "phone", "desk")
    given.connected(world, "ravi", "phone")
    given.connected(world, "ravi", "desk")
    given.online(world, "raju")
    given.user(world, "mira", "phone")
    given.online(world, "eve")
    chat = given.group(world, "ravi", "raju", "mira")
    before = then.everything(world)
    assert when.raw(world, "ravi", "phone", {"action": "typing", "chat": chat}) is None
    (notice,) = world.frames("raju", "phone")
    assert then.valid(notice) == {"type": "typing", "chat": chat, "user": "ravi"}
    assert world.frames("ravi", "desk") == [] and then.everything(world) == before
    response = when.raw(world, "eve", "phone", {"action": "typing", "chat": chat})
    then.is_error(response, "not_found")
    assert world.frames("raju", "phone") == [notice] and then.pushes(world) == []
