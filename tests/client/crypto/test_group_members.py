"""Who is in a chat: the server says so, and can't read, or let others read, what is not for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from client.core import events
from client.core.content import text_content
from client.core.engine import Engine
from client.core.frames import DevicesChanged, Message, Receipt, Synced, SyncedChat, Watermarks
from client.core.ids import ulid
from client.core.ticks import State
from tests.client.crypto.membership import asks, gets_nothing, member, quietly, receives
from tests.client.crypto.scene import Scene, frames, say

RAVI, RAJU, MIRA = "ravi/phone", "raju/phone", "mira/phone"


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene(RAVI, RAJU, MIRA)
    yield made
    made.close()


def synced(chat: str, seq: int, *users: str) -> Synced:
    members = {user: Watermarks() for user in users}
    return Synced({chat: SyncedChat(seq, 0, seq, members=members)})


# -- a direct chat is its two people


@pytest.mark.parametrize(
    "lie",
    [
        lambda chat: synced(chat, 1, "ravi", "raju", "mira"),
        lambda chat: synced(chat, 1, "ravi", "mira"),
        lambda chat: Receipt(chat, "mira", 1, 1),
    ],
    ids=["one more", "another", "a receipt"],
)
def test_nobody_is_added_to_a_direct_chat_whatever_the_server_says(scene: Scene, lie: Any) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "one")
    scene[RAVI].events.clear()
    scene.backend.put_into(chat, "mira")  # as every answer says from now on
    receives(scene, RAVI, lie(chat))
    say(scene, RAVI, chat, "secret")
    assert list(frames(scene, chat)[-1]["to"]) == [RAJU]
    assert scene[RAVI].store.members(chat).keys() == {"ravi", "raju"}
    assert scene[RAVI].reported(events.MembersChanged) == []
    gets_nothing(scene, MIRA, chat, frames(scene, chat)[-1]["message_id"])


def test_a_list_of_others_from_the_beginning_lets_nothing_be_sent(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    with scene[RAVI].table() as db:  # kind and members come by two ways, and one may come alone
        db.execute("DELETE FROM members")
        db.execute("UPDATE chats SET members_told = 0")
    scene.backend.put_into(chat, "mira")
    scene[RAVI].crash()
    scene[RAVI].connect()
    scene.settle()
    name = say(scene, RAVI, chat, "to whom?")
    assert frames(scene, chat) == []
    (failed,) = scene[RAVI].reported(events.StateChanged)
    assert (failed.message_id, failed.state) == (name, State.FAILED)
    assert failed.reason == "the backend says that others are in this direct chat"


def test_what_a_third_one_writes_into_a_direct_chat_is_not_opened_and_not_asked_for(
    scene: Scene,
) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "one")
    mira, ravi = scene[MIRA], scene[RAVI]
    mira.store.describe(chat, "group")
    mira.step(Engine.chat_is, chat, {"ravi", "mira"})
    with mira.table() as db:
        db.execute("UPDATE chats SET kind = 'direct'")
    name = ulid(7, mira.random)
    mira.step(Engine.send, name, chat, text_content("pay here"))
    while mira.wanted:
        mira.fetch()
    (frame,) = [one for one in mira.up if one["action"] == "send"]
    mira.up.clear()
    shown = Message(chat, 2, name, "mira", "phone", ravi.clock(), "olm.v1", frame["to"][RAVI])
    receives(scene, RAVI, shown)
    (message,) = ravi.store.history(chat, 1)
    assert (message.seq, message.sender, message.text) == (2, "mira", None)
    assert message.reason == "its sender is not in this chat"
    before = len(frames(scene, chat))
    scene.settle(seconds=4)
    assert len(frames(scene, chat)) == before
    ravi.accept("mira")  # nor does anything open it later
    assert ravi.store.history(chat, 1)[0].text is None


# -- a receipt tells nobody who is a member


def test_a_late_receipt_of_a_removed_member_does_not_bring_it_back(scene: Scene) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "to three")
    scene.backend.change_members(chat, [], ["mira"])
    scene.settle()
    receipt = Receipt(chat, "mira", 2, 2)
    scene[RAVI].step(Engine.received, receipt)
    assert scene[RAVI].store.members(chat).keys() == {"ravi", "raju"}
    say(scene, RAVI, chat, "to two")
    keys = [frame for frame in frames(scene, chat) if frame["alg"] == "olm.v1"]
    assert [sorted(frame["to"]) for frame in keys] == [[MIRA, RAJU], [RAJU]]


def test_a_receipt_of_somebody_unknown_makes_the_client_ask_who_is_in(scene: Scene) -> None:
    chat = scene.group("ravi", "raju")
    name = say(scene, RAVI, chat, "old")
    scene.settle(seconds=61)
    quietly(scene, chat, "mira")
    receives(scene, RAVI, Receipt(chat, "mira", 2, 0))
    assert "mira" in scene[RAVI].store.members(chat)
    member(scene, MIRA, chat)
    gets_nothing(scene, MIRA, chat, name)


def test_an_empty_list_of_members_says_nothing(scene: Scene) -> None:
    chat = scene.group("ravi", "raju")
    name = say(scene, RAVI, chat, "old")
    scene.settle(seconds=61)
    scene[RAVI].step(Engine.chat_is, chat, [])
    receives(scene, RAVI, Synced({chat: SyncedChat(2, 0, 2)}))
    assert scene[RAVI].store.members(chat).keys() == {"ravi", "raju"}
    scene.backend.change_members(chat, ["mira"], [])
    scene.settle()
    member(scene, MIRA, chat)
    gets_nothing(scene, MIRA, chat, name)


# -- who comes and goes is reported


def changes(scene: Scene, chat: str) -> list[Mapping[str, Any]]:
    reported = scene[RAVI].reported(events.MembersChanged)
    assert {event.chat for event in reported} <= {chat}
    return [{"joined": event.joined, "left": event.left} for event in reported]


def test_joining_and_leaving_members_are_reported_at_once(scene: Scene) -> None:
    chat = scene.group("ravi", "raju")
    assert changes(scene, chat) == []  # the first time says who is in, not who has come
    scene.backend.change_members(chat, ["mira"], [])
    scene.settle()
    scene.backend.change_members(chat, [], ["raju", "mira"])
    scene.settle()
    joined, left = {"joined": ("mira",), "left": ()}, {"joined": (), "left": ("mira", "raju")}
    assert changes(scene, chat) == [joined, left]


def test_an_answer_from_before_a_change_changes_nobody(scene: Scene) -> None:
    chat = scene.group("ravi", "raju")
    ravi = scene[RAVI]
    ravi.step(Engine.sync)
    ravi.handled()
    before = ravi.down.pop()
    scene.backend.change_members(chat, ["mira"], [])
    ravi.receive()  # the news is faster than the answer
    receives(scene, RAVI, ravi.parsed(before))
    assert changes(scene, chat) == [{"joined": ("mira",), "left": ()}]


def test_the_news_of_a_chat_that_is_not_known_asks_for_nothing(scene: Scene) -> None:
    scene[RAVI].step(Engine.received, DevicesChanged("mira", "G9"))
    assert [frame for frame in scene[RAVI].up if frame["action"] == "sync"] == []


# -- asking is no way out of a session


@pytest.mark.parametrize("asked_for", [[], ["nothing"]])
def test_who_asks_and_leaves_cannot_read_what_comes_after(
    scene: Scene, asked_for: list[str]
) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "to three")
    asks(scene, MIRA, chat, *asked_for)
    scene.backend.change_members(chat, [], ["mira"])
    scene.settle()
    say(scene, RAVI, chat, "to two")
    texts = [frame["payload"] for frame in frames(scene, chat) if frame["alg"] == "megolm.v1"]
    assert len({payload.partition(".")[0] for payload in texts}) == 2


def test_who_asks_and_stays_is_sent_the_key_of_the_same_session_once_more(scene: Scene) -> None:
    chat = scene.group("ravi", "raju", "mira")
    say(scene, RAVI, chat, "one")
    asks(scene, MIRA, chat)
    say(scene, RAVI, chat, "two")
    say(scene, RAVI, chat, "three")
    keys = [f for f in frames(scene, chat) if f["alg"] == "olm.v1" and f["sender"] == "ravi"]
    assert [sorted(frame["to"]) for frame in keys] == [[MIRA, RAJU], [MIRA]]
    texts = [frame["payload"] for frame in frames(scene, chat) if frame["alg"] == "megolm.v1"]
    assert len({payload.partition(".")[0] for payload in texts}) == 1
