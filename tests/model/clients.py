"""What devices do with frames: send, sync, report what they have, and receive."""

import json
from collections.abc import Callable
from typing import Any

from lambdas.delivery import receipt
from lambdas.frames import Frame
from lambdas.messages import send, sync
from lambdas.presence.leaseholder import with_lease
from lambdas.settings import Aws
from lambdas.websocket import frame_handler
from tests.model.device import Device
from tests.model.world import PEOPLE, Invocation, World

# Each execution environment has limits of its own: new ones, or a schedule would know the last.
ROUTES = {
    "send": lambda *given: send.send(*given),  # looked up at each call, for mutants
    "sync": with_lease(sync.sync),
    "receipt": with_lease(receipt.receipt),
}


class Clients:
    """The frames of devices. A frame's answer comes on its own connection, if that is open."""

    def __init__(self, world: World, services: Aws, devices: list[Device]) -> None:
        self._world, self._random, self._devices = world, world.random, devices
        self._handle = frame_handler(ROUTES, lambda: services)
        self._serial = 0
        self.chats: list[str] = []
        self.direct: set[str] = set()
        self.chats_of: Callable[[str], list[str]] = lambda _user: self.chats
        self.on_response: Callable[[Device, Frame], None] = lambda _device, _frame: None
        self.on_report: Callable[[str, str, int], None] = lambda _chat, _user, _mark: None

    def _one(self, able: Callable[[Device], object] = Device.connected) -> Device:
        """Of those who can, if there are any."""
        return self._random.choice([each for each in self._devices if able(each)] or self._devices)

    # -- what one of them does

    def receives(self) -> None:
        self.receive_one(self._one(lambda device: device.socket and device.socket.inbox))

    def sends(self) -> None:
        device = self._one()
        own = self.chats_of(device.user) if self._random.random() < 0.9 else []
        if len(device.outbox) < 3:
            self.send_new(device, self._random.choice(own or self.chats))

    def resends(self) -> None:
        self.resend(self._one())

    def sends_another_text(self) -> None:
        """With the id of one that was not accepted yet: the first that comes to the log counts."""
        device = self._one(lambda device: device.connected() and device.outbox)
        for frame in list(device.outbox.values()):
            if "payload" in frame:
                self._send(device, {**frame, "payload": "another"})

    def syncs(self) -> None:
        self.sync(self._one(lambda device: device.connected() and device.wants_sync))

    def reports(self) -> None:
        self.report(self._one(), reading=self._random.random() < 0.5)

    # -- of a device

    def receive_one(self, device: Device) -> bool:
        if device.socket is None or not device.socket.inbox:
            return False
        frame = device.socket.inbox.popleft()
        self._world.say(f"  {device.address} receives {frame}")
        device.direct = self.direct
        device.receive(frame, self._world.now)
        if frame.get("type") == "displaced":
            device.socket = None
        return True

    def send_new(self, device: Device, chat: str) -> None:
        self._send_new(device, self._new_frame(chat))

    def send_text(self, device: Device, chat: str) -> None:
        """One for all, which they see."""
        self._serial += 1
        self._send_new(device, {**self._plain(chat), "alg": "megolm.v1", "payload": "x"})

    def _send_new(self, device: Device, frame: Frame) -> None:
        device.outbox[frame["message_id"]] = frame
        self._send(device, frame)

    def _new_frame(self, chat: str) -> Frame:
        """One for all, one for some devices, or one that nobody sees."""
        self._serial += 1
        frame = self._plain(chat)
        if self._random.random() < 0.2:
            frame["hidden"] = True
        if self._random.random() < 0.8:
            return {**frame, "alg": "megolm.v1", "payload": "x"}
        receivers = [each.address for each in self._devices if self._random.random() < 0.7]
        return {**frame, "alg": "olm.v1", "to": dict.fromkeys(receivers, "x")}

    def _plain(self, chat: str) -> Frame:
        message_id = f"00000000-0000-0000-0000-{self._serial:012d}"
        return {"action": "send", "chat": chat, "message_id": message_id}

    def send_whatever(self, device: Device) -> None:
        """A frame of any kind."""
        chat = self._random.choice(self.chats)
        forms: list[Frame] = [
            self._new_frame(chat),
            {"action": "sync"},
            {"action": "receipt", "chat": chat, "delivered": 1, "senders": []},
        ]
        self._send(device, self._random.choice(forms))

    def resend(self, device: Device) -> None:
        for frame in list(device.outbox.values()):
            self._send(device, frame)

    def sync(self, device: Device) -> None:
        if device.connected():
            frame = device.sync_frame(self._world.now, self._random.random() < 0.5)
            if frame is not None:
                self._send(device, frame)

    def report(self, device: Device, *, reading: bool) -> None:
        if device.connected():
            for frame in device.receipts(reading):
                self.on_report(frame["chat"], device.user, frame["delivered"])
                self._send(device, {**frame, "senders": list(PEOPLE)})

    def _send(self, device: Device, frame: Frame) -> None:
        socket = device.socket
        if socket is None or socket.state != "open" or not socket.client_is_there:
            return
        authorizer: dict[str, Any] = {"user": device.user, "device": device.name}
        context = {"connectionId": socket.connection_id, "authorizer": authorizer}
        event = {"requestContext": context, "body": json.dumps(frame)}
        self._world.say(f"  {device.address} sends {frame}")

        def ended(task: Invocation) -> None:
            """A handler of frames answers, whatever happens, unless its process ends."""
            if isinstance(task.result, Exception):
                raise task.result
            if task.killed or "body" not in task.result:
                return
            self.on_response(device, json.loads(task.result["body"]))
            if socket.state == "open" and socket.client_is_there:
                socket.inbox.append(json.loads(task.result["body"]))

        name = f"{frame['action']} of {device.address}"
        self._world.invoke(name, lambda: self._handle(event, None), ended)
