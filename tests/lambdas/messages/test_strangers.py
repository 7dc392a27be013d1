"""A direct chat that a stranger has begun, and one that was blocked: what each side is shown."""

import uuid
from typing import Any

import pytest

from lambdas.messages import append, history
from lambdas.messages.chats import Chats
from lambdas.messages.direct import Begin, DirectChats, after_blocking, after_unblocking
from lambdas.messages.heads import undelivered
from lambdas.people.contacts import Contacts
from lambdas.tables import TransactionCancelled, chat_key, message_item, transact
from tests.support.lambdas import given, then, when
from tests.support.lambdas.backend import Backend, failing


def _chats(world: Backend) -> DirectChats:
    return DirectChats(world.aws.chats, world.aws.users)


@pytest.fixture
def chat(world: Backend) -> str:
    """ravi, a stranger, has begun a chat with raju; both are online."""
    given.online(world, "ravi")
    given.online(world, "raju")
    return _chats(world).begin("ravi", "raju", lambda: Begin(request=True))[0].chat


def _shown_to(world: Backend, user: str, chat: str, of: str) -> dict[str, int]:
    _, synced = when.syncs(world, user, chats={chat: 0})
    marks: dict[str, int] = synced["chats"][chat]["members"][of]
    return marks


def _posted(world: Backend, user: str) -> list[Any]:
    """The frames of the user's phone that show something of the other one."""
    frames = world.frames(user, "phone")
    return [frame for frame in frames if frame["type"] in ("receipt", "typing")]


def _acts(world: Backend, user: str, chat: str, sender: str) -> None:
    when.acknowledges(world, user, chat, senders=[sender], read=1)
    when.raw(world, user, "phone", {"action": "typing", "chat": chat})


def test_a_request_shows_nothing_of_who_has_not_answered(world: Backend, chat: str) -> None:
    when.sends(world, "ravi", chat)
    _acts(world, "raju", chat, "ravi")
    assert _posted(world, "ravi") == []
    assert _shown_to(world, "ravi", chat, "raju") == {"delivered": 0, "read": 0}
    assert _shown_to(world, "raju", chat, "raju") == {"delivered": 1, "read": 1}


def test_an_answer_ends_the_request_and_makes_a_contact(world: Backend, chat: str) -> None:
    when.sends(world, "ravi", chat)
    when.acknowledges(world, "raju", chat, read=1)
    assert Contacts(world.aws.users).states("raju") == {}
    when.sends(world, "raju", chat)
    assert Contacts(world.aws.users).states("raju") == {"ravi": "contact"}
    assert _shown_to(world, "ravi", chat, "raju") == {"delivered": 1, "read": 1}
    when.raw(world, "raju", "phone", {"action": "typing", "chat": chat})
    assert [frame["type"] for frame in _posted(world, "ravi")] == ["typing"]


@pytest.mark.parametrize("number", range(1, 6))
def test_an_answer_that_fails_at_any_call_and_is_sent_again_makes_a_contact(
    world: Backend, chat: str, number: int
) -> None:
    when.sends(world, "ravi", chat)
    message_id = str(uuid.uuid4())
    with failing(world, number=number):
        when.sends(world, "raju", chat, message_id=message_id)
    assert when.sends(world, "raju", chat, message_id=message_id)["type"] == "accepted"
    assert Contacts(world.aws.users).states("raju") == {"ravi": "contact"}
    assert Chats(world.aws.chats, world.aws.users).head(chat, "raju").request_of is None


def test_an_answer_and_a_decline_at_once_have_one_winner(
    world: Backend, chat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another device declines once the answer has its position."""
    when.sends(world, "ravi", chat)
    answer = append.answer_request

    def declined_first(*given: Any) -> None:
        _chats(world).block(chat, "raju", blocked=True, request=True)
        answer(*given)

    monkeypatch.setattr(append, "answer_request", declined_first)
    then.is_error(when.sends(world, "raju", chat), "forbidden")
    assert Contacts(world.aws.users).states("raju") == {}
    assert Chats(world.aws.chats, world.aws.users).head(chat, "raju").request_of == "raju"


def test_an_answer_waits_for_another_request_that_writes_the_chat(
    world: Backend, chat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    when.sends(world, "ravi", chat)
    conflicts = [2]

    def conflicting(*given: Any) -> None:
        conflicts[0] -= 1
        if conflicts[0] >= 0:
            raise TransactionCancelled(["TransactionConflict", "None"])
        transact(*given)

    monkeypatch.setattr("lambdas.messages.append.transact", conflicting)
    monkeypatch.setattr("time.sleep", lambda _: None)
    assert when.sends(world, "raju", chat)["type"] == "accepted"
    assert Contacts(world.aws.users).states("raju") == {"ravi": "contact"}


def test_what_a_client_sends_unseen_is_no_answer(world: Backend, chat: str) -> None:
    """A new device asks the stranger's for what it can't read; nobody has decided anything."""
    when.sends(world, "ravi", chat)
    assert then.valid(when.sends(world, "raju", chat, hidden=True))["type"] == "accepted"
    assert Contacts(world.aws.users).states("raju") == {}
    _acts(world, "raju", chat, "ravi")
    assert _posted(world, "ravi") == []
    assert _shown_to(world, "ravi", chat, "raju") == {"delivered": 0, "read": 0}
    when.sends(world, "raju", chat)
    assert Contacts(world.aws.users).states("raju") == {"ravi": "contact"}


def test_a_stranger_sees_nothing_of_what_own_devices_send_each_other(
    world: Backend, chat: str
) -> None:
    """Such as names and timers for a new device; once answered, it takes its place as ever."""

    def hidden_frames(**payloads: str) -> list[Any]:
        world.api.requests.clear()
        to = {name.replace("_", "/"): payload for name, payload in payloads.items()}
        assert when.sends(world, "raju", chat, to=to, hidden=True)["type"] == "accepted"
        return [each for each in world.frames("ravi", "phone") if each["type"] == "message"]

    assert hidden_frames(raju_desk="3.own") == []
    messages, _ = when.syncs(world, "ravi", chats={chat: 0})
    assert messages == []
    assert [frame["payload"] for frame in hidden_frames(ravi_phone="3.key")] == ["3.key"]
    _chats(world).accept(chat, "raju")
    assert [frame["payload"] for frame in hidden_frames(raju_desk="3.own")] == [None]


@pytest.mark.parametrize(
    ("hidden", "to", "hidden_from"),
    [
        (False, "raju/desk", set()),  # an answer, by a device that knows none of the stranger's
        (True, "raju/desk", {"ravi"}),
        (True, "ravi/phone", set()),
    ],
)
def test_an_answer_is_shown_to_the_stranger_whichever_devices_it_is_for(
    world: Backend, chat: str, hidden: bool, to: str, hidden_from: set[str]
) -> None:
    assert when.sends(world, "raju", chat, to={to: "3.x"}, hidden=hidden)["seq"] == 1
    item = world.aws.chats.get(chat_key(chat, message_item(1)), consistent=True) or {}
    assert item.get("hidden_from", set()) == hidden_from


def test_that_a_chat_is_a_request_or_blocked_is_shown_to_who_is_asked_or_blocks_alone(
    world: Backend, chat: str
) -> None:
    chats = Chats(world.aws.chats, world.aws.users)

    def shown(user: str) -> set[str]:
        ((listed,), _) = chats.list(user)
        return listed.keys() & {"request", "blocked"}

    _chats(world).accept(chat, "ravi")  # whose request it is can't end it
    assert (shown("ravi"), shown("raju")) == (set(), {"request"})
    _chats(world).block(chat, "ravi", blocked=True)
    assert (shown("ravi"), shown("raju")) == ({"blocked"}, {"request"})
    _chats(world).accept(chat, "raju")
    assert (shown("ravi"), shown("raju")) == ({"blocked"}, set())


def test_a_stranger_who_has_blocked_the_other_one_gets_nothing_hidden_either(
    world: Backend, chat: str
) -> None:
    when.sends(world, "ravi", chat)
    _chats(world).block(chat, "ravi", blocked=True)
    world.api.requests.clear()
    accepted = when.sends(world, "raju", chat, to={"ravi/phone": "3.key"}, hidden=True)
    assert accepted["type"] == "accepted"
    assert world.frames("ravi", "phone") == []
    messages, _ = when.syncs(world, "ravi", chats={chat: 1})
    assert messages == []


def test_of_what_is_hidden_a_stranger_is_shown_that_a_seq_was_taken_and_nothing_else(
    world: Backend, chat: str
) -> None:
    """By no route: not by sync, not by REST, not by a frame or a push."""
    when.sends(world, "ravi", chat)

    def shown() -> list[Any]:
        chats = Chats(world.aws.chats, world.aws.users)
        head, now = chats.head(chat, "ravi"), world.clock()
        page = history.read(world.aws.chats, head, after=0, limit=9, device="phone", now=now)
        world.api.requests.clear()
        messages, synced = when.syncs(world, "ravi", chats={chat: 0})
        return [page.messages, messages, chats.list("ravi"), synced, page.complete_to]

    before = shown()
    world.api.requests.clear()
    then.pushes(world)
    to = {"raju/desk": "3.own"}
    assert when.sends(world, "raju", chat, to=to, hidden=True)["seq"] == 2
    assert world.frames("ravi", "phone") == [] and then.pushes(world) == []
    ((listed,), _), synced = before[2], before[3]["chats"][chat]
    for place in (listed, synced):
        place["seq"] = 2
    synced["complete_to"] = before[4] = 2
    assert shown() == before


def test_a_sync_shows_that_a_chat_is_a_request_only_to_who_may_accept_it(
    world: Backend, chat: str
) -> None:
    """A client sends nothing by itself there: each seq shows that a device of the user is awake."""
    given.user(world, "raju", "desk")
    given.connected(world, "raju", "desk")

    def requests() -> dict[str, bool | None]:
        devices = (("ravi", "phone"), ("raju", "phone"), ("raju", "desk"))
        answers = {f"{user}/{name}": when.syncs(world, user, name)[1] for user, name in devices}
        assert all(then.valid(answer)["type"] == "synced" for answer in answers.values())
        return {name: answer["chats"][chat].get("request") for name, answer in answers.items()}

    assert requests() == {"ravi/phone": None, "raju/phone": True, "raju/desk": True}
    when.sends(world, "raju", chat, hidden=True)  # no answer
    assert requests() == {"ravi/phone": None, "raju/phone": True, "raju/desk": True}
    when.sends(world, "raju", chat)
    assert requests() == {"ravi/phone": None, "raju/phone": None, "raju/desk": None}


def test_of_a_hidden_send_that_is_not_for_the_stranger_only_the_seq_is_seen(
    world: Backend, chat: str
) -> None:
    """As if a message had failed there: no message comes, and no mark moves."""
    when.sends(world, "ravi", chat)
    before = _seen_by(world, "ravi", chat)
    when.sends(world, "raju", chat, to={"raju/desk": "3.own"}, hidden=True)
    after = _seen_by(world, "ravi", chat)
    assert after == {**before, "seq": 2, "complete_to": 2}
    assert [frame["type"] for frame in world.frames("ravi", "phone")].count("message") == 0


def _seen_by(world: Backend, user: str, chat: str) -> dict[str, Any]:
    """The whole of what `sync` says to the user of a chat, from its beginning."""
    messages, synced = when.syncs(world, user, chats={chat: 0})
    found: dict[str, Any] = {**synced["chats"][chat], "messages": messages}
    return found


@pytest.mark.parametrize(("blocker", "shown"), [(None, 1), ("raju", 0), ("ravi", 0)])
def test_typing_is_shown_to_nobody_who_blocks_or_is_blocked(
    world: Backend, chat: str, blocker: str | None, shown: int
) -> None:
    given.user(world, "ravi", "desk")
    desk = given.connected(world, "ravi", "desk")
    when.sends(world, "raju", chat)  # answered: no request any more
    if blocker:
        _chats(world).block(chat, blocker, blocked=True)
    world.api.requests.clear()
    when.raw(world, "ravi", "phone", {"action": "typing", "chat": chat})
    notice = {"type": "typing", "chat": chat, "user": "ravi"}
    assert world.frames("raju", "phone") == [notice] * shown
    assert world.api.frames(desk) == world.frames("ravi", "phone") == []


def test_a_blocked_user_sees_one_tick_and_the_other_one_sees_nothing(
    world: Backend, chat: str
) -> None:
    when.sends(world, "raju", chat)  # answered: no request any more
    given.user(world, "ravi", "desk")
    desk = given.connected(world, "ravi", "desk")
    _chats(world).block(chat, "raju", blocked=True)
    world.api.requests.clear()
    accepted = when.sends(world, "ravi", chat)
    assert then.valid(accepted)["type"] == "accepted"
    assert [frame["type"] for frame in world.api.frames(desk)] == ["message"]
    assert world.frames("raju", "phone") == []
    messages, synced = when.syncs(world, "raju", chats={chat: 1})
    assert messages == [] and synced["chats"][chat]["complete_to"] == accepted["seq"] == 2
    own, _ = when.syncs(world, "ravi", "desk", {chat: 1})
    assert [message["seq"] for message in own] == [2]
    when.acknowledges(world, "raju", chat, senders=["ravi"], read=2)
    assert _posted(world, "ravi") == []
    assert _shown_to(world, "ravi", chat, "raju") == {"delivered": 0, "read": 0}
    then.is_error(when.sends(world, "raju", chat), "forbidden")


def test_what_is_sent_after_unblocking_arrives(world: Backend, chat: str) -> None:
    _chats(world).block(chat, "raju", blocked=True)
    when.sends(world, "ravi", chat)
    _chats(world).block(chat, "raju", blocked=False)
    when.sends(world, "ravi", chat)
    messages, _ = when.syncs(world, "raju", chats={chat: 0})
    assert [message["seq"] for message in messages] == [2]


def test_ticks_say_nothing_of_what_a_block_has_hidden(world: Backend, chat: str) -> None:
    when.sends(world, "raju", chat)  # 1: answered, no request any more
    when.sends(world, "ravi", chat)  # 2
    chats = _chats(world)
    chats.block(chat, "raju", blocked=True)
    when.sends(world, "ravi", chat)  # 3
    when.sends(world, "ravi", chat)  # 4
    _, synced = when.syncs(world, "ravi", chats={chat: 4})
    assert "undelivered" not in synced["chats"][chat], "nobody hears of a block that lasts"
    for _ in range(2):
        chats.block(chat, "raju", blocked=False)
    when.sends(world, "ravi", chat)  # 5
    world.api.requests.clear()
    when.acknowledges(world, "raju", chat, senders=["ravi"], read=5)
    (receipt,) = _posted(world, "ravi")
    assert then.valid(receipt)["undelivered"] == [[3, 4]] and receipt["read"] == 5
    _, synced = when.syncs(world, "ravi", chats={chat: 5})
    assert synced["chats"][chat]["undelivered"] == [[3, 4]]
    _, synced = when.syncs(world, "raju", chats={chat: 5})
    assert "undelivered" not in synced["chats"][chat], "raju was blocked by nobody"


def test_undelivered_are_the_messages_of_blocks_by_the_named_users_alone() -> None:
    blocks = [("raju", 3, 4), ("ravi", 5, 5), ("raju", 7, 0), ("raju", 8, 9)]
    assert undelivered({"blocks": blocks}, {"raju"}) == ((3, 4), (8, 9))
    assert undelivered({"blocks": blocks}, {"ravi"}) == ((5, 5),)
    assert undelivered({}, {"raju"}) == ()


def test_each_block_has_its_positions() -> None:
    blocks = after_unblocking(after_blocking([], "raju", 2), "raju", 4)
    assert blocks == [("raju", 3, 4)]
    both = after_blocking(after_blocking(blocks, "raju", 6), "ravi", 7)
    assert both == [("raju", 3, 4), ("raju", 7, 0), ("ravi", 8, 0)]
    assert after_unblocking(both, "raju", 9) == [("ravi", 8, 0), ("raju", 3, 4), ("raju", 7, 9)]
    assert after_unblocking(both, "ravi", 7) == [("raju", 3, 4), ("raju", 7, 0)], "it hid nothing"
    for seq in range(20, 60, 2):
        blocks = after_unblocking(after_blocking(blocks, "raju", seq), "raju", seq + 1)
    assert len(blocks) == 10 and blocks[0] == ("raju", 3, 41) and blocks[-1] == ("raju", 59, 59)


def test_a_user_who_sends_no_read_receipts_keeps_own_marks(world: Backend, chat: str) -> None:
    when.sends(world, "raju", chat)
    when.sends(world, "ravi", chat)
    Contacts(world.aws.users).put_settings("raju", {"receipts": False})
    when.acknowledges(world, "raju", chat, senders=["ravi"], delivered=2)
    when.acknowledges(world, "raju", chat, senders=["ravi"], read=2)
    (receipt,) = _posted(world, "ravi")
    assert (receipt["delivered"], receipt["read"]) == (2, 0)
    assert _shown_to(world, "ravi", chat, "raju") == {"delivered": 2, "read": 0}
    assert _shown_to(world, "raju", chat, "raju") == {"delivered": 2, "read": 2}


def test_a_user_who_sends_no_read_receipts_sends_none_in_a_group(world: Backend) -> None:
    for user in ("ravi", "raju", "mira"):
        given.online(world, user)
    group = given.group(world, "ravi", "raju", "mira")
    when.sends(world, "ravi", group)
    Contacts(world.aws.users).put_settings("raju", {"receipts": False})
    for reader in ("raju", "mira"):
        when.acknowledges(world, reader, group, senders=["ravi"], delivered=1, read=1)
    receipts = {frame["user"]: frame["read"] for frame in _posted(world, "ravi")}
    assert receipts == {"raju": 0, "mira": 1}
    assert _shown_to(world, "ravi", group, "raju") == {"delivered": 1, "read": 0}
    assert _shown_to(world, "ravi", group, "mira") == {"delivered": 1, "read": 1}
    assert _shown_to(world, "raju", group, "raju") == {"delivered": 1, "read": 1}
