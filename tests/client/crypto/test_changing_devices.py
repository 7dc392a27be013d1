"""Devices that come, go and change: nobody is left out for good, nobody is believed by mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from client.core import events
from client.core.cipher import FetchResult, Lists
from client.core.engine import Engine
from client.core.ids import is_shown
from client.core.ticks import State
from tests.client.crypto.scene import Scene, break_sessions, frames, say
from tests.support.backend.faults import Request, Response

RAVI, RAJU, DESK = "ravi/phone", "raju/phone", "ravi/desk"


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene(RAVI, RAJU)
    yield made
    made.close()


# -- texts wait until they can be sealed, and are sealed once


def test_a_text_written_offline_is_kept_as_text_and_sealed_when_there_is_a_connection(
    scene: Scene,
) -> None:
    chat = scene.direct("ravi", "raju")
    scene[RAVI].leave()
    name = scene[RAVI].send(chat, "from the lift")
    assert [draft.content.text for draft in scene[RAVI].store.drafts()] == ["from the lift"]
    assert scene[RAVI].store.queued() == []
    scene[RAVI].crash()
    assert scene[RAVI].engine.unaccepted == 1
    scene.add("raju/tab").connect()  # registered after it was written
    scene[RAVI].connect()
    scene.settle()
    for device in scene.devices.values():
        assert device.texts(chat) == ["from the lift"]
    assert frames(scene, chat)[0]["message_id"] == name


def test_a_sealed_text_is_sent_again_byte_by_byte_the_same(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "first")
    scene[RAVI].send(chat, "again")
    (first,) = scene[RAVI].up
    scene[RAVI].crash()
    scene[RAVI].connect()
    while scene[RAVI].up or scene[RAVI].down:
        if scene[RAVI].up and scene[RAVI].up[0]["action"] == "send":
            break
        (scene[RAVI].handled if scene[RAVI].up else scene[RAVI].receive)()
    assert scene[RAVI].up[0] == first
    scene.settle()
    assert scene[RAJU].texts(chat) == ["first", "again"]


def test_texts_of_a_chat_keep_their_order_while_keys_are_fetched(scene: Scene) -> None:
    chat = scene.group("ravi", "raju")
    for n in range(5):
        scene[RAVI].send(chat, f"line {n}")
    scene.settle()
    assert scene[RAJU].texts(chat) == [f"line {n}" for n in range(5)]


def test_lists_are_asked_for_after_each_connect_and_after_each_change_and_not_else(
    scene: Scene,
) -> None:
    chat = scene.direct("ravi", "raju")
    ravi = scene[RAVI]

    def asked() -> list[str]:
        return sorted(request.user for request in ravi.wanted if isinstance(request, Lists))

    ravi.send(chat, "one")
    assert asked() == ["raju"]  # one's own is asked for in any case
    scene.settle()
    ravi.send(chat, "two")
    assert asked() == []
    scene.settle()
    scene.backend.tell({"type": "devices_changed", "user": "raju"})
    scene.settle()
    ravi.send(chat, "three")
    assert asked() == [], "it was asked for when it had changed"
    scene.settle()
    ravi.leave()
    ravi.connect()
    scene.settle()
    ravi.send(chat, "four")
    assert asked() == ["raju"]
    scene.settle()
    assert scene[RAJU].texts(chat) == ["one", "two", "three", "four"]


def test_an_answer_from_before_a_change_does_not_count(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    ravi = scene[RAVI]
    ravi.send(chat, "hi")
    responses = [(request, scene.backend.listed(request.user)) for request in ravi.wanted
               if isinstance(request, Lists)]  # fmt: skip
    ravi.wanted.clear()
    scene.add("raju/tab").connect()  # meanwhile; and the news of it is faster than the response
    while ravi.down:
        ravi.receive()
    for request, found in responses:
        ravi.step(Engine.fetch_succeeded, FetchResult(request, found))
    scene.settle()
    assert scene["raju/tab"].texts(chat) == ["hi"]


def test_an_answer_that_is_older_than_another_does_not_bring_a_removed_device_back(
    scene: Scene,
) -> None:
    scene.add("raju/old").connect()
    scene.settle()
    chat = scene.group("ravi", "raju")
    ravi = scene[RAVI]
    say(scene, RAVI, chat, "one")
    scene.backend.tell({"type": "devices_changed", "user": "raju"})
    ravi.receive()
    ravi.send(chat, "two")
    (late,) = [request for request in ravi.wanted if isinstance(request, Lists)]
    ravi.wanted.remove(late)
    response = FetchResult(late, scene.backend.listed("raju"))
    scene["raju/old"].lose_connection()
    scene.backend.remove("raju", "old")
    scene.settle()
    ravi.step(Engine.fetch_succeeded, response)
    say(scene, RAVI, chat, "three")
    assert "raju/old" not in ravi.encryption.identities.receivers({"raju"})
    keys = [frame for frame in frames(scene, chat) if frame["alg"] == "olm.v1"]
    assert [sorted(frame["to"]) for frame in keys] == [["raju/old", RAJU], [RAJU]]


def test_of_two_answers_without_a_change_between_them_the_later_question_s_counts(
    scene: Scene,
) -> None:
    ravi = scene[RAVI]
    first, second = (ravi.step(Engine.look_at, "raju") for _ in range(2))
    here = scene.backend.listed("raju")
    counted: list[bool] = []
    for request, found in ((second, here), (first, {}), (second, {})):
        response = FetchResult(request, found)
        ravi.step(lambda engine, step, a=response: counted.append(engine.fetch_succeeded(step, a)))
    assert counted == [True, False, False]
    assert RAJU in ravi.encryption.identities.receivers({"raju"})


def test_a_directory_that_does_not_answer_is_asked_again_and_the_text_waits(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    ravi = scene[RAVI]
    ravi.send(chat, "patience")
    for _ in range(3):
        requests = ravi.wanted.copy()
        ravi.wanted.clear()
        for request in requests:
            ravi.step(Engine.fetch_failed, request)
        assert ravi.wanted == []  # after a pause
        due = ravi.engine.next_due()
        assert due is not None
        scene.backend.now = max(due, scene.backend.now) + 5
        ravi.step(Engine.due)
        assert ravi.wanted
    scene.settle()
    assert scene[RAJU].texts(chat) == ["patience"]


# -- who sent it


def test_nothing_is_taken_of_an_unknown_device_before_it_is_known(
    scene: Scene,
) -> None:
    chat = scene.direct("ravi", "raju")
    scene[RAVI].send(chat, "who is this?")
    for _ in range(3):
        while scene[RAVI].wanted:
            scene[RAVI].fetch()
    scene[RAVI].handled()
    raju = scene[RAJU]
    while raju.down:
        raju.receive()
    assert raju.texts(chat) == []
    assert {position.watermark for position in raju.store.read_positions()} == {0}
    assert [request for request in raju.wanted if isinstance(request, Lists)]
    raju.crash()  # nothing is lost by that: the server has it
    raju.connect()
    scene.settle()
    assert raju.texts(chat) == ["who is this?"]
    assert raju.reported(events.MessageReceived)[0].text == "who is this?"


def test_a_list_from_before_the_first_message_of_a_device_does_not_mean_that_there_is_none(
    scene: Scene,
) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "one")
    say(scene, RAJU, chat, "two")  # both have lists of both
    scene.backend.faults.lose("devices_changed")
    scene.add(DESK).connect()
    scene.settle()
    say(scene, DESK, chat, "from the desk")
    assert scene[RAJU].texts(chat)[-1] == scene[RAVI].texts(chat)[-1] == "from the desk"


def test_why_a_message_waits_is_not_forgotten_when_others_have_read_it(scene: Scene) -> None:
    scene.add(DESK).connect()
    scene.settle()
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "one")
    break_sessions(scene[DESK])
    with scene[DESK].table() as db:
        db.execute("DELETE FROM known_sessions")
    scene[RAVI].send(chat, "two")
    scene.settle(seconds=0.5)
    waiting = scene[DESK].store.history(chat, 1)[0]
    assert waiting.text is None
    assert waiting.state is State.DELIVERED
    assert waiting.reason


def test_a_sender_that_the_directory_does_not_list_is_not_believed(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    scene[RAVI].send(chat, "I was here")
    for _ in range(3):
        while scene[RAVI].wanted:
            scene[RAVI].fetch()
    scene[RAVI].handled()
    scene[RAVI].lose_connection()
    scene.backend.forget_device("ravi", "phone")
    scene.settle()
    (message,) = scene[RAJU].store.history(chat)
    assert message.text is None
    assert message.reason == "ravi/phone is not known"


def test_a_list_with_a_wrong_signature_has_no_such_device(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    scene.add("raju/tab").connect()
    scene.backend.list_keys_of_another("raju", "tab", "phone")
    say(scene, RAVI, chat, "hi")
    assert list(frames(scene, chat)[0]["to"]) == [RAJU]


def test_a_claimed_key_with_a_wrong_signature_begins_nothing(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    (key,) = scene.backend.claim([RAVI], by="mira").values()
    scene.backend.faults.responds = lambda request, truth: (
        truth._replace(body={"keys": {RAJU: key}}) if "claim" in request.path else truth
    )
    say(scene, RAVI, chat, "hi")
    assert frames(scene, chat)[0]["to"] == {}


# -- missing, stale, without a key


def test_a_device_that_was_added_a_second_ago_gets_the_text_as_a_copy(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "begin")
    scene.backend.faults.lose("devices_changed")
    scene.add("raju/tab").connect()
    name = say(scene, RAVI, chat, "to all of yours")
    assert scene["raju/tab"].texts(chat)[-1] == "to all of yours"
    copies = [frame for frame in frames(scene, chat) if not is_shown(frame["message_id"])]
    assert [list(frame["to"]) for frame in copies] == [["raju/tab"]]
    assert [event.message_id for event in scene["raju/tab"].reported(events.MessageReadable)] == [
        name
    ]
    assert scene[RAJU].texts(chat) == ["begin", "to all of yours"]
    assert len(scene[RAJU].reported(events.MessageReceived)) == 2  # the copy is not for it


def test_a_crash_after_the_acceptance_does_not_forget_who_is_to_get_a_copy(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "begin")
    scene.backend.faults.lose("devices_changed")
    scene.add("raju/tab").connect()
    ravi = scene[RAVI]
    ravi.send(chat, "to all of yours")
    ravi.handled()
    while ravi.down:
        ravi.receive()
    ravi.crash()
    ravi.connect()
    scene.settle()
    assert scene["raju/tab"].texts(chat)[-1] == "to all of yours"


def test_a_device_that_is_no_more_is_not_written_to_and_what_it_wrote_is_still_readable(
    scene: Scene,
) -> None:
    scene.add("raju/tab").connect()
    scene.settle()
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "begin")
    say(scene, "raju/tab", chat, "hello")
    scene.backend.faults.lose("devices_changed", "message")
    say(scene, "raju/tab", chat, "my last words")
    scene["raju/tab"].lose_connection()
    scene.backend.remove("raju", "tab")
    scene.backend.faults.lose_nothing()
    say(scene, RAVI, chat, "stale")
    scene.settle(seconds=1)
    assert "raju/tab" in frames(scene, chat)[-1]["to"]
    assert scene[RAVI].texts(chat) == ["begin", "hello", "my last words", "stale"]
    say(scene, RAVI, chat, "after")
    assert list(frames(scene, chat)[-1]["to"]) == [RAJU]


def state_of(scene: Scene, message_id: str) -> State:
    own = scene[RAVI].store.own(message_id)
    assert own is not None
    return own.state


def test_a_device_without_a_key_is_left_out_and_sent_a_copy_with_the_next_text(
    scene: Scene,
) -> None:
    chat = scene.direct("ravi", "raju")
    scene.backend.faults.may_claim = lambda *_: False  # too many were claimed
    name = say(scene, RAVI, chat, "one")
    scene.settle(seconds=0.5)
    assert frames(scene, chat)[0]["to"] == {}
    assert state_of(scene, name) is State.SENT  # it can't be read yet
    assert scene[RAJU].texts(chat) == [None]
    allowed = [True]
    scene.backend.faults.may_claim = lambda *_: bool(allowed) and allowed.pop()
    say(scene, RAVI, chat, "two")
    assert scene[RAJU].texts(chat) == ["one", "two"]
    scene.settle(seconds=0.5)
    assert state_of(scene, name) is State.DELIVERED


def without_a_key_of(address: str) -> Callable[[Request, Response], Response]:
    def responds(request: Request, truth: Response) -> Response:
        if not request.path.endswith("/claim"):
            return truth
        keys = {name: key for name, key in truth.body["keys"].items() if name != address}
        return truth._replace(body={"keys": keys})

    return responds


def test_in_a_group_too_a_device_without_a_key_catches_up(scene: Scene) -> None:
    scene.add("mira/phone").connect()
    chat = scene.group("ravi", "raju", "mira")
    scene.backend.faults.responds = without_a_key_of("mira/phone")
    say(scene, RAVI, chat, "one")
    assert scene["mira/phone"].texts(chat) == [None]
    scene.backend.faults.responds = lambda request, truth: truth
    say(scene, RAVI, chat, "two")
    scene.settle(seconds=0.5)
    assert scene["mira/phone"].texts(chat) == ["one", "two"]


def test_a_text_for_more_devices_than_a_frame_takes_goes_in_parts(scene: Scene) -> None:
    for name in ("a", "b", "c"):
        scene.add(f"raju/{name}").connect()
    chat = scene.direct("ravi", "raju")
    text = "x" * 9_000
    say(scene, RAVI, chat, text)
    parts = frames(scene, chat)
    assert [len(frame["to"]) for frame in parts] == [1, 1, 1, 1]
    assert [is_shown(frame["message_id"]) for frame in parts] == [True, False, False, False]
    for device in scene.devices.values():
        assert device.texts(chat) == [text]
    assert scene[RAVI].store.queued() == []
    scene.settle(seconds=4)
    assert len(frames(scene, chat)) == 4  # nobody is owed anything
