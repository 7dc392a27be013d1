"""Real ratchets over the real handlers: whatever fails, every text is readable once, in order, by
exactly the devices that should.

The network loses, repeats and reorders what the protocol lets it; machines crash between any two
writes; devices, members and identities come and go.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
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
from client.core.ids import ulid
from client.core.step import Step
from tests.model.ratchet_device import RatchetDevice
from tests.model.ratchet_mutants import MUTANTS, Mutant
from tests.model.ratchet_world import USERS, RatchetWorld, Text

EXAMPLES = int(os.environ.get("RATCHETS", "24"))  # more of them for a night
FEW = 4  # where there is no time for more
LATER = 3700.0  # more than the longest pause before a sender is asked again

ENOUGH_FOR_A_MUTANT = 60

WHO = st.integers(0, 1 << 10)
INDEX = st.integers(0, 1 << 16)
FUSE = st.none() | st.integers(0, 25)
SOON = st.none() | st.integers(0, 6)  # the changes that one message makes


def _accepts(device: RatchetDevice, user: str, engine: Engine, step: Step) -> None:
    keys = {one.device: one.ed25519 for one in device.encryption.identities.devices(user)}
    engine.accept(step, user, keys)


class Ratchets(RatchetWorld, RuleBasedStateMachine):
    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        RatchetWorld.__init__(self)

    @initialize()
    def everybody_knows_the_chats(self) -> None:
        for device in self.devices:
            for chat, kind in zip(self.chats, ("direct", "group"), strict=True):
                if device.user in self.backend.members(chat):
                    device.store.describe(chat, kind)
        for who in range(len(self.devices)):
            for group in (False, True):
                self.write(who, group, 1, None)
                self._travel_all()

    @rule(who=WHO, group=st.booleans(), count=st.integers(1, 3), fuse=FUSE)
    def write(self, who: int, group: bool, count: int, fuse: int | None) -> None:
        device = self._device(who)
        chat = self.group if group else self.direct
        if device.user not in self.backend.members(chat):
            return
        for number in range(count):
            name = ulid(int(device.clock() * 1000), device.random)
            words = f"{device.address} {len(self.texts)}"
            self.texts[name] = Text(chat, device, words)
            burning = fuse if number == count - 1 else None
            device.attempt(Engine.send, name, chat, text_content(words), fuse=burning)
            if device.store.own(name) is None:
                del self.texts[name]  # it crashed before it was written down
            self._look()

    @rule(user=st.sampled_from(USERS))
    def a_device_is_linked(self, user: str) -> None:
        if sum(device.user == user for device in self.devices) < 2:
            name = f"d{len(self.devices) + len(self.gone)}"
            self._install(user, name)

    @rule(who=WHO)
    def a_device_is_removed(self, who: int) -> None:
        device = self._device(who)
        if sum(each.user == device.user for each in self.devices) > 1:
            self._lose(device)
            self.backend.remove(device.user, device.name)

    def _lose(self, device: RatchetDevice) -> None:
        self.devices.remove(device)
        self.gone.append(device)
        self.doubtful.add(device.address)
        device.lose_connection()

    @rule(who=WHO)
    def a_device_is_made_anew(self, who: int) -> None:
        """The same name, other keys, nothing that was before."""
        device = self._device(who)
        self._lose(device)
        self._install(device.user, device.name)

    @rule(who=WHO)
    def a_store_is_copied(self, who: int) -> None:
        self._device(who).back_up()

    @rule(who=WHO)
    def an_older_copy_is_restored(self, who: int) -> None:
        device = self._device(who)
        if not device.copy:
            return
        for chat in self.chats:
            for message in device.store.history(chat, 10_000):
                self.shown_before.add((device, message.message_id))
        device.restore()
        self.restored.add(device)
        self.doubtful.add(device.address)
        own = [name for name, text in self.texts.items() if text.author is device]
        self.lost |= {name for name in own if device.store.own(name) is None}
        self._look()

    @rule(who=WHO, user=st.sampled_from(USERS))
    def changed_keys_are_accepted(self, who: int, user: str) -> None:
        device = self._device(who)
        device.attempt(partial(_accepts, device, user), fuse=None)
        self._look()

    @rule(user=st.sampled_from(("mira", "anna")), add=st.booleans())
    def members_change(self, user: str, add: bool) -> None:
        self.backend.change_members(self.group, *(([user], []) if add else ([], [user])))

    @rule(who=WHO, user=st.sampled_from(("mira", "anna")), confirmed=st.booleans())
    def a_device_adds_a_member(self, who: int, user: str, confirmed: bool) -> None:
        """`confirmed`: the answer arrives."""
        device = self._device(who)
        if device.user not in self.backend.members(self.group):
            return
        self._look()
        device.step(Engine.adding, self.group, [user])
        if user not in device.store.members(self.group):
            left_at = self.left.get((device, user), -math.inf)
            for text in self.texts.values():
                sealed = text.author is device and text.known_members is not None
                if sealed and user not in (text.known_members or ()) and left_at < text.sealed_at:
                    text.before.add(user)
        self.backend.change_members(self.group, [user], [])
        if confirmed:
            members = self.backend.members(self.group)
            device.step(Engine.chat_is, self.group, members)
            device.listed_members[self.group] = frozenset(members)
        self._look()

    @rule(who=WHO, index=INDEX)
    def somebody_asks_for_what_was(self, who: int, index: int) -> None:
        """With a helper, who names an id of whatever time."""
        device = self._device(who)
        written = [name for name, text in self.texts.items() if text.author is not device]
        if written:
            name = written[index % len(written)]
            chat, author = self.texts[name].chat, self.texts[name].author.address
            if device.user in self.backend.members(chat):
                fields = {"of": [name]}
                device.step(Engine.send_to_device, chat, author, "request", fields)
                self._look()

    @rule(who=WHO, user=st.sampled_from(("mira", "anna")))
    def a_receipt_comes_late(self, who: int, user: str) -> None:
        """Of somebody who left while it was handled."""
        device = self._device(who)
        if device.online and user not in self.backend.members(self.group):
            receipt = {"chat": self.group, "user": user, "delivered": 1, "read": 1}
            device.post({"type": "receipt", **receipt})

    # -- the network and the machines

    @rule(who=WHO)
    def connect(self, who: int) -> None:
        if not self._device(who).online:
            self._device(who).connect()
            self._look()

    @rule(who=WHO, still_handled=st.integers(0, 3), crash=st.booleans())
    def lose_connection(self, who: int, still_handled: int, crash: bool) -> None:
        """What was on its way to the backend may arrive; its answer does not."""
        device = self._device(who)
        if device.online:
            for _ in range(min(still_handled, len(device.up))):
                device.handled()
            (device.crash if crash else device.leave)()

    @rule(order=st.lists(INDEX, min_size=5, max_size=60))
    def things_travel(self, order: list[int]) -> None:
        """Up, down, or to the directory and back, in whatever order the channels allow."""
        for index in order:
            ways: list[Callable[[], None]] = []
            for device in self.devices:
                if device.online:
                    ways += [partial(device.handled, at) for at in range(len(device.up))]
                    ways += [partial(device.take, flight) for flight in device.deliverable()]
                ways += [partial(device.fetch, at) for at in range(len(device.wanted))]
            if ways:
                ways[index % len(ways)]()
                self._look()

    @rule(who=WHO, index=INDEX, keep=st.booleans(), fuse=SOON)
    def a_frame_comes_twice_or_a_machine_crashes_over_it(
        self, who: int, index: int, keep: bool, fuse: int | None
    ) -> None:
        for each in self.devices:
            while each.online and each.up:
                each.handled()
        device = self._device(who)
        flights = device.deliverable()
        messages = [flight for flight in flights if flight.frame["type"] == "message"]
        if flights:
            flight = (messages or flights)[index % len(messages or flights)]
            device.take(flight, keep=keep and flight.live, fuse=fuse)
            self._look()

    @rule(who=WHO, index=INDEX)
    def a_post_is_lost(self, who: int, index: int) -> None:
        device = self._device(who)
        live = [flight for flight in device.flights if flight.live]
        if live:
            lost = live[index % len(live)]
            device.flights = [flight for flight in device.flights if flight is not lost]

    @rule(who=WHO, user=st.sampled_from(USERS))
    def somebody_looks_at_a_list(self, who: int, user: str) -> None:
        """And the answer takes its time: others may overtake it."""
        self._device(who).look(user)

    @precondition(lambda self: any(device.answers for device in self.devices))
    @rule(index=INDEX)
    def a_slow_answer_comes(self, index: int) -> None:
        waiting = [device for device in self.devices if device.answers]
        if waiting:
            waiting[index % len(waiting)].hear()
            self._look()

    @precondition(lambda self: any(device.wanted for device in self.devices))
    @rule(index=INDEX)
    def the_directory_does_not_answer(self, index: int) -> None:
        asking = [device for device in self.devices if device.wanted]
        asking[index % len(asking)].fail(0)

    @rule(seconds=st.sampled_from([0.06, 0.3, 3.1, 8.0, 61.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.backend.now += seconds
        for device in list(self.devices):
            device.step(Engine.due)
        self._look()

    @rule()
    def the_delivery_watch_runs(self) -> None:
        self.backend.run_watch()

    # -- at rest

    @rule()
    def everything_comes_to_rest(self) -> None:
        for pause in (0.3, 3.1, 16.0, 61.0, 700.0, LATER, LATER, 1.0):
            self._travel_all()
            self.backend.run_watch()
            self._travel_all()
            for device in self.devices:
                for user in USERS:
                    device.attempt(partial(_accepts, device, user), fuse=None)
            self.time_passes(pause)
        self._travel_all()
        for device in self.devices:
            assert device.engine.unaccepted == 0, f"{device.address} has not sent all"
            assert not device.engine._parts.chats.held
        self.everybody_reads_what_is_theirs()
        self.nobody_else_could()
        self.nobody_is_sent_what_was_before()

    @invariant()
    def what_is_shown_is_right(self) -> None:
        self.nothing_is_shown_twice_wrong_or_out_of_order()


SETTINGS = settings(
    stateful_step_count=40,
    deadline=None,
    derandomize="SEED" not in os.environ,
    database=None,
    phases=[Phase.generate, *([Phase.shrink] if "SHRINK" in os.environ else [])],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.parametrize("examples", [FEW, pytest.param(EXAMPLES, marks=pytest.mark.deep)])
def test_every_text_is_readable_once_by_exactly_the_devices_that_should(examples: int) -> None:
    run_state_machine_as_test(Ratchets, settings=settings(SETTINGS, max_examples=examples))


# What the rules that mutants are looked for with are called with.
ARGUMENTS: dict[str, Callable[[Random], dict[str, Any]]] = {
    "write": lambda r: {
        "who": r.randrange(100), "group": r.random() < 0.5, "count": 1, "fuse": None
    },
    "a_frame_comes_twice_or_a_machine_crashes_over_it": lambda r: {
        "who": r.randrange(100), "index": r.randrange(100), "keep": False, "fuse": r.randrange(7)
    },
    "connect": lambda r: {"who": r.randrange(100)},
    "members_change": lambda r: {"user": r.choice(("mira", "anna")), "add": r.random() < 0.5},
    "a_device_adds_a_member": lambda r: {
        "who": r.randrange(100), "user": r.choice(("mira", "anna")), "confirmed": r.random() < 0.5
    },
    "somebody_asks_for_what_was": lambda r: {"who": r.randrange(100), "index": r.randrange(100)},
    "a_receipt_comes_late": lambda r: {
        "who": r.randrange(100), "user": r.choice(("mira", "anna"))
    },
    "time_passes": lambda r: {"seconds": r.choice([0.3, 61.0, 61.0, 700.0])},
    "a_device_is_linked": lambda r: {"user": r.choice(USERS)},
    "a_store_is_copied": lambda r: {"who": r.randrange(4)},
    "an_older_copy_is_restored": lambda r: {"who": r.randrange(4)},
    "a_post_is_lost": lambda r: {"who": r.randrange(100), "index": r.randrange(100)},
    "things_travel": lambda r: {"order": [r.randrange(1000) for _ in range(20)]},
    "everything_comes_to_rest": lambda r: {},
}  # fmt: skip


def _schedule(seed: int, rules: Sequence[str]) -> None:
    """Like one of hypothesis, but by a few rules, so that a mutant shows itself soon."""
    machine, random = Ratchets(), Random(seed)
    try:
        machine.everybody_knows_the_chats()
        for name in [*random.choices(rules, k=30), "everything_comes_to_rest"]:
            getattr(machine, name)(**ARGUMENTS[name](random))
            machine.nothing_is_shown_twice_wrong_or_out_of_order()
    finally:
        machine.teardown()


@pytest.mark.deep
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_model_catches(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    _schedule(mutant.first, mutant.rules)  # which the unchanged code survives
    for owner, attribute, instead in mutant.patches:
        monkeypatch.setattr(owner, attribute, instead)
    with pytest.raises(AssertionError, match=mutant.caught_as):
        for seed in (mutant.first, *range(ENOUGH_FOR_A_MUTANT)):
            _schedule(seed, mutant.rules)
