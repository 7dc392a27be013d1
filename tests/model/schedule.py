"""One random schedule over the real handlers: what people do, and what goes wrong meanwhile."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from lambdas.delivery import delivery_watch, push, receipt
from lambdas.frames import Frame
from lambdas.messages import send, sync
from lambdas.messages.direct import DirectChats
from lambdas.messages.membership import Membership
from lambdas.messages.send import send_limit
from lambdas.notifications.endpoints import OWNER
from lambdas.presence import connection
from lambdas.presence.devices import Devices
from lambdas.presence.leaseholder import with_lease
from lambdas.tables import user_key
from lambdas.websocket import Caller, frame_handler
from tests.model.checks import Checks
from tests.model.device import Device
from tests.model.dynamodb import ConditionalCheckFailed, TransactionCanceled
from tests.model.push_checks import PushChecks
from tests.model.tasks import Task
from tests.model.world import Socket, World, calm

PEOPLE = ("ravi", "raju", "mira", "anna")
CATCHING_UP = 5  # the first of the actions, which go on when everybody comes back


class Schedule:
    """`run` does a number of random things, lets everything come to rest, and checks."""

    def __init__(self, seed: int) -> None:
        send_limit.cache_clear()  # what an earlier schedule sent would change the steps of this one
        self.world = World(seed)
        self.random = self.world.random
        services = self.world.services
        self._serial = 0
        tables = services.chats, services.users
        self.direct_chats = DirectChats(*tables, lambda seconds: None, self._new_chat)
        self.membership = Membership(*tables, lambda seconds: None, self._new_chat)
        self.registry = Devices(services.users)
        self.devices: list[Device] = []
        self.checks = Checks(self.world, self.devices)
        self.pushing = PushChecks(self.world, self.devices, self.checks)
        self.reads = self.random.random() < 0.5  # whether people read what arrives in the end
        routes = {
            "send": send.send,
            "sync": with_lease(sync.sync),
            "receipt": with_lease(receipt.receipt),
        }
        self.handle = frame_handler(routes, lambda: services)
        with calm(self.world):
            self._begin()

    def _new_chat(self) -> str:
        self._serial += 1
        return f"chat{self._serial}"

    def _begin(self) -> None:
        for person in PEOPLE:
            self.world.call("sign up", partial(self.registry.create_user, person))
            for name in ("phone", "desk")[: self.random.choice((1, 1, 2))]:
                self._register(person, name)
        self.direct = self.world.call("chat", lambda: self.direct_chats.begin("ravi", "raju"))[
            0
        ].chat
        members = ("raju", "mira")
        self.group = self.world.call("chat", lambda: self.membership.found("ravi", members)).chat
        for device in self.devices:
            if self.random.random() < 0.7:
                self._connect(device)

    # -- what may happen

    def run(self, steps: int) -> None:
        actions: list[tuple[Callable[[], None], int]] = [
            (self._resume, 40),
            (self._client_receives, 25),
            (self._client_sends, 7),
            (self._client_syncs, 10),
            (self._kill, 1),
            (self._client_resends, 2),
            (self._client_reports, 5),
            (self._client_comes, 4),
            (self._client_goes, 2),
            (self._zombie_is_noticed, 1),
            (self._request_arrives_late, 2),
            (self._watch_runs, 3),
            (self._push_runs, 6),
            (self._time_passes, 1),
            (self._client_is_backed_up, 1),
            (self._client_is_restored, 1),
            (self._device_appears, 1),
            (self._device_is_removed, 1),
            (self._members_change, 1),
        ]
        self._act(actions, steps * 2 // 3)
        self._everybody_comes_back()
        self._act(actions[:CATCHING_UP], steps // 3)
        self._come_to_rest()

    def _act(self, actions: Sequence[tuple[Callable[[], None], int]], steps: int) -> None:
        what, weights = zip(*actions, strict=True)
        for action in self.random.choices(what, weights, k=steps):
            action()
            self.checks.problems()
            self.pushing.problems()

    def _everybody_comes_back(self) -> None:
        """So that much is caught up with while things still fail; some have lost their stores."""
        for device in self.devices:
            if self.random.random() < 0.3:
                self._restore(device)
            if not device.connected():
                self._connect(device)

    def _resume(self) -> None:
        """Half the time the newest, so that some are overtaken again and again."""
        tasks = self.world.tasks
        if tasks:
            self.world.step(tasks[-1] if self.random.random() < 0.5 else self.random.choice(tasks))

    def _kill(self) -> None:
        if self.world.tasks:
            self.world.step(self.random.choice(self.world.tasks), kill=True)

    def _request_arrives_late(self) -> None:
        waiting = self.world.in_flight
        if waiting:
            self._arrives(waiting.pop(self.random.randrange(len(waiting))))

    @staticmethod
    def _arrives(request: Callable[[], Any]) -> None:
        try:
            request()
        except Exception as refused:  # its condition; whoever sent it waits no more
            assert isinstance(refused, ConditionalCheckFailed | TransactionCanceled), refused

    def _time_passes(self) -> None:
        self.world.now += self.random.choice((0.5, 3, 8, 20))

    def _client_receives(self) -> None:
        device = self.random.choice(self.devices)
        self._receive_one(device)

    def _receive_one(self, device: Device) -> bool:
        if device.socket is None or not device.socket.inbox:
            return False
        frame = device.socket.inbox.popleft()
        device.receive(frame, self.world.now)
        if frame.get("type") == "displaced":
            device.socket = None
        return True

    def _client_sends(self) -> None:
        device = self.random.choice(self.devices)
        chat = self.random.choice((self.direct, self.group))
        if len(device.outbox) < 3:
            frame = self._new_frame(chat)
            device.outbox[frame["message_id"]] = frame
            self._send(device, frame)

    def _new_frame(self, chat: str) -> Frame:
        """One for all, one for some devices, or one that nobody sees."""
        self._serial += 1
        frame: Frame = {
            "action": "send",
            "chat": chat,
            "message_id": f"00000000-0000-0000-0000-{self._serial:012d}",
        }
        if self.random.random() < 0.2:
            frame["hidden"] = True
        if self.random.random() < 0.8:
            return {**frame, "alg": "megolm.v1", "payload": "x"}
        receivers = [each.address for each in self.devices if self.random.random() < 0.7]
        return {**frame, "alg": "olm.v1", "to": dict.fromkeys(receivers, "x")}

    def _client_resends(self) -> None:
        device = self.random.choice(self.devices)
        for frame in list(device.outbox.values()):
            self._send(device, frame)

    def _client_syncs(self) -> None:
        device = self.random.choice(self.devices)
        self._sync(device)

    def _sync(self, device: Device) -> None:
        if device.connected():
            frame = device.sync_frame(self.world.now, self.random.random() < 0.5)
            if frame is not None:
                self._send(device, frame)

    def _client_reports(self) -> None:
        device = self.random.choice(self.devices)
        self._report(device, reading=self.random.random() < 0.5)

    def _report(self, device: Device, *, reading: bool) -> None:
        if device.connected():
            for frame in device.receipts(reading):
                self._send(device, {**frame, "senders": list(PEOPLE)})

    def _send(self, device: Device, frame: Frame) -> None:
        """A frame on the device's connection; its answer comes on the same one, if it is open."""
        socket = device.socket
        if socket is None or socket.state != "open" or not socket.client_is_there:
            return
        context = {
            "connectionId": socket.connection_id,
            "authorizer": {"user": device.user, "device": device.name},
        }
        event = {"requestContext": context, "body": json.dumps(frame)}

        def work() -> None:
            response = self.handle(event, None)
            if socket.state == "open" and socket.client_is_there and "body" in response:
                socket.inbox.append(json.loads(response["body"]))

        self.world.invoke(f"{frame['action']} of {device.address}", work)

    # -- connections

    def _client_comes(self) -> None:
        device = self.random.choice(self.devices)
        old = device.socket
        if old is not None and old.state == "open":
            if self.random.random() < 0.5:
                self._close(old)
            else:
                old.client_is_there = False  # the network changed under it
                old.inbox.clear()
        self._connect(device)

    def _connect(self, device: Device) -> Task:
        self._serial += 1
        socket = Socket(f"c{self._serial}", device.user, device.name)
        self.world.sockets[socket.connection_id] = socket
        caller = Caller(device.user, device.name, socket.connection_id)
        self.world.now += 0.002
        at = int(self.world.now * 1000)
        device.socket, device.attempt = None, socket

        def work() -> None:
            response = connection.connect(self.world.services, caller, at, asked_at=at)
            if response["statusCode"] == 200 and socket.state == "opening":
                socket.state, socket.opened_at = "open", self.world.now
                if device.attempt is socket and device in self.devices:
                    device.opened(socket)
                else:
                    socket.client_is_there = False
            else:
                socket.state = "closed"

        task = self.world.invoke(f"$connect of {device.address}", work)
        if not self.world.faults:
            while not task.done:
                self.world.step(task)
        return task

    def _client_goes(self) -> None:
        device = self.random.choice(self.devices)
        if device.socket is not None:
            if self.random.random() < 0.5:
                device.socket.client_is_there = False
                device.socket.inbox.clear()
            else:
                self._close(device.socket)
            device.socket = None

    def _client_is_backed_up(self) -> None:
        self.random.choice(self.devices).back_up()

    def _client_is_restored(self) -> None:
        self._restore(self.random.choice(self.devices))

    def _restore(self, device: Device) -> None:
        if device.socket is not None:
            self._close(device.socket)
            device.socket = None
        device.attempt = None
        device.restore()

    def _close(self, socket: Socket) -> None:
        """API Gateway sees it end; $disconnect is best effort."""
        if socket.state == "open":
            socket.state = "closed"
            if not self.world.chance(0.2):
                caller = Caller(socket.user, socket.device, socket.connection_id)
                self.world.invoke(
                    f"$disconnect of {socket.user}/{socket.device}",
                    lambda: connection.disconnect(self.world.services, caller),
                )

    def _zombie_is_noticed(self) -> None:
        zombies = [each for each in self.world.sockets.values() if not each.client_is_there]
        if zombies:
            self._close(self.random.choice(zombies))

    # -- what is not a frame

    def _watch_runs(self) -> None:
        """The event source hands over the oldest records, and again from where one failed."""
        if not any(task.name == "watch" for task in self.world.tasks) and self.world.stream:
            self._watch(self.random.randint(1, 20))

    def _watch(self, size: int) -> Task:
        records = [self.world.stream[place] for place in range(min(size, len(self.world.stream)))]

        def patience(seconds: float) -> None:
            self.world.now += seconds

        def work() -> None:
            answer = delivery_watch.watch(self.world.services, {"Records": records}, patience)
            failed = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
            for record in records:
                if record["dynamodb"]["SequenceNumber"] in failed:
                    return
                self.world.stream.popleft()

        return self.world.invoke("watch", work)

    def _device_appears(self) -> None:
        person = self.random.choice(PEOPLE)
        if sum(device.user == person for device in self.devices) < 3:
            self._serial += 1
            with calm(self.world):
                self._register(person, f"d{self._serial}")

    def _push_runs(self) -> None:
        waiting = self.world.queue.free_groups()
        if waiting:
            self._push(self.random.choice(waiting))

    def _push(self, group: str) -> Task:
        """Lambda receives the next job of a group, and again if the function failed on it."""
        queued = self.world.queue.receive(group)
        job = queued.job
        return self.world.invoke(
            f"push to {group}",
            lambda: self.pushing.run(job, lambda: push.push(self.world.services, job)),
            lambda ended: self.world.queue.done([queued], [] if ended else [str(queued.number)]),
        )

    def _register(self, person: str, name: str) -> None:
        self.world.call("register", lambda: self.registry.register(person, name))
        self.devices.append(Device(person, name))
        if self.random.random() < 0.7:
            self.world.call("push token", lambda: self._has_endpoint(person, name))

    def _has_endpoint(self, person: str, name: str) -> None:
        arn, users = f"arn:{person}/{name}", self.world.services.users
        users.put({**user_key(f"push#{arn}", OWNER), "held_by": f"{person}/{name}"})
        self.registry.set_endpoint(person, name, arn, "fcm")

    def _device_is_removed(self) -> None:
        device = self.random.choice(self.devices)
        if sum(each.user == device.user for each in self.devices) > 1:
            with calm(self.world):
                self.world.call("remove", lambda: self.registry.remove(device.user, device.name))
            self.devices.remove(device)
            if device.socket is not None:
                self._close(device.socket)
                device.socket = None

    def _members_change(self) -> None:
        who = self.random.choice(("mira", "anna"))
        change: dict[str, Any] = {self.random.choice(("add", "remove")): [who]}
        by = self.random.choice(("ravi", "raju"))
        self.world.invoke(
            f"{change} by {by}", lambda: self.membership.change(by, self.group, **change)
        )

    # -- the end

    def _come_to_rest(self) -> None:
        """Faults end, everything under way ends, the watch catches up; then everybody comes back."""
        self.world.faults = False
        self._finish()
        while self.world.in_flight:
            self._arrives(self.world.in_flight.pop())
        self.world.now += 20
        self._settle()
        self.checks.leases()
        self.pushing.at_rest()
        self.reads = True
        for socket in list(self.world.sockets.values()):
            if not socket.client_is_there:
                self._close(socket)
        self._finish()
        for device in self.devices:
            if not device.connected():
                self._connect(device)
            device.wants_sync = True
        self._settle()
        self._close_the_tail()
        self._settle()
        self.checks.problems()
        self.checks.everything_arrived()

    def _close_the_tail(self) -> None:
        """Positions that were taken by the dead are settled by later messages that grow old."""
        for chat in (self.direct, self.group):
            device = next(each for each in self.devices if each.user == "ravi")
            for _ in range(2):
                frame = self._new_frame(chat)
                device.outbox[frame["message_id"]] = frame
                self._send(device, frame)
                self._finish()
                self.world.now += 20
        for device in self.devices:
            device.wants_sync = True

    def _finish(self) -> None:
        while self.world.tasks:
            self.world.step(self.world.tasks[0])

    def _settle(self) -> None:
        """Until nothing changes: clients receive, sync, resend and report, the watch runs."""
        before = None
        for _ in range(60):
            for device in self.devices:
                while self._receive_one(device):
                    pass
                self._sync(device)
                for frame in list(device.outbox.values()):
                    self._send(device, frame)
                self._report(device, reading=self.reads)
            if self.world.stream:
                self._watch(1000)
            self._finish()
            for group in self.world.queue.free_groups():
                self._push(group)
            self._finish()
            self.world.now += 2
            now = [device.state() for device in self.devices]
            idle = (
                not self.world.stream
                and not self.world.queue.waiting
                and not any(
                    device.wants_sync or (device.socket and device.socket.inbox)
                    for device in self.devices
                    if device.connected()
                )
            )
            waiting = any(device.sync_at for device in self.devices if device.connected())
            if idle and not waiting and now == before:
                return
            before = now
        raise AssertionError("the clients found no rest")
