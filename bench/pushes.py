"""The number of rings: the real handlers over models of DynamoDB and SQS, on their own clock.

The push function runs after each message, as fast as jobs come; the delivery watch looks every
five seconds, as its event source does.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from bench.scene import ENDPOINT, ENVIRONMENT, add_chat, add_users, event
from bench.table import Row
from lambdas.attribute_values import to_wire
from lambdas.connections import Outcome
from lambdas.delivery.delivery_watch import watch
from lambdas.delivery.push import push
from lambdas.delivery.receipt import receipt
from lambdas.messages.send import send
from lambdas.notifications.endpoints import OWNER
from lambdas.presence.devices import Devices
from lambdas.settings import Aws, Settings
from lambdas.tables import chat_key, message_item, user_key
from lambdas.telemetry import metrics
from lambdas.websocket import frame_handler
from tests.model.dynamodb import DynamoDB
from tests.support.backend.push_queue import FifoQueue

CHATS = 10
TEXTS = 200
HIDDEN = 60  # room keys and the like among them
BURST = 1000
BURST_SECONDS = 0.05  # between its messages
WINDOW_SECONDS = 5  # the delivery watch's


@dataclass
class Day:
    """raju's devices, his friends, and a clock that the bench moves."""

    time: float = field(default_factory=time.time)
    pushes: Counter[str] = field(default_factory=Counter)
    jobs: int = 0
    sent: int = 0
    waiting: list[dict[str, Any]] = field(default_factory=list)  # of the delivery watch

    def __post_init__(self) -> None:
        self.queue = FifoQueue(lambda: self.time)
        self.services = Aws(Settings({**ENVIRONMENT, "PUSH_QUEUE_URL": "https://queue"}))
        vars(self.services).update(
            now=lambda: self.time,
            dynamodb=DynamoDB({"chats": ("chat", "item"), "users": ("user", "item")}),
            sqs=SimpleNamespace(send_message=lambda **message: self.queue.accept(message)),
            sns=SimpleNamespace(publish=self._publish),
            connections=SimpleNamespace(
                post_all=lambda posts, _within=0: [Outcome.DELIVERED for _ in posts]
            ),
        )
        routes: Any = {"send": send, "receipt": receipt}
        self._handle = frame_handler(routes, lambda: self.services)

    def _publish(self, **request: Any) -> None:
        data = json.loads(json.loads(request["Message"])["GCM"])["fcmV1Message"]["message"]["data"]
        self.pushes["ring" if "message_id" in data else "taking back"] += 1

    def sends(self, friend: str, chat: str, *, hidden: bool = False) -> int:
        self.sent += 1
        frame = {"action": "send", "chat": chat, "message_id": f"{self.sent:026d}"}
        frame |= {"alg": "megolm.v1", "payload": "x" * 600}
        accepted = self._frame(friend, frame | ({"hidden": True} if hidden else {}))
        seq = int(accepted["seq"])
        item = self.services.chats.get(chat_key(chat, message_item(seq)))
        change = {"Keys": chat_key(chat, message_item(seq)), "NewImage": item}
        record = {name: to_wire(value or {}) for name, value in change.items()}
        self.waiting.append(
            {"eventName": "INSERT", "dynamodb": {**record, "SequenceNumber": str(self.sent)}}
        )
        return seq

    def reads(self, chat: str, seq: int) -> None:
        """On the laptop."""
        frame = {"action": "receipt", "chat": chat, "read": seq, "senders": []}
        self._frame("raju", frame, device="laptop")

    def _frame(self, user: str, frame: dict[str, Any], device: str = "phone") -> dict[str, Any]:
        body = event(user, frame)
        body["requestContext"]["authorizer"]["device"] = device
        response = self._handle(body, SimpleNamespace())
        self.does_jobs()
        returned: dict[str, Any] = json.loads(response.get("body", "{}"))
        if returned.get("type") == "error":
            raise RuntimeError(f"the handler returned an error: {returned}")
        return returned

    def passes(self, seconds: float) -> None:
        self.time += seconds

    def watches(self) -> None:
        records, self.waiting = self.waiting, []
        for start in range(0, len(records), 100):
            watch(self.services, {"Records": records[start : start + 100]}, lambda _: None)
            self.does_jobs()

    def does_jobs(self) -> None:
        while batch := self.queue.batch():
            for queued in batch:
                self.jobs += 1
                push(self.services, queued.job)
            self.queue.done(batch, failed=())
        metrics.clear_metrics()  # Powertools prints them at each hundredth


def rows() -> list[Row]:
    return [*_day(), *_burst()]


def _begin(friends: Iterable[str]) -> Day:
    day = Day()
    users = day.services.users
    add_users(day.services, ["raju"], online=False)
    add_users(day.services, list(friends), online=True)
    users.put({**user_key(f"push#{ENDPOINT}", OWNER), "held_by": "raju/phone"})
    Devices(users).register("raju", "laptop")
    return day


def _day() -> list[Row]:
    """Half of the texts are read on the laptop, three seconds after they came."""
    friends = [f"friend_{number}" for number in range(CHATS)]
    day = _begin(friends)
    chats = [add_chat(day.services, [friend, "raju"]) for friend in friends]
    devices = Devices(day.services.users)
    for number in range(TEXTS):
        friend, chat = friends[number % CHATS], chats[number % CHATS]
        if number % 40 == 0:
            devices.connect("raju", "laptop", "laptop=", int(day.time * 1000))
        elif number % 40 == 20:
            devices.disconnect("raju", "laptop", "laptop=", day.time)
        if number * HIDDEN // TEXTS != (number + 1) * HIDDEN // TEXTS:
            day.sends(friend, chat, hidden=True)
        seq = day.sends(friend, chat)
        day.passes(3)
        if number % 40 < 20:
            day.reads(chat, seq)
        day.passes(WINDOW_SECONDS)
        day.watches()
        day.passes(400)
    rings, back = day.pushes["ring"], day.pushes["taking back"]
    what = f"a day of a phone and a laptop: {TEXTS} texts in {CHATS} chats, {HIDDEN} hidden frames"
    measured = f"{rings} rings, {back} takings back, {day.jobs} jobs"
    return [Row(what, measured, f"{TEXTS // 2} rings", rings == TEXTS // 2)]


def _burst() -> list[Row]:
    day = _begin(["friend_0"])
    chat = add_chat(day.services, ["friend_0", "raju"])
    due = day.time + WINDOW_SECONDS
    for _ in range(BURST):
        day.sends("friend_0", chat)
        day.passes(BURST_SECONDS)
        if day.time >= due:
            day.watches()
            due = day.time + WINDOW_SECONDS
    day.passes(WINDOW_SECONDS)
    day.watches()
    what = f"{BURST:,} texts to a user who is away, one each {BURST_SECONDS * 1000:g} ms"
    return [Row(what, f"{day.jobs} jobs, {day.pushes['ring']} rings", "≤ 30 jobs", day.jobs <= 30)]
