"""Rules 4 and 5 of PROTOCOL's client rules: receipts and ticks."""

from __future__ import annotations

import pytest

from client.core import events, frames
from client.core.cipher import Unreadable
from client.core.engine import Engine
from client.core.events import StateChanged
from client.core.step import Step
from client.core.ticks import State
from tests.client.core.fake_cipher import FakeCipher
from tests.client.core.scripted_client import CHAT, ME, MEMBERS, Client, message, named, own, synced


def test_what_is_taken_is_acknowledged_to_its_senders_once(client: Client) -> None:
    client.open()
    client.receive(message(1), message(2, sender="meena"), own(3, named(3), sender_device="laptop"))
    client.after(1.0)
    assert client.actions("receipt") == [
        {"action": "receipt", "chat": CHAT, "senders": ["meena", "raju"], "delivered": 3}
    ]
    client.after(60.0)
    assert len(client.actions("receipt")) == 1


def test_reading_is_reported_and_never_goes_back_or_past_what_is_here(client: Client) -> None:
    client.open()
    client.receive(message(1), message(2))
    client.after(1.0)
    client.sent.clear()
    client.step(Engine.mark_read, CHAT, 9)
    client.step(Engine.mark_read, CHAT, 1)
    client.after(1.0)
    (frame,) = client.actions("receipt")
    assert (frame["read"], frame["senders"]) == (2, ["raju"])
    assert client.store.unread(CHAT) == []


@pytest.mark.parametrize("action", ["receipt", None])
def test_a_receipt_that_failed_is_posted_again_to_the_same_senders(
    client: Client, action: str | None
) -> None:
    client.open()
    client.receive(message(1))
    client.after(1.0)
    client.receive(frames.ErrorFrame("internal", "Internal server error", action=action))
    client.after(1.0)
    first, second = client.actions("receipt")
    assert first == second == {**first, "senders": ["raju"], "delivered": 1}


def test_a_failed_read_receipt_is_sent_again_although_all_was_reported_as_delivered(
    client: Client,
) -> None:
    client.open()
    client.receive(message(1))
    client.after(310.0)
    client.receive(frames.Pong())
    client.sent.clear()
    client.step(Engine.mark_read, CHAT, 1)
    client.after(1.0)
    client.receive(frames.ErrorFrame("internal", "Internal server error", action="receipt"))
    client.after(1.0)
    first, second = client.actions("receipt")
    assert first == second and (first["read"], first["senders"]) == (1, ["raju"])


def test_receipts_that_may_not_have_been_sent_are_sent_again_after_a_crash(client: Client) -> None:
    client.open()
    client.receive(message(1))
    client.after(1.0)
    client.restart()
    client.open()
    client.after(1.0)
    assert [frame["senders"] for frame in client.actions("receipt")] == [["raju"]]


def test_what_was_not_sealed_fails_in_a_chat_that_is_not_ours_any_more(client: Client) -> None:
    client.open()
    first, second = client.write("in the outbox"), client.write("behind it")
    client.receive(frames.Nudge(CHAT, 1))
    client.receive(frames.ErrorFrame("not_found", "no such chat", action="sync"))
    states = [each for each in client.reported if isinstance(each, StateChanged)]
    assert [(each.message_id, each.state) for each in states] == [(second, State.FAILED)]
    client.receive(frames.ErrorFrame("not_found", "no such chat", first, "send"))
    assert client.states()[-1] == (State.FAILED, None) and client.engine.unaccepted == 0


def test_it_is_awake_when_the_sender_of_an_unreadable_text_is_to_be_asked(client: Client) -> None:
    """By the clock of the steps, which is another one than that of messages."""
    client.open()
    with client.store.transaction():
        client.store.add(message(1), None, None, "its key is not here", 1_000_005.0)
    step = Step(client.now, 1_000_000.0, client.store, FakeCipher())
    assert client.engine._parts.sending.next_due(step) == client.now + 5


def test_nobody_else_reads_a_direct_chat_that_the_backend_reports_with_more_members(
    client: Client,
) -> None:
    client.store.describe(CHAT, "direct")
    client.open(sync=False)
    client.receive(synced(0, 0, members={**MEMBERS, "mira": frames.Watermarks()}))
    assert client.engine._parts.membership.chat(client._step(), CHAT).members == frozenset()
    client.write()
    assert client.states() == [(State.FAILED, None)] and client.actions("send") == []


def test_of_chats_that_are_rejected_together_each_is_asked_alone(client: Client) -> None:
    client.open()
    rejected = frames.ErrorFrame("not_found", "one is not yours", action="sync")
    client.step(Engine.sync)
    client.receive(frames.Nudge(CHAT, 1), frames.Nudge("c2", 1), frames.Synced({}, False))
    asked = client.actions("sync")[-1]["chats"]
    assert asked == {CHAT: 0, "c2": 0}
    client.receive(rejected)
    (first,) = client.actions("sync")[-1]["chats"]
    client.receive(rejected)
    assert events.ChatLeft(first) in client.reported
    (second,) = client.actions("sync")[-1]["chats"]
    assert {first, second} == asked.keys() and not client.engine.left(second)


def test_what_is_read_ends_at_what_is_here(client: Client) -> None:
    client.open()
    client.receive(message(1), message(3))
    client.step(Engine.mark_read, CHAT, 3)
    client.receive(message(2))
    client.after(5.0)
    marks = [(frame["delivered"], frame.get("read")) for frame in client.actions("receipt")]
    assert marks[-1] == (3, 1)


def test_what_waits_for_acceptance_in_each_chat_is_sent_again_after_a_crash(client: Client) -> None:
    client.open()
    names = {client.write(chat=chat) for chat in (CHAT, "c2", "c3")}
    client.restart()
    client.open(sync=False)
    client.receive(synced(0, 0))
    assert {frame["message_id"] for frame in client.actions("send")} == names


def test_an_error_of_another_kind_keeps_the_receipts_of_its_chat(client: Client) -> None:
    client.open()
    client.receive(message(1))
    client.receive(frames.ErrorFrame("bad_request", "no", chat=CHAT, action="typing"))
    client.after(5.0)
    assert [frame["delivered"] for frame in client.actions("receipt")] == [1]


def test_a_pong_confirms_the_receipts_sent_before_the_ping(client: Client) -> None:
    client.open()
    other = frames.Synced({"c2": frames.SyncedChat(1, 0, 1, (), MEMBERS)}, False)
    client.receive(message(1), message(1, chat="c2"), other)
    client.after(310.0)
    assert client.actions("ping")
    client.receive(frames.Pong())
    client.restart()
    client.open()
    client.after(40.0)
    assert client.actions("receipt") == []


def test_ticks_come_in_order_even_if_the_read_receipt_comes_first(client: Client) -> None:
    client.open()
    name = client.write()
    client.receive(frames.Receipt(CHAT, "raju", 1, 1))
    assert client.states() == []
    client.receive(frames.Accepted(name, CHAT, 1, 5.0))
    assert client.states() == [(State.SENT, 1), (State.DELIVERED, 1), (State.READ, 1)]


def test_in_a_group_a_tick_needs_everybody(client: Client) -> None:
    everybody = {user: frames.Watermarks() for user in (ME, "raju", "meena")}
    client.open(sync=False)
    client.receive(synced(0, 0, members=everybody))
    name = client.write()
    client.receive(frames.Accepted(name, CHAT, 1, 5.0), frames.Receipt(CHAT, "raju", 1, 1))
    assert client.states() == [(State.SENT, 1)]
    client.receive(frames.Receipt(CHAT, "meena", 1, 0))
    assert client.states()[1:] == [(State.DELIVERED, 1)]
    left = {user: frames.Watermarks(1, 1) for user in (ME, "raju")}
    client.step(Engine.sync)
    client.receive(synced(1, 1, members=left))
    assert client.states()[2:] == [(State.READ, 1)]  # meena, who had not read it, has left


def test_ticks_that_were_missed_come_with_the_next_sync(client: Client) -> None:
    client.open()
    name = client.write()
    client.receive(frames.Accepted(name, CHAT, 1, 5.0))
    client.close()
    client.open(sync=False)
    client.receive(synced(1, 1, members={ME: frames.Watermarks(), "raju": frames.Watermarks(1, 1)}))
    assert client.states() == [(State.SENT, 1), (State.DELIVERED, 1), (State.READ, 1)]


def test_what_was_read_on_another_own_device_is_read_here(client: Client) -> None:
    client.open()
    client.receive(message(1))
    client.step(Engine.sync)
    client.receive(synced(1, 1, members={ME: frames.Watermarks(1, 1), "raju": frames.Watermarks()}))
    assert client.store.unread(CHAT) == []


def test_somebody_unknown_in_a_chat_is_asked_about_once(client: Client) -> None:
    client.open()
    client.receive(message(1, sender="meena"), message(2, sender="meena"))
    client.after(1.0)
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 1}}]
    client.receive(synced(2, 2), message(3, sender="meena"))
    client.after(1.0)
    assert len(client.actions("sync")) == 1


@pytest.mark.parametrize("restarts", [False, True])
def test_what_waits_to_be_readable_is_reported_once_it_is_also_after_a_restart(
    client: Client, monkeypatch: pytest.MonkeyPatch, restarts: bool
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(FakeCipher, "open", lambda *_: Unreadable("no key", ask=True))
        client.open()
        client.receive(message(1))
        client.after(1.0)
        assert client.actions("receipt") == []
    if restarts:
        client.restart()
        client.open(sync=False)
        client.receive(synced(1, 1, after=1))
    client.step(Engine.accept, "raju", {})
    client.after(1.0)
    assert [frame["delivered"] for frame in client.actions("receipt")] == [1]


def test_a_chat_reported_as_not_found_has_no_receipt_sent_that_waits(
    client: Client,
) -> None:
    client.open()
    client.receive(message(1), frames.ErrorFrame("not_found", "", action="typing", chat=CHAT))
    client.receive(synced(1, 1))
    client.after(5.0)
    assert client.actions("receipt") == []


def test_a_receipt_that_is_rejected_is_not_repeated_and_the_chat_is_asked_about() -> None:
    client = Client()
    client.open()
    client.receive(message(1))
    client.after(10)
    assert client.actions("receipt")
    client.sent.clear()
    rejected = frames.ErrorFrame("not_found", "no such chat", action="receipt", chat=CHAT)
    client.receive(rejected)
    (asked,) = client.actions("sync")
    assert asked["chats"] == {CHAT: 1}
    client.receive(frames.ErrorFrame("not_found", "no such chat", action="sync"))
    assert client.reported[-2] == events.ChatLeft(CHAT)
    assert client.engine.left(CHAT)
    client.sent.clear()
    for begin in (client.close, client.restart):  # nor later: nobody is there to notify
        begin()
        client.open(sync=False)
        client.step(Engine.mark_read, CHAT, 1)
        client.step(Engine.typing, CHAT)
        client.after(5)
        assert not client.actions("receipt") and not client.actions("typing")
    client.receive(synced(1, 1))
    assert not client.engine.left(CHAT)


def test_reading_from_before_a_crash_is_reported_to_the_senders_of_messages_delivered_before(
    client: Client,
) -> None:
    client.open()
    client.receive(message(1))
    client.after(1)
    client.after(client.settings.ping_between[1])
    client.receive(frames.Pong())  # the receipt of what was delivered has arrived
    client.step(Engine.mark_read, CHAT, 1)
    client.restart()
    client.step(Engine.opened)
    client.receive(synced(1, 1))
    client.after(1)
    (receipt,) = client.actions("receipt")
    assert (receipt["read"], receipt["senders"]) == (1, ["raju"])
