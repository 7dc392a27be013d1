"""The receipt handler: watermarks move, and senders are notified."""

from typing import Any

import pytest

from lambdas.delivery import members
from lambdas.delivery.receipt import ReceiptLimit
from lambdas.delivery.watermarks import receipt_interval
from lambdas.errors import ChatError
from lambdas.messages.membership import Membership
from lambdas.people.contacts import Contacts
from lambdas.websocket import Caller
from tests.support.lambdas import given, then, when
from tests.support.lambdas.backend import Backend, recorded_calls


@pytest.fixture
def chat(world: Backend) -> str:
    """ravi wrote three messages to raju, both are there."""
    given.online(world, "ravi")
    given.user(world, "raju", "phone", "desk")
    given.connected(world, "raju", "phone")
    given.connected(world, "raju", "desk")
    name = given.direct_chat(world, "ravi", "raju")
    for _ in range(3):
        when.sends(world, "ravi", name)
    world.api.requests.clear()
    return name


def _marks(world: Backend, chat: str, user: str = "raju") -> tuple[dict[str, int], int]:
    item = world.aws.chats.get({"chat": chat, "item": f"member#{user}"}, consistent=True)
    assert item is not None
    return item["delivered"], item["read"]


def test_a_receipt_moves_the_watermark_and_notifies_the_sender(world: Backend, chat: str) -> None:
    assert when.acknowledges(world, "raju", chat, delivered=2, senders=["ravi"]) is None
    assert _marks(world, chat) == ({"phone": 2}, 0)
    (notice,) = world.frames("ravi", "phone")
    assert then.valid(notice) == {
        "type": "receipt",
        "chat": chat,
        "user": "raju",
        "delivered": 2,
        "read": 0,
    }
    assert world.frames("raju", "desk") == []


def test_read_implies_delivered(world: Backend, chat: str) -> None:
    when.acknowledges(world, "raju", chat, read=3, senders=["ravi"])
    assert _marks(world, chat) == ({"phone": 3}, 3)
    assert world.frames("ravi", "phone")[0]["delivered"] == 3


def test_watermarks_never_move_back(world: Backend, chat: str) -> None:
    when.acknowledges(world, "raju", chat, delivered=3, read=2, senders=["ravi"])
    late: list[dict[str, Any]] = [
        {"delivered": 1},
        {"read": 1},
        {"delivered": 2, "read": 2},
        {"delivered": 3},
    ]
    for marks in late:
        assert when.acknowledges(world, "raju", chat, senders=["ravi"], **marks) is None
    assert _marks(world, chat) == ({"phone": 3}, 2)
    posted = [(frame["delivered"], frame["read"]) for frame in world.frames("ravi", "phone")]
    assert set(posted) == {(3, 2)}


def test_senders_of_a_receipt_that_was_overtaken_are_notified_anyway(
    world: Backend, chat: str
) -> None:
    given.online(world, "meena")
    group = given.group(world, "raju", "ravi", "meena")
    for sender in ("ravi", "meena"):
        when.sends(world, sender, group)
    world.api.requests.clear()
    when.acknowledges(world, "raju", group, delivered=2, senders=["meena"])
    when.acknowledges(world, "raju", group, delivered=1, senders=["ravi"])
    (notice,) = [frame for frame in world.frames("ravi", "phone") if frame["type"] == "receipt"]
    assert (notice["delivered"], notice["read"]) == (2, 0)


@pytest.mark.parametrize("marks", [{"delivered": 3}, {"read": 3}, {"delivered": 3, "read": 3}])
def test_a_receipt_that_comes_twice_is_posted_twice_for_the_first_may_have_failed_midway(
    world: Backend, chat: str, marks: dict[str, int]
) -> None:
    for _ in range(2):
        when.acknowledges(world, "raju", chat, "phone", senders=["ravi"], **marks)
    first, second = world.frames("ravi", "phone")
    assert first == second and first["delivered"] == 3


def test_a_mark_that_another_device_of_the_user_had_reached_is_not_sent_again(
    world: Backend, chat: str
) -> None:
    when.acknowledges(world, "raju", chat, delivered=3, senders=["ravi"])
    when.acknowledges(world, "raju", chat, device="desk", delivered=3, senders=["ravi"])
    assert len(world.frames("ravi", "phone")) == 1


def test_of_two_marks_one_may_move_alone(world: Backend, chat: str) -> None:
    when.acknowledges(world, "raju", chat, read=1, senders=[])
    when.acknowledges(world, "raju", chat, delivered=3, read=1, senders=[])
    assert _marks(world, chat) == ({"phone": 3}, 1)
    when.acknowledges(world, "raju", chat, delivered=2, read=2, senders=[])
    assert _marks(world, chat) == ({"phone": 3}, 2)


def test_each_device_has_its_own_mark_and_others_see_the_highest(world: Backend, chat: str) -> None:
    when.acknowledges(world, "raju", chat, delivered=3, senders=["ravi"])
    when.acknowledges(world, "raju", chat, device="desk", delivered=2, senders=["ravi"])
    assert _marks(world, chat) == ({"phone": 3, "desk": 2}, 0)
    assert [frame["delivered"] for frame in world.frames("ravi", "phone")] == [3]


def test_only_named_senders_that_are_members_are_notified(world: Backend, chat: str) -> None:
    given.online(world, "eve")
    when.acknowledges(world, "raju", chat, delivered=1, senders=["eve", "nobody", "raju"])
    assert world.frames("eve", "phone") == [] and world.frames("ravi", "phone") == []
    assert len(world.frames("raju", "desk")) == 1, "who names oneself hears it elsewhere"
    assert world.frames("raju", "phone") == []


def test_what_was_never_sent_can_not_be_acknowledged(world: Backend, chat: str) -> None:
    before = then.everything(world)
    beyond: list[dict[str, Any]] = [
        {"delivered": 4},
        {"read": 4},
        {"delivered": 1, "read": 999_999_999_999},
    ]
    for mark in beyond:
        response = when.acknowledges(world, "raju", chat, senders=["ravi"], **mark)
        assert "has no message" in then.is_error(response, "bad_request")
    assert then.everything(world) == before and world.api.requests == []


@pytest.mark.parametrize("known", [True, False])
def test_only_members_acknowledge(world: Backend, chat: str, known: bool) -> None:
    given.online(world, "eve")
    before = then.everything(world)
    name = chat if known else "nowhere"
    response = when.acknowledges(world, "eve", name, delivered=1, senders=["ravi"])
    assert then.is_error(response, "not_found") == f"you have no chat {name}"
    assert then.everything(world) == before and world.frames("ravi", "phone") == []


def test_who_was_removed_does_not_come_back_by_a_receipt(world: Backend) -> None:
    for name in ("ravi", "raju", "mira"):
        given.online(world, name)
    chat = given.group(world, "ravi", "raju", "mira")
    when.sends(world, "ravi", chat)
    Membership(world.aws.chats, world.aws.users).change("ravi", chat, remove=["mira"])
    before = then.everything(world)
    then.is_error(when.acknowledges(world, "mira", chat, delivered=1), "not_found")
    assert then.everything(world) == before


def test_a_receipt_is_one_write_and_three_reads(world: Backend, chat: str) -> None:
    with recorded_calls(world) as calls:
        when.acknowledges(world, "raju", chat, delivered=1, senders=["ravi"])
    assert sorted(calls) == ["BatchGetItem", "BatchGetItem", "GetItem", "UpdateItem"]
    with recorded_calls(world) as calls:
        when.acknowledges(world, "raju", chat, read=1, senders=["ravi"])
    assert calls.count("UpdateItem") == 1


@pytest.mark.parametrize(("members", "every"), [(2, 0.05), (20, 0.5), (50, 1.25), (257, 2.5)])
def test_receipts_are_limited_to_twice_what_the_protocol_allows(members: int, every: float) -> None:
    limit, phone = ReceiptLimit(), Caller("raju", "phone", "c1")

    def passes(now: float, caller: Caller = phone, chat: str = "chat") -> bool:
        try:
            limit.require(caller, chat, members, now)
        except ChatError as error:
            assert error.code == "rate_limited" and error.retry_after is not None
            return False
        return True

    assert [passes(100.0) for _ in range(21)] == [True] * 20 + [False]
    assert passes(100.0, chat="another") and passes(100.0, phone._replace(device="desk"))
    passed = sum(passes(100.0 + number / 100) for number in range(6000))
    assert passed == pytest.approx(60 / every, abs=2)
    follows_the_rule = receipt_interval(members) / 2  # each of them moves `read`
    assert all(passes(200.0 + number * follows_the_rule) for number in range(500))


def test_a_receipt_over_the_limit_moves_nothing_and_notifies_nobody(
    world: Backend, chat: str
) -> None:
    for _ in range(20):
        when.acknowledges(world, "raju", chat, delivered=1)
    before = then.everything(world)
    response = when.acknowledges(world, "raju", chat, delivered=3, senders=["ravi"])
    then.is_error(response, "rate_limited")
    assert response is not None and response["retry_after"] == 0.1
    assert then.everything(world) == before and world.api.requests == []


def test_who_shows_no_read_marks_shows_them_to_own_devices_only(world: Backend, chat: str) -> None:
    Contacts(world.aws.users).put_settings("raju", {"receipts": False})
    when.acknowledges(world, "raju", chat, delivered=2, read=2, senders=["ravi"])
    marks = {"type": "receipt", "chat": chat, "user": "raju", "delivered": 2}
    assert world.frames("ravi", "phone") == [{**marks, "read": 0}]
    assert world.frames("raju", "desk") == [{**marks, "read": 2}]
    assert world.frames("raju", "phone") == []
    when.acknowledges(world, "raju", chat, delivered=3, senders=["ravi"])
    assert world.frames("ravi", "phone")[-1] == {**marks, "delivered": 3, "read": 0}
    assert len(world.frames("raju", "desk")) == 1  # what was only delivered is no news to them


def test_who_leaves_while_a_receipt_runs_has_no_such_chat(
    world: Backend, chat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "move", lambda *_, **__: None)
    then.is_error(when.acknowledges(world, "raju", chat, delivered=2), "not_found")


def test_marks_of_removed_devices_go_and_the_highest_stays(world: Backend, chat: str) -> None:
    for device, seq in (("phone", 3), ("desk", 1)):
        when.acknowledges(world, "raju", chat, device=device, delivered=seq)
    members.forget(world.aws.chats, chat, "raju", ["phone", "never"], 3)
    assert _marks(world, chat) == ({"desk": 1}, 0)
    item = world.aws.chats.get({"chat": chat, "item": "member#raju"}, consistent=True)
    assert item and item["removed"] == 3
    members.forget(world.aws.chats, chat, "raju", ["desk"], 2)  # later, with an older view
    assert _marks(world, chat) == ({"desk": 1}, 0)
    members.forget(world.aws.chats, chat, "raju", ["desk"], 3)
    assert _marks(world, chat) == ({}, 0)
    members.forget(world.aws.chats, chat, "nobody", ["phone"], 3)
    assert world.aws.chats.get({"chat": chat, "item": "member#nobody"}, consistent=True) is None


def test_own_devices_learn_what_was_read_where_no_sender_is_to_know(
    world: Backend, chat: str
) -> None:
    assert when.acknowledges(world, "raju", chat, delivered=3, read=3) is None
    receipt = {"type": "receipt", "chat": chat, "user": "raju", "delivered": 3, "read": 3}
    assert world.frames("raju", "desk") == [receipt] and world.frames("ravi", "phone") == []
