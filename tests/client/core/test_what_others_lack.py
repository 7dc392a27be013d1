"""What an acceptance says of devices, and what stays queued for them; and copies of what can be read."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from client.core import frames
from client.core.cipher import (
    Chat,
    Copy,
    Draft,
    Fresh,
    Opened,
    Outgoing,
    Sealing,
    Text,
    Wants,
)
from client.core.content import text_content
from client.core.events import KeysLow, MessageReadable
from tests.client.core.fake_cipher import FakeCipher
from tests.client.core.scripted_client import CHAT, Client, listed, message, named, own, synced

MEMBERS = ("raju", "ravi")


@pytest.mark.parametrize("more", [False, True])
def test_where_not_all_devices_were_named_the_lists_of_all_members_are_asked_for_again(
    client: Client, monkeypatch: pytest.MonkeyPatch, more: bool
) -> None:
    known: list[dict[str, bool]] = []

    def wants(_cipher: object, _chat: Chat, fresh: Fresh, _tried: Collection[str]) -> Wants:
        known.append({user: fresh(user) for user in MEMBERS})
        return Wants()

    def seal(_cipher: object, draft: Draft, _chat: Chat) -> Sealing:
        return Sealing([Outgoing(draft.message_id, "olm.v1", {"raju/phone": "x"})], done=True)

    monkeypatch.setattr(FakeCipher, "wants", wants)
    monkeypatch.setattr(FakeCipher, "seal", seal)
    client.open()
    for user in MEMBERS:
        client.step(listed, user)
    name = client.write()
    client.receive(frames.Accepted(name, CHAT, 1, 5.0, more=more))
    client.write()
    assert known == [dict.fromkeys(MEMBERS, True), dict.fromkeys(MEMBERS, not more)]


def test_for_a_chat_in_which_the_user_is_no_longer_nothing_stays_queued(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[str] = []
    monkeypatch.setattr(FakeCipher, "leave", lambda _cipher, chat: left.append(chat))
    client.open()
    client.receive(frames.Nudge(CHAT, 3), frames.ErrorFrame("not_found", "", action="sync"))
    assert left == [CHAT]


def test_a_copy_of_what_can_be_read_changes_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(_cipher: object, heard: frames.Message) -> Opened:
        if heard.seq == 1:
            return Text(text_content("as it was"))
        return Copy(named(1), text_content("another one"), 5.0)

    monkeypatch.setattr(FakeCipher, "open", opened)
    client.open()
    client.receive(message(1), message(2))
    assert [each.text for each in client.store.history(CHAT)] == ["as it was"]
    assert not [each for each in client.reported if isinstance(each, MessageReadable)]


def test_a_copy_without_a_place_stands_where_it_came_with_the_time_of_its_text(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Copy(named(7), text_content("again"), 3.0)
    monkeypatch.setattr(FakeCipher, "open", lambda *_: copy)
    client.open()
    client.receive(message(1))
    (row,) = client.store.history(CHAT)
    assert (row.seq, row.message_id, row.text, row.sent_at) == (1, named(7), "again", 3.0)


def test_on_what_another_copy_of_the_store_has_had_it_gives_up_its_sessions_once_a_connection(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeCipher, "renew", lambda *_: True)

    def times() -> int:
        return sum(isinstance(each, KeysLow) for each in client.reported)

    for connection in (1, 2):
        client.open(sync=False)
        client.receive(synced(4, 4, after=3), synced(4, 4, after=3))
        assert times() == connection
        client.close()
    client.open(sync=False)
    client.receive(synced(4, 4), own(5, named(5)))  # written here, and not in this store
    assert times() == 3
