"""When a text disappears that was read on another device of its reader."""

from __future__ import annotations

import pytest

from client.core.cipher import Opened, Text
from client.core.content import text_content
from client.core.events import MessageChanged
from client.core.frames import Message, Receipt
from tests.client.core.fake_cipher import FakeCipher
from tests.client.core.scripted_client import CHAT, ME, Client, message


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
