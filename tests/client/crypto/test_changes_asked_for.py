"""What changes a message is asked for and copied as a text is, and rings nobody."""

from __future__ import annotations

import pytest

from client.core.content import MessageContent, Reference
from client.core.engine import Engine
from client.core.ids import change_id
from tests.client.crypto.scene import Device, Scene, frames, say

RAVI, RAJU, MIRA = "ravi/phone", "raju/phone", "mira/phone"


def change(device: Device, chat: str, content: MessageContent) -> None:
    name = change_id(int(device.clock() * 1000), device.random)
    device.step(Engine.send, name, chat, content)


@pytest.mark.parametrize("kind", ["direct", "group"])
def test_an_edit_that_can_not_be_read_is_no_row_and_is_there_once_it_was_asked_for(
    kind: str,
) -> None:
    scene = Scene(RAVI, RAJU, MIRA)
    chat = scene.direct("ravi", "raju") if kind == "direct" else scene.group("ravi", "raju", "mira")
    of = Reference(RAVI, say(scene, RAVI, chat, "hello"))
    raju = scene[RAJU]
    raju.db.execute("DELETE FROM olm_sessions")
    raju.db.execute("DELETE FROM group_inbound")
    change(scene[RAVI], chat, MessageContent("edit", {"of": of._asdict(), "text": "hello again"}))
    scene.settle()
    assert raju.texts(chat) == ["hello"]
    assert [each.unread for each in raju.store.chats()] == [1]
    scene.settle(seconds=4.0)
    assert raju.texts(chat) == ["hello again"]
    assert [each.unread for each in raju.store.chats()] == [1]
    sent = [frame for frame in frames(scene, chat) if frame["sender"] == "ravi"]
    shown = [frame["message_id"] for frame in sent if not frame.get("hidden")]
    assert shown == [of.id]
    scene.close()


def test_what_was_deleted_meanwhile_is_copied_to_nobody() -> None:
    scene = Scene(RAVI, RAJU)
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "hello")
    raju = scene[RAJU]
    raju.db.execute("DELETE FROM olm_sessions")
    of = Reference(RAVI, say(scene, RAVI, chat, "a secret"))
    assert raju.texts(chat) == ["hello", None]
    change(scene[RAVI], chat, MessageContent("deletion", {"of": of._asdict()}))
    scene.settle(seconds=4.0)
    assert raju.texts(chat) == ["hello", ""]
    assert raju.store.history(chat)[-1].deleted
    assert [each.unread for each in raju.store.chats()] == [1]
    for device in (scene[RAVI], raju):
        assert "secret" not in str(device.db.execute("SELECT * FROM messages").fetchall())
    scene.close()


def test_a_text_that_nobody_has_got_is_withdrawn_and_not_sent() -> None:
    scene = Scene(RAVI, RAJU)
    chat = scene.direct("ravi", "raju")
    say(scene, RAVI, chat, "hello")
    ravi = scene[RAVI]
    ravi.leave()
    of = Reference(RAVI, ravi.send(chat, "a secret"))
    change(ravi, chat, MessageContent("deletion", {"of": of._asdict()}))
    assert ravi.store.drafts() == []
    ravi.crash()
    assert [(each.text, each.deleted) for each in ravi.store.history(chat)][-1] == ("", True)
    scene.close()


def test_nothing_is_asked_that_nobody_may_hold_back_a_receipt_with() -> None:
    """A change that can't be read waits; the texts around it are delivered anyway."""
    scene = Scene(RAVI, RAJU)
    chat = scene.direct("ravi", "raju")
    of = Reference(RAVI, say(scene, RAVI, chat, "hello"))
    raju = scene[RAJU]
    raju.db.execute("DELETE FROM olm_sessions")
    change(scene[RAVI], chat, MessageContent("reaction", {"of": of._asdict(), "emoji": "👍"}))
    scene.settle()
    assert raju.store.first_waiting(chat) is None
    assert raju.store.asks(1e12) != {}
    scene.close()
