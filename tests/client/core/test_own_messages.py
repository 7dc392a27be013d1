"""Rule 3 of PROTOCOL's client rules: own messages."""

from __future__ import annotations

import pytest

from client.core import frames
from client.core.content import MessageContent, Reference
from client.core.engine import Engine
from client.core.events import MessageChanged, MessageReceived, StateChanged
from client.core.ids import hidden_id
from client.core.ticks import State
from client.errors import MessageTooLarge
from tests.client.core.scripted_client import CHAT, ME, Client, message, named, own, synced


def test_acceptance_gives_the_position_and_moves_the_watermark(client: Client) -> None:
    client.open()
    name = client.write()
    (frame,) = client.actions("send")
    assert (frame["message_id"], frame["payload"]) == (name, "aGVsbG8=")
    client.receive(frames.Accepted(name, CHAT, 1, 5.0))
    assert client.states() == [(State.SENT, 1)]
    assert client.watermark() == 1
    assert client.engine.unaccepted == 0


def test_a_message_is_on_disk_before_it_is_sent_and_sent_again_after_a_crash(
    client: Client,
) -> None:
    client.open()
    name = client.write()
    before = client.actions("send")
    client.restart()
    client.open(sync=False)
    assert client.actions("send") == []  # it may be on the way back in the sync
    client.receive(synced(0, 0))
    assert client.actions("send") == before
    assert before[0]["message_id"] == name


def test_meeting_an_own_message_in_a_sync_is_its_acceptance(client: Client) -> None:
    client.open()
    name = client.write()
    client.close()
    client.sent.clear()
    client.open(sync=False)
    client.receive(own(1, name), synced(1, 1))
    assert client.states() == [(State.SENT, 1)]
    assert client.actions("send") == []
    assert client.texts() == []


def test_of_two_acceptances_the_lower_position_counts(client: Client) -> None:
    client.open()
    name = client.write()
    client.receive(frames.Accepted(name, CHAT, 3, 5.0))  # the first answer was lost
    client.after(1.0)
    client.receive(own(1, name), message(2), own(3, name), synced(3, 3))
    assert client.states() == [(State.SENT, 3), (State.SENT, 1)]
    assert [m.seq for m in client.store.history(CHAT)] == [1, 2]
    assert client.watermark() == 3


def test_a_gap_that_may_be_an_own_message_waits_a_little_longer(client: Client) -> None:
    client.open()
    name = client.write()
    client.receive(message(2))
    client.after(client.settings.gap_grace)
    assert client.actions("sync") == []
    client.receive(frames.Accepted(name, CHAT, 1, 5.0))
    client.after(5.0)
    assert client.actions("sync") == []
    assert client.texts() == ["m2"]


def test_what_another_own_device_wrote_is_shown_as_own(client: Client) -> None:
    client.open()
    client.receive(own(1, named(1), sender_device="laptop"))
    (event,) = [e for e in client.reported if isinstance(e, MessageReceived)]
    assert event.own
    client.receive(frames.Receipt(CHAT, "raju", 1, 0))
    assert client.states() == [(State.DELIVERED, 1)]


@pytest.mark.parametrize("code", ["not_found", "bad_request", "forbidden", "too_large"])
def test_an_error_is_final_and_the_next_message_goes_out(client: Client, code: str) -> None:
    client.open()
    name = client.write("one")
    client.write("two")
    client.receive(frames.ErrorFrame(code, "no", name, "send"))
    failed = [e for e in client.reported if isinstance(e, StateChanged)]
    assert [(e.state, e.text, e.reason) for e in failed] == [(State.FAILED, "one", f"{code}: no")]
    assert len(client.actions("send")) == 2
    client.restart()
    assert client.engine.unaccepted == 1


def test_the_time_of_the_first_acceptance_is_kept(client: Client) -> None:
    client.open()
    name, at = client.write(), client.now
    client.receive(frames.Accepted(name, CHAT, 2, 5.0))
    client.after(30.0)
    client.receive(own(1, name))
    text = client.store.own_text(CHAT, name)
    assert text is not None and (text.seq, text.accepted_at) == (1, at)


def test_a_reaction_that_failed_counts_no_more(client: Client) -> None:
    client.open()
    client.receive(message(1))
    of = Reference("raju/phone", named(1))
    reaction = MessageContent("reaction", {"of": of._asdict(), "emoji": "+"})
    name = hidden_id(client.random)
    client.step(Engine.send, name, CHAT, reaction)
    client.receive(frames.ErrorFrame("too_large", "no", name, "send"))
    assert client.reported[-1] == MessageChanged(CHAT, *of, "failed", ME)


def test_a_text_that_failed_is_deleted_here_and_nothing_is_sent(client: Client) -> None:
    client.open()
    name = client.write("a secret")
    client.receive(frames.ErrorFrame("too_large", "no", name, "send"))
    client.sent.clear()
    of = Reference(f"{ME}/phone", name)
    deletion = MessageContent("deletion", {"of": of._asdict()})
    client.step(Engine.send, hidden_id(client.random), CHAT, deletion)
    assert client.reported[-1] == MessageChanged(CHAT, *of, "deletion", ME)
    assert client.actions("send") == [] and client.engine.unaccepted == 0
    assert [(each.text, each.deleted) for each in client.store.history(CHAT)] == [("", True)]


def test_what_was_not_sent_fails_when_the_backend_has_lost_the_chat(client: Client) -> None:
    client.write()
    client.step(Engine.begin_anew)
    assert client.states() == [(State.FAILED, None)] and client.engine.unaccepted == 0


@pytest.mark.parametrize("code", ["rate_limited", "internal"])
def test_a_temporary_error_is_not_final(client: Client, code: str) -> None:
    client.open()
    name = client.write()
    client.receive(frames.ErrorFrame(code, "later", name, "send"))
    client.after(2.0)
    assert len(client.actions("send")) == 2
    assert client.states() == []


def test_a_message_reported_as_failed_that_turns_up_was_sent_after_all(client: Client) -> None:
    client.open()
    name = client.write()
    client.receive(frames.ErrorFrame("not_found", "no", name, "send"), own(1, name))
    assert client.states() == [(State.FAILED, None), (State.SENT, 1)]


def test_what_is_too_large_for_a_frame_is_rejected_before_it_is_stored(client: Client) -> None:
    client.open()
    with pytest.raises(MessageTooLarge, match="30,000"):
        client.write("x" * 23_000)
    assert client.engine.unaccepted == 0
    client.write("x" * 22_000)
    assert len(client.actions("send")) == 1
