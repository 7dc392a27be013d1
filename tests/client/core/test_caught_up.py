"""When a client has caught up, and how long it waits between questions that bring nothing."""

from __future__ import annotations

from client.core import events, frames
from tests.client.core.scripted_client import CHAT, Client, message, synced


def test_it_is_over_once_there_is_nothing_to_ask_for_now_and_complete_if_there_never_will_be(
    client: Client,
) -> None:
    def over() -> list[bool]:
        return [e.complete for e in client.reported if isinstance(e, events.CaughtUp)]

    client.open(sync=False)
    client.receive(synced(2, 0, more=True))
    assert over() == []
    client.receive(synced(2, 1, retry_after=9.0))
    assert over() == [False]
    client.after(10.0)
    client.receive(synced(2, 2))
    assert over() == [False, True]


def test_one_chat_that_is_here_does_not_end_it_while_all_are_still_to_be_asked_for(
    client: Client,
) -> None:
    client.open(sync=False)
    client.receive(frames.ErrorFrame("internal", "", action="sync"), frames.Nudge(CHAT, 1))
    client.receive(message(1), synced(1, 1))
    assert not [each for each in client.reported if isinstance(each, events.CaughtUp)]


def test_pauses_begin_anew_once_a_response_has_brought_something(client: Client) -> None:
    client.open(sync=False)
    for frame, pause in ((None, 1.0), (None, 2.0), (message(1), 1.0)):
        client.receive(*([frame] if frame else []), synced(5, 1 if frame else 0))
        client.sent.clear()
        client.after(pause)
        assert len(client.actions("sync")) == 1
