"""Rule 6 of PROTOCOL's client rules, and what else a client does on a connection."""

from __future__ import annotations

import pytest

from client.core import events, frames
from client.core.engine import Engine
from client.core.outputs import Drop, Stop
from tests.client.core.scripted_client import CHAT, Client, message, synced


def test_being_displaced_stops_the_client_and_says_so(client: Client) -> None:
    client.open()
    client.receive(frames.Displaced())
    assert client.reported[-2:] == [events.Displaced(), Stop()]


def test_a_connection_that_does_not_answer_a_ping_is_left(client: Client) -> None:
    client.open()
    client.after(300.0)
    assert client.actions("ping")
    client.after(10.0)
    assert Drop("no response to ping") in client.reported


@pytest.mark.parametrize("heard", [frames.Pong(), frames.KeysLow(3, True), message(1)])
def test_every_frame_shows_that_the_connection_lives(
    client: Client, heard: frames.ServerFrame
) -> None:
    client.open()
    client.after(300.0)
    assert client.actions("ping")
    client.receive(heard)
    client.after(10.0)
    assert not [each for each in client.reported if isinstance(each, Drop)]


@pytest.mark.parametrize(
    ("code", "renewed"), [("internal", True), ("rate_limited", True), ("forbidden", False)]
)
def test_a_watch_that_got_an_error_that_passes_is_sent_again_soon(
    client: Client, code: str, renewed: bool
) -> None:
    client.open()
    client.step(Engine.watch, ["ravi"])
    client.receive(frames.ErrorFrame(code, "not now", None, "watch"))
    client.after(1.3)
    assert len(client.actions("watch")) == 1 + renewed


def test_who_has_left_a_chat_reports_nothing_of_it_and_loses_nothing_more(client: Client) -> None:
    client.open()
    client.receive(message(1))
    client.step(Engine.leave, CHAT)
    client.after(60.0)
    assert client.actions("receipt") == []
    client.step(Engine.begin_anew)
    assert events.BeganAnew() not in client.reported, "there was no chat to lose"


def test_a_chat_that_was_left_is_not_fetched_and_is_there_again_with_a_sync(client: Client) -> None:
    client.open()
    client.receive(message(2))
    client.after(1.0)
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 0}}]
    client.step(Engine.leave, CHAT)
    client.receive(frames.Synced({}, False))
    client.after(60.0)
    assert len(client.actions("sync")) == 1
    client.restart()
    assert client.engine.left(CHAT)
    client.open(sync=False)
    client.receive(synced(2, 2))
    assert not client.engine.left(CHAT)
    client.restart()
    assert not client.engine.left(CHAT)


def test_a_chat_that_was_left_is_asked_about_where_somebody_writes_there_anyway(
    client: Client,
) -> None:
    client.open()
    client.step(Engine.leave, CHAT)
    client.receive(message(1))
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 1}}]


def test_a_chat_of_which_the_backend_can_not_say_anything_now_is_not_asked_about_at_once(
    client: Client,
) -> None:
    """Whoever types there, or has something to be sealed, wants to know who is in it."""
    client.open()
    for _ in range(3):
        client.step(Engine.typing, "another")
        client.after(0.1)
        client.receive(frames.ErrorFrame("internal", "", action="sync"))
    asked = [{"action": "sync", "chats": {"another": 0}}]
    assert client.actions("sync") == asked
    client.after(client.settings.sync_backoff)
    assert client.actions("sync") == asked * 2


def test_a_send_without_an_answer_makes_it_look_whether_the_connection_lives(
    client: Client,
) -> None:
    client.open()
    client.write()
    client.after(10.0)
    assert len(client.actions("send")) == 2
    assert client.actions("ping")


def test_a_planned_reconnect_sends_first_the_receipts_that_wait(client: Client) -> None:
    client.open()
    client.now += 6600
    client.receive(message(1))
    assert Drop("time to reconnect", planned=True) in client.reported
    assert client.actions("receipt")


def test_watched_users_are_watched_again_before_the_server_forgets(client: Client) -> None:
    client.open()
    client.step(Engine.watch, ["raju"])
    assert client.actions("watch") == [{"action": "watch", "users": ["raju"]}]
    client.after(239.0)
    assert len(client.actions("watch")) == 1
    client.after(1.0)
    assert len(client.actions("watch")) == 2
    client.close()
    client.open(sync=False)
    assert len(client.actions("watch")) == 3


def test_many_watched_users_go_in_frames_of_a_hundred(client: Client) -> None:
    client.open()
    users = [f"user{n:03d}" for n in range(250)]
    client.step(Engine.watch, users)
    assert [len(frame["users"]) for frame in client.actions("watch")] == [100, 100, 50]


@pytest.mark.parametrize(("size", "sent"), [(256, 1), (257, 0)])
def test_typing_is_not_sent_where_the_backend_shows_it_to_nobody(
    client: Client, size: int, sent: int
) -> None:
    client.open()
    client.receive(synced(0, 0, members={f"user{n}": frames.Watermarks() for n in range(size)}))
    client.step(Engine.typing, CHAT)
    assert len(client.actions("typing")) == sent


def test_typing_is_sent_once_in_a_while_and_never_kept(client: Client) -> None:
    for _ in range(3):
        client.step(Engine.typing, CHAT)
    client.open()
    assert client.actions("typing") == []
    for _ in range(10):
        client.step(Engine.typing, CHAT)
        client.after(0.5)
    assert len(client.actions("typing")) == 2


def test_whatever_else_the_server_says_is_passed_on(client: Client) -> None:
    client.open()
    client.reported.clear()
    client.receive(
        frames.Presence("raju", True),
        frames.Typing(CHAT, "raju"),
        frames.DevicesChanged("raju"),
        frames.KeysLow(3, True),
        frames.ErrorFrame("bad_request", "what?", action="frob"),
    )
    assert client.reported == [
        events.PresenceChanged("raju", True, None),
        events.TypingSeen(CHAT, "raju"),
        events.DevicesChanged("raju"),
        events.KeysLow(3, True),
        events.ServerError("bad_request", "what?", "frob"),
    ]


@pytest.mark.parametrize("code", ["rate_limited", "internal"])
def test_a_chat_whose_sync_gets_an_error_that_passes_is_not_left_but_asked_for_again(
    client: Client, code: str
) -> None:
    client.open(sync=False)
    client.receive(synced(4, 4, after=3))  # it begins too far on: asked for by name
    client.receive(frames.ErrorFrame(code, "not now", None, "sync"))
    assert not [each for each in client.reported if isinstance(each, events.ChatLeft)]
    client.after(5.0)
    assert [each.get("chats") for each in client.actions("sync")] == [None, {CHAT: 0}, {CHAT: 0}]
