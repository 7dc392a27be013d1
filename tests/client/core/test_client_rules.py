"""PROTOCOL's client rules, one by one, on an engine with a store in memory and no network."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from client.core import events, frames
from client.core.content import text_content
from client.core.engine import Engine
from client.core.events import MessageReceived, StateChanged
from client.core.ids import hidden_id, ulid
from client.core.outputs import Drop, Fetch, Output, Stop, Transmit
from client.core.settings import Settings
from client.core.step import Step
from client.core.ticks import State
from client.errors import MessageTooLarge
from client.store import Store
from tests.client.core.fake_cipher import FakeCipher, payload

ME, CHAT = "ravi", "c1"
MEMBERS = {"ravi": frames.Watermarks(), "raju": frames.Watermarks()}


class Client:
    """An engine whose clock stands still until `at` moves it."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.store = Store.open(":memory:", ME, "phone")
        self.settings = settings or Settings(sync_jitter=(1.0, 1.0))
        self.random = Random(5)
        self.now = 100.0
        self.restart()

    def restart(self) -> None:
        """As after a crash: only the store is left."""
        self.engine = Engine(ME, "phone", self.random, self.settings)
        self.engine.restore(self._step())
        self.sent: list[dict[str, Any]] = []
        self.reported: list[Output] = []

    def _step(self) -> Step:
        return Step(self.now, self.now, self.store, FakeCipher())

    def step(self, act: Any, *args: Any) -> None:
        with self.store.transaction():
            act(self.engine, self._step(), *args)
        for output in self.engine.outputs():
            if isinstance(output, Transmit):
                self.sent.append(output.frame)
            elif not isinstance(output, Fetch):
                self.reported.append(output)

    def open(self, *, sync: bool = True) -> None:
        self.step(Engine.opened)
        if sync:
            self.hear(synced(0, 0))
            self.sent.clear()

    def close(self) -> None:
        self.step(Engine.closed)

    def hear(self, *heard: frames.ServerFrame) -> None:
        for frame in heard:
            self.step(Engine.received, frame)

    def after(self, seconds: float) -> None:
        self.now += seconds
        self.step(Engine.due)

    def write(self, text: str = "hello", chat: str = CHAT) -> str:
        name = ulid(int(self.now * 1000), self.random)
        self.step(Engine.send, name, chat, text_content(text))
        return name

    def actions(self, name: str) -> list[dict[str, Any]]:
        return [frame for frame in self.sent if frame["action"] == name]

    def texts(self) -> list[str | None]:
        return [event.text for event in self.reported if isinstance(event, MessageReceived)]

    def states(self) -> list[tuple[State, int | None]]:
        return [(e.state, e.seq) for e in self.reported if isinstance(e, StateChanged)]

    def watermark(self, chat: str = CHAT) -> int:
        return {position.chat: position.watermark for position in self.store.read_positions()}[chat]


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client()
    yield made
    made.store.close()


def named(number: int) -> str:
    """An id as texts have it."""
    return f"{number:026d}"


def message(seq: int, text: str | None = None, **fields: Any) -> frames.Message:
    known: dict[str, Any] = {
        "chat": CHAT, "seq": seq, "message_id": named(seq), "sender": "raju",
        "sender_device": "phone", "sent_at": 5.0, "alg": "megolm.v1",
        "payload": payload(text or f"m{seq}"),
    }  # fmt: skip
    return frames.Message(**{**known, **fields})


def synced(
    seq: int,
    complete_to: int,
    *,
    missing: frames.Ranges = (),
    after: int = 0,
    more: bool = False,
    cursor: str | None = None,
    retry_after: float | None = None,
    members: dict[str, frames.Watermarks] | None = None,
) -> frames.Synced:
    place = frames.SyncedChat(seq, after, complete_to, missing, members or MEMBERS)
    return frames.Synced({CHAT: place}, more, cursor, retry_after)


# -- rule 1: watermarks, gaps, voids


def test_connecting_asks_for_every_chat(client: Client) -> None:
    client.open(sync=False)
    assert client.actions("sync") == [{"action": "sync"}]


def test_messages_are_shown_in_order_whatever_the_order_they_come_in(client: Client) -> None:
    client.open()
    client.hear(message(1), message(3), message(2), message(2), message(1))
    assert client.texts() == ["m1", "m2", "m3"]
    assert client.watermark() == 3
    client.after(1.0)
    assert client.actions("sync") == []  # the gap closed by itself


def test_a_gap_that_is_newer_than_the_response_is_asked_for_too(client: Client) -> None:
    client.open(sync=False)
    client.hear(message(3), synced(1, 0))
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
    client.hear(synced(0, 0))
    assert [frame["message_id"] for frame in client.actions("send")] == [name]


def test_an_acceptance_of_what_is_not_ones_own_takes_no_place(client: Client) -> None:
    client.open()
    name = client.write()
    client.hear(
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
    client.hear(message(1), message(3))
    assert client.texts() == ["m1"]
    client.after(client.settings.gap_grace)
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 1}}]
    client.after(1.0)
    assert len(client.actions("sync")) == 1  # one question at a time
    client.hear(message(2), synced(3, 3))
    assert client.texts() == ["m1", "m2", "m3"]


def test_complete_to_steps_over_a_void(client: Client) -> None:
    client.open()
    client.hear(message(1), message(4))
    client.after(1.0)
    client.hear(message(3), synced(4, 4))
    assert client.texts() == ["m1", "m3", "m4"]
    assert client.watermark() == 4


def test_a_young_hole_is_waited_for_as_long_as_the_server_says(client: Client) -> None:
    client.open()
    client.hear(message(1), message(3))
    client.after(1.0)
    client.hear(synced(3, 1, retry_after=9.0))
    client.sent.clear()
    client.after(8.9)
    assert client.actions("sync") == []
    assert client.texts() == ["m1"]
    client.after(0.1)
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 1}}]
    client.hear(message(2), synced(3, 3))
    assert client.texts() == ["m1", "m2", "m3"]


def test_what_has_expired_is_told_and_kept(client: Client) -> None:
    client.open()
    client.hear(message(1), message(6))
    client.after(1.0)
    client.hear(message(4), synced(6, 6, missing=((2, 3), (5, 5))))
    gone = [e for e in client.reported if isinstance(e, events.MessagesMissing)]
    assert [(e.first, e.last) for e in gone] == [(2, 3), (5, 5)]
    assert client.texts() == ["m1", "m4", "m6"]


def test_more_pages_are_fetched_at_once(client: Client) -> None:
    client.open(sync=False)
    client.hear(message(1), message(2), synced(5, 2, more=True))
    assert client.actions("sync")[1:] == [{"action": "sync", "chats": {CHAT: 2}}]
    client.hear(message(3), message(4), synced(5, 4, more=True))
    assert client.actions("sync")[2:] == [{"action": "sync", "chats": {CHAT: 4}}]
    client.hear(message(5), synced(5, 5))
    assert len(client.actions("sync")) == 3
    assert client.texts() == ["m1", "m2", "m3", "m4", "m5"]
    assert isinstance(client.reported[-1], events.CaughtUp)


def test_messages_that_come_together_are_taken_as_if_one_by_one(client: Client) -> None:
    client.open(sync=False)
    elsewhere = message(1, "elsewhere", chat="C2")
    client.hear(frames.Messages((message(1), message(2), elsewhere, message(4))))
    assert client.texts() == ["m1", "m2", "elsewhere"]
    client.hear(synced(4, 4))
    assert client.texts() == ["m1", "m2", "elsewhere", "m4"]


def test_the_pages_of_all_chats_are_followed_and_then_it_has_caught_up(client: Client) -> None:
    client.open(sync=False)
    client.hear(synced(1, 0, more=True, cursor="C3"))
    assert client.actions("sync")[1:] == [{"action": "sync", "chats": {CHAT: 0}}]
    client.hear(message(1), synced(1, 1))
    assert client.actions("sync")[2:] == [{"action": "sync", "cursor": "C3"}]
    assert not client.engine.resumed
    client.hear(frames.Synced({}, False, "C9"))  # chats that are no more
    assert client.actions("sync")[3:] == [{"action": "sync", "cursor": "C9"}]
    client.hear(frames.Synced({}))
    assert client.engine.resumed and client.reported[-1] == events.CaughtUp(complete=True)


def test_a_page_that_failed_is_asked_for_again_and_not_the_first_one(client: Client) -> None:
    client.open(sync=False)
    client.hear(frames.Synced({}, False, "C3"), frames.ErrorFrame("internal", "", action="sync"))
    client.after(client.settings.sync_backoff)
    assert client.actions("sync")[2:] == [{"action": "sync", "cursor": "C3"}]
    client.hear(frames.ErrorFrame("bad_request", "", action="sync"))
    client.after(2 * client.settings.sync_backoff)
    assert client.actions("sync")[3:] == [{"action": "sync"}]  # a cursor that is none any more


def test_who_changed_while_another_page_was_under_way_is_asked_about(client: Client) -> None:
    client.open(sync=False)
    client.hear(synced(0, 0, cursor="C3"), frames.DevicesChanged("meena", CHAT))
    client.hear(frames.Synced({}))
    assert client.actions("sync")[2:] == [{"action": "sync", "chats": {CHAT: 0}}]


def test_a_new_connection_begins_with_the_first_page(client: Client) -> None:
    client.open(sync=False)
    client.hear(frames.Synced({}, False, "C3"))
    client.close()
    client.open(sync=False)
    assert client.actions("sync")[2:] == [{"action": "sync"}]


def test_nothing_for_lack_of_time_is_asked_for_later_and_later(client: Client) -> None:
    """And never at once at the same position, whatever the server says."""
    client.open(sync=False)
    times = [client.now]
    for retry_after, more in ((1.0, False), (1.0, False), (None, True), (None, True), (1.0, True)):
        client.hear(synced(5, 0, retry_after=retry_after, more=more))
        while len(client.actions("sync")) == len(times):
            client.after(0.1)
        times.append(client.now)
    pauses = [int(two - one) for one, two in itertools.pairwise(times)]
    assert pauses == [1, 1, 4, 8, 8]


def test_what_many_clients_were_told_to_wait_for_is_spread() -> None:
    waits = set()
    for number in range(20):
        client = Client(Settings())
        client.random.seed(number)
        client.open(sync=False)
        client.hear(synced(5, 0, retry_after=4.0))
        due = client.engine.next_due()
        assert due is not None and 4.0 <= due - client.now <= 5.0
        waits.add(round(due, 3))
        client.store.close()
    assert len(waits) > 15


def test_a_nudge_for_something_new_asks_for_it(client: Client) -> None:
    client.open()
    client.hear(frames.Nudge(CHAT, 2))
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 0}}]


def test_a_nudge_for_something_old_repeats_the_receipt(client: Client) -> None:
    client.open()
    client.hear(message(1))
    client.after(1.0)
    client.hear(frames.Nudge(CHAT, 1))
    client.after(1.0)
    assert [frame["delivered"] for frame in client.actions("receipt")] == [1, 1]
    assert client.actions("sync") == []


def test_a_sync_of_all_chats_that_brings_what_is_here_repeats_the_receipt(client: Client) -> None:
    """The server has this device further back: a receipt was lost."""
    client.open()
    client.hear(message(1))
    client.after(1.0)
    client.step(Engine.sync)
    client.hear(message(1), synced(1, 1))
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
    client.hear(own(1, name), synced(1, 1))
    assert client.actions("send") == [] and client.watermark() == 1
    client.restart()
    client.open()
    assert client.actions("send") == []


def test_all_that_was_written_without_a_connection_is_there_after_a_crash(client: Client) -> None:
    names = [client.write(text) for text in ("one", "two", "three")]
    client.restart()
    assert client.engine.unaccepted == 3
    client.open(sync=False)
    client.hear(synced(0, 0))
    for seq, name in enumerate(names, start=1):
        assert client.actions("send")[-1]["message_id"] == name
        client.hear(frames.Accepted(name, CHAT, seq, 5.0))
    assert client.engine.unaccepted == 0


def test_who_is_not_known_in_a_chat_is_asked_about_once_on_each_connection(client: Client) -> None:
    client.open()
    for connection in range(2):
        if connection:
            client.close()
            client.open()
        client.sent.clear()
        seq = 2 * connection
        client.hear(message(seq + 1, sender="mira"), synced(seq + 1, seq + 1, after=seq))
        client.hear(message(seq + 2, sender="mira"))
        assert [sorted(frame["chats"]) for frame in client.actions("sync")] == [[CHAT]]


def test_a_device_that_lost_its_store_asks_from_the_beginning(client: Client) -> None:
    """The server counts from its last receipt; what this store lacks below is asked by name."""
    client.open(sync=False)
    client.hear(message(4), synced(4, 4, after=3))
    assert client.texts() == []
    assert client.actions("sync")[1:] == [{"action": "sync", "chats": {CHAT: 0}}]
    client.hear(message(2), message(3), message(4), synced(4, 4, missing=((1, 1),)))
    assert client.texts() == ["m2", "m3", "m4"]


def test_it_does_so_again_after_a_connection_was_lost_in_the_middle(client: Client) -> None:
    """A watermark above 0 proves nothing: it may be lower than what the server has counted."""
    client.open(sync=False)
    client.hear(synced(2, 2, after=2), message(1))
    client.close()
    client.open(sync=False)
    client.hear(synced(2, 2, after=2))
    assert client.texts() == ["m1"] and client.watermark() == 1
    assert client.actions("sync")[3:] == [{"action": "sync", "chats": {CHAT: 1}}]
    client.hear(message(2), synced(2, 2, after=1))
    assert client.texts() == ["m1", "m2"]


def test_after_a_backup_was_restored_what_the_server_has_no_more_is_a_gap(client: Client) -> None:
    client.open()
    client.hear(message(1))
    client.close()
    client.open(sync=False)
    client.sent.clear()
    client.hear(message(7), synced(7, 7, after=6))
    assert client.texts() == ["m1"]
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 1}}]
    client.hear(message(7), synced(7, 7, after=1, missing=((2, 6),)))
    gone = [e for e in client.reported if isinstance(e, events.MessagesMissing)]
    assert [(e.first, e.last) for e in gone] == [(2, 6)] and client.texts() == ["m1", "m7"]


def test_a_server_that_begins_too_far_on_also_by_name_is_not_asked_in_a_loop(
    client: Client,
) -> None:
    client.open(sync=False)
    for _ in range(5):
        client.hear(synced(4, 4, after=3))
    assert len(client.actions("sync")) == 2 and client.watermark() == 0


def test_a_sync_that_stays_unanswered_ends_the_connection(client: Client) -> None:
    client.open(sync=False)
    client.after(client.settings.sync_timeout)
    assert Drop("no answer to sync") in client.reported


def test_a_sync_refused_for_now_is_tried_again(client: Client) -> None:
    client.open(sync=False)
    client.hear(frames.ErrorFrame("rate_limited", "slower", action="sync"))
    client.after(0.5)
    assert len(client.actions("sync")) == 1
    client.after(0.5)
    assert len(client.actions("sync")) == 2


@pytest.mark.parametrize("action", ["sync", "receipt", "send"])
def test_a_client_waits_as_long_as_a_limit_says(client: Client, action: str) -> None:
    client.open(sync=action != "sync")
    name = client.write() if action == "send" else None
    if action == "receipt":
        client.hear(message(1))
        client.after(5.0)
    sent = len(client.actions(action))
    assert sent == 1
    for _ in range(3):  # shown once
        client.hear(frames.ErrorFrame("rate_limited", "slower", name, action, retry_after=30.0))
    client.after(29.0)
    assert len(client.actions(action)) == sent
    client.after(30.0)
    assert len(client.actions(action)) > sent
    limits = [each for each in client.reported if isinstance(each, events.ServerError)]
    assert limits == [events.ServerError("rate_limited", "slower", action)]


def test_a_chat_that_is_not_ours_any_more_does_not_spoil_the_others(client: Client) -> None:
    client.open()
    client.hear(frames.Nudge("gone", 3), frames.Nudge(CHAT, 3))
    client.hear(frames.ErrorFrame("not_found", "no such chat", action="sync"))
    asked = [frame["chats"] for frame in client.actions("sync")]
    assert asked == [{"gone": 0}, {CHAT: 0}]
    assert events.ChatLeft("gone") in client.reported


def test_an_unreadable_message_keeps_its_place(client: Client) -> None:
    client.open()
    client.hear(message(1, payload=None), message(2, alg="later.v9"), message(3))
    assert client.texts() == [None, None, "m3"]
    assert [m.seq for m in client.store.history(CHAT)] == [1, 2, 3]


# -- rule 2: one message at two positions


def test_the_second_copy_is_dropped_but_the_watermark_moves_over_it(client: Client) -> None:
    client.open()
    client.hear(message(1), message(2, message_id=named(1)), message(3))
    assert client.texts() == ["m1", "m3"]
    assert client.watermark() == 3


def test_the_same_id_from_another_device_is_another_message(client: Client) -> None:
    client.open()
    client.hear(message(1), message(2, message_id=named(1), sender_device="laptop"))
    client.hear(message(3, message_id=named(1), sender="meena"))
    assert client.texts() == ["m1", "m2", "m3"]


def test_a_copy_is_recognised_after_a_restart(client: Client) -> None:
    client.open()
    client.hear(message(1))
    client.restart()
    client.open(sync=False)
    client.hear(message(2, message_id=named(1)), synced(2, 2))
    assert client.texts() == []


# -- rule 3: own messages


def own(seq: int, name: str, **fields: Any) -> frames.Message:
    return message(seq, message_id=name, sender=ME, **fields)


def test_acceptance_gives_the_position_and_moves_the_watermark(client: Client) -> None:
    client.open()
    name = client.write()
    (frame,) = client.actions("send")
    assert (frame["message_id"], frame["payload"]) == (name, "aGVsbG8=")
    client.hear(frames.Accepted(name, CHAT, 1, 5.0))
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
    client.hear(synced(0, 0))
    assert client.actions("send") == before
    assert before[0]["message_id"] == name


def test_meeting_an_own_message_in_a_sync_is_its_acceptance(client: Client) -> None:
    client.open()
    name = client.write()
    client.close()
    client.sent.clear()
    client.open(sync=False)
    client.hear(own(1, name), synced(1, 1))
    assert client.states() == [(State.SENT, 1)]
    assert client.actions("send") == []
    assert client.texts() == []


def test_of_two_acceptances_the_lower_position_counts(client: Client) -> None:
    client.open()
    name = client.write()
    client.hear(frames.Accepted(name, CHAT, 3, 5.0))  # the first answer was lost
    client.after(1.0)
    client.hear(own(1, name), message(2), own(3, name), synced(3, 3))
    assert client.states() == [(State.SENT, 3), (State.SENT, 1)]
    assert [m.seq for m in client.store.history(CHAT)] == [1, 2]
    assert client.watermark() == 3


def test_a_gap_that_may_be_an_own_message_waits_a_little_longer(client: Client) -> None:
    client.open()
    name = client.write()
    client.hear(message(2))
    client.after(client.settings.gap_grace)
    assert client.actions("sync") == []
    client.hear(frames.Accepted(name, CHAT, 1, 5.0))
    client.after(5.0)
    assert client.actions("sync") == []
    assert client.texts() == ["m2"]


def test_what_another_own_device_wrote_is_shown_as_own(client: Client) -> None:
    client.open()
    client.hear(own(1, named(1), sender_device="laptop"))
    (event,) = [e for e in client.reported if isinstance(e, MessageReceived)]
    assert event.own
    client.hear(frames.Receipt(CHAT, "raju", 1, 0))
    assert client.states() == [(State.DELIVERED, 1)]


@pytest.mark.parametrize("code", ["not_found", "bad_request", "forbidden", "too_large"])
def test_an_error_is_final_and_the_next_message_goes_out(client: Client, code: str) -> None:
    client.open()
    name = client.write("one")
    client.write("two")
    client.hear(frames.ErrorFrame(code, "no", name, "send"))
    failed = [e for e in client.reported if isinstance(e, StateChanged)]
    assert [(e.state, e.text, e.reason) for e in failed] == [(State.FAILED, "one", f"{code}: no")]
    assert len(client.actions("send")) == 2
    client.restart()
    assert client.engine.unaccepted == 1


@pytest.mark.parametrize("code", ["rate_limited", "internal"])
def test_a_temporary_error_is_not_final(client: Client, code: str) -> None:
    client.open()
    name = client.write()
    client.hear(frames.ErrorFrame(code, "later", name, "send"))
    client.after(2.0)
    assert len(client.actions("send")) == 2
    assert client.states() == []


def test_a_message_said_to_have_failed_that_turns_up_was_sent_after_all(client: Client) -> None:
    client.open()
    name = client.write()
    client.hear(frames.ErrorFrame("not_found", "no", name, "send"), own(1, name))
    assert client.states() == [(State.FAILED, None), (State.SENT, 1)]


def test_what_is_too_large_for_a_frame_is_refused_before_it_is_stored(client: Client) -> None:
    client.open()
    with pytest.raises(MessageTooLarge, match="30,000"):
        client.write("x" * 23_000)
    assert client.engine.unaccepted == 0
    client.write("x" * 22_000)
    assert len(client.actions("send")) == 1


# -- rules 4 and 5: receipts and ticks


def test_what_is_taken_is_acknowledged_to_its_senders_once(client: Client) -> None:
    client.open()
    client.hear(message(1), message(2, sender="meena"), own(3, named(3), sender_device="laptop"))
    client.after(1.0)
    assert client.actions("receipt") == [
        {"action": "receipt", "chat": CHAT, "senders": ["meena", "raju"], "delivered": 3}
    ]
    client.after(60.0)
    assert len(client.actions("receipt")) == 1


def test_reading_is_told_and_never_goes_back_or_past_what_is_here(client: Client) -> None:
    client.open()
    client.hear(message(1), message(2))
    client.after(1.0)
    client.sent.clear()
    client.step(Engine.mark_read, CHAT, 9)
    client.step(Engine.mark_read, CHAT, 1)
    client.after(1.0)
    (frame,) = client.actions("receipt")
    assert (frame["read"], frame["senders"]) == (2, ["raju"])
    assert client.store.unread(CHAT) == []


@pytest.mark.parametrize("action", ["receipt", None])
def test_a_receipt_that_failed_is_told_again_to_the_same_senders(
    client: Client, action: str | None
) -> None:
    client.open()
    client.hear(message(1))
    client.after(1.0)
    client.hear(frames.ErrorFrame("internal", "Internal server error", action=action))
    client.after(1.0)
    first, second = client.actions("receipt")
    assert first == second == {**first, "senders": ["raju"], "delivered": 1}


def test_reading_that_failed_is_told_again_although_all_was_told_to_be_here(
    client: Client,
) -> None:
    client.open()
    client.hear(message(1))
    client.after(310.0)
    client.hear(frames.Pong())
    client.sent.clear()
    client.step(Engine.mark_read, CHAT, 1)
    client.after(1.0)
    client.hear(frames.ErrorFrame("internal", "Internal server error", action="receipt"))
    client.after(1.0)
    first, second = client.actions("receipt")
    assert first == second and (first["read"], first["senders"]) == (1, ["raju"])


def test_what_may_not_have_been_told_is_told_again_after_a_crash(client: Client) -> None:
    client.open()
    client.hear(message(1))
    client.after(1.0)
    client.restart()
    client.open()
    client.after(1.0)
    assert [frame["senders"] for frame in client.actions("receipt")] == [["raju"]]


def test_what_was_not_sealed_fails_in_a_chat_that_is_not_ours_any_more(client: Client) -> None:
    client.open()
    first, second = client.write("in the outbox"), client.write("behind it")
    client.hear(frames.Nudge(CHAT, 1))
    client.hear(frames.ErrorFrame("not_found", "no such chat", action="sync"))
    states = [each for each in client.reported if isinstance(each, StateChanged)]
    assert [(each.message_id, each.state) for each in states] == [(second, State.FAILED)]
    client.hear(frames.ErrorFrame("not_found", "no such chat", first, "send"))
    assert client.states()[-1] == (State.FAILED, None) and client.engine.unaccepted == 0


def test_it_is_awake_when_the_sender_of_an_unreadable_text_is_to_be_asked(client: Client) -> None:
    """By the clock of the steps, which is another one than that of messages."""
    client.open()
    with client.store.transaction():
        client.store.add(message(1), None, None, "its key is not here", 1_000_005.0)
    step = Step(client.now, 1_000_000.0, client.store, FakeCipher())
    assert client.engine._sending.next_due(step) == client.now + 5


def test_in_a_direct_chat_that_is_said_to_be_others_too_nobody_reads(client: Client) -> None:
    client.store.describe(CHAT, "direct")
    client.open(sync=False)
    client.hear(synced(0, 0, members={**MEMBERS, "mira": frames.Watermarks()}))
    assert client.engine._membership.chat(client._step(), CHAT).members == frozenset()
    client.write()
    assert client.states() == [(State.FAILED, None)] and client.actions("send") == []


def test_of_chats_that_are_refused_together_each_is_asked_alone(client: Client) -> None:
    client.open()
    refused = frames.ErrorFrame("not_found", "one is not yours", action="sync")
    client.step(Engine.sync)
    client.hear(frames.Nudge(CHAT, 1), frames.Nudge("c2", 1), frames.Synced({}, False))
    asked = client.actions("sync")[-1]["chats"]
    assert asked == {CHAT: 0, "c2": 0}
    client.hear(refused)
    (first,) = client.actions("sync")[-1]["chats"]
    client.hear(refused)
    assert events.ChatLeft(first) in client.reported
    (second,) = client.actions("sync")[-1]["chats"]
    assert {first, second} == asked.keys() and not client.engine.left(second)


def test_what_is_read_ends_at_what_is_here(client: Client) -> None:
    client.open()
    client.hear(message(1), message(3))
    client.step(Engine.mark_read, CHAT, 3)
    client.hear(message(2))
    client.after(5.0)
    marks = [(frame["delivered"], frame.get("read")) for frame in client.actions("receipt")]
    assert marks[-1] == (3, 1)


def test_what_waits_for_acceptance_in_each_chat_is_sent_again_after_a_crash(client: Client) -> None:
    client.open()
    names = {client.write(chat=chat) for chat in (CHAT, "c2", "c3")}
    client.restart()
    client.open(sync=False)
    client.hear(synced(0, 0))
    assert {frame["message_id"] for frame in client.actions("send")} == names


def test_an_error_of_another_kind_keeps_the_receipts_of_its_chat(client: Client) -> None:
    client.open()
    client.hear(message(1))
    client.hear(frames.ErrorFrame("bad_request", "no", chat=CHAT, action="typing"))
    client.after(5.0)
    assert [frame["delivered"] for frame in client.actions("receipt")] == [1]


def test_a_pong_confirms_what_was_told_before(client: Client) -> None:
    client.open()
    other = frames.Synced({"c2": frames.SyncedChat(1, 0, 1, (), MEMBERS)}, False)
    client.hear(message(1), message(1, chat="c2"), other)
    client.after(310.0)
    assert client.actions("ping")
    client.hear(frames.Pong())
    client.restart()
    client.open()
    client.after(40.0)
    assert client.actions("receipt") == []


def test_ticks_come_in_order_even_if_reading_is_heard_first(client: Client) -> None:
    client.open()
    name = client.write()
    client.hear(frames.Receipt(CHAT, "raju", 1, 1))
    assert client.states() == []
    client.hear(frames.Accepted(name, CHAT, 1, 5.0))
    assert client.states() == [(State.SENT, 1), (State.DELIVERED, 1), (State.READ, 1)]


def test_in_a_group_a_tick_needs_everybody(client: Client) -> None:
    everybody = {user: frames.Watermarks() for user in (ME, "raju", "meena")}
    client.open(sync=False)
    client.hear(synced(0, 0, members=everybody))
    name = client.write()
    client.hear(frames.Accepted(name, CHAT, 1, 5.0), frames.Receipt(CHAT, "raju", 1, 1))
    assert client.states() == [(State.SENT, 1)]
    client.hear(frames.Receipt(CHAT, "meena", 1, 0))
    assert client.states()[1:] == [(State.DELIVERED, 1)]
    left = {user: frames.Watermarks(1, 1) for user in (ME, "raju")}
    client.step(Engine.sync)
    client.hear(synced(1, 1, members=left))
    assert client.states()[2:] == [(State.READ, 1)]  # meena, who had not read it, has left


def test_ticks_that_were_missed_come_with_the_next_sync(client: Client) -> None:
    client.open()
    name = client.write()
    client.hear(frames.Accepted(name, CHAT, 1, 5.0))
    client.close()
    client.open(sync=False)
    client.hear(synced(1, 1, members={ME: frames.Watermarks(), "raju": frames.Watermarks(1, 1)}))
    assert client.states() == [(State.SENT, 1), (State.DELIVERED, 1), (State.READ, 1)]


def test_what_was_read_on_another_own_device_is_read_here(client: Client) -> None:
    client.open()
    client.hear(message(1))
    client.step(Engine.sync)
    client.hear(synced(1, 1, members={ME: frames.Watermarks(1, 1), "raju": frames.Watermarks()}))
    assert client.store.unread(CHAT) == []


def test_somebody_unknown_in_a_chat_is_asked_about_once(client: Client) -> None:
    client.open()
    client.hear(message(1, sender="meena"), message(2, sender="meena"))
    client.after(1.0)
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 1}}]
    client.hear(synced(2, 2), message(3, sender="meena"))
    client.after(1.0)
    assert len(client.actions("sync")) == 1


# -- rule 6 and the rest


def test_being_displaced_stops_the_client_and_says_so(client: Client) -> None:
    client.open()
    client.hear(frames.Displaced())
    assert client.reported[-2:] == [events.Displaced(), Stop()]


def test_a_connection_that_does_not_answer_a_ping_is_left(client: Client) -> None:
    client.open()
    client.after(300.0)
    assert client.actions("ping")
    client.after(10.0)
    assert Drop("no answer to ping") in client.reported


@pytest.mark.parametrize("heard", [frames.Pong(), frames.KeysLow(3, True), message(1)])
def test_whatever_is_heard_shows_that_the_connection_lives(
    client: Client, heard: frames.ServerFrame
) -> None:
    client.open()
    client.after(300.0)
    assert client.actions("ping")
    client.hear(heard)
    client.after(10.0)
    assert not [each for each in client.reported if isinstance(each, Drop)]


def test_who_has_left_a_chat_reports_nothing_of_it_and_loses_nothing_more(client: Client) -> None:
    client.open()
    client.hear(message(1))
    client.step(Engine.leave, CHAT)
    client.after(60.0)
    assert client.actions("receipt") == []
    client.step(Engine.begin_anew)
    assert events.BeganAnew() not in client.reported, "there was no chat to lose"


def test_a_chat_that_was_left_is_not_fetched_and_is_there_again_with_a_sync(client: Client) -> None:
    client.open()
    client.hear(message(2))
    client.after(1.0)
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 0}}]
    client.step(Engine.leave, CHAT)
    client.hear(frames.Synced({}, False))
    client.after(60.0)
    assert len(client.actions("sync")) == 1
    client.restart()
    assert client.engine.left(CHAT)
    client.open(sync=False)
    client.hear(synced(2, 2))
    assert not client.engine.left(CHAT)
    client.restart()
    assert not client.engine.left(CHAT)


def test_a_send_without_an_answer_makes_it_look_whether_the_connection_lives(
    client: Client,
) -> None:
    client.open()
    client.write()
    client.after(10.0)
    assert len(client.actions("send")) == 2
    assert client.actions("ping")


def test_a_planned_reconnect_says_first_what_is_to_be_said(client: Client) -> None:
    client.open()
    client.now += 6600
    client.hear(message(1))
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
    client.hear(synced(0, 0, members={f"user{n}": frames.Watermarks() for n in range(size)}))
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
    client.hear(
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


def test_a_receipt_that_is_refused_is_not_repeated_and_the_chat_is_asked_about() -> None:
    client = Client()
    client.open()
    client.hear(message(1))
    client.after(10)
    assert client.actions("receipt")
    client.sent.clear()
    refused = frames.ErrorFrame("not_found", "no such chat", action="receipt", chat=CHAT)
    client.hear(refused)
    (asked,) = client.actions("sync")
    assert asked["chats"] == {CHAT: 1}
    client.hear(frames.ErrorFrame("not_found", "no such chat", action="sync"))
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
    client.hear(synced(1, 1))
    assert not client.engine.left(CHAT)


def test_a_chat_that_the_response_leaves_out_is_asked_for_again(client: Client) -> None:
    client.open()
    client.hear(message(1), message(3))
    client.after(client.settings.gap_grace)
    client.hear(frames.Synced({}, False, None, None))
    client.after(client.settings.sync_backoff - 0.1)
    assert len(client.actions("sync")) == 1
    client.after(0.1)
    assert client.actions("sync") == [{"action": "sync", "chats": {CHAT: 1}}] * 2
