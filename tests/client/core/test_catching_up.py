"""Rule 1 of PROTOCOL's client rules, watermarks, gaps and voids; and rule 2, one message at two positions."""

from __future__ import annotations

import itertools

import pytest

from client.core import events, frames
from client.core.engine import Engine
from client.core.ids import hidden_id
from client.core.outputs import Drop
from client.core.settings import Settings
from client.core.ticks import State
from tests.client.core.scripted_client import CHAT, Client, message, named, own, synced


def test_connecting_asks_for_every_chat(client: Client) -> None:
    client.open(sync=False)
    assert client.actions("sync") == [{"action": "sync"}]


def test_messages_are_shown_in_order_whatever_the_order_they_come_in(client: Client) -> None:
    client.open()
    client.receive(message(1), message(3), message(2), message(2), message(1))
    assert client.texts() == ["m1", "m2", "m3"]
    assert client.watermark() == 3
    client.after(1.0)
    assert client.actions("sync") == []  # the gap closed by itself


def test_a_gap_that_is_newer_than_the_response_is_asked_for_too(client: Client) -> None:
    client.open(sync=False)
    client.receive(message(3), synced(1, 0))
    client.sent.clear()
    client.after(client.settings.gap_grace)
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 0}}]


def test_what_was_under_way_when_a_connection_ended_is_sent_again_after_the_sync(
    client: Client,
) -> None:
    client.open()
    name = client.write()
    client.close()
    client.sent.clear()
    client.open(sync=False)
    assert client.actions("send") == [], "the sync may bring it as accepted"
    client.receive(synced(0, 0))
    assert [frame["message_id"] for frame in client.actions("send")] == [name]


def test_an_acceptance_of_what_is_not_ones_own_takes_no_place(client: Client) -> None:
    client.open()
    name = client.write()
    client.receive(
        frames.Accepted(named(7), CHAT, 1, 5.0),  # of nothing that this device has sent
        frames.Accepted(name, "another", 1, 5.0),
        message(1),
        frames.Accepted(name, CHAT, 2, 5.0),
        frames.Accepted(name, CHAT, 3, 5.0),  # a second copy, which has a place of its own
        message(4),
    )
    assert client.texts() == ["m1", "m4"]
    assert client.states() == [(State.SENT, 2)]
    assert client.watermark() == 4


def test_a_gap_that_stays_is_asked_for_and_nothing_is_passed_meanwhile(client: Client) -> None:
    client.open()
    client.receive(message(1), message(3))
    assert client.texts() == ["m1"]
    client.after(client.settings.gap_grace)
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 1}}]
    client.after(1.0)
    assert len(client.actions("sync")) == 1  # one question at a time
    client.receive(message(2), synced(3, 3))
    assert client.texts() == ["m1", "m2", "m3"]


def test_complete_to_steps_over_a_void(client: Client) -> None:
    client.open()
    client.receive(message(1), message(4))
    client.after(1.0)
    client.receive(message(3), synced(4, 4))
    assert client.texts() == ["m1", "m3", "m4"]
    assert client.watermark() == 4


def test_a_young_hole_is_waited_for_as_long_as_the_server_says(client: Client) -> None:
    client.open()
    client.receive(message(1), message(3))
    client.after(1.0)
    client.receive(synced(3, 1, retry_after=9.0))
    client.sent.clear()
    client.after(8.9)
    assert client.actions("sync") == []
    assert client.texts() == ["m1"]
    client.after(0.1)
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 1}}]
    client.receive(message(2), synced(3, 3))
    assert client.texts() == ["m1", "m2", "m3"]


def test_expired_messages_are_reported_as_missing_and_the_others_kept(client: Client) -> None:
    client.open()
    client.receive(message(1), message(6))
    client.after(1.0)
    client.receive(message(4), synced(6, 6, missing=((2, 3), (5, 5))))
    gone = [e for e in client.reported if isinstance(e, events.MessagesMissing)]
    assert [(e.first, e.last) for e in gone] == [(2, 3), (5, 5)]
    assert client.texts() == ["m1", "m4", "m6"]


def test_more_pages_are_fetched_at_once(client: Client) -> None:
    client.open(sync=False)
    client.receive(message(1), message(2), synced(5, 2, more=True))
    assert client.actions("sync")[1:] == [{"action": "sync", "chats": {CHAT: 2}}]
    client.receive(message(3), message(4), synced(5, 4, more=True))
    assert client.actions("sync")[2:] == [{"action": "sync", "chats": {CHAT: 4}}]
    client.receive(message(5), synced(5, 5))
    assert len(client.actions("sync")) == 3
    assert client.texts() == ["m1", "m2", "m3", "m4", "m5"]
    assert isinstance(client.reported[-1], events.CaughtUp)


def test_messages_that_come_together_are_taken_as_if_one_by_one(client: Client) -> None:
    client.open(sync=False)
    elsewhere = message(1, "elsewhere", chat="C2")
    client.receive(frames.Messages((message(1), message(2), elsewhere, message(4))))
    assert client.texts() == ["m1", "m2", "elsewhere"]
    client.receive(synced(4, 4))
    assert client.texts() == ["m1", "m2", "elsewhere", "m4"]


def test_the_pages_of_all_chats_are_followed_and_then_it_has_caught_up(client: Client) -> None:
    client.open(sync=False)
    client.receive(synced(1, 0, more=True, cursor="C3"))
    assert client.actions("sync")[1:] == [{"action": "sync", "chats": {CHAT: 0}}]
    client.receive(message(1), synced(1, 1))
    assert client.actions("sync")[2:] == [{"action": "sync", "cursor": "C3"}]
    assert not client.engine.resumed
    client.receive(frames.Synced({}, False, "C9"))  # chats that are no more
    assert client.actions("sync")[3:] == [{"action": "sync", "cursor": "C9"}]
    client.receive(frames.Synced({}))
    assert client.engine.resumed and client.reported[-1] == events.CaughtUp(complete=True)


def test_a_page_that_failed_is_asked_for_again_and_not_the_first_one(client: Client) -> None:
    client.open(sync=False)
    client.receive(frames.Synced({}, False, "C3"), frames.ErrorFrame("internal", "", action="sync"))
    client.after(client.settings.sync_backoff)
    assert client.actions("sync")[2:] == [{"action": "sync", "cursor": "C3"}]
    client.receive(frames.ErrorFrame("bad_request", "", action="sync"))
    client.after(2 * client.settings.sync_backoff)
    assert client.actions("sync")[3:] == [{"action": "sync"}]  # a cursor that is none any more


def test_who_changed_while_another_page_was_under_way_is_asked_about(client: Client) -> None:
    client.open(sync=False)
    client.receive(synced(0, 0, cursor="C3"), frames.DevicesChanged("meena", CHAT))
    client.receive(frames.Synced({}))
    assert client.actions("sync")[2:] == [{"action": "sync", "chats": {CHAT: 0}}]


def test_a_new_connection_begins_with_the_first_page(client: Client) -> None:
    client.open(sync=False)
    client.receive(frames.Synced({}, False, "C3"))
    client.close()
    client.open(sync=False)
    assert client.actions("sync")[2:] == [{"action": "sync"}]


def test_nothing_for_lack_of_time_is_asked_for_later_and_later(client: Client) -> None:
    """And never at once at the same position, whatever the server says."""
    client.open(sync=False)
    times = [client.now]
    for retry_after, more in ((1.0, False), (1.0, False), (None, True), (None, True), (1.0, True)):
        client.receive(synced(5, 0, retry_after=retry_after, more=more))
        while len(client.actions("sync")) == len(times):
            client.after(0.1)
        times.append(client.now)
    pauses = [int(two - one) for one, two in itertools.pairwise(times)]
    assert pauses == [1, 1, 4, 8, 8]


def test_the_waiting_times_of_many_clients_are_spread() -> None:
    waits = set()
    for number in range(20):
        client = Client(Settings())
        client.random.seed(number)
        client.open(sync=False)
        client.receive(synced(5, 0, retry_after=4.0))
        due = client.engine.next_due()
        assert due is not None and 4.0 <= due - client.now <= 5.0
        waits.add(round(due, 3))
        client.store.close()
    assert len(waits) > 15


def test_a_nudge_for_something_new_asks_for_it(client: Client) -> None:
    client.open()
    client.receive(frames.Nudge(CHAT, 2))
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 0}}]


def test_a_nudge_for_something_old_repeats_the_receipt(client: Client) -> None:
    client.open()
    client.receive(message(1))
    client.after(1.0)
    client.receive(frames.Nudge(CHAT, 1))
    client.after(1.0)
    assert [frame["delivered"] for frame in client.actions("receipt")] == [1, 1]
    assert client.actions("sync") == []


def test_a_sync_of_all_chats_that_brings_what_is_here_repeats_the_receipt(client: Client) -> None:
    """The server has this device further back: a receipt was lost."""
    client.open()
    client.receive(message(1))
    client.after(1.0)
    client.step(Engine.sync)
    client.receive(message(1), synced(1, 1))
    client.after(1.0)
    assert [frame["delivered"] for frame in client.actions("receipt")] == [1, 1]
    assert client.texts() == ["m1"]


def test_what_is_hidden_and_met_in_a_sync_is_not_sent_again(client: Client) -> None:
    name = hidden_id(client.random)
    frame = frames.send(name, CHAT, "olm.v1", {"raju/phone": "sealed"}, hidden=True)
    with client.store.transaction():
        client.store.open_chat(CHAT)
        client.store.queue(name, CHAT, frame)
    client.restart()
    client.open(sync=False)
    client.receive(own(1, name), synced(1, 1))
    assert client.actions("send") == [] and client.watermark() == 1
    client.restart()
    client.open()
    assert client.actions("send") == []


def test_all_that_was_written_without_a_connection_is_there_after_a_crash(client: Client) -> None:
    names = [client.write(text) for text in ("one", "two", "three")]
    client.restart()
    assert client.engine.unaccepted == 3
    client.open(sync=False)
    client.receive(synced(0, 0))
    for seq, name in enumerate(names, start=1):
        assert client.actions("send")[-1]["message_id"] == name
        client.receive(frames.Accepted(name, CHAT, seq, 5.0))
    assert client.engine.unaccepted == 0


def test_who_is_not_known_in_a_chat_is_asked_about_once_on_each_connection(client: Client) -> None:
    client.open()
    for connection in range(2):
        if connection:
            client.close()
            client.open()
        client.sent.clear()
        seq = 2 * connection
        client.receive(message(seq + 1, sender="mira"), synced(seq + 1, seq + 1, after=seq))
        client.receive(message(seq + 2, sender="mira"))
        assert [sorted(frame["chats"]) for frame in client.actions("sync")] == [[CHAT]]


def test_a_device_that_lost_its_store_asks_from_the_beginning(client: Client) -> None:
    """The server counts from its last receipt; what this store lacks below is asked by name."""
    client.open(sync=False)
    client.receive(message(4), synced(4, 4, after=3))
    assert client.texts() == []
    assert client.actions("sync")[1:] == [{"action": "sync", "chats": {CHAT: 0}}]
    client.receive(message(2), message(3), message(4), synced(4, 4, missing=((1, 1),)))
    assert client.texts() == ["m2", "m3", "m4"]


def test_it_does_so_again_after_a_connection_was_lost_in_the_middle(client: Client) -> None:
    """A watermark above 0 proves nothing: it may be lower than what the server has counted."""
    client.open(sync=False)
    client.receive(synced(2, 2, after=2), message(1))
    client.close()
    client.open(sync=False)
    client.receive(synced(2, 2, after=2))
    assert client.texts() == ["m1"] and client.watermark() == 1
    assert client.actions("sync")[3:] == [{"action": "sync", "chats": {CHAT: 1}}]
    client.receive(message(2), synced(2, 2, after=1))
    assert client.texts() == ["m1", "m2"]


def test_after_a_backup_was_restored_what_the_server_has_no_more_is_a_gap(client: Client) -> None:
    client.open()
    client.receive(message(1))
    client.close()
    client.open(sync=False)
    client.sent.clear()
    client.receive(message(7), synced(7, 7, after=6))
    assert client.texts() == ["m1"]
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 1}}]
    client.receive(message(7), synced(7, 7, after=1, missing=((2, 6),)))
    gone = [e for e in client.reported if isinstance(e, events.MessagesMissing)]
    assert [(e.first, e.last) for e in gone] == [(2, 6)] and client.texts() == ["m1", "m7"]


def test_a_server_that_begins_too_far_on_also_by_name_is_not_asked_in_a_loop(
    client: Client,
) -> None:
    client.open(sync=False)
    for _ in range(5):
        client.receive(synced(4, 4, after=3))
    assert len(client.actions("sync")) == 2 and client.watermark() == 0


def test_a_sync_that_stays_unanswered_ends_the_connection(client: Client) -> None:
    client.open(sync=False)
    client.after(client.settings.sync_timeout)
    assert Drop("no response to sync") in client.reported


def test_a_sync_rejected_for_now_is_tried_again(client: Client) -> None:
    client.open(sync=False)
    client.receive(frames.ErrorFrame("rate_limited", "slower", action="sync"))
    client.after(0.5)
    assert len(client.actions("sync")) == 1
    client.after(0.5)
    assert len(client.actions("sync")) == 2


@pytest.mark.parametrize("action", ["sync", "receipt", "send"])
def test_a_client_waits_as_long_as_a_limit_says(client: Client, action: str) -> None:
    client.open(sync=action != "sync")
    name = client.write() if action == "send" else None
    if action == "receipt":
        client.receive(message(1))
        client.after(5.0)
    sent = len(client.actions(action))
    assert sent == 1
    for _ in range(3):  # shown once
        client.receive(frames.ErrorFrame("rate_limited", "slower", name, action, retry_after=30.0))
    client.after(29.0)
    assert len(client.actions(action)) == sent
    client.after(30.0)
    assert len(client.actions(action)) > sent
    limits = [each for each in client.reported if isinstance(each, events.ServerError)]
    assert limits == [events.ServerError("rate_limited", "slower", action)]


def test_a_chat_that_is_not_ours_any_more_does_not_spoil_the_others(client: Client) -> None:
    client.open()
    client.receive(frames.Nudge("gone", 3), frames.Nudge(CHAT, 3))
    client.receive(frames.ErrorFrame("not_found", "no such chat", action="sync"))
    asked = [frame["chats"] for frame in client.actions("sync")]
    assert asked == [{"gone": 0}, {CHAT: 0}]
    assert events.ChatLeft("gone") in client.reported


def test_an_unreadable_message_keeps_its_place(client: Client) -> None:
    client.open()
    client.receive(message(1, payload=None), message(2, alg="later.v9"), message(3))
    assert client.texts() == [None, None, "m3"]
    assert [m.seq for m in client.store.history(CHAT)] == [1, 2, 3]


def test_a_chat_that_the_response_leaves_out_is_asked_for_again(client: Client) -> None:
    client.open()
    client.receive(message(1), message(3))
    client.after(client.settings.gap_grace)
    client.receive(frames.Synced({}, False, None, None))
    client.after(client.settings.sync_backoff - 0.1)
    assert len(client.actions("sync")) == 1
    client.after(0.1)
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 1}}] * 2


# -- rule 2: one message at two positions


def test_the_second_copy_is_dropped_but_the_watermark_moves_over_it(client: Client) -> None:
    client.open()
    client.receive(message(1), message(2, message_id=named(1)), message(3))
    assert client.texts() == ["m1", "m3"]
    assert client.watermark() == 3


def test_the_same_id_from_another_device_is_another_message(client: Client) -> None:
    client.open()
    client.receive(message(1), message(2, message_id=named(1), sender_device="laptop"))
    client.receive(message(3, message_id=named(1), sender="meena"))
    assert client.texts() == ["m1", "m2", "m3"]


def test_a_copy_is_recognised_after_a_restart(client: Client) -> None:
    client.open()
    client.receive(message(1))
    client.restart()
    client.open(sync=False)
    client.receive(message(2, message_id=named(1)), synced(2, 2))
    assert client.texts() == []
