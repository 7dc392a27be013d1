"""One random schedule over the real handlers: what people do, and what goes wrong meanwhile."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

from lambdas.frames import Frame
from lambdas.messages.direct import Begin, DirectChats
from lambdas.messages.membership import Membership
from lambdas.people.contacts import Contacts
from lambdas.presence.devices import Devices
from tests.model.access_checks import AccessChecks
from tests.model.aws import ModelAws
from tests.model.checks import Checks
from tests.model.clients import Clients
from tests.model.connecting import Connecting
from tests.model.device import Device
from tests.model.events import Events
from tests.model.gateway import Socket
from tests.model.people import People
from tests.model.push_checks import PushChecks
from tests.model.rest import Rest
from tests.model.small import new_environment
from tests.model.strangers import ASKED, STRANGER, StrangerChecks, Strangers
from tests.model.world import PEOPLE, World, calm

STEPS = 800
SOME = 0.6  # of the actions are in a schedule
MUCH, HARSH = 5, "harsh"  # for a mutant: how much more of some actions; and more faults
STRANGERS = ((STRANGER, ASKED), (ASKED, STRANGER))
Action = tuple[Callable[[], None], float]


class Schedule:
    """`run` does a number of random things, lets everything come to rest, and checks."""

    def __init__(
        self,
        seed: int,
        report: Callable[[str], None] | None = None,
        more_of: Collection[str] = (),
    ) -> None:
        new_environment()
        self.world = World(seed, harsh=HARSH in more_of)
        self._more_of = more_of
        self.world.seldom = "seldom" in more_of
        self.world.report = report
        self.random = self.world.random
        services = ModelAws(self.world)
        rest = Rest(services)
        self._serial = 0
        tables = services.chats, services.users
        self.direct_chats = DirectChats(*tables, lambda seconds: None, self._new_chat)
        self.membership = Membership(*tables, lambda seconds: None, self._new_chat)
        self.registry = Devices(services.users)
        self.contacts = Contacts(services.users)
        self.devices: list[Device] = []
        self.clients = Clients(self.world, services, self.devices)
        self.connecting = Connecting(self.world, services, rest, self.devices)
        self.events = Events(self.world, services, self.connecting)
        self.events.has_days |= "days_pass" in more_of
        self.checks = Checks(self.world, self.devices)
        self.access = AccessChecks(self.world, self.checks)
        self.people = People(self.world, rest, self.devices, self.clients, self.access)
        services.gateway.on_post = self._on_post
        self.clients.on_response = self._on_response
        self.clients.on_report = self.access.reached
        self.clients.chats_of = lambda user: [
            chat
            for chat in self.clients.chats
            if user in self.checks.members(chat)
            and not (seed % 4 == 3 and self.strangers.is_asked(user, chat))  # answers rarely
        ]
        self.pushing = PushChecks(self.world, self.devices, self.checks, self.events)
        self.strangers = Strangers(self.world, self.devices, self.people, self.clients, self.checks)
        self.between_strangers = StrangerChecks(
            self.world, self.checks, self.access, self.strangers
        )
        self.pushing.is_quiet = self.between_strangers.was_request
        self.reads = self.random.random() < 0.5  # whether people read what arrives in the end
        with calm(self.world):
            self._begin()

    def _on_post(self, socket: Socket, frame: Frame) -> None:
        self.access.on_post(socket, frame)
        self.between_strangers.on_post(socket, frame)

    def _on_response(self, device: Device, frame: Frame) -> None:
        self.access.on_response(device, frame)
        self.between_strangers.on_response(device, frame)

    def _new_chat(self) -> str:
        self._serial += 1
        return f"chat{self._serial}"

    def _begin(self) -> None:
        for person in PEOPLE:
            self.world.call("sign up", partial(self.registry.create_user, person))
            for name in ("phone", "desk")[: self.random.choice((1, 1, 2))]:
                self.people.add(person, name)
            for other in PEOPLE:
                if (person, other) not in STRANGERS:
                    self.contacts.add(person, other)
        self.events.finish()
        begun = self.world.call("chat", lambda: self.direct_chats.begin("ravi", "raju"))
        self.direct = begun[0].chat
        members = ("raju", "mira")
        self.group = self.world.call("chat", lambda: self.membership.found("ravi", members)).chat
        begin = partial(self.direct_chats.begin, STRANGER, ASKED, lambda: Begin(request=True))
        self.strangers.chat = self.world.call("chat", begin)[0].chat
        self.between_strangers.begun()
        self.clients.chats = self.people.chats = [self.direct, self.group, self.strangers.chat]
        self.people.group = self.group
        self.clients.direct = {self.direct, self.strangers.chat}
        for device in self.devices:
            if self.random.random() < 0.7:
                self.connecting.connect(device)

    # -- what may happen

    def every_action(self) -> list[Action]:
        """Also those that this schedule leaves out."""
        catching_up, others = self._actions(every=True)
        return [*catching_up, *others]

    def _actions(self, *, every: bool = False) -> tuple[list[Action], list[Action]]:
        """The steps with their weights: those that go on when everybody comes back, and others.

        A schedule has some of the last ones only, so that these have more to do with one another
        (Groce et al., Swarm Testing, 2012).
        """
        clients, connecting, events = self.clients, self.connecting, self.events
        people, strangers = self.people, self.strangers
        catching_up: list[Action] = [
            (events.resume, 40),
            (clients.receives, 25),
            (clients.sends, 7),
            (clients.syncs, 12),
            (events.kill, 1),
        ]
        always: list[Action] = [
            (clients.resends, 2),
            (clients.sends_another_text, 0.5),
            (clients.reports, 8),
            (connecting.comes, 5),
            (connecting.goes, 2),
            (connecting.zombie_is_noticed, 1),
            (events.request_arrives_late, 2),
            (events.watch_runs, 8),
            (events.push_runs, 8),
        ]
        some: list[Action] = [
            (connecting.late_disconnect_comes, 1),
            (connecting.is_backed_up, 1),
            (connecting.is_restored, 1),
            (connecting.old_ticket_is_tried, 1),
            (events.time_passes, 1),
            (events.days_pass, 0.5),
            (events.ttl_deletes, 2),
            (people.device_appears, 1),
            (people.new_device_tries_again, 1),
            (people.device_is_removed, 2),
            (people.removed_device_acts, 1),
            (people.removed_device_sends, 1),
            (people.members_change, 2),
            (people.group_begins, 0.5),
            (people.leaves_for_good, 0.5),
            (people.joins, 0.5),
            (people.reads_back, 2),
            (people.lists_chats, 1),
            (people.looks_up_devices, 1),
            (people.uploads_keys, 1),
            (people.claims_keys, 1),
            (strangers.stranger_writes, 1),
            (strangers.asked_one_answers, 0.5),
            (strangers.request_is_accepted, 0.5),
            (strangers.request_is_opened, 0.3),
            (strangers.request_is_declined, 0.5),
            (strangers.somebody_blocks, 0.7),
            (strangers.somebody_unblocks, 1),
        ]
        if every:
            return catching_up, [*always, *some]
        some = [each for each in some if self.random.random() < SOME or self._wants(each)]
        return catching_up, [
            (action, weight * MUCH if self._wants((action, weight)) else weight)
            for action, weight in [*always, *some]
        ]

    def _wants(self, action: Action) -> bool:
        return action[0].__name__ in self._more_of

    def run(self, steps: int = STEPS, only: Collection[int] | None = None) -> None:
        """`only` leaves out all other steps; those that stay do what they did."""
        catching_up, others = self._actions()
        last_third = steps * 2 // 3
        self._act([*catching_up, *others], range(last_third), only)
        self.world.begin_step("everybody comes back")
        self.connecting.everybody_comes_back()
        self._act(catching_up, range(last_third, steps), only)
        self.world.begin_step("rest")
        self.world.say("everything comes to rest")
        self._come_to_rest()

    def _act(self, actions: Sequence[Action], steps: range, only: Collection[int] | None) -> None:
        what, weights = zip(*actions, strict=True)
        for number in steps:
            if only is not None and number not in only:
                continue
            self.world.begin_step(str(number))
            (action,) = self.random.choices(what, weights)
            self.world.say(f"{number} {action.__name__.strip('_').replace('_', ' ')}")
            action()
            self.world.drawn[action.__name__] += 1
            self._check()

    def _check(self) -> None:
        others = self.access.problems(), self.connecting.problems
        self.checks.problems(*others, self.between_strangers.problems())
        self.pushing.problems()

    # -- the end

    def _come_to_rest(self) -> None:
        """Faults end, everything under way ends, the watch catches up; then everybody comes back."""
        self.world.faults = False
        self.events.finish()
        self.events.late_requests_arrive()
        self.world.now += 20
        self.people.complete()
        self.strangers.ends_own_block()
        self.events.finish()
        assert not self.people.new, "a device can't register"
        self._settle()
        self.checks.leases()
        self.checks.everybody_connected_has_everything()
        self.pushing.at_rest()
        self.reads = True
        self.connecting.close_zombies()
        self.events.finish()
        for device in self.devices:
            if not device.connected():
                self.connecting.connect(device)
            device.wants_sync = True
        self._settle()
        self._close_the_tail()
        self._settle()
        self._check()
        self.checks.everything_arrived()

    def _close_the_tail(self) -> None:
        """Positions that were taken by the dead are settled by later messages that grow old."""
        for chat in self.clients.chats:
            device = next(each for each in self.devices if each.user == "ravi")
            for _ in range(2):
                self.clients.send_new(device, chat)
                self.events.finish()
                self.world.now += 20
        for device in self.devices:
            device.wants_sync = True

    def _settle(self) -> None:
        """Until nothing changes: clients receive, sync, resend and report, the watch runs."""
        before = None
        for _ in range(60):
            for device in self.devices:
                while self.clients.receive_one(device):
                    pass
                self.clients.sync(device)
                self.clients.resend(device)
                self.clients.report(device, reading=self.reads)
            self.events.finish()
            self.events.all_of_it()
            self.world.now += 2
            now = [device.state() for device in self.devices]
            if now == before and self._is_idle():
                return
            before = now
        raise AssertionError("the clients found no rest")

    def _is_idle(self) -> bool:
        connected = [device for device in self.devices if device.connected()]
        return (
            self.world.stream.empty
            and not self.world.queue.waiting
            and not any(
                each.wants_sync or each.sync_at or (each.socket and each.socket.inbox)
                for each in connected
            )
        )
