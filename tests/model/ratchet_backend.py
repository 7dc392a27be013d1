"""The real handlers over the model's table, as one device after another talks to them."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from lambdas.api import announce
from lambdas.delivery import delivery_watch, receipt
from lambdas.errors import ChatError
from lambdas.frames import Frame
from lambdas.keys import decisions
from lambdas.keys.directory import Change, Directory
from lambdas.keys.limit import ClaimLimit
from lambdas.messages import send, sync
from lambdas.messages.chats import Changed, Chats
from lambdas.presence import connection
from lambdas.presence.devices import Devices
from lambdas.presence.leaseholder import cutting_off, with_lease
from lambdas.websocket import Caller, frame_handler
from tests.client.fake_backend import Post, Refused
from tests.model.world import Socket, World

ZERO = 1_800_000_000.0


class Posts:
    """Stands where a socket keeps what was posted to it."""

    def __init__(self, post: Post) -> None:
        self.append = post


class RatchetBackend:
    """What crypto_scene's devices need of a backend. `now` in seconds since the beginning."""

    def __init__(self) -> None:
        self.world = World(1)
        self.world.faults = False  # what fails here is chosen by the test
        self.services = self.world.services
        self._serial = 0
        tables = self.services.chats, self.services.users
        self.chats = Chats(*tables, sleep=lambda _: None, new_id=self._new_id)
        self.registry = Devices(self.services.users)
        self.directory = Directory(
            self.services.users, sleep=lambda _: None, clock=self.services.now
        )
        routes = {
            "send": cutting_off(send.send),
            "sync": with_lease(sync.sync),
            "receipt": with_lease(receipt.receipt),
        }
        self._handle = frame_handler(routes, lambda: self.services)
        self._sockets: dict[tuple[str, str], Socket] = {}

    @property
    def now(self) -> float:
        return self.world.now - ZERO

    @now.setter
    def now(self, now: float) -> None:
        self.world.now = ZERO + now

    def _new_id(self) -> str:
        self._serial += 1
        return f"id{self._serial}"

    def _call(self, work: Callable[[], Any]) -> Any:
        before = self.world.now
        result = self.world.call("call", work)
        self.world.now = before + 0.001
        return result

    # -- connections

    def connect(self, user: str, device: str, post: Post) -> None:
        socket = Socket(self._new_id(), user, device)
        socket.inbox = Posts(post)  # type: ignore[assignment] # only ever appended to
        self.world.sockets[socket.connection_id] = socket
        self._sockets[user, device] = socket
        self.world.now += 0.01  # of two connections the later one counts
        at = int(self.world.now * 1000)
        caller = Caller(user, device, socket.connection_id)
        response = self._call(lambda: connection.connect(self.services, caller, at))
        assert response["statusCode"] == 200, response
        socket.state, socket.opened_at = "open", self.world.now

    def disconnect(self, user: str, device: str, post: Post) -> None:
        socket = self._sockets.pop((user, device))
        socket.state = "closed"
        caller = Caller(user, device, socket.connection_id)
        self._call(lambda: connection.disconnect(self.services, caller))

    def handle(self, user: str, device: str, frame: Frame) -> Frame | None:
        if frame["action"] == "ping":
            return {"type": "pong"}
        socket = self._sockets[user, device]
        authorizer = {"user": user, "device": device}
        context = {"connectionId": socket.connection_id, "authorizer": authorizer}
        event = {"requestContext": context, "body": json.dumps(frame)}
        response = self._call(lambda: self._handle(event, None))
        answer: Frame | None = json.loads(response["body"]) if "body" in response else None
        return answer

    # -- the key directory, as its routes do it

    def register(self, user: str, device: str, body: Frame) -> None:
        keys = decisions.device_keys(user, device, body)
        change = self._call(lambda: self.directory.put(user, device, keys))
        new = self._call(lambda: self.registry.register(user, device))
        if new or change is not Change.SAME:
            self._call(lambda: announce.devices_changed(self.services, user, device))

    def remove(self, user: str, device: str) -> None:
        self._call(lambda: self.registry.remove(user, device))
        self._call(lambda: self.directory.remove(user, device))
        self._call(lambda: announce.devices_changed(self.services, user, device))

    def upload(self, user: str, device: str, body: Frame) -> int:
        signer = self.directory.get(user, [device])[device].ed25519
        keys = decisions.one_time_keys(user, device, signer, body)
        fallback = decisions.fallback_key(user, device, signer, body)
        remaining = self._call(lambda: self.directory.upload(user, device, signer, keys, fallback))
        return int(remaining)

    def listed(self, user: str) -> Frame:
        registered = self.registry.of([user]).get(user, {})
        keys = self.directory.get(user, registered)
        return {name: keys[name].as_protocol() for name in sorted(keys)}

    def claim(self, names: list[str], by: str) -> Frame:
        limit = ClaimLimit(self.services.users, self.services.now)
        allowed = [name for name in names if limit.allows(by, name)]
        if not allowed:
            raise Refused("rate_limited", "too many claims")
        claimed = {}
        for name in allowed:
            user, _, device = name.partition("/")
            key = self._call(partial(self.directory.claim, user, device))
            if key is not None:
                claimed[name] = key.as_protocol()
        return claimed

    # -- chats

    def sign_up(self, user: str) -> None:
        self._call(lambda: self.registry.create_user(user))

    def direct(self, one: str, other: str) -> str:
        return str(self._call(lambda: self.chats.direct(one, other))[0].chat)

    def group(self, user: str, *others: str) -> str:
        return str(self._call(lambda: self.chats.group(user, others)).chat)

    def change_members(self, chat: str, add: list[str], remove: list[str]) -> None:
        """By anybody who is in it."""
        (by, *_) = sorted(self.members(chat) - set(remove))
        changes: list[Changed] = []
        try:
            self._call(lambda: self.chats.change(by, chat, add, remove, changes.append))
        except ChatError:
            return
        self._call(lambda: announce.members_changed(self.services, chat, changes))

    def members(self, chat: str) -> set[str]:
        key = {"chat": {"S": chat}, "item": {"S": "head"}}
        head = self.world.database.get_item(TableName="Chats", Key=key, ConsistentRead=True)
        return set(head["Item"]["members"]["SS"])

    # -- what happens by itself

    def watch(self) -> None:
        """The delivery watch: nudges who is behind, removes what everybody has."""
        records = list(self.world.stream)
        if not records:
            return
        waited: list[float] = []
        answer = self._call(
            lambda: delivery_watch.watch(self.services, {"Records": records}, waited.append)
        )
        self.world.now += sum(waited)
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        done = 0
        for record in records:
            if record["dynamodb"]["SequenceNumber"] in failed:
                break
            done += 1
        for _ in range(done):
            self.world.stream.popleft()

    def joined(self, chat: str, user: str) -> int:
        """The newest seq of the chat when the user came into it."""
        key = {"chat": {"S": chat}, "item": {"S": f"member#{user}"}}
        found = self.world.database.get_item(TableName="Chats", Key=key, ConsistentRead=True)
        return int(found["Item"]["joined_seq"]["N"])
