"""Costs of a message: the real handlers over an emulated DynamoDB, each call recorded and priced.

Emulators report constant capacity, so units are computed from the bytes of the items. Two things
are assumed, not measured, because they need AWS: a call takes ROUND_TRIP_MS, and a post costs the
function POST_MS of its share of a CPU; with the memory in stacks/config/functions.py they give the
billed duration. Payloads are real ciphertexts of a line of text (bench/payloads.py).
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import patch

from bench import payloads, prices
from bench.capacity import item_bytes, read_units, write_units
from bench.scene import ENDPOINT, MESSAGE_ID, add_chat, add_users, addresses, emulated, event
from bench.table import Row, within
from lambdas.api.call import Call, SignIn
from lambdas.api.files import download, upload
from lambdas.connections import Outcome
from lambdas.delivery.push import push
from lambdas.delivery.receipt import receipt
from lambdas.delivery.watermarks import receipt_interval
from lambdas.frames import encode
from lambdas.messages.send import send
from lambdas.notifications.endpoints import OWNER
from lambdas.notifications.push_jobs import Job
from lambdas.presence.leaseholder import with_lease
from lambdas.settings import Aws
from lambdas.tables import HEAD, chat_key, user_key
from lambdas.websocket import frame_handler
from stacks.config.functions import FunctionSizes
from stacks.config.tables import TABLES
from tools.scale.acts import POST_MS, ROUND_TRIP_MS

FUNCTIONS = FunctionSizes()
CALL_DELAY_SECONDS = 0.02  # makes calls that run side by side overlap, so that rounds are visible


class AwsCall(NamedTuple):
    """One call to AWS, with what it consumed; started and ended in seconds."""

    name: str
    started: float
    ended: float
    reads: float = 0
    writes: int = 0
    pushes: int = 0


@dataclass
class Bill:
    """What one invocation did, and what a million of it cost."""

    calls: list[AwsCall] = field(default_factory=list)
    websocket_messages: int = 0  # in and out, each started 32 KB
    posts: int = 0
    memory_mb: int = 512
    pushes: int = 0
    job: "Bill | None" = None  # the push function's, for one job

    @property
    def writes(self) -> int:
        return sum(call.writes for call in self.calls)

    @property
    def reads(self) -> float:
        return sum(call.reads for call in self.calls)

    @property
    def rounds(self) -> int:
        """Length of the longest chain of calls of which each began after the one before ended."""
        chain, free_at = 0, 0.0
        for call in sorted(self.calls, key=lambda call: call.ended):
            if call.started >= free_at:
                chain, free_at = chain + 1, call.ended
        return chain

    @property
    def duration_ms(self) -> float:
        return self.rounds * ROUND_TRIP_MS + self.posts * POST_MS

    @property
    def dollars_per_million(self) -> float:
        # a job is sent to the queue, received and deleted; the push function publishes once
        one = (
            self.writes * prices.DYNAMODB_WRITE_UNIT
            + self.reads * prices.DYNAMODB_READ_UNIT
            + self.websocket_messages * prices.WEBSOCKET_MESSAGE
            + prices.LAMBDA_REQUEST
            + self.duration_ms / 1000 * self.memory_mb / 1024 * prices.LAMBDA_GB_SECOND
            + self.pushes * (3 * prices.SQS_FIFO_REQUEST + prices.SNS_MOBILE_PUSH)
        )
        jobs = self.pushes * self.job.dollars_per_million if self.job else 0.0
        return one * prices.MILLION + jobs


class Recorder:
    """Watches boto3 clients; DynamoDB requests are priced by the items they touch."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader  # an unwatched client, to look at items before and after
        self._lock = threading.Lock()
        self.calls: list[AwsCall] = []

    def watch(self, client: Any) -> None:
        events = client.meta.events
        service = client.meta.service_model.service_name
        events.register(f"before-parameter-build.{service}", self._before)
        events.register(f"after-call.{service}", self._after)

    def unwatch(self, client: Any) -> None:
        service = client.meta.service_model.service_name
        client.meta.events.unregister(f"before-parameter-build.{service}", self._before)
        client.meta.events.unregister(f"after-call.{service}", self._after)

    def _before(
        self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        context["bench"] = (params, time.monotonic(), self._stored_bytes(model.name, params))
        time.sleep(CALL_DELAY_SECONDS)

    def _after(self, parsed: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
        params, started, before = context["bench"]
        reads = 0.0
        after = self._stored_bytes(model.name, params)
        writes = sum(map(write_units, map(max, before, after)))
        if model.name == "TransactWriteItems":
            writes *= 2  # DynamoDB's pricing: each item is prepared and committed
        if model.name == "BatchGetItem":
            for table, asked in params["RequestItems"].items():
                sizes = [item_bytes(item) for item in parsed["Responses"].get(table, [])]
                absent = len(asked["Keys"]) - len(sizes)
                consistent = asked.get("ConsistentRead", False)
                reads += sum(read_units(n, consistent=consistent) for n in sizes + [0] * absent)
        elif model.name == "GetItem":
            size = item_bytes(parsed.get("Item", {}))
            reads = read_units(size, consistent=params.get("ConsistentRead", False))
        elif model.name == "Query":
            size = sum(item_bytes(item) for item in parsed["Items"])
            reads = read_units(size, consistent=params.get("ConsistentRead", False))
        name = f"{model.service_model.service_name}:{model.name}"
        pushes = len(params.get("Entries", [params])) if name.startswith("sqs") else 0
        self.add(AwsCall(name, started, time.monotonic(), reads, writes, pushes))

    def add(self, call: AwsCall) -> None:
        with self._lock:
            self.calls.append(call)

    def _stored_bytes(self, operation: str, params: dict[str, Any]) -> list[int]:
        """Of each item that is written, before or after."""
        written: list[tuple[str, Any]] = []
        if operation in ("UpdateItem", "PutItem", "DeleteItem"):
            written = [(params["TableName"], params)]
        elif operation == "TransactWriteItems":
            bodies = [body for action in params["TransactItems"] for body in action.values()]
            written = [(body["TableName"], body) for body in bodies]
        elif operation == "BatchWriteItem":
            requests = params["RequestItems"].items()
            written = [
                (name, body) for name, of in requests for each in of for body in each.values()
            ]
        found = []
        for name, body in written:
            source = body.get("Key") or body["Item"]
            keys = {key: source[key] for key in TABLES[name.capitalize()].keys}
            found.append(self._item_bytes(name, keys))
        return found

    def _item_bytes(self, table: str, keys: dict[str, Any]) -> int:
        found = self._reader.get_item(TableName=table, Key=keys, ConsistentRead=True)
        return item_bytes(found.get("Item", {}))


@contextmanager
def recorded_posts(connections: Any, recorder: Recorder) -> Iterator[list[int]]:
    """Takes the posts: what each sends, in started 32 KB. All of them together are one round."""
    sent: list[int] = []
    spans: list[tuple[float, float]] = []

    def post(post: Any) -> Outcome:
        started = time.monotonic()
        time.sleep(CALL_DELAY_SECONDS)
        sent.append(websocket_units(post.frame))
        spans.append((started, time.monotonic()))
        return Outcome.DELIVERED

    connections.post = post
    yield sent
    if spans:
        first, last = min(span[0] for span in spans), max(span[1] for span in spans)
        recorder.add(AwsCall("connections:Post", first, last))


def websocket_units(frame: Any) -> int:
    text = frame if isinstance(frame, str) else encode(frame)
    return -(-len(text.encode()) // prices.WEBSOCKET_MESSAGE_BYTES)


@dataclass(frozen=True)
class Scenario:
    """One message to a chat of `members`, all of them online or all but the sender away."""

    name: str
    members: int
    online: bool
    users_online: int = 10
    budget: float | None = None  # US$ per million
    devices: int = 1  # of each user


SCENARIOS = (
    Scenario("1:1, recipient online, 10 users online", 2, True, 10, 5.00),
    Scenario("1:1, recipient online, 10,000 users online", 2, True, 10_000, 5.00),
    Scenario("1:1, both with two devices, all online", 2, True, devices=2),
    Scenario("1:1, recipient offline, with the push", 2, False),
    Scenario("group of 10, all online", 10, True),
    Scenario("group of 100, all online, 10 users online besides", 100, True, 10, 115.0),
    Scenario("group of 100, all online, 10,000 users online", 100, True, 10_000, 115.0),
    Scenario("group of 10, all others offline, with the pushes", 10, False),
)
RECEIPTS_PER = 10  # messages that one receipt acknowledges
MESSAGES_PER_KEY = 100  # that a group's session is good for


def rows() -> list[Row]:
    bills = [(scenario, send_bill(scenario)) for scenario in SCENARIOS]
    result = [_row(scenario.name, bill, scenario.budget) for scenario, bill in bills]
    result += group_key_rows(100)
    online = bills[0][1].dollars_per_million
    receipt, purge = receipt_bill(2, read=10), prices.DYNAMODB_WRITE_UNIT * prices.MILLION
    ticks = online + 2 * receipt.dollars_per_million / RECEIPTS_PER
    result.append(_row("one receipt frame, posted to one sender", receipt))
    result.append(
        within(f"1:1 online with delivered and read, {RECEIPTS_PER}:1", ticks, 5.80, "US$")
    )
    result += group_receipt_rows(100, bills[5][1].dollars_per_million)
    result.append(file_row(300_000))
    result.append(Row("purge after delivery, a message of up to 1 KB, besides", f"{purge:.2f} US$"))
    return result


def _row(name: str, bill: Bill, budget: float | None = None) -> Row:
    calls = Counter(call.name.split(":")[1] for call in bill.calls)
    if bill.posts:
        calls["Post"] = bill.posts
    figure = (
        f"{bill.dollars_per_million:.2f} US$: {bill.rounds} rounds, {bill.writes} WRU, "
        f"{bill.reads:g} RRU, {bill.websocket_messages} WebSocket messages; "
        + ", ".join(f"{count} {call}" for call, count in calls.items())
    )
    if budget is None:
        return Row(name, figure)
    return Row(name, figure, f"≤ {budget:g} US$", bill.dollars_per_million <= budget)


def send_bill(scenario: Scenario) -> Bill:
    with emulated() as services:
        members = [f"member_{n:03d}" for n in range(scenario.members)]
        add_users(services, members[:1], online=True, devices=scenario.devices)
        add_users(services, members[1:], online=scenario.online, devices=scenario.devices)
        add_users(services, [f"else_{n:05d}" for n in range(scenario.users_online)], online=True)
        chat = add_chat(services, members)
        sender, *others = addresses(members, scenario.devices)
        if scenario.members == 2:
            sealed = payloads.direct_text(chat, sender, others)
        else:
            sealed = payloads.group_text(chat, sender)
        bill = _send_bill(services, members[0], chat, sealed)
        if bill.pushes:
            bill.job = _job_bill(services, members[1], chat)
        return bill


def _job_bill(services: Aws, user: str, chat: str) -> Bill:
    """A run of the push function that rings one device."""
    services.users.put({**user_key(f"push#{ENDPOINT}", OWNER), "held_by": f"{user}/phone"})
    vars(services)["sns"] = SimpleNamespace(publish=lambda **_: None)
    recorder = Recorder(Aws(services.settings).dynamodb)
    recorder.watch(services.dynamodb)
    push(services, Job(user, chat))
    return Bill(calls=recorder.calls, memory_mb=FUNCTIONS.push.memory)


def group_key_rows(members: int) -> list[Row]:
    """What it costs to give a new session's key to a group that is all online."""
    with emulated() as services:
        users = [f"member_{n:03d}" for n in range(members)]
        add_users(services, users, online=True)
        chat = add_chat(services, users)
        sender, *others = addresses(users, 1)
        keys = payloads.group_key(chat, sender, others)
        bills = [_send_bill(services, users[0], chat, sealed) for sealed in keys]
    dollars = sum(bill.dollars_per_million for bill in bills)
    writes = sum(bill.writes for bill in bills)
    name = f"group of {members}, a new session's key, in {len(bills)} frames"
    each = f"; {dollars / MESSAGES_PER_KEY:.2f} a message where a key serves {MESSAGES_PER_KEY}"
    return [Row(name, f"{dollars:.2f} US$: {writes} WRU{each}")]


def _send_bill(services: Aws, user: str, chat: str, sealed: payloads.Sealed) -> Bill:
    frame: dict[str, Any] = {"action": "send", "message_id": MESSAGE_ID, "chat": chat}
    frame |= sealed.fields()
    return bill(services, {"send": send}, user, frame, FUNCTIONS.send.memory)[0]


def group_receipt_rows(members: int, message: float) -> list[Row]:
    """What delivered receipts add in a group that is all online, at one message a second."""
    one = receipt_bill(members, delivered=10)
    each = one.dollars_per_million * (members - 1)
    coalesced = each / receipt_interval(members)
    name = f"group of {members}, all online, with delivered receipts"
    return [
        Row(f"{name}, one for each message", f"{message + each:.2f} US$: {members - 1} receipts"),
        Row(
            f"{name}, coalesced, at a message a second",
            f"{message + coalesced:.2f} US$: {(members - 1) / receipt_interval(members):.1f} "
            f"receipts, {one.dollars_per_million:.2f} US$ each",
        ),
    ]


def file_row(size: int) -> Row:
    """What a picture costs besides its message: a form and a URL of the API, with the two requests
    of S3 that these are for. Storage and transfer grow with its size, and are not in it."""
    with emulated() as services:
        users = ["member_000", "member_001"]
        add_users(services, users, online=True)
        chat = add_chat(services, users)
        recorder = Recorder(Aws(services.settings).dynamodb)
        recorder.watch(services.dynamodb)
        form = upload(_call(services, users[0], {"chat": chat}, {"size": size})).body or {}
        put = Bill(calls=list(recorder.calls), memory_mb=FUNCTIONS.api.memory)
        recorder.calls.clear()
        download(_call(services, users[1], {"chat": chat, "file": form["file"]}, {}))
        got = Bill(calls=list(recorder.calls), memory_mb=FUNCTIONS.api.memory)
    sent = put.dollars_per_million + prices.S3_POST * prices.MILLION
    fetched = got.dollars_per_million + prices.S3_GET * prices.MILLION
    return Row(
        "a picture, besides its message: sent / got, each time",
        f"{sent:.2f} / {fetched:.2f} US$: {put.writes} / {got.writes} WRU, 1 S3 request each",
    )


def _call(services: Aws, user: str, path: dict[str, str], body: dict[str, Any]) -> Call:
    return Call(services, "bench", SignIn(user, "sign-in", 0, ""), path, {}, body)


def receipt_bill(members: int, **marks: int) -> Bill:
    """A receipt that moves these marks, posted to one sender."""
    with emulated() as services:
        users = [f"member_{n:03d}" for n in range(members)]
        add_users(services, users, online=True)
        chat = add_chat(services, users)
        frame = {"action": "receipt", "chat": chat, "senders": users[:1], **marks}
        services.chats.update(chat_key(chat, HEAD), "SET seq = :ten", ten=10)
        routes = {"receipt": with_lease(receipt)}
        return bill(services, routes, users[1], frame, FUNCTIONS.receipt.memory)[0]


def bill(
    services: Aws, route: dict[str, Any], user: str, frame: dict[str, Any], memory: int
) -> tuple[Bill, dict[str, Any]]:
    """What one frame costs, and the response to it."""
    recorder = Recorder(Aws(services.settings).dynamodb)
    recorder.watch(services.dynamodb)
    recorder.watch(services.sqs)
    handler = frame_handler(route, lambda: services)
    # how long an emulated read of a thousand items takes is no measure of DynamoDB
    with (
        patch("lambdas.messages.send.WITHIN_SECONDS", 600),
        recorded_posts(services.connections, recorder) as sent,
    ):
        result = handler(event(user, frame), SimpleNamespace())
    body = result.get("body")
    response: dict[str, Any] = json.loads(body) if body else {}
    if response.get("type") == "error":
        raise RuntimeError(f"the handler returned an error: {body}")
    pushes = sum(call.pushes for call in recorder.calls)
    cost = Bill(
        calls=list(recorder.calls),
        websocket_messages=websocket_units(frame)
        + (websocket_units(body) if body else 0)
        + sum(sent),
        posts=len(sent),
        memory_mb=memory,
        pushes=pushes,
    )
    return cost, response
