"""Olm sessions: one chat and one pair of devices each, no message opened twice."""

from __future__ import annotations

from typing import Any

import pytest

from client.core.engine import Engine
from client.core.events import MessageReceived
from client.core.frames import Message
from client.core.ids import ulid
from client.crypto.sessions import KEPT, OlmSessions
from tests.client.crypto.scene import Device, Scene, frames

RAVI, RAJU = "ravi/phone", "raju/phone"


@pytest.fixture
def scene() -> Any:
    made = Scene(RAVI, RAJU)
    yield made
    made.close()


def last(scene: Scene, chat: str) -> dict[str, Any]:
    return frames(scene, chat)[-1]


def sessions(device: Device, chat: str) -> list[str]:
    rows = device.db.execute("SELECT session_id FROM olm_sessions WHERE chat = ?", (chat,))
    return [session_id for (session_id,) in rows]


def test_the_first_message_begins_a_session_and_the_answer_settles_it(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    kinds = []
    for who in (RAVI, RAVI, RAJU, RAVI):
        scene[who].send(chat, "hi")
        scene.settle()
        kinds.append(next(iter(last(scene, chat)["to"].values()))[0])
    assert kinds == ["0", "0", "1", "1"]
    assert sessions(scene[RAVI], chat) == sessions(scene[RAJU], chat)
    assert len(sessions(scene[RAVI], chat)) == 1


def test_each_chat_has_its_own_session(scene: Scene) -> None:
    """A session keeps 40 skipped keys: one chat's backlog must not use up another's."""
    scene.add("mira/phone").connect()
    direct, group = scene.direct("ravi", "raju"), scene.group("ravi", "raju", "mira")
    scene[RAVI].send(direct, "first")
    scene[RAVI].send(group, "first")
    scene.settle()
    assert not set(sessions(scene[RAJU], direct)) & set(sessions(scene[RAJU], group))


def backlog(scene: Scene) -> list[str | None]:
    """60 texts that do not arrive, while keys of another chat do; what is shown of them then."""
    scene.add("mira/phone").connect()
    scene.settle()
    direct, group = scene.direct("ravi", "raju"), scene.group("ravi", "raju", "mira")
    for chat in (direct, group):
        scene[RAVI].send(chat, "begin")
        scene.settle()
    scene.backend.faults.to_client = lambda user, frame: (
        [] if (user, frame["type"], frame.get("chat")) == ("raju", "message", direct) else [frame]
    )
    for n in range(60):
        scene[RAVI].send(direct, f"line {n}")
        scene.settle()
    scene.backend.faults.lose_nothing()
    scene.backend.change_members(group, [], ["mira"])  # so that there is a new key for raju
    scene.settle()
    scene[RAVI].send(group, "without mira")
    scene.settle()
    assert scene[RAJU].texts(group)[-1] == "without mira"
    scene[RAJU].step(Engine.sync)
    scene.settle()
    return scene[RAJU].texts(direct)[1:]


def test_a_backlog_in_one_chat_does_not_spoil_another(scene: Scene) -> None:
    assert backlog(scene) == [f"line {n}" for n in range(60)]


def test_one_session_for_all_chats_would_lose_keys_that_were_skipped(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the test above would miss if sessions were shared."""
    for name in ("start", "encrypt", "decrypt"):
        real = getattr(OlmSessions, name)
        monkeypatch.setattr(
            OlmSessions,
            name,
            lambda self, chat, *rest, r=real, **named: r(self, "", *rest, **named),
        )
    monkeypatch.setattr(
        OlmSessions, "__contains__", lambda self, place: bool(self._ids("", place[1]))
    )
    assert backlog(scene).count(None) == 20  # of 60, the 40 newest keys were kept


def test_both_may_begin_at_the_same_time(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    for who in (RAVI, RAJU):
        scene[who].send(chat, f"from {who}")
        for _ in range(3):  # lists and claims, and the frame is on its way
            while scene[who].wanted:
                scene[who].fetch()
    scene.settle()
    assert sorted(map(str, scene[RAVI].texts(chat))) == [f"from {RAJU}", f"from {RAVI}"]
    assert sessions(scene[RAVI], chat)
    for n in range(6):
        scene[(RAVI, RAJU)[n % 2]].send(chat, f"line {n}")
        scene.settle()
    assert scene[RAVI].texts(chat) == scene[RAJU].texts(chat)
    assert None not in scene[RAVI].texts(chat)


def test_what_is_sealed_uses_the_session_that_last_opened_something(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    scene[RAVI].send(chat, "on the first")
    scene.settle()
    scene[RAJU].send(chat, "heard")
    scene.settle()
    (first,) = sessions(scene[RAVI], chat)
    with scene[RAVI].table():
        raju = scene[RAVI].encryption.identities.trusted(RAJU)
        assert raju is not None
        key = next(iter(scene.backend.claim([RAJU], by="ravi").values()))["key"]
        scene[RAVI].encryption._sessions.start(chat, raju, key)
    scene[RAVI].send(chat, "still on the first")
    scene.settle()
    assert sessions(scene[RAJU], chat) == [first]


def test_no_more_than_five_sessions_are_kept_the_newest_among_them(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    scene[RAVI].send(chat, "begin")
    scene.settle()
    scene[RAJU].send(chat, "heard")
    scene.settle()
    with scene[RAVI].table():
        raju = scene[RAVI].encryption.identities.trusted(RAJU)
        assert raju is not None
        for n in range(KEPT + 3):
            (claimed,) = scene.backend.claim([RAJU], by=f"user{n}").values()
            key = claimed["key"]
            scene[RAVI].encryption._sessions.start(chat, raju, key)
            newest = (
                scene[RAVI]
                .db.execute("SELECT session_id FROM olm_sessions ORDER BY touched DESC LIMIT 1")
                .fetchone()
            )
    kept = sessions(scene[RAVI], chat)
    assert len(kept) == KEPT
    assert newest[0] in kept
    (known,) = scene[RAVI].db.execute("SELECT count(*) FROM known_sessions").fetchone()
    assert known == KEPT + 4


def replayed(scene: Scene, message: dict[str, Any], chat: str | None = None) -> MessageReceived:
    """The server shows the same ciphertext again, as another message."""
    chat = chat or message["chat"]
    raju = scene[RAJU]
    seq = {position.chat: position.watermark for position in raju.store.read_positions()}[chat] + 1
    again = Message(
        chat, seq, ulid(1, raju.random), "ravi", "phone", 9.0, message["alg"], message["to"][RAJU]
    )
    raju.events.clear()
    raju.step(Engine.received, again)
    (event,) = raju.reported(MessageReceived)
    assert isinstance(event, MessageReceived)
    return event


def test_a_ciphertext_that_is_shown_again_opens_nothing(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    scene[RAVI].send(chat, "once")
    scene.settle()
    assert replayed(scene, last(scene, chat)).text is None


def test_the_beginning_of_a_session_by_the_fallback_key_counts_once(scene: Scene) -> None:
    """The key is still there and would open it again, in this chat and in every other."""
    scene.backend.lose_one_time_keys("raju", "phone")
    chat, other = scene.direct("ravi", "raju"), scene.group("ravi", "raju")
    scene[RAVI].send(chat, "once")
    scene.settle()
    message = last(scene, chat)
    scene[RAJU].db.execute("DELETE FROM olm_sessions")  # long ago: no longer among those kept
    assert "old session" in (replayed(scene, message).reason or "")
    assert "old session" in (replayed(scene, message, other).reason or "")


def test_without_the_memory_of_sessions_the_fallback_key_opens_it_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the test above would miss if that memory were taken out."""
    scene.backend.lose_one_time_keys("raju", "phone")
    chat = scene.direct("ravi", "raju")
    scene[RAVI].send(chat, "once")
    scene.settle()
    message = last(scene, chat)
    scene[RAJU].db.execute("DELETE FROM olm_sessions")
    monkeypatch.setattr(OlmSessions, "_known", lambda self, session_id: False)
    reason = replayed(scene, message).reason or ""
    assert reason == "made for another id"  # opened; only what is inside gave it away


def test_the_same_message_at_two_positions_is_one_and_its_ratchet_moves_once(scene: Scene) -> None:
    chat = scene.direct("ravi", "raju")
    name = scene[RAVI].send(chat, "once")
    scene.settle()
    frame = {"action": "send", "message_id": name, "chat": chat, "alg": "olm.v1"}
    frame["to"] = last(scene, chat)["to"]
    connection = scene[RAVI].connection
    assert connection is not None
    scene.backend.handle(connection, frame)  # a resend whose first answer was lost
    scene[RAVI].send(chat, "after")
    scene.settle()
    assert scene[RAJU].texts(chat) == ["once", "after"]


@pytest.mark.sampled
@pytest.mark.parametrize(
    "payload", ["", "0", "0.", "1.", "2.AAAA", "0.AAAA", "1.AAAA", "1.!!", "x", "0." + "A" * 300]
)
def test_what_is_no_olm_message_is_kept_and_shown_as_waiting(scene: Scene, payload: str) -> None:
    chat = scene.direct("ravi", "raju")
    scene[RAVI].send(chat, "begin")
    scene.settle()
    event = replayed(scene, {"chat": chat, "alg": "olm.v1", "to": {RAJU: payload}})
    assert event.text is None
    assert event.reason
    scene[RAVI].send(chat, "and on")
    scene.settle()


def test_a_message_moved_to_another_chat_of_the_same_two_is_not_believed(scene: Scene) -> None:
    chat, other = scene.direct("ravi", "raju"), scene.group("ravi", "raju")
    scene[RAVI].send(chat, "for this chat")
    for _ in range(4):
        while scene[RAVI].wanted:
            scene[RAVI].fetch()
    scene[RAVI].handled()
    scene[RAJU].down.clear()  # the server shows it elsewhere instead
    message = last(scene, chat)
    scene[RAJU].step(Engine.chat_is, other, {"ravi", "raju"})
    with scene[RAJU].table():
        found = scene.backend.listed("ravi")
        scene[RAJU].encryption.learn("ravi", found)
    event = replayed(scene, message, other)
    assert event.text is None
