"""Any interleaving of sends, losses, reorderings, crashes and reconnects: nothing lost, nothing
twice, one order.

Real engines over real SQLite stores, against the real handlers in memory. The network may lose,
repeat and reorder whatever the protocol lets it; a client may crash between any two writes, and a
function may be slow or die after it has taken a position.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from client.core.content import text_content
from client.core.engine import Engine
from client.core.events import MessageReceived
from client.core.ids import ulid
from client.core.ticks import State
from lambdas.messages import sync_plan
from lambdas.tables import seq_of
from tests.client.core.engine_device import Device, Flight
from tests.model.tasks import Task
from tests.support.backend.gateway import Connection
from tests.support.backend.people import People

pytestmark = pytest.mark.slow

USERS = ("ravi", "raju", "meena")
PAGE = 4  # messages that one sync posts
EXAMPLES = int(os.environ.get("SCHEDULES", "100"))  # more of them for a night
FEW = 15  # where there is no time for more
WHO = st.sampled_from(USERS)
INDEX = st.integers(0, 1 << 16)
FUSE = st.integers(0, 6)


class Schedules(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.random = Random(7)
        self.backend = People(RETAIN_UNTIL_EXPIRY="true")
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(sync_plan, "MESSAGES", PAGE)
        self.patch.setattr(sync_plan, "CHATS", 1)
        self.patch.setattr(sync_plan, "POST_BYTES", 1)  # one message each: any of them may be lost
        self.slow: list[tuple[Device, Connection, Task]] = []
        self.devices = {user: Device(user, self.backend, self.random) for user in USERS}
        for user in USERS:
            self.backend.add_device(user, "phone")
        self.chats = [self.backend.direct("ravi", "raju"), self.backend.group(*USERS)]
        self.expired: dict[str, set[int]] = {chat: set() for chat in self.chats}
        self.written: set[str] = set()

    def teardown(self) -> None:
        for device in self.devices.values():
            device.db.close()
        for _, _, task in self.slow:
            self.backend.resume(task, kill=True)
        self.patch.undo()

    # -- people

    @initialize()
    def all_connect(self) -> None:
        for device in self.devices.values():
            device.connect()

    @rule(who=WHO, which=INDEX, count=st.integers(1, 5), fuse=st.none() | FUSE)
    def write(self, who: str, which: int, count: int, fuse: int | None) -> None:
        mine = [chat for chat in self.chats if who in self.backend.members(chat)]
        chat = mine[which % len(mine)]
        device = self.devices[who]
        for number in range(count):
            name = ulid(int(self.backend.now * 1000), self.random)
            burning = fuse if number == count - 1 else None
            device.step(Engine.send, name, chat, text_content(f"{who}"), fuse=burning)
            if device.store.own(name) is not None:
                self.written.add(name)

    @rule(who=WHO, which=INDEX)
    def read(self, who: str, which: int) -> None:
        chat = self.chats[which % len(self.chats)]
        if who in self.backend.members(chat):
            self.devices[who].step(Engine.mark_read, chat, 1 << 30)

    @rule()
    def somebody_installs_the_client_anew(self) -> None:
        self.devices["meena"].lose_store()

    @rule()
    def somebody_makes_a_backup(self) -> None:
        self.devices["meena"].backup = self.devices["meena"].db.serialize()

    # -- the network

    @rule(who=WHO)
    def connect(self, who: str) -> None:
        if not self.devices[who].online:
            self.devices[who].connect()

    @rule(who=WHO, still_handled=st.integers(0, 3))
    def lose_connection(self, who: str, still_handled: int) -> None:
        """What was on its way to the backend may arrive; its response does not."""
        device = self.devices[who]
        if device.online:
            for _ in range(min(still_handled, len(device.up))):
                device.handled(0)
            device.disconnect()

    @rule(order=st.lists(INDEX, min_size=1, max_size=20))
    def frames_travel(self, order: list[int]) -> None:
        """Up or down, any client's, in whatever order the channel allows."""
        for index in order:
            ways: list[Callable[[], None]] = []
            for device in self.devices.values():
                ways += [partial(device.handled, at) for at in range(len(device.up))]
                ways += [partial(device.receive, flight) for flight in device.deliverable()]
            if ways:
                ways[index % len(ways)]()

    @rule(who=WHO, index=INDEX, keep=st.booleans(), fuse=st.none() | FUSE)
    def a_frame_comes_twice_or_a_client_crashes_over_it(
        self, who: str, index: int, keep: bool, fuse: int | None
    ) -> None:
        device = self.devices[who]
        flights = device.deliverable()
        if flights:
            flight = flights[index % len(flights)]
            device.receive(flight, keep=keep and flight.live, fuse=fuse)

    @rule(who=WHO, index=INDEX)
    def a_live_post_is_lost(self, who: str, index: int) -> None:
        device = self.devices[who]
        live = [flight for flight in device.down if flight.live]
        if live:
            lost = live[index % len(live)]
            device.down = [flight for flight in device.down if flight is not lost]

    # -- the backend

    @rule(who=WHO, index=INDEX, dies=st.booleans())
    def a_writer_is_slow_or_dies(self, who: str, index: int, dies: bool) -> None:
        device = self.devices[who]
        sends = [frame for frame in device.up if frame["action"] == "send"]
        if sends and device.connection is not None:
            frame = sends[index % len(sends)]
            device.up.remove(frame)
            task = self.backend.begin(device.connection, frame)  # it has taken a position
            if dies:
                self.backend.resume(task, kill=True)
            else:
                self.slow.append((device, device.connection, task))

    @precondition(lambda self: self.slow)
    @rule(index=INDEX)
    def a_slow_writer_finishes(self, index: int) -> None:
        device, connection, task = self.slow.pop(index % len(self.slow))
        response = self.backend.resume(task)
        if device.connection is connection:
            device.down.append(Flight(response))

    @rule(seconds=st.sampled_from([0.06, 0.3, 2.0, 5.0, 16.0, 290.0]))
    def time_passes(self, seconds: float) -> None:
        if seconds > 5:  # a handler lives at most 6 s
            while self.slow:
                self.a_slow_writer_finishes(0)
        self.backend.now += seconds
        for device in self.devices.values():
            device.step(Engine.due)

    @rule()
    def the_delivery_watch_runs(self) -> None:
        self.backend.run_watch()

    @rule(which=INDEX, index=INDEX)
    def a_message_expires(self, which: int, index: int) -> None:
        chat = self.chats[which % len(self.chats)]
        stored = [seq_of(message) for message in self.backend.messages(chat)]
        if stored and index % len(stored) == 0:
            self.backend.expire(chat, stored[0])
            self.expired[chat].add(stored[0])

    @rule(which=INDEX)
    def everything_comes_to_rest(self, which: int) -> None:
        while self.slow:
            self.a_slow_writer_finishes(0)
        for _ in range(400):
            if not self._busy():
                break
            for device in self.devices.values():
                if not device.online:
                    device.connect()
                while device.up:
                    device.handled(0)
                while device.down:
                    device.receive(device.deliverable()[0])
            self.backend.run_watch()
            self.time_passes(2.1)
        else:
            raise AssertionError("it never came to rest")
        for chat in self.chats:
            self._nothing_is_missing(chat)

    def _busy(self) -> bool:
        devices = self.devices.values()
        if any(d.up or d.down or not d.online or d.engine.unaccepted for d in devices):
            return True
        for name in self.chats:
            head = self.backend.head(name)
            for user in head["members"]:
                at = self.backend.member(name, user)["delivered"].get("phone", 0)
                if at < head["seq"] or self.devices[user].watermark(name) < head["seq"]:
                    return True
        return bool(self.slow)

    def _nothing_is_missing(self, name: str) -> None:
        members = self.backend.members(name)
        marks = {user: self.backend.member(name, user) for user in members}
        for user in members:
            device = self.devices[user]
            everyone = [marks[other] for other in members if other != user]
            for own_name in self.written:
                own = device.store.own(own_name)
                if own is None or own.chat != name:
                    continue
                assert own.seq is not None
                if self.expired[name]:
                    continue  # whoever missed it cannot know whom to tell
                read = all(mark["read"] >= own.seq for mark in everyone)
                assert own.state is (State.READ if read else State.DELIVERED)

    # -- always

    @invariant()
    def nothing_is_passed_unseen_or_shown_twice(self) -> None:
        for name in self.chats:
            for user in self.backend.members(name):
                self._check(self.devices[user], name)

    def _check(self, device: Device, name: str) -> None:
        watermark = device.watermark(name)
        shown = device.shown(name)
        names = [message_id for _, _, message_id in shown]
        assert len(names) == len(set(names)), "shown twice"
        first: dict[str, int] = {}
        messages = self.backend.messages(name)
        for message in messages:
            first.setdefault(message["message_id"], seq_of(message))
        there = {message_id: seq for seq, _, message_id in shown}
        expired = self.expired[name]
        for message in messages:
            seq, message_id = seq_of(message), message["message_id"]
            if seq > watermark or seq in expired:
                continue
            assert message_id in there, f"{device.user} passed {seq} unseen"
            if min(expired, default=seq + 1) > first[message_id]:
                assert there[message_id] == first[message_id], "not at its first place"
        mark = self.backend.member(name, device.user)["delivered"].get("phone", 0)
        if not device.reinstalled:
            assert mark <= watermark, "acknowledged more than is on disk"
        reported = [
            e.seq for e in device.events if isinstance(e, MessageReceived) and e.chat == name
        ]
        assert reported == sorted(set(reported)), "reported twice or out of order"


SETTINGS = settings(
    stateful_step_count=60,
    deadline=None,
    derandomize="SEED" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.parametrize("examples", [FEW, pytest.param(EXAMPLES, marks=pytest.mark.deep)])
def test_messages_ticks_and_receipts_are_right_after_any_schedule(examples: int) -> None:
    run_state_machine_as_test(Schedules, settings=settings(SETTINGS, max_examples=examples))


@pytest.mark.parametrize("backup", [False, True])
def test_a_connection_that_is_lost_while_a_new_store_catches_up_hides_nothing(backup: bool) -> None:
    """The backend counts from what the lost store had acknowledged, the new one is at 1 by then."""
    model = Schedules()
    model.all_connect()
    meena, group = model.devices["meena"], model.chats[1]
    model.write("raju", 1, 1, None)
    model.everything_comes_to_rest(0)
    meena.backup = meena.db.serialize() if backup else None
    model.write("raju", 1, 3, None)
    model.everything_comes_to_rest(0)
    assert model.backend.member(group, "meena")["delivered"]["phone"] == 4
    meena.lose_store()
    before = meena.watermark(group)
    meena.connect()
    while meena.watermark(group) == before:
        while meena.up:
            meena.handled(0)
        meena.receive(meena.deliverable()[0])
    assert meena.watermark(group) == before + 1
    meena.disconnect()
    meena.connect()
    model.everything_comes_to_rest(0)
    model.nothing_is_passed_unseen_or_shown_twice()
    assert len(meena.shown(group)) == 4
    model.teardown()
