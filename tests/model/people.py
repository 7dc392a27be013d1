"""What people do by the HTTP API: register devices and remove them, change members, read back."""

from collections.abc import Callable
from typing import Any

from tests.model.access_checks import AccessChecks
from tests.model.clients import Clients
from tests.model.device import Device
from tests.model.rest import Answer, Rest, registration, upload
from tests.model.world import PEOPLE, SIGN_IN_SECONDS, Invocation, World

API_SECONDS = 10.0  # the function's timeout
DEVICES = 3  # of a person
CHATS = 4


class People:
    """Requests of the world's devices, each by the sign-in of its device. `group` is the chat
    whose members change."""

    def __init__(
        self,
        world: World,
        rest: Rest,
        devices: list[Device],
        clients: Clients,
        access: AccessChecks,
    ) -> None:
        self._world, self._random, self._rest = world, world.random, rest
        self._devices, self._clients, self._access = devices, clients, access
        self._serial = 0
        self.group = ""
        self.chats: list[str] = []
        self.new: list[Device] = []  # not registered yet, as far as they know
        self.gone: list[Device] = []  # removed

    # -- what may happen

    def device_appears(self) -> None:
        person = self._random.choice(PEOPLE)
        if sum(device.user == person for device in [*self._devices, *self.new]) < DEVICES:
            self._serial += 1
            self.add(person, f"d{self._serial}")

    def new_device_tries_again(self) -> None:
        if self.new:
            self.register(self._random.choice(self.new))

    def device_is_removed(self) -> None:
        """By another one, or by itself."""
        device = self._random.choice(self._devices)
        others = [each for each in self._devices if each.user == device.user and each != device]
        leaving = [each for each in self._devices if each.removed_by]
        if leaving and self._random.random() < 0.5:
            self.remove(leaving[0])
        elif others and not any(each.removed_by for each in (device, *others)):
            device.removed_by = self._random.choice([*others, device]).token
            device.leaves_since = self._world.now
            self.remove(device)

    def removed_device_acts(self) -> None:
        """Its connection may be open still; otherwise it tries whatever needs its sign-in."""
        if not self.gone:
            return
        device = self._random.choice(self.gone)
        if device.removed_by == device.token:
            return  # its sign-in goes on
        if self._world.now - device.leaves_since > SIGN_IN_SECONDS:
            return  # its last token has expired
        what = self._random.choice(self._needing_a_sign_in(device))
        self._request(device, *what, lambda task, got: self._access.rejected(device, task, got))

    def _needing_a_sign_in(self, device: Device) -> list[tuple[str, str, Any]]:
        path, chat = f"/api/devices/{device.name}", self._random.choice(self.chats)
        peer = self._random.choice([person for person in PEOPLE if person != device.user])
        reads = ("devices", "account", "contacts", "settings", "chats", f"chats/{chat}/messages")
        return [
            *(("GET", f"/api/{each}", None) for each in (*reads, f"users/{peer}/devices")),
            ("PUT", path, registration(device.address)),
            ("POST", f"{path}/one-time-keys", upload(device.address, device.uploads)),
            ("POST", "/api/keys/claim", {"devices": [f"{peer}/phone"]}),
            ("POST", "/api/tickets", {"device": device.name}),
            ("DELETE", "/api/devices/phone", None),
            ("POST", "/api/sign-out", {"everywhere": True}),
            ("POST", "/api/chats", {"kind": "group", "members": [peer]}),
            ("POST", f"/api/chats/{self.group}/members", {"add": ["anna"]}),
            ("POST", f"/api/chats/{self.group}/leave", None),
            ("PUT", f"/api/contacts/{peer}", {"state": "blocked"}),
            ("PUT", "/api/settings", {"receipts": False}),
        ]

    def removed_device_sends(self) -> None:
        """Its connection may be open still."""
        if self.gone:
            self._clients.send_whatever(self._random.choice(self.gone))

    def members_change(self) -> None:
        device = self._random.choice([each for each in self._devices if each.user != "anna"])
        change = {self._random.choice(("add", "remove")): [self._random.choice(("mira", "anna"))]}
        self.change(device, change)

    def group_begins(self) -> None:
        """With ravi, who writes in the end, wherever that is."""
        others = self._random.sample(PEOPLE[1:], 2)
        founder = self._random.choice([each for each in self._devices if each.user == "ravi"])

        def answered(_task: Invocation, got: Answer) -> None:
            if got.status == 201:
                self.chats.append(got.body["chat"])

        if len(self.chats) < CHATS:
            body = {"kind": "group", "members": others}
            self._request(founder, "POST", "/api/chats", body, answered)

    def leaves_for_good(self) -> None:
        device = self._random.choice(self._devices)
        if device.user not in ("mira", "anna"):
            return

        def answered(task: Invocation, got: Answer) -> None:
            if got.status == 200:
                self._access.leaves(device.user, self.group, task)

        self._request(device, "POST", f"/api/chats/{self.group}/leave", None, answered)

    def joins(self) -> None:
        """A group to which the user is invited, or not."""
        device = self._random.choice(self._devices)
        self._access.may_join(device.user, self.group)
        self._request(device, "POST", f"/api/chats/{self.group}/accept")

    def lists_chats(self) -> None:
        device = self._random.choice(self._devices)

        def answered(task: Invocation, got: Answer) -> None:
            if got.status == 200:
                self._access.chats(device.user, task, got.body)

        self._request(device, "GET", "/api/chats", None, answered)

    def looks_up_devices(self) -> None:
        device, person = self._random.choice(self._devices), self._random.choice(PEOPLE)

        def answered(task: Invocation, got: Answer) -> None:
            if got.status == 200:
                self._access.devices(person, task, got.body)

        self._request(device, "GET", f"/api/users/{person}/devices", None, answered)

    def reads_back(self) -> None:
        device, chat = self._random.choice(self._devices), self._random.choice(self.chats)
        self.read_back(device, chat, self._random.randint(0, 8))

    def read_back(self, device: Device, chat: str, after: int) -> None:
        query = f"after={after}&limit=5&device={device.name}"

        def answered(task: Invocation, got: Answer) -> None:
            if got.status == 200:
                self._access.history(device, chat, after, task, got.body)

        path = f"/api/chats/{chat}/messages"
        self._request(device, "GET", path, None, answered, query)

    def uploads_keys(self) -> None:
        device = self._random.choice(self._devices)
        if self._random.random() < 0.5:
            device.uploads += 1
        body = upload(device.address, device.uploads)
        self._request(device, "POST", f"/api/devices/{device.name}/one-time-keys", body)

    def claims_keys(self) -> None:
        device = self._random.choice(self._devices)
        addresses = [each.address for each in self._devices if self._random.random() < 0.5]

        def answered(_task: Invocation, got: Answer) -> None:
            if got.status == 200:
                self._access.claimed(got.body["keys"])

        if addresses:
            body = {"devices": addresses}
            self._request(device, "POST", "/api/keys/claim", body, answered)

    # -- of a device

    def add(self, person: str, name: str) -> None:
        self.new.append(Device(person, name, has_push=self._random.random() < 0.7))
        self.register(self.new[-1])

    def register(self, device: Device) -> None:
        body = dict(registration(device.address))
        if not device.has_push:
            del body["push"]

        def answered(_task: Invocation, got: Answer) -> None:
            if got.status == 200 and device in self.new:
                self.new.remove(device)
                self._devices.append(device)
                device.seen_at = self._world.now

        self._request(device, "PUT", f"/api/devices/{device.name}", body, answered)

    def change(self, device: Device, members: dict[str, list[str]]) -> None:
        self._request(device, "POST", f"/api/chats/{self.group}/members", members)

    def remove(self, device: Device) -> None:
        def answered(_task: Invocation, got: Answer) -> None:
            if got.status == 204 and device in self._devices:
                self._devices.remove(device)
                self.gone.append(device)
                self._access.removed[device.address] = self._world.now

        path = f"/api/devices/{device.name}"
        self._request(device, "DELETE", path, None, answered, token=device.removed_by)

    def complete(self) -> None:
        """Who was registering or removing goes on until it is done."""
        for device in list(self.new):
            self.register(device)
        for device in list(self._devices):
            if device.removed_by:
                self.remove(device)

    def ask(self, device: Device, method: str, path: str, body: Any = None) -> None:
        """Whatever the response is."""
        self._request(device, method, path, body)

    def _request(
        self,
        device: Device,
        method: str,
        path: str,
        body: Any = None,
        answered: Callable[[Invocation, Answer], None] = lambda _task, _got: None,
        query: str = "",
        token: str = "",
    ) -> None:
        """`answered` unless the function ended before."""
        joined = self._access.joined_by(device.user)

        def ended(task: Invocation) -> None:
            if not task.failed:
                self._world.say(f"  {method} {path}: {task.result}")
                task.joined = joined
                answered(task, task.result)

        self._world.invoke(
            f"{method} {path} of {device.address}",
            lambda: self._rest.request(method, path, token or device.token, body, query),
            ended,
            API_SECONDS,
        )
