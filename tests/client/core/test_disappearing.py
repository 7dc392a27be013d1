"""When a text disappears that was read on another device of its reader."""

from __future__ import annotations

import pytest

from client.core import frames
from client.core.cipher import Opened, Text
from client.core.content import MessageContent, text_content
from client.core.engine import Engine
from client.core.events import MessageChanged, MessageReceived
from client.core.frames import Message, Receipt
from client.core.ids import hidden_id, ulid
from tests.client.core.fake_cipher import FakeCipher
from tests.client.core.scripted_client import CHAT, ME, Client, message, own


def test_what_is_read_on_another_device_disappears_from_its_sending_on(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(_cipher: object, _heard: Message) -> Opened:
        return Text(text_content("a secret", expires=60))

    monkeypatch.setattr(FakeCipher, "open", opened)
    client.open()
    client.receive(message(1, sent_at=client.now - 10))
    client.after(3600.0)
    assert client.texts() == ["a secret"], "nobody has read it"
    client.receive(message(2, sent_at=client.now - 10), Receipt(CHAT, ME, 2, 2))

    def gone() -> list[str]:
        changed = [each for each in client.reported if isinstance(each, MessageChanged)]
        return [each.message_id for each in changed if each.what == "expired"]

    client.after(49.9)
    assert gone() == [message(1).message_id], "its time was over long ago"
    for _ in range(2):  # each is reported once
        client.after(0.1)
        assert gone() == [message(1).message_id, message(2).message_id]


def test_an_own_text_that_turns_up_further_ahead_does_not_last_longer(client: Client) -> None:
    client.open()
    name = ulid(int(client.now * 1000), client.random)
    client.step(Engine.send, name, CHAT, text_content("a secret", expires=60))
    client.receive(frames.Accepted(name, CHAT, 2, 5.0))
    client.after(30.0)
    client.receive(own(1, name))
    client.after(29.9)
    assert [each.text for each in client.store.history(CHAT)] == ["a secret"]
    client.after(0.1)
    assert client.store.history(CHAT) == []


def test_of_an_own_text_that_was_deleted_before_it_was_accepted_nothing_is_counted(
    client: Client,
) -> None:
    client.open()
    name = ulid(int(client.now * 1000), client.random)
    client.step(Engine.send, name, CHAT, text_content("a secret", expires=60))
    deletion = MessageContent("deletion", {"of": {"by": f"{ME}/phone", "id": name}})
    client.step(Engine.send, hidden_id(client.random), CHAT, deletion)
    client.receive(frames.Accepted(name, CHAT, 1, 5.0))
    client.after(3600.0)
    assert [each.deleted for each in client.store.history(CHAT)] == [True]
    assert client.store.own_text(CHAT, name) is None, "nobody gets a copy of it"


def test_a_text_that_was_deleted_before_it_came_rings_nobody(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = {"by": "raju/phone", "id": message(2).message_id}

    def opened(_cipher: object, heard: Message) -> Opened:
        deletion = MessageContent("deletion", {"of": of})
        return Text(deletion if heard.seq == 1 else text_content("a secret"))

    monkeypatch.setattr(FakeCipher, "open", opened)
    client.open()
    client.receive(message(1), message(2))
    shown = [each for each in client.reported if isinstance(each, MessageReceived)]
    assert [(each.seq, each.text, each.counts) for each in shown] == [(2, "", False)]
