"""The sync handler: what a device gets that was away."""

import itertools

import pytest

from lambdas.delivery.purge import purge
from lambdas.messages import history, sync_plan
from lambdas.messages import sync as route
from lambdas.messages.heads import read_head
from lambdas.messages.membership import Membership
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
                "after": 0,
                "complete_to": 5,
                "missing": [],
                "members": {"raju": marks, "ravi": marks},
            }
        },
        "more": False,
    }


def test_each_device_gets_the_payload_that_is_for_it_and_null_where_there_is_none(
    world: Backend,
) -> None:
    given.online(world, "ravi")
    given.user(world, "raju", "phone", "desk", "watch")
    chat = given.direct_chat(world, "ravi", "raju")
    when.sends(world, "ravi", chat, to={"raju/phone": "for the phone", "raju/desk": "for the desk"})
    found = {}
    for device in ("phone", "desk", "watch"):
        given.connected(world, "raju", device)
        (message,), _ = when.syncs(world, "raju", device, {chat: 0})
        found[device] = then.valid(message)["payload"]
    assert found == {"phone": "for the phone", "desk": "for the desk", "watch": None}


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


def test_without_chats_each_device_starts_where_it_is_itself(world: Backend) -> None:
    chat = _chat_with(world, 3)
    given.user(world, "raju", "desk")
    when.acknowledges(world, "raju", chat, read=3)
    given.connected(world, "raju", "desk")
    messages, _ = when.syncs(world, "raju", "desk")
    assert [frame["seq"] for frame in messages] == [1, 2, 3]


def test_a_sync_that_names_more_chats_than_fit_says_that_there_is_more(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    chats = {_chat_with(world, 1): 0}
    for name in ("mira", "zoe"):
        given.user(world, name, "phone")
        chats[given.direct_chat(world, name, "raju")] = 0
    when.sends(world, "zoe", [*chats][-1])
    world.clock.pass_seconds(60)
    given.connected(world, "raju", "phone")
    monkeypatch.setattr(sync_plan, "SYNCED_BYTES", 1)
    messages, synced = when.syncs(world, "raju", chats=chats)
    assert len(messages) == len(synced["chats"]) == 1 and synced["more"] is True
    rest = {chat: after for chat, after in chats.items() if chat not in synced["chats"]}
    messages, synced = when.syncs(world, "raju", chats=rest)
    assert len(messages) == 1 and synced["more"] is False, "the third has no messages"


def test_the_chats_of_one_sync_share_its_messages(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_plan, "MESSAGES", 4)
    shorter = _chat_with(world, 2)
    given.user(world, "mira", "phone")
    longer = given.direct_chat(world, "mira", "raju")
    for _ in range(3):
        when.sends(world, "mira", longer)
    given.connected(world, "raju", "phone")
    messages, synced = when.syncs(world, "raju", chats={shorter: 0, longer: 0})
    assert [(frame["chat"], frame["seq"]) for frame in messages] == [
        *((shorter, seq) for seq in (1, 2)),
        *((longer, seq) for seq in (1, 2)),
    ]
    assert synced["more"] and synced["chats"][longer]["complete_to"] == 2


def test_after_a_post_that_failed_the_rest_is_asked_for_later(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = _chat_with(world, 3)
    given.connected(world, "raju", "phone")
    monkeypatch.setattr(sync_plan, "POST_BYTES", 100)  # each message is a post of its own
    posts = iter([True, False, True])
    monkeypatch.setattr(route, "_post", lambda *_: next(posts))
    _, synced = when.syncs(world, "raju")
    assert synced["chats"][chat]["complete_to"] == 1
    assert (synced["more"], synced["retry_after"]) == (False, route.AGAIN_SECONDS)


def test_what_is_purged_while_it_is_read_is_missing_and_no_hole(world: Backend) -> None:
    """The head was read before, the items after: the purge between them marks the head first."""
    chat = _chat_with(world, 3)
    head = read_head(world.aws.chats, chat, "raju")
    assert purge(world.aws.chats, chat, 2, world.aws.now())
    page = history.read(
        world.aws.chats, head, after=0, limit=9, device="phone", now=world.aws.now()
    )
    assert [frame["seq"] for frame in page.messages] == [3]
    assert (page.missing, page.complete_to) == ([(1, 2)], 3)


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


def test_many_messages_share_a_post(world: Backend) -> None:
    chat = _chat_with(world, 0)
    payload = "p" * 600
    given.stored(world, "ravi", chat, 300, payload)
    given.connected(world, "raju", "phone")
    messages, synced = when.syncs(world, "raju")
    assert [frame["seq"] for frame in messages] == list(range(1, 301))
    assert {frame["payload"] for frame in messages} == {payload}
    assert synced["chats"][chat]["complete_to"] == 300 and not synced["more"]
    posts = world.frames("raju", "phone")
    assert len(posts) == 2 and all(then.valid(frame) for frame in posts)


def test_a_few_messages_of_many_chats_share_a_post_each_chat_in_its_order(world: Backend) -> None:
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    groups = [given.group(world, "ravi", "raju") for _ in range(4)]
    for _ in range(3):
        for chat in groups:
            when.sends(world, "ravi", chat)
    world.clock.pass_seconds(60)
    given.connected(world, "raju", "phone")
    messages, _ = when.syncs(world, "raju")
    assert len(world.frames("raju", "phone")) == 1
    for chat in groups:
        assert [each["seq"] for each in messages if each["chat"] == chat] == [1, 2, 3]


def test_long_backlogs_come_in_parts(world: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_plan, "MESSAGES", 10)
    chat = _chat_with(world, 13)
    given.connected(world, "raju", "phone")
    messages, synced = when.syncs(world, "raju")
    assert len(messages) == 10 and synced["more"]
    assert synced["chats"][chat]["complete_to"] == 10
    messages, synced = when.syncs(world, "raju", chats={chat: 10})
    assert [frame["seq"] for frame in messages] == [11, 12, 13] and not synced["more"]


def test_a_sync_sends_about_a_megabyte_at_most(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_plan, "MESSAGE_BYTES", 2_000)
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    groups = [given.group(world, "ravi", "raju") for _ in range(4)]
    for chat in groups:
        when.sends(world, "ravi", chat, payload="p" * 1_000)
    world.clock.pass_seconds(60)
    given.connected(world, "raju", "phone")
    messages, synced = when.syncs(world, "raju")
    assert len(messages) == 2 and synced["more"]
    behind = {chat: 0 for chat, place in synced["chats"].items() if not place["complete_to"]}
    messages, synced = when.syncs(world, "raju", chats=behind)
    assert len(messages) == 2 and not synced["more"]


def test_of_several_young_holes_the_first_that_can_be_read_says_when_to_ask_again(
    world: Backend,
) -> None:
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    for _ in range(2):
        chat = given.group(world, "ravi", "raju")
        world.aws.chats.update({"chat": chat, "item": "head"}, "SET seq = seq + :one", one=1)
        when.sends(world, "ravi", chat)
        world.clock.pass_seconds(5)
    given.connected(world, "raju", "phone")
    _, synced = when.syncs(world, "raju")
    assert synced["retry_after"] == 5.0


def test_a_post_that_fails_ends_the_answer_in_front_of_it(world: Backend) -> None:
    chat = _chat_with(world, 3)
    world.api.answers[given.connected(world, "raju", "phone")] = 500
    messages, synced = when.syncs(world, "raju")
    assert messages == []
    assert then.valid(synced)["chats"][chat]["complete_to"] == 0
    assert synced["retry_after"] == 1.0 and not synced["more"]


@pytest.mark.parametrize("chats", [None, 0])
@pytest.mark.parametrize("late_by", [route.READING_SECONDS, route.POSTING_SECONDS])
def test_a_caller_without_a_result_for_lack_of_time_gets_a_time_to_wait(
    world: Backend, chats: int | None, late_by: float
) -> None:
    """And not to ask at once for the same again, which would only add to the load."""
    chat = _chat_with(world, 3)
    given.connected(world, "raju", "phone")
    began, calls = world.clock(), itertools.count()
    limit = 1 if late_by == route.READING_SECONDS else 3  # calls of the clock before that one
    vars(world.aws)["now"] = lambda: began + (late_by + 0.1 if next(calls) >= limit else 0)
    asked = None if chats is None else {chat: chats}
    messages, synced = when.syncs(world, "raju", chats=asked)
    assert messages == [] and then.valid(synced)["chats"][chat]["complete_to"] == 0
    assert synced["retry_after"] == route.AGAIN_SECONDS and not synced["more"]


def test_an_answer_that_is_too_long_in_coming_ends_with_more(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_plan, "POST_BYTES", 400)  # one message
    chat = _chat_with(world, 3)
    given.connected(world, "raju", "phone")
    began, a_post = world.clock(), route.POSTING_SECONDS * 0.6
    posted = len(world.api.requests)
    vars(world.aws)["now"] = lambda: began + a_post * (len(world.api.requests) - posted)
    messages, synced = when.syncs(world, "raju", chats={chat: 0})
    assert [frame["seq"] for frame in messages] == [1, 2]
    assert synced["more"] and synced["chats"][chat]["complete_to"] == 2


def test_the_answer_says_from_where_it_was_made(world: Backend) -> None:
    """A client whose own watermark is lower must not trust `complete_to`."""
    chat = _chat_with(world, 3)
    given.connected(world, "raju", "phone")

    def after(chats: dict[str, int] | None = None) -> int:
        return int(when.syncs(world, "raju", chats=chats)[1]["chats"][chat]["after"])

    assert after() == 0
    when.acknowledges(world, "raju", chat, delivered=2)
    assert [after(), after({chat: 1}), after({chat: 0}), after({chat: 3})] == [2, 1, 0, 3]


def test_after_is_0_for_who_has_acknowledged_nothing_wherever_it_joined(world: Backend) -> None:
    for name in ("ravi", "raju", "mira"):
        given.online(world, name)
    chat = given.group(world, "ravi", "raju")
    when.sends(world, "ravi", chat)
    Membership(world.aws.chats, world.aws.users).change("ravi", chat, add=["mira"])
    _, synced = when.syncs(world, "mira")
    place = synced["chats"][chat]
    assert (place["after"], place["complete_to"], place["missing"]) == (0, 1, [])


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
    Membership(world.aws.chats, world.aws.users).change("ravi", chat, add=["eve"])
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


def test_typing_is_posted_to_the_other_members_and_not_stored(world: Backend) -> None:
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
