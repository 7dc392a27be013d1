"""Clocks that are wrong by an hour or a day leave nothing unread: times of one clock are compared."""

import pytest

from client.core.ticks import State
from tests.client.crypto.scene import Scene, say
from tests.client.crypto.test_truthful_ticks import state_of

RAVI, RAJU = "ravi/phone", "raju/phone"
HOUR, DAY = 3600.0, 86_400.0


@pytest.mark.sampled
@pytest.mark.parametrize("behind", [-DAY, -HOUR, 0.0, HOUR, DAY])
@pytest.mark.parametrize("wrong", [RAVI, RAJU])
@pytest.mark.parametrize("kind", ["direct", "group"])
def test_what_can_not_be_read_is_asked_for_and_sent_again(
    behind: float, wrong: str, kind: str
) -> None:
    scene = Scene()
    for address in (RAVI, RAJU):
        scene.add(address, behind if address == wrong else 0.0).connect()
    chat = getattr(scene, kind)("ravi", "raju")
    say(scene, RAVI, chat, "one")
    say(scene, RAJU, chat, "answer")
    with scene[RAJU].table() as db:
        db.execute("DELETE FROM olm_sessions")
        db.execute("DELETE FROM group_inbound")
    text = say(scene, RAVI, chat, "two")
    assert scene[RAJU].texts(chat)[-1] is None
    for _ in range(2):
        scene.settle(seconds=4)
    assert scene[RAJU].texts(chat) == ["one", "answer", "two"]
    assert state_of(scene, text) is State.DELIVERED
    scene.close()


@pytest.mark.parametrize("behind", [-DAY, -HOUR, HOUR, DAY])
def test_a_device_made_later_does_not_ask_for_what_was_whatever_its_clock_says(
    behind: float,
) -> None:
    scene = Scene(RAVI, RAJU)
    chat = scene.direct("ravi", "raju")
    scene[RAJU].leave()  # so that it is kept
    say(scene, RAVI, chat, "one")
    scene.settle(seconds=HOUR)
    tablet = scene.add("raju/tablet", behind)
    tablet.store.describe(chat, "direct")
    tablet.connect()
    scene.settle(seconds=10)
    scene.settle(seconds=120)
    assert tablet.texts(chat) == [None]
    with tablet.table() as db:
        assert db.execute("SELECT asked, ask_at FROM messages").fetchall() == [(0, None)]
    scene.close()
