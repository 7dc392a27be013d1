"""Who is in a chat, as far as the engine knows it: who comes, who goes, how far each is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from client.core import frames
from client.core.cipher import Chat, FetchResult, Lists, Wants
from client.core.engine import Engine
from client.core.events import MembersChanged, WatermarksMoved
from client.core.frames import Receipt, Watermarks
from tests.client.core.fake_cipher import FakeCipher
from tests.client.core.scripted_client import CHAT, Client, synced

THREE = dict.fromkeys(("ravi", "raju", "mira"), Watermarks())
WITHOUT_RAJU = dict.fromkeys(("ravi", "mira"), Watermarks())


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.store.close()


def changes(client: Client) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(e.joined, e.left) for e in client.reported if isinstance(e, MembersChanged)]


def test_joining_and_leaving_members_are_reported_but_not_the_first_list_nor_an_empty_one(
    client: Client,
) -> None:
    client.step(Engine.opened)
    client.receive(synced(0, 0, members=THREE))
    assert changes(client) == []
    client.receive(frames.Synced({CHAT: frames.SyncedChat(0, 0, 0, (), {})}, False, None, None))
    client.receive(synced(0, 0, members={**THREE, "zoe": Watermarks()}))
    client.receive(synced(0, 0, members=WITHOUT_RAJU))
    assert changes(client) == [(("zoe",), ()), ((), ("raju", "zoe"))]
    assert client.store.members(CHAT).keys() == WITHOUT_RAJU.keys()


def test_marks_only_grow_and_what_is_read_is_delivered(
    client: Client,
) -> None:
    client.step(Engine.opened)
    client.receive(synced(9, 9, members=THREE))
    client.receive(Receipt(CHAT, "raju", 3, 2), Receipt(CHAT, "ravi", 9, 9))
    client.receive(synced(9, 9, members=THREE))  # an older response
    client.receive(Receipt(CHAT, "raju", 1, 4), Receipt(CHAT, "zoe", 9, 9))
    moved = [e for e in client.reported if isinstance(e, WatermarksMoved) and e.user != "ravi"]
    assert [(e.user, e.delivered, e.read) for e in moved] == [("raju", 3, 2), ("raju", 4, 4)]
    assert client.store.members(CHAT)["raju"] == Watermarks(4, 4)
    own = [e for e in client.reported if isinstance(e, WatermarksMoved) and e.user == "ravi"]
    assert [(e.delivered, e.read) for e in own] == [(9, 9)]  # read on another device, once


def test_a_list_that_was_under_way_when_the_members_changed_is_not_taken(client: Client) -> None:
    client.step(Engine.opened)
    client.receive(synced(0, 0, members=THREE))
    client.step(Engine.sync)  # asked
    client.receive(frames.DevicesChanged("mira", CHAT))
    client.receive(synced(0, 0, members=WITHOUT_RAJU))  # from before, perhaps
    assert changes(client) == []
    assert client.actions("sync")[-1] == {"action": "sync", "chats": {CHAT: 0}}
    client.receive(synced(0, 0, members=WITHOUT_RAJU))
    assert changes(client) == [((), ("raju",))]


@pytest.mark.parametrize("changed", [False, True])
def test_who_is_in_a_group_is_known_until_it_changes_however_long_the_connection_lasts(
    client: Client, monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    def wants(_cipher: object, chat: Chat, *_: object) -> Wants:
        return Wants(members=chat.members is None)

    monkeypatch.setattr(FakeCipher, "wants", wants)
    client.step(Engine.opened)
    client.receive(synced(0, 0, members=THREE))
    client.now += 3_599  # before it is left by plan
    if changed:
        client.receive(frames.DevicesChanged("mira", CHAT))
    client.write()
    assert len(client.actions("send")) == (not changed)
    client.receive(synced(0, 0, members=THREE))
    assert len(client.actions("send")) == 1


def test_a_device_list_that_has_changed_is_fetched_at_once_each_time(client: Client) -> None:
    client.open()
    for times in (1, 2):
        client.receive(frames.DevicesChanged("raju"))
        lists = [e for e in client.fetches if isinstance(e, Lists) and e.user == "raju"]
        assert len(lists) == times
        client.step(Engine.fetch_succeeded, FetchResult(lists[-1], {}))
