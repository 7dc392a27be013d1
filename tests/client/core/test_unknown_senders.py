"""Messages of a sender who is not known yet: they wait for the device list, and everything after them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from client.core import frames
from client.core.events import CaughtUp
from tests.client.core.fake_cipher import FakeCipher
from tests.client.core.scripted_client import CHAT, Client, listed, message, synced


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """It knows everybody but mira."""

    def knows(_cipher: object, heard: frames.Message) -> bool:
        return heard.sender != "mira"

    monkeypatch.setattr(FakeCipher, "knows", knows)
    client = Client()
    yield client
    client.store.close()


def caught_up(client: Client) -> list[bool]:
    return [event.complete for event in client.reported if isinstance(event, CaughtUp)]


def test_nothing_is_complete_while_a_text_waits_for_its_sender(client: Client) -> None:
    client.open(sync=False)
    client.receive(message(1, sender="mira"), message(2), synced(2, 2))
    assert (client.texts(), caught_up(client)) == ([], [False])
    client.step(listed, "mira")
    assert client.texts() == ["m1", "m2"] and client.watermark() == 2
    assert caught_up(client)[-1], "and it is said once they are here"


def test_a_gap_behind_what_has_waited_is_asked_for(client: Client) -> None:
    client.open(sync=False)
    members = dict.fromkeys(("ravi", "raju", "mira"), frames.Watermarks())
    client.receive(synced(0, 0, members=members), message(1, sender="mira"), message(3))
    client.sent.clear()
    client.after(client.settings.gap_grace)
    assert client.actions("sync") == [], "what is next is here"
    client.step(listed, "mira")
    client.after(client.settings.gap_grace)
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 1}}]
