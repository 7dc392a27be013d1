"""A request shows nothing: what a client would send by itself waits until its user has accepted."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from client.core.content import VERSION, parse
from client.core.engine import Engine
from client.core.ids import change_id
from lambdas.messages.direct import Begin, DirectChats
from tests.client.crypto.scene import Scene, break_sessions, frames, say

RAVI, RAJU, TAB = "ravi/phone", "raju/phone", "raju/tab"


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene(RAVI, RAJU)
    yield made
    made.close()


def request(scene: Scene) -> str:
    """The chat that ravi, a stranger, has begun with raju. No device of raju's knows of it yet."""
    backend = scene.backend
    chats = DirectChats(backend.table("Chats"), backend.table("Users"))
    chat = chats.begin("ravi", "raju", lambda: Begin(request=True))[0].chat
    scene[RAVI].store.describe(chat, "direct")
    scene[RAVI].step(Engine.chat_is, chat, ["ravi", "raju"])
    return chat


def unreadable(scene: Scene) -> str:
    """A request with a text that raju/tab, which has lost its sessions, can't read."""
    scene.add(TAB).connect()
    chat = request(scene)
    say(scene, RAVI, chat, "one")
    break_sessions(scene[TAB])
    say(scene, RAVI, chat, "two")
    assert scene[TAB].texts(chat) == ["one", None]
    return chat


def shown(scene: Scene, chat: str) -> tuple[list[str], int]:
    """What the stranger can notice: whose messages took a seq, and that a key was claimed."""
    keys = scene.backend.one_time_keys("ravi", "phone")
    return [f"{each['sender']}/{each['sender_device']}" for each in frames(scene, chat)], len(keys)


def _accept(scene: Scene, chat: str) -> None:
    chats, users = scene.backend.table("Chats"), scene.backend.table("Users")
    DirectChats(chats, users).accept(chat, "raju")


def accepts(scene: Scene, chat: str) -> None:
    """By the REST API, from a device whose client does not hear of it by that."""
    _accept(scene, chat)
    scene.backend.tell({"type": "chat_changed", "chat": chat}, "raju")


def lists(scene: Scene, chat: str) -> None:
    _accept(scene, chat)
    scene[TAB].step(Engine.chat_is, chat, ["ravi", "raju"])


def answers(scene: Scene, chat: str) -> None:
    say(scene, RAJU, chat, "hello, who are you?")


def answers_there(scene: Scene, chat: str) -> None:
    say(scene, TAB, chat, "hello, who are you?")


@pytest.mark.parametrize("agrees", [accepts, lists, answers, answers_there])
def test_a_stranger_is_asked_for_what_can_not_be_read_only_when_the_user_has_accepted(
    scene: Scene, agrees: Callable[[Scene, str], None]
) -> None:
    chat = unreadable(scene)
    before = shown(scene, chat)
    for seconds in (4, 70, 4_000):  # each time at which a sender is asked
        scene.settle(seconds=seconds)
    scene[TAB].leave()
    scene[TAB].connect()
    scene.settle(seconds=5)
    scene[TAB].crash()
    scene[TAB].connect()
    scene.settle(seconds=5)
    assert shown(scene, chat) == before
    agrees(scene, chat)
    for _ in range(3):
        scene.settle(seconds=5)
    assert scene[TAB].texts(chat)[:2] == ["one", "two"]


def test_a_device_that_does_not_know_the_chat_asks_first_whether_it_is_a_request(
    scene: Scene,
) -> None:
    """A message comes live, and says nothing of that."""
    chat = request(scene)
    say(scene, RAVI, chat, "one")
    break_sessions(scene[RAJU])
    say(scene, RAVI, chat, "two")
    assert scene[RAJU].texts(chat) == ["one", None]
    before = shown(scene, chat)
    scene.settle(seconds=5)
    assert shown(scene, chat) == before


@pytest.mark.parametrize("kind", ["sas", "content", "a later kind"])
@pytest.mark.parametrize("to", [RAVI, TAB])
def test_what_is_for_one_device_waits_in_a_request_whosever_device_it_is(
    scene: Scene, kind: str, to: str
) -> None:
    """The seq that it takes would be seen, also of what goes to an own device."""
    chat = unreadable(scene)
    before = shown(scene, chat)
    fields: dict[str, Any] = {"content": {"v": 1, "kind": "timer", "seconds": 60}, "txn": "t"}
    scene[RAJU].step(Engine.send_to_device, chat, to, kind, fields)
    scene.settle(seconds=5)
    assert shown(scene, chat) == before
    accepts(scene, chat)
    scene.settle()
    assert RAJU in shown(scene, chat)[0]


def test_a_stranger_who_asks_for_what_the_user_has_done_in_a_request_gets_no_copy_yet(
    scene: Scene,
) -> None:
    """A reaction is no answer."""
    chat = request(scene)
    say(scene, RAVI, chat, "hello")
    reference = {"by": RAVI, "id": frames(scene, chat)[0]["message_id"]}
    react(scene, chat, reference)
    break_sessions(scene[RAVI])
    react(scene, chat, reference)
    before = len(frames(scene, chat))
    scene.settle(seconds=5)
    assert [each["sender"] for each in frames(scene, chat)[before:]] == ["ravi"]
    answers(scene, chat)
    scene.settle(seconds=5)
    senders = [each["sender"] for each in frames(scene, chat)[before:]]
    assert senders == ["ravi", "raju", "raju"]  # the answer, and the copy


def react(scene: Scene, chat: str, of: dict[str, str]) -> None:
    raju = scene[RAJU]
    content = parse({"v": VERSION, "kind": "reaction", "of": of, "emoji": "👍"})
    message_id = change_id(int(raju.clock() * 1000), raju.random)
    raju.step(Engine.send, message_id, chat, content)
    scene.settle()


def test_typing_is_sent_to_nobody_before_the_user_has_accepted(scene: Scene) -> None:
    chat = request(scene)
    say(scene, RAVI, chat, "hello")
    scene[RAJU].step(Engine.typing, chat)
    assert scene[RAJU].up == []
    answers(scene, chat)
    scene[RAJU].step(Engine.typing, chat)
    assert [frame["action"] for frame in scene[RAJU].up] == ["typing"]


def test_a_request_that_was_accepted_stays_accepted_whatever_frame_comes_later(
    scene: Scene,
) -> None:
    """A response may be from before."""
    chat, raju = request(scene), scene[RAJU]
    seen = []
    for heard in (True, True, False, True):
        raju.step(partial(Engine.chat_is, request=heard), chat, ["ravi", "raju"])
        seen.append(raju.store.request(chat))
    assert seen == [True, True, False, False]


def listed_before(scene: Scene, chat: str) -> None:
    accepts(scene, chat)
    scene.settle()
    scene[TAB].step(partial(Engine.chat_is, request=True), chat, ["ravi", "raju"])


def synced_before(scene: Scene, chat: str) -> None:
    tab = scene[TAB]
    tab.step(Engine.sync)
    tab.handled()
    accepts(scene, chat)
    tab.down.insert(0, tab.down.pop())  # `chat_changed` overtakes the response


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("happens", [listed_before, synced_before])
def test_an_acceptance_counts_although_a_response_from_before_comes_after_it(
    scene: Scene, known: bool, happens: Callable[[Scene, str], None]
) -> None:
    scene.add(TAB).connect()
    scene.settle()
    chat = request(scene)
    if known:
        say(scene, RAVI, chat, "one")
    assert scene[TAB].store.request(chat) is (True if known else None)
    happens(scene, chat)
    scene.settle()
    assert scene[TAB].store.request(chat) is False
